"""32 kHz waves to speaker vectors: writes 7-sv_cn of an experiment of a Pro family."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    experiment: Annotated[str, typer.Option(help="name of the experiment, a folder in logs/")],
    speaker: Annotated[
        Path | None, typer.Option(help="speaker network of the Pro families; default: the published one")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N, mps or xpu")] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="processes; 0 chooses, the result is the same")] = 0,
    workspace: Annotated[
        Path | None, typer.Option(help="folder that holds logs/ and pretrained_models/; default: webui.py's")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Give every clip the vector of the published speaker network."""

    def work(sink: Events) -> None:
        from gsv.stages.defaults import speaker_model
        from gsv.stages.inputs import PreparationInputs
        from gsv.stages.speaker import extract_speaker

        given = PreparationInputs(experiment, workspace=workspace)
        network = speaker_model(given.workspace_folder, speaker)
        extract_speaker(given.folder, network, device=device, workers=workers, events=sink)

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
