"""What a recogniser heard in the clips of a list: how sure it is, and when each word was said.

Knows the side file `NAME.words.jsonl` beside `NAME.list`, one JSON object a clip. Lines that cannot be
understood are passed over: the list is whole without them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gsv.corpus.proofreading_rows import Part, Row

logger = logging.getLogger(__name__)

SPACELESS = ("zh", "ja", "yue")
"""Languages that part their words by no space."""


@dataclass(frozen=True)
class Word:
    """A word with its times in the clip, in seconds; `confidence` 0-1."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Heard:
    """What was heard in one clip; `confidence` is None where the recogniser gave none."""

    confidence: float | None = None
    language: str = ""
    words: tuple[Word, ...] = ()


def words_path(list_path: Path) -> Path:
    """The side file of a list."""
    return list_path.with_suffix(".words.jsonl")


def read_words(path: Path) -> dict[str, Heard]:
    """The side file by the clips' paths as the list spells them; empty where there is none."""
    found: dict[str, Heard] = {}
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return found
    for line in text.split("\n"):
        if line.strip():
            try:
                value = json.loads(line)
                found[str(value["path"])] = _heard(value)
            except (ValueError, KeyError, TypeError, AttributeError):
                logger.info("%s holds a line that is passed over", path.name)
    return found


def _heard(value: Mapping[str, Any]) -> Heard:
    words = tuple(
        Word(
            str(word["text"]), float(word["start"]), float(word["end"]), float(word.get("confidence") or 0.0)
        )
        for word in value.get("words") or ()
    )
    confidence = value.get("confidence")
    return Heard(None if confidence is None else float(confidence), str(value.get("language") or ""), words)


def heard_in(row: Row, table: Mapping[str, Heard]) -> Heard | None:
    """What was heard in a row's clip; for one that was cut or joined, out of what was heard in its sources."""
    if not row.parts:
        return table.get(row.path)
    known = [(part, table[part.path]) for part in row.parts if part.path in table]
    if not known:
        return None
    words = [word for part, heard in known for word in _within(part, heard.words)]
    sure = [heard.confidence for _, heard in known if heard.confidence is not None]
    if words:
        mean: float | None = sum(word.confidence for word in words) / len(words)
    else:
        mean = min(sure, default=None)
    return Heard(mean, known[0][1].language, tuple(words))


def _within(part: Part, words: Sequence[Word]) -> list[Word]:
    """The words whose middle lies in the part, with their times in the made clip."""
    shift = part.at - part.start
    return [
        Word(word.text, max(word.start, part.start) + shift, min(word.end, part.end) + shift, word.confidence)
        for word in words
        if part.start <= (word.start + word.end) / 2 < part.end
    ]


def divide(text: str, share: float, words: Sequence[Word] = (), seconds: float = 0.0) -> tuple[str, str]:
    """A suggestion of how a text divides where its clip is cut: by the words' times, else by the share of its length.

    `share` is the point as part of the clip (0-1), `seconds` the same as a time.
    """
    if words:
        before = sum(len(word.text.strip()) for word in words if (word.start + word.end) / 2 < seconds)
        share = before / max(1, sum(len(word.text.strip()) for word in words))
    wanted = share * len(text)
    places = [0, len(text)]
    for place in range(1, len(text)):
        left, right = text[place - 1], text[place]
        if right.isspace() or (_wide(left) and not _mark(right)) or (_mark(left) and _wide(right)):
            places.append(place)
    best = min(places, key=lambda place: (abs(place - wanted), place))
    return text[:best].strip(), text[best:].strip()


def joined(left: str, right: str, language: str) -> str:
    """Two texts as one, with a space between them where the writing has spaces."""
    if not left or not right:
        return left or right
    tight = language in SPACELESS and (_wide(left[-1]) or _mark(left[-1])) and _wide(right[0])
    return left + right if tight else f"{left} {right}"


def _wide(sign: str) -> bool:
    """Whether a character is of a writing without spaces."""
    return "\u3040" <= sign <= "\u30ff" or "\u3400" <= sign <= "\u9fff" or "\uf900" <= sign <= "\ufaff"


def _mark(sign: str) -> bool:
    return not sign.isalnum() and not sign.isspace()
