"""Cantonese text to phones through ToJyutping (its readings are in the wheel).

Knows how published models cut a Jyutping syllable in two. Writing is that of `mandarin_rules`, in simplified
characters, with numbers as Cantonese says them.
"""

from __future__ import annotations

import re
from functools import lru_cache

from gsv.errors import import_optional
from gsv.text.characters import INSERTS, READINGS
from gsv.text.languages import mandarin_rules
from gsv.text.languages.english_words import latin_phones
from gsv.text.punctuation import MARKS
from gsv.text.reading import NATURAL, NO_INSERTS, Inserts, Manner, Reading
from gsv.text.symbols import UNKNOWN, table
from gsv.text.wordlist import words

_PIECE = re.compile(
    rf"(?P<latin>[A-Za-z][A-Za-z' ]*)|(?P<mark>[{re.escape(MARKS)}])"
    rf"|(?P<clause>(?:[{mandarin_rules.HAN}][{READINGS}]?)+)"
)
# The published order: the first that begins the syllable is its onset, so `aap` is `aa` and `p`.
_ONSETS = words(
    "aa aai aak aap aat aau ai au ap at ak a p b e ts t dz d kw k gw g f h l m ng n s y w c z j "
    "ong on ou oi ok o uk ung"
)


def normalize(text: str) -> str:
    """Characters, Latin words and the kept marks; idempotent."""
    return mandarin_rules.written(text).replace("幺", "一")


@lru_cache(maxsize=8192)
def split(jyutping: str) -> tuple[str, str]:
    """The two symbols of a syllable such as `nei5`, as published: one of a single part says its last letter again.

    Where the table lacks that pair (`ong3`), the vowel alone comes before the whole rime.
    """
    toneless, tone = jyutping.rstrip("123456"), jyutping[-1]
    onset = next((part for part in _ONSETS if toneless.startswith(part)), toneless[:1])
    rime = toneless[len(onset) :] or onset[-1]
    pair = (f"Y{onset}", f"Y{rime}{tone}")
    if all(part in table("v2") for part in pair):
        return pair
    vowel = next((part for part in ("aa", "a", "e", "o") if toneless.startswith(part)), "o")
    return f"Y{vowel}", f"Y{toneless}{tone}"


def readings(clause: str) -> list[str]:
    """Jyutping per character of a clause; an empty string where there is none."""
    library = import_optional("ToJyutping", "pip install ToJyutping")
    found: list[str] = []
    for part, jyutping in library.get_jyutping_list(clause):
        parts = (jyutping or "").split()
        found.extend(parts if len(parts) == len(part) else [""] * len(part))
    return found


def _clause_readings(clause: str, inserts: Inserts) -> list[str]:
    """Readings of a clause, with those that a person gave."""
    given: dict[int, str] = {}
    plain = ""
    for character in clause:
        if character in inserts:
            given[len(plain) - 1] = inserts[character][0]
        elif not INSERTS.match(character):
            plain += character
    return [given.get(place, reading) for place, reading in enumerate(readings(plain))]


def read(text: str, version: str = "v2", inserts: Inserts = NO_INSERTS, manner: Manner = NATURAL) -> Reading:
    """Phones of Cantonese text: two per character, one per mark; a Latin word is read as English."""
    normalized = normalize(text)
    phones: list[str] = []
    counts: list[int] = []
    for piece in _PIECE.finditer(normalized):
        if piece["mark"]:
            phones.append(piece[0])
            counts.append(1)
        elif piece["latin"]:
            english = latin_phones(piece[0])
            phones.extend(english)
            counts.extend([len(english)] + [0] * (len(piece[0]) - 1))
        else:
            for jyutping in _clause_readings(piece[0], inserts):
                phones.extend(split(jyutping) if jyutping else (UNKNOWN, UNKNOWN))
                counts.append(2)
    return Reading(INSERTS.sub("", normalized), phones, counts)


@lru_cache(maxsize=32768)
def readable(character: str) -> bool:
    """Whether a character has a Cantonese reading."""
    spoken = normalize(character)
    if not spoken or spoken.isascii():
        return bool(spoken.strip())
    return all(readings(spoken))
