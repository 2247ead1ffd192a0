"""A data set of another program becomes an annotation list.

Knows which form a path has, what a list can hold, and how rows without it are named. The forms themselves
are read by their own modules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gsv.audio import probe
from gsv.corpus.annotation import AnnotationRow, BadRow, real_path, write_annotations
from gsv.corpus.exchange.clips import Clip, Found
from gsv.corpus.exchange.sounds import cut
from gsv.corpus.exchange.tables import (
    is_ljspeech,
    metadata_files,
    read_audio_folder,
    read_list,
    read_ljspeech,
    read_pairs,
)
from gsv.corpus.exchange.timed import read_audacity, read_subtitles
from gsv.corpus.fields import listed_path, one_line, path_fault, rejected_path, shown, write_rejected
from gsv.errors import DataError, GsvError, InputError
from gsv.events import Counts, Events
from gsv.files import safe_name
from gsv.text import language_code

AUTOMATIC = "auto"
_READERS: Mapping[str, Callable[[Path, Path | None], Found]] = {
    "list": read_list,
    "ljspeech": read_ljspeech,
    "audiofolder": read_audio_folder,
    "audacity": read_audacity,
    "srt": read_subtitles,
    "pairs": read_pairs,
}
IMPORTS = (AUTOMATIC, *_READERS)
"""Names of the forms that can be read."""

_BY_ENDING = {".list": "list", ".srt": "srt", ".vtt": "srt", ".txt": "audacity", ".jsonl": "audiofolder"}
_STEM = 60


@dataclass(frozen=True)
class ImportOptions:
    """What a source does not say itself: its form, language and speaker, and where its audio lies."""

    form: str = AUTOMATIC
    language: str = ""
    speaker: str = ""
    audio: Path | None = None
    """The recording of labels and subtitles, or the folder of the other forms' recordings."""
    clips: Path | None = None
    """Folder of the clips that are cut out of a recording; default: NAME_clips beside the list."""
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Raises InputError for an unknown form or language."""
        if self.form not in IMPORTS:
            raise InputError(f"there is no form {self.form!r}", "", f"Choose one of: {', '.join(IMPORTS)}.")
        if self.language:
            language_code(self.language)


def import_dataset(
    source: Path, output: Path, options: ImportOptions | None = None, *, events: Events | None = None
) -> Counts:
    """Read the data set `source` (a file or folder) into the annotation list `output`.

    Recordings stay where they are, parts of a recording are cut out of a copy. Broken rows are named with
    their numbers and reasons, as events and in `NAME.rejected.tsv`. Raises InputError for a source of no
    known form, an unknown language or an output that exists, DataError where no row is left, Cancelled.
    """
    events, options = events or Events(), options or ImportOptions()
    source, output = Path(source), Path(output)
    _check_output(output, options)
    if not source.exists():
        raise InputError(f"there is no file or folder {source}", "", "Check the path.")
    form = form_of(source) if options.form == AUTOMATIC else options.form
    found = _READERS[form](source, options.audio)
    total = len(found.clips) + len(found.bad)
    if found.clips and not options.language and not any(clip.language for clip in found.clips):
        what = f"the language of {source.name} is unknown"
        raise InputError(what, f"the form {form} does not say it", "Give --language.")
    fallback = source.name if source.is_dir() else source.parent.name if form != "srt" else source.stem
    rows = _rows(found, options, one_line(shown(fallback)))
    place = _cut if form in ("audacity", "srt") else _existing
    rows = place(rows, output, options, found, events)
    return _write(output, rows, found.bad, total, events)


def form_of(source: Path) -> str:
    """The form of a file or folder, judged by names and, for `metadata.csv`, by its first line.

    Raises InputError where it is of no known form.
    """
    if source.is_dir():
        tables = metadata_files(source)
        if not tables:
            return "pairs"
        return "ljspeech" if tables[0].suffix.lower() == ".csv" and is_ljspeech(tables[0]) else "audiofolder"
    if source.suffix.lower() == ".csv" and source.is_file():
        return "ljspeech" if is_ljspeech(source) else "audiofolder"
    form = _BY_ENDING.get(source.suffix.lower())
    if form is None:
        known = ", ".join(IMPORTS[1:])
        raise InputError(f"{source} is of no form that can be read", "", f"Name its form: {known}.")
    return form


def _check_output(output: Path, options: ImportOptions) -> None:
    if output.suffix.lower() != ".list":
        raise InputError(f"{output.name} is no annotation list", "", "Name a file that ends in .list.")
    if output.exists() and not options.overwrite:
        raise InputError(f"{output} exists already", "", "Name another list, or give --overwrite.")


def _rows(found: Found, options: ImportOptions, speaker: str) -> list[Clip]:
    """Clips with everything that a row needs; others are refused."""
    kept = []
    for clip in found.clips:
        text = one_line(clip.text)
        try:
            language = _language(clip.language or options.language)
            fault = "" if text else "no text"
        except InputError as error:
            language, fault = "", str(error)
        if fault:
            found.refuse(clip.number, shown(clip.path.name), fault)
            continue
        name = one_line(shown(options.speaker or clip.speaker)) or speaker
        kept.append(replace(clip, text=text, language=language, speaker=name))
    return kept


def _language(code: str) -> str:
    """Our code of a language, also for a locale such as `en-US`."""
    if not code:
        raise InputError("no language", "the source does not say it", "Give one.")
    return language_code(code.replace("_", "-").split("-")[0])


def _existing(
    rows: list[Clip], output: Path, options: ImportOptions, found: Found, events: Events
) -> list[Clip]:
    """Rows whose recording is there and can be opened, each recording once."""
    kept, first = [], dict[str, int]()
    for done, clip in enumerate(rows, start=1):
        events.check_stop()
        line = first.setdefault(real_path(clip.path), clip.number)
        fault = path_fault(listed_path(clip.path, output)) or _unreadable(clip.path)
        if line != clip.number:
            fault = fault or f"the same file as in row {line}"
        if fault:
            found.refuse(clip.number, shown(clip.path.name), fault)
        else:
            kept.append(clip)
        events.progress(done, len(rows), "import")
    return kept


def _unreadable(path: Path) -> str:
    try:
        probe(path)
    except (GsvError, OSError, ValueError) as error:
        return f"unreadable: {error}" if path.is_file() else "missing file"
    return ""


def _cut(rows: list[Clip], output: Path, options: ImportOptions, found: Found, events: Events) -> list[Clip]:
    """The parts as files of their own; what lies behind the end of the recording is refused."""
    folder = options.clips or output.with_name(f"{output.stem}_clips")
    if folder.exists() and any(folder.iterdir()) and not options.overwrite:
        raise InputError(f"the folder {folder} holds files already", "", "Name another, or give --overwrite.")
    if not rows:
        return []
    taken: list[str] = []
    for clip in rows:
        taken.append(safe_name(f"{clip.path.stem[:_STEM]}_{clip.number:04}.wav", taken))
    pieces = [
        (clip.start or 0.0, clip.end or 0.0, folder / name) for clip, name in zip(rows, taken, strict=True)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    written = set(cut(rows[0].path, pieces, events))
    kept = []
    for clip, (_, _, place) in zip(rows, pieces, strict=True):
        fault = path_fault(listed_path(place, output))
        if place not in written:
            fault = "nothing of the recording lies there"
        if fault:
            found.refuse(clip.number, f"{clip.start:g} s", fault)
        else:
            kept.append(replace(clip, path=place))
    return kept


def _write(output: Path, rows: list[Clip], bad: list[BadRow], total: int, events: Events) -> Counts:
    counts = Counts(read=total)
    for row in sorted(bad, key=lambda row: row.number):
        source = shown(row.source)
        reason = f"{source}: {row.reason}" if source else row.reason
        name = f"row {row.number}"
        counts.fail(name if name not in counts.reasons else f"{name} ({source})", reason)
        events.item(name, "failed", reason)
    counts.done = len(rows)
    refused = [(str(row.number), row.source, row.reason) for row in sorted(bad, key=lambda row: row.number)]
    write_rejected(rejected_path(output), ("row", "source", "reason"), refused)
    events.counts(counts)
    if not rows:
        first = f"row {bad[0].number}: {bad[0].reason}" if bad else "it holds no row"
        raise DataError("nothing could be imported", first, "Mend the source, then import it again.")
    listed = (
        AnnotationRow(row.number, row.path.absolute(), row.speaker, row.language, row.text) for row in rows
    )
    write_annotations(output, listed, relative_to=output.absolute().parent)
    return counts
