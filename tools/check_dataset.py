"""The doctor of a data set: what is wrong with which clip, whether there is enough, and a clean list."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    source: Annotated[
        Path, typer.Option("--input", help="annotation list, path|speaker|language|text a row")
    ],
    output: Annotated[Path, typer.Option("--output", help="folder of the report and of the clean list")],
    audio_folder: Annotated[
        Path | None, typer.Option(help="folder of the recordings [paths of the list]")
    ] = None,
    fix: Annotated[
        str, typer.Option(help="write clean.list: drop, trim, level, joined by commas; sources are untouched")
    ] = "",
    drop_doubtful: Annotated[
        bool, typer.Option("--drop-doubtful", help="also leave out what should be listened to")
    ] = False,
    listen: Annotated[
        bool, typer.Option(help="compare voices, and texts with their sound, by the networks that ship")
    ] = True,
    language: Annotated[str, typer.Option(help="of the words: en or zh; the report has both")] = "en",
    content: Annotated[
        Path | None, typer.Option(help="folder of a content encoder with a phone head [the one that ships]")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N, mps, xpu")] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="processes; 0 chooses, the result is the same")] = 0,
    workspace: Annotated[Path | None, typer.Option(help="folder of the studio [that of webui.py]")] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Check every clip of a list: report.json, problems.tsv and a verdict; with --fix or --drop-doubtful a new list."""

    def work(sink: Events) -> None:
        from gsv.workflows.dataset_check import CheckOptions, check_dataset
        from gsv.workflows.dataset_fix import Repairs

        repairs = Repairs.of([name.strip() for name in fix.split(",") if name.strip()], drop_doubtful)
        options = CheckOptions(listen, repairs, language, device, workers, content)
        check_dataset(source, output, options, audio_folder=audio_folder, workspace=workspace, events=sink)

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
