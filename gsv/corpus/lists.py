"""Tables and folders of speech with transcripts, read into one form, and written as annotation lists.

Knows corpus tables (a JSON object a line), `.list` files and folders of `NAME.wav` with `NAME.txt`.
Does not open recordings.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gsv.corpus.annotation import AnnotationRow, read_annotations, write_annotations
from gsv.corpus.splits import CorpusRow, held_out
from gsv.errors import DataError, InputError
from gsv.events import Counts, Events
from gsv.files import read_text, write_json
from gsv.text import language_code

SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac", ".wma", ".webm", ".mp4")
TEXT_SUFFIXES = (".txt", ".lab")
_KEYS: Mapping[str, Sequence[str]] = {
    "file": ("file", "path", "wav", "wav_path", "audio", "file_name"),
    "speaker": ("speaker", "spk", "speaker_name", "spkr"),
    "language": ("lang", "language"),
    "text": ("text", "sentence", "transcription", "transcript"),
    "seconds": ("seconds", "duration"),
}


@dataclass(frozen=True)
class Selection:
    """Which rows of the source are taken; empty tuples take every speaker or language."""

    speakers: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    minimum_seconds: float = 0.0
    maximum_seconds: float = float("inf")
    limit: int | None = None


def read_table(path: Path, language: str = "", speaker: str = "") -> list[CorpusRow]:
    """Rows of a `.list`, of a table with a JSON object a line, or of a folder; `file` is an absolute path.

    `language` and `speaker` fill what a row does not say. Raises InputError for a missing or unknown
    source, DataError naming the line of a row that cannot be understood.
    """
    path = Path(path)
    if path.is_dir():
        return _folder(path, language, speaker)
    if path.suffix.lower() in (".jsonl", ".json", ".ndjson"):
        return _json_lines(path, language, speaker)
    if path.suffix.lower() in (".list", ".txt"):
        found = read_annotations(path, check_audio=False)
        if found.bad:
            worst = found.bad[0]
            raise DataError(f"{path} has {len(found.bad)} bad rows", f"row {worst.number}: {worst.reason}")
        return [CorpusRow(str(r.path), r.speaker or speaker, r.language, r.text, None) for r in found.rows]
    raise InputError(f"{path} is not a table", "a folder, .list or .jsonl was expected", "Check the path.")


def _json_lines(path: Path, language: str, speaker: str) -> list[CorpusRow]:
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            rows.append(_json_row(json.loads(line), path.parent, language, speaker))
        except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
            raise DataError(f"{path} cannot be understood", f"line {number}: {error}") from error
    return rows


def _json_row(value: Mapping[str, Any], folder: Path, language: str, speaker: str) -> CorpusRow:
    def first(field: str, default: Any = None) -> Any:
        found = next((value[key] for key in _KEYS[field] if value.get(key) not in (None, "")), default)
        if found is None:
            raise KeyError(f"no {' or '.join(_KEYS[field])}")
        return found

    seconds = next((float(value[key]) for key in _KEYS["seconds"] if value.get(key) is not None), None)
    file = os.path.abspath(folder / str(first("file")))
    code = language_code(str(first("language", language or None)))
    return CorpusRow(file, str(first("speaker", speaker or folder.name)), code, str(first("text")), seconds)


def _folder(folder: Path, language: str, speaker: str) -> list[CorpusRow]:
    if not language:
        raise InputError(f"the language of {folder} is unknown", "text files do not say", "Give --language.")
    code = language_code(language)
    rows = []
    for sound in sorted(folder.rglob("*")):
        if sound.suffix.lower() not in SOUND_SUFFIXES or not sound.is_file():
            continue
        text = next((sound.with_suffix(s) for s in TEXT_SUFFIXES if sound.with_suffix(s).is_file()), None)
        if text is not None:
            words = " ".join(read_text(text).split())
            rows.append(CorpusRow(os.path.abspath(sound), speaker or sound.parent.name, code, words, None))
    if not rows:
        raise InputError(f"{folder} holds no recording with its text", "NAME.wav with NAME.txt is a pair")
    return rows


def select(rows: Iterable[CorpusRow], wanted: Selection) -> list[CorpusRow]:
    """Rows that the selection takes, in order."""
    languages = {language_code(code) for code in wanted.languages}
    kept = [
        row
        for row in rows
        if (not wanted.speakers or row.speaker in wanted.speakers)
        and (not languages or row.language in languages)
        and (row.seconds is None or wanted.minimum_seconds <= row.seconds <= wanted.maximum_seconds)
    ]
    return kept[: wanted.limit]


def make_lists(
    sources: Sequence[Path],
    output: Path,
    *,
    language: str = "",
    speaker: str = "",
    selection: Selection | None = None,
    split: bool = False,
    mixes: Path | None = None,
    voices: Mapping[str, str] | None = None,
    share: float = 0.02,
    absolute: bool = False,
    events: Events | None = None,
) -> Counts:
    """Write `output` (a `.list`) from tables and folders; with `split` also its two parts.

    `NAME.train.list` and `NAME.held-out.list` stand beside it, and `NAME.split.json` says why each clip
    is held out (the rule is `splits.held_out`). Paths are written relative to the list where the clips
    lie below its folder, unless `absolute`. Raises as `read_table`.
    """
    events, output = events or Events(), Path(output)
    counts = Counts()
    rows = [row for source in sources for row in read_table(source, language, speaker)]
    counts.read = len(rows)
    rows = select(rows, selection or Selection())
    counts.skipped = counts.read - len(rows)
    usable = []
    for row in rows:
        if "|" in row.text or not row.text.strip():
            counts.fail(row.file, "`|` in the text" if row.text.strip() else "empty text")
        else:
            speaker_name = row.speaker.replace("|", "_")
            usable.append(replace(row, text=" ".join(row.text.split()), speaker=speaker_name))
    if not usable:
        raise DataError("no row is left to write", f"{counts.read} were read", "Widen the selection.")
    _write(output, usable, absolute)
    counts.done = len(usable)
    if split:
        table = json.loads(read_text(mixes)) if mixes is not None else {}
        reasons = held_out(usable, table, voices=voices, share=share)
        _write_split(output, usable, reasons, absolute)
        events.message(f"{len(usable) - len(reasons)} clips to train on, {len(reasons)} held out")
    for name, reason in counts.reasons.items():
        events.item(name, "failed", reason)
    events.counts(counts)
    return counts


def _write(path: Path, rows: Sequence[CorpusRow], absolute: bool) -> None:
    folder = None if absolute else Path(os.path.abspath(path)).parent
    annotations = (
        AnnotationRow(number, Path(row.file), row.speaker, row.language, row.text)
        for number, row in enumerate(rows, start=1)
    )
    write_annotations(path, annotations, relative_to=folder)


def _write_split(output: Path, rows: Sequence[CorpusRow], reasons: Mapping[str, str], absolute: bool) -> None:
    train = [row for row in rows if row.file not in reasons]
    _write(output.with_suffix(".train.list"), train, absolute)
    _write(output.with_suffix(".held-out.list"), [row for row in rows if row.file in reasons], absolute)
    value = {"format": 1, "train": [row.file for row in train], "held_out": dict(reasons)}
    write_json(output.with_suffix(".split.json"), value)
