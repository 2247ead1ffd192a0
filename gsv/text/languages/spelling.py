"""English letters to phones for words that no dictionary has, from a table of letters in context.

Knows spelling only; not stress in sentences, and not which words are known.
The table was derived from the CMU Pronouncing Dictionary (see `spelling_training.py`).
"""

from __future__ import annotations

import lzma
from functools import cache
from importlib.resources import files

# Letters to the left and to the right that are looked at, from the narrowest view to the widest.
CONTEXTS = ((0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (3, 4), (4, 4))
EDGE = "#"


def context_key(word: str, position: int, level: int) -> str:
    """The letter with its neighbours, `left-letter-right`, as the table writes it."""
    left, right = CONTEXTS[level]
    padded = EDGE * 5 + word + EDGE * 5
    centre = position + 5
    return f"{padded[centre - left : centre]}-{padded[centre]}-{padded[centre + 1 : centre + 1 + right]}"


@cache
def _rules() -> dict[str, str]:
    packed = files("gsv.text").joinpath("data", "spelling.txt.xz").read_bytes()
    lines = lzma.decompress(packed).decode().split("\n")
    return dict(line.split("\t", 1) for line in lines)


def spell_out(word: str) -> list[str]:
    """Phones of a word of the letters a-z. Never empty for a word with a letter."""
    rules = _rules()
    phones: list[str] = []
    for position in range(len(word)):
        chunk = ""
        for level in range(len(CONTEXTS)):
            chunk = rules.get(context_key(word, position, level), chunk)
        phones.extend(chunk.split())
    return phones or ["AH0"]
