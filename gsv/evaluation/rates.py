"""Error rates of what was heard against what should have been said.

Knows how texts are made comparable and how edits are counted. Does not know audio, recognisers or models.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gsv.errors import import_optional
from gsv.text import language_code
from gsv.text.symbols import PUNCTUATION, UNKNOWN

CHARACTER_LANGUAGES = ("zh", "ja", "yue", "ko")
"""Languages whose errors are counted by character, because spaces there mean little."""

_SILENT_PHONES = {*PUNCTUATION, UNKNOWN, "_", "[", "]", "SP", "SP2", "SP3", "pause"}
"""Signs in a phone sequence that are not heard: marks, borders and the pitch marks of Japanese."""

_NOT_A_WORD_SIGN = re.compile(r"[^a-z0-9']+")


@dataclass(frozen=True)
class ErrorRate:
    """`edits` needed over `length` units; `rate` is 0 when equal and may exceed 1."""

    edits: int
    length: int

    @property
    def rate(self) -> float:
        return self.edits / max(1, self.length)


def words(text: str) -> list[str]:
    """Lower-case words of letters, digits and apostrophes."""
    plain = unicodedata.normalize("NFKD", text).replace("’", "'").lower()
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return [word for part in _NOT_A_WORD_SIGN.split(plain) if (word := part.strip("'"))]


def characters(text: str) -> list[str]:
    """Letters and digits only, Chinese characters in their simplified form, no punctuation and no spaces.

    Raises DependencyError where opencc is missing.
    """
    plain = unicodedata.normalize("NFKC", text).lower()
    simplified = _simplifier().convert(plain)
    return [sign for sign in simplified if unicodedata.category(sign)[0] in "LNM"]


@lru_cache(maxsize=1)
def _simplifier() -> Any:
    return import_optional("opencc", "pip install opencc").OpenCC("t2s")


def units(text: str, language: str) -> list[str]:
    """Words or characters, whichever errors are counted by in `language`."""
    return characters(text) if language_code(language) in CHARACTER_LANGUAGES else words(text)


def error_rate(text: str, heard: str, language: str) -> ErrorRate:
    """Word error rate of `heard` against `text`, or character error rate, by the language."""
    expected = units(text, language)
    return ErrorRate(edit_distance(expected, units(heard, language)), len(expected))


def heard_phones(phones: Sequence[str]) -> list[str]:
    """Phones without tones, stress and signs that are not heard."""
    return [re.sub(r"\d$", "", phone) for phone in phones if phone not in _SILENT_PHONES]


def phone_error_rate(expected: Sequence[str], found: Sequence[str]) -> ErrorRate:
    """Edits between two phone sequences, compared without tone, stress and silent signs."""
    wanted = heard_phones(expected)
    return ErrorRate(edit_distance(wanted, heard_phones(found)), len(wanted))


def edit_distance(first: Sequence[Hashable], second: Sequence[Hashable]) -> int:
    """Least number of insertions, deletions and replacements that turn one sequence into the other."""
    if len(first) < len(second):
        first, second = second, first
    above = list(range(len(second) + 1))
    for row, wanted in enumerate(first, start=1):
        left = row
        line = [left]
        for column, found in enumerate(second):
            left = min(above[column] + (wanted != found), above[column + 1] + 1, left + 1)
            line.append(left)
        above = line
    return above[-1]
