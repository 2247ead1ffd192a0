"""Annotation lists and a split into training and held-out clips, from tables and folders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    sources: Annotated[
        list[Path],
        typer.Argument(help="tables like corpus.jsonl, .list files, folders of NAME.wav with NAME.txt"),
    ],
    output: Annotated[Path, typer.Option(help="the .list to write")],
    language: Annotated[
        str, typer.Option(help="language of rows that do not say it: zh, en, ja, ko, yue")
    ] = "",
    speaker: Annotated[
        str, typer.Option(help="speaker of rows that do not say it; default: the folder's name")
    ] = "",
    only_speaker: Annotated[
        list[str] | None, typer.Option(help="take this speaker only; may be repeated")
    ] = None,
    only_language: Annotated[
        list[str] | None, typer.Option(help="take this language only; may be repeated")
    ] = None,
    minimum_seconds: Annotated[
        float, typer.Option(min=0, help="leave out shorter clips, where the table says")
    ] = 0.0,
    maximum_seconds: Annotated[
        float, typer.Option(min=0, help="leave out longer clips, where the table says")
    ] = 1e9,
    limit: Annotated[int | None, typer.Option(min=1, help="take at most this many rows")] = None,
    split: Annotated[
        bool, typer.Option("--split", help="also write the parts .train.list, .held-out.list and .split.json")
    ] = False,
    mixes: Annotated[Path | None, typer.Option(help="JSON: blended speaker to {base voice: weight}")] = None,
    hold_voice: Annotated[
        list[str] | None, typer.Option(help="LANGUAGE=VOICE to hold out; default: what costs least")
    ] = None,
    share: Annotated[
        float, typer.Option(min=0, max=0.9, help="share of each speaker's clips held out, the last ones")
    ] = 0.02,
    absolute: Annotated[bool, typer.Option("--absolute", help="write absolute paths")] = False,
    workspace: Annotated[Path | None, typer.Option(help="has no effect here")] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Make an annotation list (path|speaker|language|text) and, on request, a training split."""
    pairs = [pair.partition("=") for pair in hold_voice or []]
    if any(not sign for _, sign, _ in pairs):
        raise typer.BadParameter("give LANGUAGE=VOICE", param_hint="--hold-voice")

    def work(sink: Events) -> None:
        from gsv.corpus.lists import Selection, make_lists

        selection = Selection(
            tuple(only_speaker or ()), tuple(only_language or ()), minimum_seconds, maximum_seconds, limit
        )
        make_lists(
            sources, output, language=language, speaker=speaker, selection=selection, split=split,
            mixes=mixes, voices={code: voice for code, _, voice in pairs}, share=share, absolute=absolute,
            events=sink,
        )  # fmt: skip

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
