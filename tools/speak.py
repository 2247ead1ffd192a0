"""Say a text in a voice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    output: Annotated[Path, typer.Option(help="file to write: .wav, .flac or .ogg")],
    text: Annotated[str, typer.Option(help="what is said")] = "",
    text_file: Annotated[Path | None, typer.Option(help="file with what is said, UTF-8")] = None,
    language: Annotated[
        str, typer.Option(help="of the text: auto, zh, en, ja, ko, yue, all_zh, all_ja, ...")
    ] = "auto",
    voice: Annotated[
        Path | None, typer.Option(help="folder of a voice, or its name in voices/; instead of weights")
    ] = None,
    sovits: Annotated[Path | None, typer.Option(help="SoVITS weights [pretrained_models/tiny]")] = None,
    gpt: Annotated[Path | None, typer.Option(help="GPT weights [pretrained_models/tiny]")] = None,
    content: Annotated[Path | None, typer.Option(help="content encoder's folder [the family's]")] = None,
    reference: Annotated[
        list[Path] | None,
        typer.Option(help="recording of the voice, best 3 to 10 s; further ones give timbre only"),
    ] = None,
    reference_text: Annotated[str, typer.Option(help="what the first reference says")] = "",
    reference_language: Annotated[str, typer.Option(help="language of that text")] = "auto",
    seed: Annotated[int, typer.Option(min=-1, help="the same seed says it the same way; -1: any")] = -1,
    subtitles: Annotated[
        list[Path] | None, typer.Option(help="file to write too: .srt, .vtt or .json; may be given again")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="write what became of every sentence, as JSON")] = None,
    parts: Annotated[
        Path | None, typer.Option(help="folder for one file a sentence; the same command then goes on")
    ] = None,
    redo: Annotated[
        list[int] | None, typer.Option(help="with --parts: say this sentence (from 1) another way")
    ] = None,
    phones: Annotated[
        Path | None,
        typer.Option(help='JSON of phones to say instead: [{"sentence": 1, "text": "Hi.", "phones": ["HH", "AY1"]}]'),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE: top_k, top_p, temperature, repetition_penalty, speed, pause, cut, "
                     "ref_free, batch_size, verify, candidates, retries, guidance, loudness, trim, noise_scale"),
    ] = None,
    whisper: Annotated[
        Path | None, typer.Option(help="folder of a faster-whisper model that listens to every sentence too")
    ] = None,
    bert: Annotated[
        Path | None,
        typer.Option(help="BERT folder for Mandarin; default: chinese-roberta-wwm-ext-large where fetched"),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N, mps")] = "auto",
    precision: Annotated[
        str, typer.Option(help="of the GPT: auto (the fastest that says the same), float32, bfloat16, int8")
    ] = "auto",
    workspace: Annotated[Path | None, typer.Option(help="folder of the studio [that of webui.py]")] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:  # fmt: skip
    """Say a text in the voice of a reference clip; the file is marked as synthetic in its tags."""

    def work(sink: Events) -> None:
        from gsv.settings import workspace_of
        from gsv.synthesis.command import SpeakCommand, run_command

        command = SpeakCommand(
            output=output, text=text, text_file=text_file, language=language, voice=voice, sovits=sovits, gpt=gpt,
            content=content, references=tuple(reference or ()), reference_text=reference_text,
            reference_language=reference_language, seed=seed, subtitles=tuple(subtitles or ()), report=report,
            parts=parts, redo=tuple(redo or ()), phones=phones, settings=tuple(set_ or ()), whisper=whisper,
            device=device, precision=precision, bert=bert,
        )  # fmt: skip
        run_command(command, workspace_of(workspace), sink)

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
