"""Annotation lists, `path|speaker|language|text` a row: read, check every row, write.

Knows the list format and asks each recording's header whether the clip can be used. Does not know
experiments, nor how text becomes phones.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path, PureWindowsPath

from gsv.errors import GsvError, InputError
from gsv.events import Events
from gsv.files import read_text, write_text
from gsv.text import LANGUAGES, language_code

MINIMUM_SECONDS = 0.6
MAXIMUM_SECONDS = 54.0
"""A clip must be longer than the first and shorter than the second: what the published trainers keep."""

_FIELDS = 4
_PROBE_THREADS = 8
_WRAPPING = " \t\r\n\"'\u202a\u202c\ufeff"
"""What a path copied from a file manager or a spreadsheet may be wrapped in."""


@dataclass(frozen=True)
class AnnotationRow:
    """A usable row. `number` is its line, from 1; `seconds` is None where the header does not say."""

    number: int
    path: Path
    speaker: str
    language: str
    text: str
    seconds: float | None = None


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used; `source` is the path as it stands in the list."""

    number: int
    source: str
    reason: str


@dataclass
class AnnotationList:
    """Rows of a list in its order, and the rows that were refused."""

    path: Path
    rows: list[AnnotationRow] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


def read_annotations(
    list_path: Path,
    audio_folder: Path | None = None,
    *,
    minimum_seconds: float = MINIMUM_SECONDS,
    maximum_seconds: float = MAXIMUM_SECONDS,
    check_audio: bool = True,
    languages: Sequence[str] = LANGUAGES,
    events: Events | None = None,
) -> AnnotationList:
    """Read a list and check all of it: nothing is decoded, so this is quick.

    A relative path counts from the list's folder, or from `audio_folder`; there, as published, the
    base name alone is enough. Refused, each with its line: a missing or unreadable file, a wrong
    language code, `|` in the text, empty text, a clip that is too short or too long, the same file
    twice. Raises InputError for a list that is missing, not UTF-8, or without a row.
    """
    list_path = Path(list_path)
    if audio_folder is not None and not Path(audio_folder).is_dir():
        raise InputError(f"there is no audio folder {audio_folder}", remedy="Check the path.")
    found = AnnotationList(list_path)
    for number, line in enumerate(read_text(list_path).split("\n"), start=1):
        if line.strip():
            _take(found, number, line, audio_folder, languages)
    if not found.rows and not found.bad:
        raise InputError(f"{list_path} holds no row", "a row is path|speaker|language|text", "Add rows.")
    _refuse_repeats(found)
    if check_audio:
        _check_recordings(found, minimum_seconds, maximum_seconds, events or Events())
    found.bad.sort(key=lambda row: row.number)
    return found


def _take(
    found: AnnotationList, number: int, line: str, audio_folder: Path | None, languages: Sequence[str]
) -> None:
    fields = line.split("|")
    source = fields[0].strip(_WRAPPING)
    if len(fields) < _FIELDS:
        found.bad.append(BadRow(number, source, f"{len(fields)} fields, not path|speaker|language|text"))
        return
    if len(fields) > _FIELDS:
        found.bad.append(BadRow(number, source, "`|` in the text"))
        return
    speaker, code, text = (part.strip().strip("\ufeff\u202a") for part in fields[1:])
    reason = ""
    try:
        language = language_code(code)
        if language not in languages:
            reason = f"language {language} is not one of {', '.join(languages)}"
    except InputError as error:
        language, reason = "", f"wrong language code: {error.what}"
    if not reason and not text:
        reason = "empty text"
    if not reason and not source:
        reason = "no path"
    if reason:
        found.bad.append(BadRow(number, source, reason))
        return
    path = locate(source, found.path.parent, audio_folder)
    found.rows.append(AnnotationRow(number, path, speaker, language, " ".join(text.split()), None))


