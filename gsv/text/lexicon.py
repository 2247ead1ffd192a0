"""Words that a person pronounces another way, from files of the workspace and of an experiment.

A line is `language<TAB>word<TAB>pronunciation`: ARPABET phones for en (`JH IY1 P IY1`), pinyin for zh, Jyutping for
yue (a syllable a character), kana for ja, hangul for ko. `#` begins a comment. A file that changes is read again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gsv.errors import InputError
from gsv.files import read_text
from gsv.text.languages import pinyin
from gsv.text.markup import Marked, arpabet, with_readings
from gsv.text.routing import Segment

LANGUAGES = ("zh", "en", "ja", "ko", "yue")


@dataclass(frozen=True)
class Entry:
    """One word of one language."""

    language: str
    word: str
    pronunciation: str


def parse_line(line: str, place: str = "") -> Entry | None:
    """The entry of a line, or None for a comment. Raises `InputError` naming `place` and what is wrong."""
    line = line.split("#")[0].strip("\r\n")
    if not line.strip():
        return None
    fields = [part.strip() for part in line.split("\t")]
    if len(fields) != 3 or not all(fields):
        raise InputError(
            f"{place}: no entry in {line!r}", "it needs language, word and pronunciation", "part them by tabs"
        )
    entry = Entry(fields[0].lower(), fields[1], fields[2])
    problem = _problem(entry)
    if problem:
        raise InputError(f"{place}: {entry.word!r} cannot be said so", problem, "correct the line")
    return entry


def _problem(entry: Entry) -> str:
    language, said = entry.language, entry.pronunciation
    if language not in LANGUAGES:
        return f"unknown language {language!r}"
    if language == "en":
        return "" if arpabet(said) else f"{said!r} is not ARPABET"
    if language in ("zh", "yue"):
        parts = said.lower().split()
        if len(parts) != len(entry.word):
            return f"{len(parts)} syllables for {len(entry.word)} characters"
        wrong = [part for part in parts if not re.fullmatch("[a-zü]+[1-6]", part)]
        wrong += [part for part in parts if language == "zh" and not wrong and pinyin.syllable(part) is None]
        return f"{wrong[0]!r} is no syllable" if wrong else ""
    script = "[\u3041-\u30ff]+" if language == "ja" else "[가-힣 ]+"
    return "" if re.fullmatch(script, said) else f"{said!r} is not {'kana' if language == 'ja' else 'hangul'}"


class Lexicon:
    """Entries of several files; later files win. Missing files have none."""

    def __init__(self, *paths: Path) -> None:
        self._paths = paths
        self._seen: dict[Path, tuple[int, int]] = {}
        self._entries: dict[Path, list[Entry]] = {}

    def entries(self) -> dict[tuple[str, str], str]:
        """(language, word) to pronunciation, from the files as they are now."""
        merged: dict[tuple[str, str], str] = {}
        for path in self._paths:
            for entry in self._load(path):
                word = entry.word.lower() if entry.language == "en" else entry.word
                merged[(entry.language, word)] = entry.pronunciation
        return merged

    def touching(self, text: str, language: str) -> list[tuple[str, str]]:
        """Words of `text` in `language` that an entry says, with what it says: what a stored reading rests on."""
        looked = text.lower() if language == "en" else text
        return sorted(
            (word, said)
            for (code, word), said in self.entries().items()
            if code == language and word in looked
        )

    def _load(self, path: Path) -> list[Entry]:
        if not path.is_file():
            self._seen.pop(path, None)
            return []
        state = path.stat()
        stamp = (state.st_mtime_ns, state.st_size)
        if self._seen.get(path) != stamp:
            lines = read_text(path).splitlines()
            parsed = (parse_line(line, f"{path.name} line {number}") for number, line in enumerate(lines, 1))
            self._entries[path] = [entry for entry in parsed if entry is not None]
            self._seen[path] = stamp
        return self._entries[path]


def replaced(
    segments: Sequence[Segment], entries: dict[tuple[str, str], str], marked: Marked
) -> list[Segment]:
    """`segments` with their words of the lexicon said as written there."""
    return [
        replace(segment, text=apply(segment.text, segment.language, entries, marked)) for segment in segments
    ]


def apply(text: str, language: str, entries: dict[tuple[str, str], str], marked: Marked) -> str:
    """`text` of one language with its words of the lexicon said as written there; the longest word wins."""
    words = sorted((word for code, word in entries if code == language), key=len, reverse=True)
    if not words:
        return text
    either = "|".join(re.escape(word) for word in words)
    pattern = rf"(?<![A-Za-z])(?:{either})(?![A-Za-z])" if language == "en" else f"(?:{either})"

    def said(match: re.Match[str]) -> str:
        if language == "en":
            return marked.word(arpabet(entries[(language, match[0].lower())]))
        pronunciation = entries[(language, match[0])]
        if language in ("zh", "yue"):
            return with_readings(marked, match[0], pronunciation.lower().split())
        return pronunciation

    return re.sub(pattern, said, text, flags=re.IGNORECASE if language == "en" else 0)
