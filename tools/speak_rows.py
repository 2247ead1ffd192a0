"""Say a table of sentences, ready to be scored by tools/evaluate.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    output: Annotated[Path, typer.Option(help="folder for the clips, rows.jsonl and speech.json")],
    rows: Annotated[
        Path | None, typer.Option(help="JSON lines: text, lang, reference, reference_text, reference_lang")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="instead: a table of clips, of which held-out ones are said")
    ] = None,
    each: Annotated[int, typer.Option(min=1, help="sentences a language of the table")] = 20,
    sovits: Annotated[Path | None, typer.Option(help="SoVITS weights [pretrained_models/tiny]")] = None,
    gpt: Annotated[Path | None, typer.Option(help="GPT weights [pretrained_models/tiny]")] = None,
    content: Annotated[Path | None, typer.Option(help="content encoder's folder [the family's]")] = None,
    seed: Annotated[int, typer.Option(min=0, help="of the choice and of the speech")] = 0,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE as of tools/speak.py, such as retries=0")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N, mps")] = "auto",
    workspace: Annotated[Path | None, typer.Option(help="folder of the studio [that of webui.py]")] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Say sentences in the voices of their references, one file each; flagged ones are a group of the report."""

    def work(sink: Events) -> None:
        from gsv.evaluation.speaking import speak_command
        from gsv.settings import workspace_of

        speak_command(
            workspace_of(workspace), output, rows, table, each, sovits, gpt, content, seed,
            tuple(set_ or ()), device, sink,
        )  # fmt: skip

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
