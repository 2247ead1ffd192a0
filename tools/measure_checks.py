"""Measure how well the checks of spoken sentences find faults, with natural clips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    table: Annotated[Path, typer.Option(help="annotated clips: a .list, or JSON lines like corpus.jsonl")],
    content: Annotated[
        Path | None, typer.Option(help="folder of a content encoder with a phone head [the one that ships]")
    ] = None,
    each: Annotated[int, typer.Option(min=1, help="clips a language")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="which clips and words are taken")] = 0,
    json: Annotated[Path | None, typer.Option(help="write the table to this file too")] = None,
    workspace: Annotated[Path | None, typer.Option(help="folder of the studio [that of webui.py]")] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Spoil natural clips in six ways and count how many of each are flagged, and how many untouched ones."""

    def work(sink: Events) -> None:
        from gsv.evaluation.faults import measure_table
        from gsv.settings import workspace_of

        folder = content or workspace_of(workspace).shipped("tiny") / "content"
        measure_table(table, folder, each, seed, json, sink)

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
