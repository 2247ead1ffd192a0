"""Decode an annotated corpus once into prepared arrays, from which a base is trained from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage

app = typer.Typer(add_completion=False)


@app.command()
def main(
    table: Annotated[Path, typer.Option(help="corpus.jsonl-like table or annotation list")],
    output: Annotated[Path, typer.Option(help="folder of the prepared arrays")],
    mixes: Annotated[
        Path | None, typer.Option(help="JSON: blended voice to its parts and their shares")
    ] = None,
    held_out_voice: Annotated[
        list[str] | None, typer.Option(help="voice that training must not hear; repeatable")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes that decode")] = 2,
    events: Annotated[Path | None, typer.Option(help="file for the event stream")] = None,
) -> None:
    """Write `items.json`, `wave16.i16` and `wave32.i16` into OUTPUT."""

    def work(sink: Events) -> object:
        import json

        from gsv.corpus.lists import read_table
        from gsv.files import read_text
        from gsv.workflows.prepare_arrays import array_parts, prepare_arrays

        rows = read_table(table)
        recipe = json.loads(read_text(mixes)) if mixes else {}
        parts = array_parts(rows, recipe, frozenset(held_out_voice or []))
        return prepare_arrays(rows, table.parent, output, parts, sink, workers)

    run_stage(work, events)


if __name__ == "__main__":
    app()
