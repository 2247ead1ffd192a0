"""Content features to semantic codes: writes 6-name2semantic.tsv of an experiment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    experiment: Annotated[str, typer.Option(help="name of the experiment, a folder in logs/")],
    family: Annotated[
        str, typer.Option(help="tiny, v1, v2, v2Pro or v2ProPlus; default: the experiment's, or tiny")
    ] = "",
    base: Annotated[
        Path | None, typer.Option(help="SoVITS base whose codebook makes the codes; default: the family's")
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
    """Give every clip its codes, 25 a second, with the projection and codebook of the base."""

    def work(sink: Events) -> None:
        from gsv.stages.defaults import base_model
        from gsv.stages.inputs import PreparationInputs
        from gsv.stages.semantic import extract_semantic

        given = PreparationInputs(experiment, family=family, workspace=workspace)
        name = given.family_name
        path = base_model(given.workspace_folder, name, base)
        extract_semantic(given.folder, path, family=name, device=device, workers=workers, events=sink)

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
