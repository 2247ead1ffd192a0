"""32 kHz waves to speaker vectors: writes 7-sv_cn of an experiment of a Pro family or of tiny."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    experiment: Annotated[str, typer.Option(help="name of the experiment, a folder in logs/")] = "",
    arrays: Annotated[
        Path | None, typer.Option(help="prepared arrays instead: vectors of the network that ships")
    ] = None,
    speaker: Annotated[
        Path | None,
        typer.Option(help="speaker network; default: the published one, for tiny the one that ships"),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N, mps or xpu")] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="processes; 0 chooses, the result is the same")] = 0,
    workspace: Annotated[
        Path | None, typer.Option(help="folder that holds logs/ and pretrained_models/; default: webui.py's")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Give every clip the vector of the speaker network that its family is fed with."""

    if bool(experiment) == (arrays is not None):
        raise typer.BadParameter(
            "name an experiment or prepared arrays, one of the two", param_hint="--experiment"
        )

    def work(sink: Events) -> None:
        if arrays is not None:
            from gsv.workflows.prepare_arrays import add_speaker_vectors

            sink.message(f"{add_speaker_vectors(arrays, sink)} speaker vectors")
            return
        from gsv.stages.defaults import speaker_model
        from gsv.stages.inputs import PreparationInputs
        from gsv.stages.speaker import extract_speaker

        given = PreparationInputs(experiment, workspace=workspace)
        network = speaker_model(given.workspace_folder, given.family_name, speaker)
        extract_speaker(given.folder, network, device=device, workers=workers, events=sink)

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
