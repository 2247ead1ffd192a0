"""Recordings with music to the voice in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    source: Annotated[Path, typer.Option("--input", help="a recording or video, or a folder of them")],
    output: Annotated[
        Path, typer.Option("--output", help="folder of the voices; or a file, if the input is one")
    ],
    model: Annotated[
        str,
        typer.Option(
            help="built-in; or a separation model of tools/models.py list; or a UVR, MDX or RoFormer file: "
            "its path, or its name in pretrained_models/separation (models need the package audio-separator)"
        ),
    ] = "built-in",
    ending: Annotated[str, typer.Option("--format", help="wav, flac, mp3 or m4a")] = "wav",
    keep_rest: Annotated[
        bool, typer.Option("--keep-rest", help="write what was taken out as well, as NAME.music")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="processes; 0 chooses, the result is the same")] = 0,
    workspace: Annotated[
        Path | None, typer.Option(help="folder that holds pretrained_models/; default: webui.py's")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Take the voice out of music; results keep name, rate and length, and say what music is left."""

    def work(sink: Events) -> None:
        from gsv.settings import workspace_of
        from gsv.stages.separate import SeparateOptions, separate_recordings

        options = SeparateOptions(model, ending, keep_rest)
        models = workspace_of(workspace).pretrained
        separate_recordings(source, output, options, models=models, workers=workers, events=sink)

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
