"""Train SoVITS on a prepared experiment, or a tiny base from prepared arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage

app = typer.Typer(add_completion=False)
Option = typer.Option


@app.command()
def main(
    experiment: Annotated[str, Option(help="name of a prepared experiment")] = "",
    family: Annotated[str, Option(help="v1, v2, v2Pro, v2ProPlus or tiny; default: the experiment's")] = "",
    base: Annotated[Path | None, Option(help="SoVITS weights to start from")] = None,
    base_discriminator: Annotated[
        Path | None, Option(help="their discriminators; default: beside --base")
    ] = None,
    epochs: Annotated[int, Option(min=1, help="passes over the data in all")] = 8,
    steps: Annotated[int, Option(min=0, help="steps in all, instead of epochs")] = 0,
    batch_seconds: Annotated[
        float, Option(min=0, help="padded audio a batch; 0: by family and device")
    ] = 0.0,
    save_every: Annotated[int, Option(min=0, help="epochs between checkpoints; 0: only by time")] = 1,
    save_minutes: Annotated[
        float, Option(min=0, help="minutes between checkpoints; 0: only by epochs")
    ] = 15.0,
    keep: Annotated[int, Option(min=1, help="checkpoints that are kept")] = 3,
    previews: Annotated[int, Option(min=0, help="clips to listen to at each saved epoch")] = 3,
    device: Annotated[str, Option(help="auto, cpu, cuda, cuda:N, mps or xpu")] = "auto",
    precision: Annotated[str, Option(help="auto, float32, bfloat16 or float16")] = "auto",
    fresh: Annotated[bool, Option("--fresh", help="forget earlier checkpoints")] = False,
    seed: Annotated[int, Option(min=0, help="of every random choice")] = 1234,
    workers: Annotated[int, Option(min=0, help="threads that prepare batches")] = 2,
    text_share: Annotated[float, Option(help="learning rate of the text modules, as a share")] = 0.4,
    learning_rate: Annotated[float, Option(min=0, help="0: the recipe's")] = 0.0,
    recipe: Annotated[Path | None, Option(help="JSON of a whole recipe, instead of the family's")] = None,
    checkpoints: Annotated[
        Path | None, Option(help="folder of checkpoints; default: the experiment's")
    ] = None,
    recogniser: Annotated[Path | None, Option(help="Whisper folder, for error rates of previews")] = None,
    content: Annotated[
        Path | None, Option(help="content encoder that places and reads phones; default: the shipped one")
    ] = None,
    estimate_only: Annotated[
        bool, Option("--estimate-only", help="say what it would take, then end")
    ] = False,
    from_scratch: Annotated[
        bool, Option("--from-scratch", help="fresh weights (or --base with arrays)")
    ] = False,
    arrays: Annotated[Path | None, Option(help="prepared arrays, instead of an experiment")] = None,
    quantizer: Annotated[
        Path | None, Option(help="trained quantizer, for --from-scratch; with --base it replaces the base's")
    ] = None,
    configuration: Annotated[Path | None, Option(help="JSON of a changed family, for --from-scratch")] = None,
    adversarial_from: Annotated[
        int, Option(min=0, help="step of --from-scratch at which discriminators begin")
    ] = 8000,
    output: Annotated[
        Path | None, Option(help="folder for weights and metrics; default: the experiment's")
    ] = None,
    licence: Annotated[str, Option(help="licence of the weights; default: the base's")] = "",
    workspace: Annotated[Path | None, Option(help="default: the folder of webui.py")] = None,
    events: Annotated[Path | None, Option(help="write events to this file, as JSON lines")] = None,
) -> None:
    """Train SoVITS; start the same command again to go on where it stopped."""
    options = {name: value for name, value in locals().items() if name != "events"}

    def work(sink: Events) -> None:
        from gsv.workflows.train_sovits import request_of, train_sovits

        train_sovits(request_of(options), sink)

    run_stage(work, events)


if __name__ == "__main__":
    app()
