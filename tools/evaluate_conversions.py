"""Convert a table of pairs and score the results: words kept, timbre taken, beside what the source clips reach."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    output: Annotated[Path, typer.Option(help="folder for the conversions and report.json")],
    pairs: Annotated[
        Path | None, typer.Option(help="JSON lines: source, reference, text, lang [, speaker, groups]")
    ] = None,
    arrays: Annotated[
        Path | None, typer.Option(help="prepared arrays: pairs are drawn from their held-out clips instead")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="pairs to draw from the arrays")] = 42,
    recordings: Annotated[
        Path | None, typer.Option(help="annotation list of further references, for every fifth drawn pair")
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="voice to use [pretrained_models/tiny]")] = None,
    content: Annotated[Path | None, typer.Option(help="content encoder [the one of the family]")] = None,
    whisper: Annotated[
        Path | None, typer.Option(help="folder of a faster-whisper model; without it no text error rate")
    ] = None,
    second: Annotated[
        bool,
        typer.Option(
            "--second",
            help="let pocketsphinx hear the English clips too, and with --arrays a second judge the voices",
        ),
    ] = False,
    told_text: Annotated[
        bool, typer.Option("--told-text", help="tell each conversion its text, to see what hearing costs")
    ] = False,
    noise_scale: Annotated[
        float | None, typer.Option(min=0, max=2, help="liveliness; 0 is flat; default: the family's own")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="of the drawn pairs and of the conversions")] = 0,
    quality: Annotated[bool, typer.Option(help="score DNSMOS (needs the extra 'quality')")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N, mps")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="threads to compute with; 0: their own choice")] = 0,
    workspace: Annotated[Path | None, typer.Option(help="folder of the studio [that of webui.py]")] = None,
    events: Annotated[Path | None, typer.Option(help="write events as JSON lines to this file")] = None,
) -> None:
    """Convert pairs of clips and score the results; the text of a pair is for the score, unless --told-text."""
    if (pairs is None) == (arrays is None):
        raise typer.BadParameter(
            "name a table of pairs or prepared arrays, one of the two", param_hint="--pairs"
        )

    def work(sink: Events) -> None:
        import torch

        from gsv.evaluation.conversions import ConversionSetup, evaluate_conversions
        from gsv.evaluation.pairs import pairs_of_arrays
        from gsv.settings import workspace_of
        from gsv.synthesis.conversion import ConversionOptions

        if threads:
            torch.set_num_threads(threads)
        drawn = pairs or pairs_of_arrays(arrays, output / "pairs", count, recordings, seed)
        room = workspace_of(workspace)
        judged = arrays if second else None
        setup = ConversionSetup(
            room, weights, content, whisper, device, threads, quality, second, told_text, judged
        )
        options = ConversionOptions(noise_scale=noise_scale, seed=seed)
        print(evaluate_conversions(drawn, output, setup, options, sink))

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
