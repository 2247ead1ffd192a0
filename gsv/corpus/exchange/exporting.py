"""An annotation list becomes a data set of another program.

Knows the folders that other programs expect. Writes a new folder, complete or not at all.
"""

from __future__ import annotations

import csv
import errno
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gsv.corpus.annotation import AnnotationList, AnnotationRow, read_annotations, write_annotations
from gsv.corpus.exchange import sounds
from gsv.corpus.exchange.tables import METADATA, WAVES
from gsv.corpus.exchange.timed import Piece, audacity, subrip
from gsv.errors import Cancelled, DataError, GsvError, InputError, ResourceError
from gsv.events import Counts, Events
from gsv.files import new_folder, safe_name, write_text

Copied = list[tuple[str, AnnotationRow]]
"""File names in the new folder with their rows."""

_COLUMNS = ("file_name", "transcription", "speaker", "language")


def export_dataset(
    list_path: Path,
    output: Path,
    form: str,
    *,
    audio_folder: Path | None = None,
    pause: float = 0.5,
    events: Events | None = None,
) -> Counts:
    """Write the rows of a list as the new folder `output`, in one of `EXPORTS`.

    `list` with an output that ends in `.list` writes the list alone. `pause` is the silence in seconds
    between clips that are joined (Audacity labels, subtitles). Rows that cannot be used are named with their
    numbers. Raises InputError for an unknown form or an output that exists, DataError where no row is left,
    Cancelled.
    """
    events, output = events or Events(), Path(output)
    if form not in EXPORTS:
        raise InputError(f"there is no form {form!r}", "", f"Choose one of: {', '.join(EXPORTS)}.")
    if not 0 <= pause <= 60:
        raise InputError(f"a pause of {pause:g} s cannot be used", "", "Give 0 to 60 seconds.")
    if output.exists():
        raise InputError(f"{output} exists already", "", "Name another place.")
    listed = read_annotations(
        list_path, audio_folder, minimum_seconds=0.0, maximum_seconds=float("inf"), events=events
    )
    job = _Export(listed, events, pause)
    if form == "list" and output.suffix.lower() == ".list":
        job.require_rows(listed.rows)
        rows = [_absolute(row) for row in listed.rows]
        write_annotations(output, rows, relative_to=output.absolute().parent)
        job.counts.done = len(rows)
    else:
        with new_folder(output) as folder:
            job.require_rows(_FORMS[form](job, folder, output.name))
    events.counts(job.counts)
    return job.counts


def _absolute(row: AnnotationRow) -> AnnotationRow:
    return AnnotationRow(row.number, row.path.absolute(), row.speaker, row.language, row.text)


class _Export:
    """One export: its rows, its counts, and what copies them."""

    def __init__(self, listed: AnnotationList, events: Events, pause: float) -> None:
        self.rows, self.events, self.pause = listed.rows, events, pause
        self.counts = Counts(read=len(listed.rows) + len(listed.bad))
        for bad in listed.bad:
            self.fail(bad.number, f"{bad.source}: {bad.reason}" if bad.source else bad.reason)

    def fail(self, number: int, reason: str) -> None:
        """Count a row that is not exported, and name it."""
        self.counts.fail(f"row {number}", reason)
        self.events.item(f"row {number}", "failed", reason)

    def require_rows(self, rows: Sequence[object]) -> None:
        """Raise DataError where no row is left."""
        if not rows:
            why = next(iter(self.counts.reasons.items()), ("the list", "it holds no row"))
            raise DataError("nothing could be exported", f"{why[0]}: {why[1]}", "Mend the list.")

    def copy(self, folder: Path, write: Callable[[Path, Path], None], ending: str = "") -> Copied:
        """Put every recording into `folder`, under names whose stems differ; `ending` replaces their own."""
        copied: Copied = []
        stems: list[str] = []
        for done, row in enumerate(self.rows, start=1):
            self.events.check_stop()
            own = Path(safe_name(row.path.name))
            stem = safe_name(own.stem + ".x", stems)  # the ending holds a place, so that stems differ
            name = stem.removesuffix(".x") + (ending or own.suffix)
            try:
                write(row.path, folder / name)
            except (Cancelled, ResourceError):
                raise
            except (GsvError, OSError) as error:
                if isinstance(error, OSError) and error.errno == errno.ENOSPC:  # it concerns every row
                    raise
                (folder / name).unlink(missing_ok=True)
                self.fail(row.number, str(error))
                continue
            stems.append(stem)
            copied.append((name, row))
            self.counts.done += 1
            self.events.progress(done, len(self.rows), "export")
        return copied

    def joined(self, folder: Path, name: str) -> list[Piece]:
        """Join all recordings into `NAME.wav`; returns where each text lies in it."""
        self.require_rows(self.rows)
        spans = sounds.join([row.path for row in self.rows], folder / f"{name}.wav", self.pause, self.events)
        pieces: list[Piece] = []
        for span, row in zip(spans, self.rows, strict=True):
            if isinstance(span, GsvError):
                self.fail(row.number, str(span))
            else:
                pieces.append((*span, row.text))
        self.counts.done = len(pieces)
        return pieces


def _list(job: _Export, folder: Path, name: str) -> Copied:
    copied = job.copy(folder / "audio", sounds.copy)
    rows = [
        AnnotationRow(row.number, Path("audio", file), row.speaker, row.language, row.text)
        for file, row in copied
    ]
    write_annotations(folder / f"{name}.list", rows)
    return copied


def _ljspeech(job: _Export, folder: Path, name: str) -> Copied:
    copied = job.copy(folder / WAVES, sounds.copy_as_wave, ".wav")
    lines = [f"{file.removesuffix('.wav')}|{row.text}|{row.text}\n" for file, row in copied]
    write_text(folder / METADATA[0], "".join(lines))
    return copied


def _audio_folder(job: _Export, folder: Path, name: str) -> Copied:
    copied = job.copy(folder, sounds.copy)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([file, row.text, row.speaker, row.language] for file, row in copied)
    write_text(folder / METADATA[0], table.getvalue())
    return copied


def _audio_folder_json(job: _Export, folder: Path, name: str) -> Copied:
    copied = job.copy(folder, sounds.copy)
    values = [(file, row.text, row.speaker, row.language) for file, row in copied]
    lines = [
        json.dumps(dict(zip(_COLUMNS, value, strict=True)), ensure_ascii=False) + "\n" for value in values
    ]
    write_text(folder / METADATA[1], "".join(lines))
    return copied


def _pairs(job: _Export, folder: Path, name: str) -> Copied:
    copied = job.copy(folder, sounds.copy)
    for file, row in copied:
        write_text((folder / file).with_suffix(".txt"), row.text + "\n")
    return copied


def _audacity(job: _Export, folder: Path, name: str) -> list[Piece]:
    pieces = job.joined(folder, name)
    write_text(folder / f"{name}.txt", audacity(pieces))
    return pieces


def _srt(job: _Export, folder: Path, name: str) -> list[Piece]:
    pieces = job.joined(folder, name)
    write_text(folder / f"{name}.srt", subrip(pieces))
    return pieces


_FORMS: Mapping[str, Callable[[_Export, Path, str], Sequence[object]]] = {
    "list": _list,
    "ljspeech": _ljspeech,
    "audiofolder": _audio_folder,
    "audiofolder-jsonl": _audio_folder_json,
    "audacity": _audacity,
    "srt": _srt,
    "pairs": _pairs,
}
EXPORTS = tuple(_FORMS)
"""Names of the forms that can be written."""
