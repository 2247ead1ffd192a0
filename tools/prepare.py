"""An annotation list to a complete experiment: text, content, speaker vectors, codes."""

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
    speaker: Annotated[
        Path | None,
        typer.Option(help="speaker network; default: the published one, for tiny the one that ships"),
    ] = None,
    bert: Annotated[
        Path | None,
        typer.Option(
            help="BERT folder for Mandarin rows; default: chinese-roberta-wwm-ext-large where fetched"
        ),
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
    """Run all stages of the preparation in order; what is done and unchanged is skipped."""

    def work(sink: Events) -> None:
        from gsv.stages.inputs import PreparationInputs
        from gsv.workflows.prepare import prepare

        prepare(
            PreparationInputs(
                experiment, list_path, family, audio_folder, content, base, speaker, device, precision,
                workers, workspace, bert,
            ),
            sink,
        )  # fmt: skip

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
