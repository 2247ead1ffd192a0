"""Lists, renames, deletes, exports and imports voices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage
from gsv.settings import workspace_of

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
WorkspaceOption = Annotated[Path | None, typer.Option(help="folder of the studio [that of webui.py]")]
EventsOption = Annotated[Path | None, typer.Option(help="write events to this file, one JSON object a line")]
VoiceArgument = Annotated[str, typer.Argument(help="name of a voice, or its folder")]


@app.command("list")
def list_all(workspace: WorkspaceOption = None, events: EventsOption = None) -> None:
    """Name the voices with their families, clips and terms."""

    def work(sink: Events) -> None:
        from gsv.synthesis.voice_folder import list_voices, read_record

        for folder in list_voices(workspace_of(workspace)):
            record = read_record(folder)
            print(f"{record.name:24} {record.family:10} {len(record.references)} clips  {record.licence}")

    run_stage(work, events)


@app.command()
def rename(
    voice: VoiceArgument,
    name: Annotated[str, typer.Argument(help="its new name")],
    workspace: WorkspaceOption = None,
    events: EventsOption = None,
) -> None:
    """Give a voice another name."""

    def work(sink: Events) -> None:
        from gsv.synthesis.voice_folder import find_voice, rename_voice

        sink.message(f"now {rename_voice(find_voice(workspace_of(workspace), voice), name)}")

    run_stage(work, events)


@app.command()
def delete(
    voice: VoiceArgument,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    workspace: WorkspaceOption = None,
    events: EventsOption = None,
) -> None:
    """Remove a voice with its weights and clips."""

    def work(sink: Events) -> None:
        from gsv.synthesis.voice_folder import delete_voice, find_voice

        folder = find_voice(workspace_of(workspace), voice)
        if not yes:
            typer.confirm(f"delete {folder}?", abort=True)
        delete_voice(folder)

    run_stage(work, events)


@app.command("export")
def export_zip(
    voice: VoiceArgument,
    output: Annotated[Path, typer.Argument(help="zip file to write")],
    workspace: WorkspaceOption = None,
    events: EventsOption = None,
) -> None:
    """Write a voice as one zip file."""

    def work(sink: Events) -> None:
        from gsv.synthesis.voice_folder import export_voice, find_voice

        export_voice(find_voice(workspace_of(workspace), voice), output)

    run_stage(work, events)


@app.command("import")
def import_zip(
    archive: Annotated[Path, typer.Argument(help="zip file of a voice")],
    name: Annotated[str, typer.Option(help="call it so [its own name]")] = "",
    workspace: WorkspaceOption = None,
    events: EventsOption = None,
) -> None:
    """Unpack a voice's zip file into voices/; every entry and hash is checked."""

    def work(sink: Events) -> None:
        from gsv.synthesis.voice_folder import import_voice, voices_folder

        sink.message(f"imported {import_voice(archive, voices_folder(workspace_of(workspace)), name)}")

    run_stage(work, events)


if __name__ == "__main__":
    app()
