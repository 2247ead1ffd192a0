"""Clips to an annotation list: what is said in each of them, with word times and confidence beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    source: Annotated[
        Path, typer.Option("--input", help="a clip, or a folder of clips of up to ten minutes")
    ],
    output: Annotated[Path, typer.Option("--output", help="the .list to write; .words.jsonl goes beside it")],
    language: Annotated[
        str, typer.Option(help="zh, en, ja, ko or yue; auto finds it for each clip")
    ] = "auto",
    model: Annotated[
        str,
        typer.Option(
            help="folder of a recogniser, or a name: tiny, base, small, medium, large-v2, large-v3, "
            "large-v3-turbo (faster-whisper), sensevoice-small (FunASR); auto: the best one that is here"
        ),
    ] = "auto",
    speaker: Annotated[str, typer.Option(help="speaker of all rows; default: the folder's name")] = "",
    beam: Annotated[int, typer.Option(min=1, max=20, help="hypotheses that Whisper follows at a time")] = 5,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="threads on the CPU; 0 chooses")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="transcribe all again, and give up corrections in the list")
    ] = False,
    workspace: Annotated[Path | None, typer.Option(help="default: the folder of webui.py")] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Write an annotation list (path|speaker|language|text) of clips; rows corrected by hand stay."""

    def work(sink: Events) -> None:
        import logging

        from gsv.listening.engines import EngineSettings
        from gsv.settings import workspace_of
        from gsv.stages.transcribe import TranscribeOptions, transcribe_recordings

        logging.getLogger("faster_whisper").setLevel(logging.WARNING)  # it says a line for each clip
        engine = EngineSettings(device, threads, beam)
        options = TranscribeOptions(language, model, speaker, engine, overwrite)
        transcribe_recordings(source, output, workspace_of(workspace).pretrained, options, events=sink)

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
