"""Add the codes of changed voices to prepared arrays, as further clips for the GPT's training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage

app = typer.Typer(add_completion=False)


@app.command()
def main(
    arrays: Annotated[Path, typer.Option(help="prepared arrays that hold codes")],
    content: Annotated[Path, typer.Option(help="folder of the content encoder that made them")],
    quantizer: Annotated[Path, typer.Option(help="safetensors of the quantizer that made them")],
    copies: Annotated[int, typer.Option(min=1, help="changed voices a speaker")] = 1,
    events: Annotated[Path | None, typer.Option(help="write events to this file, as JSON lines")] = None,
) -> None:
    """Speak every clip to learn from again in changed voices, and keep the codes."""

    def work(sink: Events) -> object:
        from gsv.workflows.vary_codes import vary_codes

        return vary_codes(arrays, content, quantizer, copies, sink)

    run_stage(work, events)


if __name__ == "__main__":
    app()
