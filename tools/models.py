"""Lists, fetches, checks, inspects and converts model files. Nothing is fetched unless `download` is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage
from gsv.settings import workspace_of

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
WorkspaceOption = Annotated[Path | None, typer.Option(help="Workspace; the folder of webui.py by default.")]
EventsOption = Annotated[Path | None, typer.Option(help="Write events to this file instead of the terminal.")]
SourceOption = Annotated[str, typer.Option(help="huggingface, hf-mirror, or the https address of a mirror.")]
NamesArgument = Annotated[list[str] | None, typer.Argument(help="Models, or sets: v1, v2, v2Pro, v2ProPlus.")]
FileArgument = Annotated[Path, typer.Argument(help="A weight file, published or ours.")]


@app.command("list")
def list_models(
    workspace: WorkspaceOption = None,
    events: EventsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which models there are, what they are for, and whether they are here."""

    def work(sink: Events) -> None:
        from gsv.weights.catalogue import entries, status

        place = workspace_of(workspace)
        rows = []
        for entry in entries():
            size = "?" if entry.size is None else f"{entry.size / 1e6:.1f} MB"
            root = place.shipped(entry.name).parent if entry.shipped else place.pretrained
            row = {
                "name": entry.name,
                "state": status(entry, root),
                "role": entry.role,
                "family": entry.family,
            }
            rows.append({**row, "size": size, "licence": entry.licence, "note": entry.note})
        if as_json:
            print(json.dumps(rows, indent=2))
            return
        for row in rows:
            print(
                "{name:24} {state:9} {role:14} {family:10} {size:>10}  {licence:11} {note}".format(
                    **row
                ).rstrip()
            )

    run_stage(work, events)


@app.command()
def download(
    names: NamesArgument = None,
    source: SourceOption = "huggingface",
    workspace: WorkspaceOption = None,
    events: EventsOption = None,
) -> None:
    """Fetch models into pretrained_models; an unfinished download is continued, every file is verified."""

    def work(sink: Events) -> None:
        from gsv.weights.download import download_all

        download_all(names or [], workspace_of(workspace).pretrained, source=source, events=sink)

    run_stage(work, events)


@app.command()
def verify(
    names: NamesArgument = None, workspace: WorkspaceOption = None, events: EventsOption = None
) -> None:
    """Check size and SHA-256 of models: of those named, or of all that are here."""

    def work(sink: Events) -> None:
        from gsv.weights.download import verify as check_all

        check_all(names or [], workspace_of(workspace).pretrained, sink)

    run_stage(work, events)


@app.command()
def inspect(file: FileArgument, workspace: WorkspaceOption = None, events: EventsOption = None) -> None:
    """Say what a weight file is. A published pickle is read by our restricted reader; nothing in it runs."""

    def work(sink: Events) -> None:
        from gsv.weights.convert import describe

        for name, value in describe(file).items():
            print(f"{name}: {value}")

    run_stage(work, events)


@app.command()
def convert(
    file: FileArgument,
    output: Annotated[Path | None, typer.Option(help="Bundle to write; FILE.safetensors by default.")] = None,
    full: Annotated[bool, typer.Option(help="Keep float32 instead of float16.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace an output that exists.")] = False,
    workspace: WorkspaceOption = None,
    events: EventsOption = None,
) -> None:
    """Turn a published SoVITS model or discriminator (.pth) into a bundle of ours (.safetensors)."""

    def work(sink: Events) -> None:
        from gsv.weights.convert import convert as convert_file

        written = convert_file(file, output, half=not full, overwrite=overwrite)
        sink.message(f"wrote {written}")

    run_stage(work, events)


if __name__ == "__main__":
    app()
