"""LJSpeech folders, Hugging Face audio folders, folders of sounds with texts, and annotation lists, as clips.

Knows where these forms put file names and texts. Opens no recording.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from gsv.corpus.annotation import read_annotations
from gsv.corpus.exchange.clips import Clip, Found, first_of, inside
from gsv.corpus.lists import SOUND_SUFFIXES, TEXT_SUFFIXES
from gsv.errors import DataError, GsvError, InputError
from gsv.files import read_text

METADATA = ("metadata.csv", "metadata.jsonl")
WAVES = "wavs"
_TEXTS = ("transcription", "text", "sentence", "transcript", "normalized_text", "raw_text")
_SPEAKERS = ("speaker", "speaker_name", "speaker_id")
_LANGUAGES = ("language", "lang", "locale")
_OUTSIDE = "its file name leads out of the folder"


def read_list(source: Path, audio: Path | None) -> Found:
    """The rows of an annotation list; `audio` is the folder of its recordings."""
    listed = read_annotations(source, audio, check_audio=False)
    found = Found(bad=list(listed.bad))
    found.clips = [Clip(row.number, row.path, row.text, row.language, row.speaker) for row in listed.rows]
    return found


def is_ljspeech(path: Path) -> bool:
    """Whether a `metadata.csv` is one of LJSpeech: fields divided by `|`, and no header."""
    head = read_text(path).lstrip("\n").partition("\n")[0]
    return "|" in head and "file_name" not in head


def read_ljspeech(source: Path, audio: Path | None) -> Found:
    """`id|text|normalised text` a row, recordings in `wavs`; the last text that is there is what is said."""
    table = source / METADATA[0] if source.is_dir() else source
    folder = audio or table.parent / WAVES
    found = Found()
    for number, line in enumerate(read_text(table).split("\n"), start=1):
        if not line.strip():
            continue
        name, *texts = line.split("|")
        if len(texts) not in (1, 2):
            found.refuse(number, name, f"{len(texts) + 1} fields, not id|text or id|text|normalised text")
            continue
        path = _sound(folder, name.strip())
        if path is None:
            found.refuse(number, name, _OUTSIDE)
            continue
        text = next((text for text in reversed(texts) if text.strip()), "")
        found.clips.append(Clip(number, path, text))
    return found


def _sound(folder: Path, name: str) -> Path | None:
    """The recording of an id: with any ending, or as it would be called."""
    given = inside(folder, name)
    if given is None or given.is_file():
        return given
    places = [given.with_name(given.name + ending) for ending in SOUND_SUFFIXES]
    return next((place for place in places if place.is_file()), places[0])


def metadata_files(source: Path) -> list[Path]:
    """The tables of an audio folder: its own, or those of the parts (`train`, `test`) below it."""
    if source.is_file():
        return [source]
    own = [source / name for name in METADATA if (source / name).is_file()]
    return own[:1] or sorted(path for name in METADATA for path in source.glob(f"*/{name}"))


def read_audio_folder(source: Path, audio: Path | None) -> Found:
    """Rows with `file_name`, counted from the table's folder or from `audio`, and a text column."""
    found = Found()
    for table in metadata_files(source):
        text = read_text(table)
        rows = _json_rows(text, found) if table.suffix.lower() == ".jsonl" else _csv_rows(text, table)
        for number, row in rows:
            name = first_of(row, ("file_name",))
            path = inside(audio or table.parent, name) if name else None
            if path is None:
                found.refuse(number, name, _OUTSIDE if name else "no file_name")
                continue
            language, speaker = first_of(row, _LANGUAGES), first_of(row, _SPEAKERS)
            found.clips.append(Clip(number, path, first_of(row, _TEXTS), language, speaker))
    return found


def _csv_rows(text: str, table: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    reader = csv.DictReader(io.StringIO(text))
    try:
        if "file_name" not in (reader.fieldnames or ()):
            raise InputError(
                f"{table} is no table of an audio folder", "it has no column file_name", "Name the form."
            )
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{table} cannot be understood", f"line {reader.line_num}: {error}") from error


def _json_rows(text: str, found: Found) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            found.refuse(number, "", f"no JSON: {error}")
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            found.refuse(number, "", "no JSON object")


def read_pairs(source: Path, audio: Path | None) -> Found:
    """`NAME.wav` with `NAME.txt` or `NAME.lab`, below a folder; the folder of a recording names its speaker.

    Row numbers count the sounds and the texts without sound, in sorted order.
    """
    found, heard = Found(), set()
    files = [path for path in sorted(source.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    sounds = [path for path in files if path.suffix.lower() in SOUND_SUFFIXES]
    for number, sound in enumerate(sounds, start=1):
        text = next((sound.with_suffix(s) for s in TEXT_SUFFIXES if sound.with_suffix(s).is_file()), None)
        heard.add(sound.with_suffix(""))
        try:
            words = None if text is None else read_text(text)
        except GsvError as error:
            found.refuse(number, sound.name, str(error))
            continue
        if words is None:
            found.refuse(number, sound.name, "no text beside it")
        else:
            found.clips.append(Clip(number, sound, words, speaker=sound.parent.name))
    texts = [path for path in files if path.suffix.lower() in TEXT_SUFFIXES]
    lonely = [path for path in texts if path.with_suffix("") not in heard]
    for number, text in enumerate(lonely, start=len(sounds) + 1):
        found.refuse(number, text.name, "no recording beside it")
    return found
