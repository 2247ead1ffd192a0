"""Make a voice of a trained experiment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    experiment: Annotated[str, typer.Option(help="name of the trained experiment in logs/")],
    name: Annotated[str, typer.Option(help="of the voice [that of the experiment]")] = "",
    sovits: Annotated[
        Path | None, typer.Option(help="SoVITS weights [the best by previews, or newest]")
    ] = None,
    gpt: Annotated[
        Path | None, typer.Option(help="GPT weights [the same; the base's if there are none]")
    ] = None,
    references: Annotated[int, typer.Option(min=1, max=10, help="how many reference clips")] = 4,
    licence: Annotated[str, typer.Option(help="under what terms the voice may be used")] = "",
    consent: Annotated[str, typer.Option(help="a line: whose voice it is, and that they agreed")] = "",
    trials: Annotated[bool, typer.Option(help="try a few settings and keep the best")] = True,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N, mps")] = "auto",
    workspace: Annotated[Path | None, typer.Option(help="folder of the studio [that of webui.py]")] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Gather the best weights, 3 to 5 reference clips and tested settings in voices/NAME, with hashes."""

    def work(sink: Events) -> None:
        from gsv.settings import workspace_of
        from gsv.workflows.make_voice import VoiceInputs, make_voice

        inputs = VoiceInputs(
            workspace=workspace_of(workspace), experiment=experiment, name=name, sovits=sovits, gpt=gpt,
            references=references, licence=licence, consent=consent, device=device, trials=trials,
        )  # fmt: skip
        make_voice(inputs, sink)

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
