"""An annotation list to phones: writes 2-name2text.txt of an experiment, and 3-bert for Mandarin rows."""

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
    bert: Annotated[
        Path | None,
        typer.Option(
            help="BERT folder for Mandarin rows; default: chinese-roberta-wwm-ext-large where fetched"
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="of BERT: auto, cpu, cuda, cuda:N, mps or xpu")] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="processes; 0 chooses, the result is the same")] = 0,
    workspace: Annotated[
        Path | None, typer.Option(help="folder that holds logs/ and pretrained_models/; default: webui.py's")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Read the text of every row into phones; rows that are done and unchanged are skipped."""

    def work(sink: Events) -> None:
        from gsv.stages.inputs import PreparationInputs
        from gsv.workflows.prepare import prepare_text

        given = PreparationInputs(
            experiment, list_path, family, audio_folder, device=device, workers=workers, workspace=workspace,
            bert=bert,
        )  # fmt: skip
        prepare_text(given, sink)

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
