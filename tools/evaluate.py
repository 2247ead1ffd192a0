"""Score clips: error rates, likeness of voices, quality, each beside what real clips reach."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    rows: Annotated[
        Path, typer.Option(help="JSON lines: wav, text, lang, reference, and source for the ceilings.")
    ],
    json: Annotated[Path | None, typer.Option(help="Where the full report goes as JSON.")] = None,
    whisper: Annotated[
        Path | None, typer.Option(help="Folder of a faster-whisper model; without it no text error rate.")
    ] = None,
    content: Annotated[
        Path | None, typer.Option(help="Content encoder with a phone head [pretrained_models/tiny/content].")
    ] = None,
    second: Annotated[
        bool, typer.Option("--second", help="Let pocketsphinx hear the English clips too.")
    ] = False,
    quality: Annotated[bool, typer.Option(help="Score DNSMOS (needs the extra 'quality').")] = False,
    threads: Annotated[int, typer.Option(help="Threads of the recogniser; 0: its own choice.")] = 0,
    workspace: Annotated[Path | None, typer.Option(help="Folder of the studio [that of webui.py].")] = None,
    events: Annotated[Path | None, typer.Option(help="Write events as JSON lines to this file.")] = None,
) -> None:
    """Score clips: error rates, likeness of voices, quality, each beside what real clips reach."""

    def work(sink: Events) -> None:
        from gsv.evaluation.running import evaluate

        report = evaluate(
            rows,
            whisper=whisper,
            content=content,
            with_quality=quality,
            second=second,
            threads=threads,
            workspace=workspace,
            output=json,
            events=sink,
        )
        print(report)

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
