"""Measure how well the doctor of data sets finds faults, with natural clips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    table: Annotated[Path, typer.Option(help="annotated clips: a .list, or JSON lines like corpus.jsonl")],
    speaker: Annotated[str, typer.Option(help="whose clips make the data set")],
    output: Annotated[Path, typer.Option("--output", help="folder of the spoilt clips and of their report")],
    each: Annotated[int, typer.Option(min=1, help="clips spoilt in each way")] = 8,
    limit: Annotated[int, typer.Option(min=1, help="clips of the speaker, at most")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="which clips are spoilt")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="processes; 0 chooses, the result is the same")] = 0,
    workspace: Annotated[Path | None, typer.Option(help="has no effect here")] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Spoil some clips of a speaker in eleven ways, check the list, and count what is flagged, and which sound ones."""

    def work(sink: Events) -> None:
        from gsv.workflows.dataset_faults import SpoilPlan, measure_dataset_check

        measure_dataset_check(SpoilPlan(table, speaker, each, limit, seed), output, sink, workers)

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
