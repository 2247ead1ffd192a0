"""English text to ARPABET phones: CMUdict first, then its parts, then letters in context.

Knows words. Does not know sentences (no part-of-speech tags) and not numbers (`english_numbers`).
"""

from __future__ import annotations

import lzma
import re
from functools import cache
from importlib.resources import files

from gsv.text.languages.spelling import spell_out
from gsv.text.punctuation import MARKS, collapse_runs
from gsv.text.reading import Reading

LETTERS = {
    "a": "EY1", "b": "B IY1", "c": "S IY1", "d": "D IY1", "e": "IY1", "f": "EH1 F", "g": "JH IY1", "h": "EY1 CH",
    "i": "AY1", "j": "JH EY1", "k": "K EY1", "l": "EH1 L", "m": "EH1 M", "n": "EH1 N", "o": "OW1", "p": "P IY1",
    "q": "K Y UW1", "r": "AA1 R", "s": "EH1 S", "t": "T IY1", "u": "Y UW1", "v": "V IY1", "w": "D AH1 B AH0 L Y UW0",
    "x": "EH1 K S", "y": "W AY1", "z": "Z IY1",
}  # fmt: skip
# Words that the dictionary lacks or gives as a rare variant first.
_OWN = {"hm": "HH AH0 M", "hmm": "HH AH0 M"}
_TOKEN = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)*'?|[!?…,.\-]")
_MARKS = str.maketrans({
    "。": ".", "！": "!", "？": "?", "，": ",", "；": ",", "：": ",", "、": ",", ";": ",", ":": ",",
    "—": "-", "–": "-", "’": "'", "‘": "'",
})  # fmt: skip


@cache
def dictionary() -> dict[str, str]:
    """Every word of CMUdict in lower case, with its first pronunciation."""
    packed = files("gsv.text").joinpath("data", "cmudict.txt.xz").read_bytes()
    entries = lzma.decompress(packed).decode().split("\n")
    return {**dict(entry.split(" ", 1) for entry in entries), **_OWN}


def word_phones(word: str) -> list[str]:
    """Phones of one word of letters and apostrophes; never empty for a word with a letter."""
    if word == "A":
        return ["EY1"]
    lower = word.lower()
    known = dictionary().get(lower) or dictionary().get(lower.strip("'"))
    if known:
        return known.split()
    if lower.endswith("'s"):
        return _with_s(word_phones(lower[:-2]))
    if "'" in lower:
        return [phone for part in lower.split("'") if part for phone in word_phones(part)]
    if len(lower) == 1 or (len(lower) <= 3 and not re.search("[aeiouy]", lower)):
        return [phone for letter in lower for phone in LETTERS[letter].split()]
    return spell_out(lower)


def _with_s(stem: list[str]) -> list[str]:
    """The possessive after `stem`: a voiceless, a voiced or a syllabic one."""
    if stem[-1] in ("S", "Z", "SH", "ZH", "CH", "JH"):
        return [*stem, "AH0", "Z"]
    return [*stem, "S" if stem[-1] in ("P", "T", "K", "F", "TH", "HH") else "Z"]


def normalize(text: str) -> str:
    """Text with known marks only; idempotent."""
    return collapse_runs(re.sub(r"[^ A-Za-z'.,?!\-…]+", "", text.translate(_MARKS)))


def read(text: str) -> Reading:
    """Phones of English text. A very short text gets a leading comma, as published models expect."""
    normalized = normalize(text)
    phones: list[str] = []
    for token in _TOKEN.findall(normalized):
        phones.extend([token] if token in MARKS else word_phones(token))
    if len(phones) < 4 and phones:
        phones.insert(0, ",")
    return Reading(normalized, phones)
