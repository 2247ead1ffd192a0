"""Say what a recording says in another voice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    source: Annotated[Path, typer.Option(help="recording whose words are kept; any length")],
    reference: Annotated[
        list[Path], typer.Option(help="recording of the voice to speak with, best 3 to 10 s; may be repeated")
    ],
    output: Annotated[Path, typer.Option(help="file to write, .wav or .flac")],
    text: Annotated[
        str, typer.Option(help="what the source says; without it the source is listened to")
    ] = "",
    language: Annotated[str, typer.Option(help="language of the text: zh, en, ja, ko, yue")] = "",
    weights: Annotated[
        Path | None, typer.Option(help="voice to use, ours or published [pretrained_models/tiny]")
    ] = None,
    content: Annotated[
        Path | None, typer.Option(help="folder of the content encoder [the one of the voice's family]")
    ] = None,
    whisper: Annotated[
        Path | None,
        typer.Option(help="folder of a faster-whisper model, for voices that need to know the words"),
    ] = None,
    noise_scale: Annotated[
        float | None, typer.Option(min=0, max=2, help="liveliness; 0 is flat; default: the family's own")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.25, max=4, help="above 1 is faster")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="the same seed gives the same file")] = 0,
    window_seconds: Annotated[
        float,
        typer.Option(min=4, max=50, help="seconds that are converted at a time; less needs less memory"),
    ] = 20.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N, mps")] = "auto",
    workspace: Annotated[Path | None, typer.Option(help="folder of the studio [that of webui.py]")] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Say what a recording says in another voice; the file is marked as synthetic in its tags."""

    def work(sink: Events) -> None:
        from gsv.settings import choose_device, workspace_of
        from gsv.synthesis.conversion import ConversionOptions, convert_file
        from gsv.synthesis.loading import load_converter

        options = ConversionOptions(
            text=text, language=language, noise_scale=noise_scale, speed=speed, seed=seed,
            window_seconds=window_seconds,
        )  # fmt: skip
        converter = load_converter(workspace_of(workspace), weights, content, whisper, choose_device(device))
        report = convert_file(converter, source, reference, output, options, sink)
        sink.message(f"{report.output_seconds:.1f} s in {output}, seed {report.seed}")

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
