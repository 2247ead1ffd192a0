"""Recordings to content features: writes 5-wav32k and 4-cnhubert of an experiment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    experiment: Annotated[str, typer.Option(help="name of the experiment, a folder in logs/")],
    list_path: Annotated[Path, typer.Option("--list", help="annotation list: path|speaker|language|text")],
    audio_folder: Annotated[
        Path | None, typer.Option("--audio-folder", "--audio-dir", help="where the list's recordings lie")
    ] = None,
    family: Annotated[
        str, typer.Option(help="tiny, v1, v2, v2Pro or v2ProPlus; default: the experiment's, or tiny")
    ] = "",
    content: Annotated[
        Path | None, typer.Option(help="HuBERT folder of the content encoder; default: the family's")
    ] = None,
    base: Annotated[
        Path | None, typer.Option(help="SoVITS base whose codebook makes the codes; default: the family's")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N, mps or xpu")] = "auto",
    precision: Annotated[
        str, typer.Option(help="float32, bfloat16, float16, or auto: reduced if a self-test passes")
    ] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="processes; 0 chooses, the result is the same")] = 0,
    workspace: Annotated[
        Path | None, typer.Option(help="folder that holds logs/ and pretrained_models/; default: webui.py's")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Level every recording at 32 kHz and extract its content features at 50 Hz."""

    def work(sink: Events) -> None:
        from gsv.stages.content import extract_content
        from gsv.stages.defaults import content_encoder
        from gsv.stages.inputs import PreparationInputs

        given = PreparationInputs(experiment, list_path, family, audio_folder, workspace=workspace)
        name = given.family_name
        encoder = content_encoder(given.workspace_folder, name, content)
        extract_content(
            given.folder, given.annotations, encoder, family=name, audio_folder=audio_folder, base=base,
            device=device, precision=precision, workers=workers, events=sink,
        )  # fmt: skip

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