def locate(source: str, list_folder: Path, audio_folder: Path | None = None) -> Path:
    """Where the recording of a row lies: the first place that holds it, or the most likely one if none does.

    `source` is the path as the list spells it. The audio folder comes first; a clip that was made while
    proofreading lies beside the list.
    """
    source = source.strip(_WRAPPING)
    # A list written on Windows has backslashes; on other systems a name may contain one.
    spellings = [source] if "\\" not in source else [source, source.replace("\\", "/")]
    base = PureWindowsPath(source).name if "\\" in source else Path(source).name
    places: list[Path] = []
    beside: list[Path] = []
    for spelling in spellings:
        given = Path(spelling).expanduser() if spelling.startswith("~/") else Path(spelling)
        beside.append(given if given.is_absolute() else list_folder / given)
        if audio_folder is not None:
            places += [] if given.is_absolute() else [Path(audio_folder) / given]
            places.append(Path(audio_folder) / base)
    for place in (*places, *beside):
        if _is_file(place):
            return place.absolute()
    return (places or beside)[-1].absolute()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def real_path(path: Path) -> str:
    """One spelling for one file: links resolved, case folded where the system ignores it."""
    try:
        return os.path.normcase(os.path.realpath(path))
    except (OSError, ValueError):
        return str(path)


def _refuse_repeats(found: AnnotationList) -> None:
    first: dict[str, int] = {}
    kept = []
    for row in found.rows:
        line = first.setdefault(real_path(row.path), row.number)
        if line == row.number:
            kept.append(row)
        else:
            found.bad.append(BadRow(row.number, str(row.path), f"the same file as in row {line}"))
    found.rows = kept


def _check_recordings(found: AnnotationList, minimum: float, maximum: float, events: Events) -> None:
    def check(row: AnnotationRow) -> AnnotationRow | BadRow:
        events.check_stop()
        return _with_seconds(row, minimum, maximum)

    kept: list[AnnotationRow] = []
    # Threads, because a header that soundfile does not know costs an ffmpeg process.
    with ThreadPoolExecutor(_PROBE_THREADS) as pool:
        for done, checked in enumerate(pool.map(check, found.rows), start=1):
            if isinstance(checked, BadRow):
                found.bad.append(checked)
            else:
                kept.append(checked)
            events.progress(done, len(found.rows), "checking")
    found.rows = kept


def _with_seconds(row: AnnotationRow, minimum: float, maximum: float) -> AnnotationRow | BadRow:
    from gsv.audio import probe

    def bad(reason: str) -> BadRow:
        return BadRow(row.number, str(row.path), reason)

    if not _is_file(row.path):
        return bad("missing file")
    try:
        seconds = probe(row.path).seconds
    except (GsvError, OSError) as error:
        return bad(f"unreadable: {error}")
    reason = "" if seconds is None else length_fault(seconds, minimum, maximum)
    return bad(reason) if reason else replace(row, seconds=seconds)


def length_fault(seconds: float, minimum: float = MINIMUM_SECONDS, maximum: float = MAXIMUM_SECONDS) -> str:
    """Why a clip of so many seconds is not used; empty if it is."""
    if seconds <= minimum:
        return f"too short: {seconds:.2f} s, more than {minimum:g} s are needed"
    if seconds >= maximum:
        return f"too long: {seconds:.1f} s, less than {maximum:g} s are read"
    return ""


def write_annotations(path: Path, rows: Iterable[AnnotationRow], relative_to: Path | None = None) -> None:
    """Write rows as a list; paths under `relative_to` become relative to it, with forward slashes.

    Raises InputError for a row that the format cannot hold (`|` or a line break in a field).
    """
    lines = []
    for row in rows:
        place = row.path
        if relative_to is not None and place.is_relative_to(relative_to):
            place = place.relative_to(relative_to)
        fields = [place.as_posix(), row.speaker, row.language, row.text]
        if any("|" in value or "\n" in value or "\r" in value for value in fields):
            raise InputError(f"{row.path.name} fits in no list", "a field contains `|` or a line break")
        lines.append("|".join(fields) + "\n")
    write_text(path, "".join(lines))
