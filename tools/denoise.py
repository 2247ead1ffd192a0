"""Recordings with noise to recordings without it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    source: Annotated[Path, typer.Option("--input", help="a recording or video, or a folder of them")],
    output: Annotated[
        Path, typer.Option("--output", help="folder of the results; or a file, if the input is one")
    ],
    model: Annotated[str, typer.Option(help="rnnoise (built in) or deepfilternet3 (downloaded)")] = "rnnoise",
    strength: Annotated[float, typer.Option(help="share of the cleaned sound, above 0 up to 1")] = 0.7,
    ending: Annotated[str, typer.Option("--format", help="wav, flac, mp3 or m4a")] = "wav",
    workers: Annotated[int, typer.Option(min=0, help="processes; 0 chooses, the result is the same")] = 0,
    workspace: Annotated[
        Path | None, typer.Option(help="folder that holds pretrained_models/; default: webui.py's")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Take the noise out; results keep name, rate and length, and say how loud the noise was and is."""

    def work(sink: Events) -> None:
        from gsv.settings import workspace_of
        from gsv.stages.denoise import DenoiseOptions, denoise_recordings

        options = DenoiseOptions(model, strength, ending)
        models = workspace_of(workspace).pretrained
        denoise_recordings(source, output, options, models=models, workers=workers, events=sink)

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
