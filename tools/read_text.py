"""Shows how a text is read: sentences, languages, words and phones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage
from gsv.settings import workspace_of


def main(
    text: Annotated[str, typer.Option(help="what is read")] = "",
    text_file: Annotated[Path | None, typer.Option(help="file with what is read, UTF-8")] = None,
    language: Annotated[
        str, typer.Option(help="of the text: auto, zh, en, ja, ko, yue, all_zh, all_ja, ...")
    ] = "auto",
    symbols: Annotated[str, typer.Option(help="symbol table: v1, or v2 for everything later")] = "v2",
    cut: Annotated[str, typer.Option(help="sentences, or cut0 to cut5")] = "sentences",
    experiment: Annotated[str, typer.Option(help="whose lexicon counts too")] = "",
    workspace: Annotated[Path | None, typer.Option(help="folder of the studio [that of webui.py]")] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Show how a text is read, so that a wrong word can be corrected in the text or in lexicon.tsv."""

    def work(sink: Events) -> None:
        from gsv.files import read_text
        from gsv.text.plan import plan
        from gsv.text.pronunciations import pronunciations
        from gsv.text.showing import lines

        place = workspace_of(workspace)
        said = pronunciations(place, *([place.experiment(experiment)] if experiment else []))
        written = read_text(text_file) if text_file else text
        made = plan(written, language, symbols, cut, said.lexicon, manner=said.manner)
        for line in lines(made):
            print(line)
        sink.finished(utterances=len(made.utterances), unread=len(made.unread))

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
