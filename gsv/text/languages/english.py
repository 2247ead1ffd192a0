"""English text to ARPABET phones.

Knows the order of the steps: `english_rules` writes everything as words, `english_dictionary` pronounces them.
Does not know sentences: no part-of-speech tags, one pronunciation a spelling.
"""

from __future__ import annotations

import re

from gsv.text.languages.english_dictionary import word_phones
from gsv.text.languages.english_rules import normalize
from gsv.text.punctuation import MARKS
from gsv.text.reading import Reading

_TOKEN = re.compile(r"'?[A-Za-z]+(?:['-][A-Za-z]+)*'?|[!?…,.\-]")
_LEAST = 4


def read(text: str, version: str = "v2") -> Reading:
    """Phones of English text. A very short text gets a leading comma, as published models expect."""
    normalized = normalize(text)
    phones: list[str] = []
    for token in _TOKEN.findall(normalized):
        phones.extend([token] if token in MARKS else word_phones(token))
    if 0 < len(phones) < _LEAST:
        phones.insert(0, ",")
    return Reading(normalized, phones)


def readable(character: str) -> bool:
    """Whether a character has an English word or letter."""
    return bool(_TOKEN.search(normalize(character)))


__all__ = ["normalize", "read", "readable", "word_phones"]
