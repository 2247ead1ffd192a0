"""Measure our fast paths beside plain ones on this machine: content, decoding, generation, training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    json: Annotated[Path | None, typer.Option(help="where the figures go as JSON")] = None,
    section: Annotated[
        list[str] | None, typer.Option(help="content, decode, gpt or train; repeatable [all of them]")
    ] = None,
    seconds: Annotated[
        list[float] | None, typer.Option(help="lengths of audio to measure at, in s; repeatable [3 and 10]")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="times that each side runs; medians are shown")] = 5,
    threads: Annotated[int, typer.Option(min=0, help="threads to compute with; 0: torch's choice")] = 0,
    small: Annotated[bool, typer.Option(help="miniature networks: shows that it runs, not how fast")] = False,
    workspace: Annotated[
        Path | None, typer.Option(help="folder of the studio; nothing is read there")
    ] = None,
    events: Annotated[Path | None, typer.Option(help="write events as JSON lines to this file")] = None,
) -> None:
    """Measure our fast paths beside plain ones, in turns, with the same weights and threads."""

    def work(sink: Events) -> None:
        import torch

        from gsv.workflows.bench import bench
        from gsv.workflows.bench_measure import SECTIONS, BenchSettings

        if threads:
            torch.set_num_threads(threads)
        settings = BenchSettings(
            tuple(section or SECTIONS), tuple(seconds or (3.0, 10.0)), repeats, small=small
        )
        print(bench(settings, sink, json))

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
