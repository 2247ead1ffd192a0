"""Data sets of other programs: read into an annotation list, and written from one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
FORMS = "list, ljspeech, audiofolder (Hugging Face), audacity, srt, pairs (NAME.wav with NAME.txt)"
WorkspaceOption = Annotated[Path | None, typer.Option(help="has no effect here")]
EventsOption = Annotated[Path | None, typer.Option(help="write events to this file, one JSON object a line")]


@app.command("import")
def import_command(
    source: Annotated[Path, typer.Option("--input", help="a file or folder of another program")],
    output: Annotated[Path, typer.Option("--output", help="the .list to write")],
    form: Annotated[str, typer.Option("--format", help=f"auto, or {FORMS}")] = "auto",
    language: Annotated[
        str, typer.Option(help="language of rows that do not say it: zh, en, ja, ko, yue")
    ] = "",
    speaker: Annotated[str, typer.Option(help="speaker of all rows; default: what the source says")] = "",
    audio: Annotated[
        Path | None, typer.Option(help="recording of labels or subtitles, or folder of the recordings")
    ] = None,
    clips: Annotated[
        Path | None, typer.Option(help="folder of clips that are cut out; default: NAME_clips")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace a list that exists")] = False,
    workspace: WorkspaceOption = None,
    events: EventsOption = None,
) -> None:
    """Make an annotation list; broken rows are named with their numbers, and in NAME.rejected.tsv."""

    def work(sink: Events) -> None:
        from gsv.corpus.exchange import ImportOptions, import_dataset

        options = ImportOptions(form, language, speaker, audio, clips, overwrite)
        import_dataset(source, output, options, events=sink)

    run_stage(work, events)


@app.command("export")
def export_command(
    source: Annotated[Path, typer.Option("--input", help="the annotation list")],
    output: Annotated[Path, typer.Option("--output", help="the folder to make; for list also a .list")],
    form: Annotated[str, typer.Option("--format", help=f"{FORMS}; audiofolder-jsonl has metadata.jsonl")],
    audio_folder: Annotated[Path | None, typer.Option(help="folder that the list's paths count from")] = None,
    pause: Annotated[
        float, typer.Option(min=0, max=60, help="silence between joined clips, s (audacity, srt)")
    ] = 0.5,
    workspace: WorkspaceOption = None,
    events: EventsOption = None,
) -> None:
    """Write the rows of an annotation list for another program; the recordings are copied."""

    def work(sink: Events) -> None:
        from gsv.corpus.exchange import export_dataset

        export_dataset(source, output, form, audio_folder=audio_folder, pause=pause, events=sink)

    run_stage(work, events)


if __name__ == "__main__":
    app()
