"""Cantonese text to phones through ToJyutping (its readings are in the wheel).

Knows how published models cut a Jyutping syllable in two. Writing is that of `mandarin_rules`, in simplified
characters, with numbers as Cantonese says them.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

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


# Read otherwise than the word list has it: what stands there, with the character in brackets, and its Jyutping.
_TOLD = tuple(
    (re.compile(pattern), jyutping)
    for pattern, jyutping in (
        (r"姓(曾)|(曾)(?=志伟|荫权|国藩|先生|小姐|太|生|Sir)", "zang1"),
        (r"姓(单)|(单)(?=先生|小姐|太)", "sin6"),
        (r"姓(区)|(区)(?=先生|小姐|太|生)", "au1"),
        (r"姓(任)|(任)(?=先生|小姐|太|剑辉|达华)", "jam4"),
        (r"姓(查)|(查)(?=先生|小姐|太|良镛)", "zaa1"),
        (r"姓(仇)", "kau4"),
        (
            r"(会)(?=落|去|来|嚟|有|做|唔|再|继续|俾|畀|讲|话|返|令|变|死|好)|[唔都就先可实仲](会)(?!议)",
            "wui5",
        ),
        (r"姓(华)|(华)(?=佗)", "waa6"),
        (r"[张影拍幅](相)(?![信同反关似])", "soeng2"),
        (r"(长)(?=大|者|辈|官)|[校队局家会部](长)", "zoeng2"),
        (r"(?:好|太|几|咁|幾|米|尺|年)(长)(?!大|者|辈|官)", "coeng4"),
        (r"(行)(?=路|街|开|入|出|过|得)", "haang4"),
        (r"(?<=[一二两三四五六七八九十几呢嗰每])(只)(?![有系会能可])", "zek3"),
    )
)


@cache
def _traditional() -> Any:
    return import_optional("opencc", "pip install opencc").OpenCC("s2hk")


@lru_cache(maxsize=32768)
def _simplified_alike(character: str) -> str:
    """The simplified form of a character, where it is read the same: 離 stays, because 离 is another word."""
    plain = mandarin_rules.simplified(character)
    return plain if plain == character or readings(plain) == readings(character) else character


def _alike(text: str) -> str:
    return "".join(
        _simplified_alike(character) if ord(character) > 0x33FF else character for character in text
    )


def normalize(text: str) -> str:
    """Characters, Latin words and the kept marks; idempotent."""
    text = re.sub(r"(?<![A-Za-z])\$ ?(\d[\d,]*(?:\.\d+)?)(?!\d| ?[千万萬亿億])", r"\1蚊", text)
    return mandarin_rules.written(text, _alike).replace("幺", "一")


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


def _clause_readings(clause: str, inserts: Inserts, manner: Manner) -> list[str]:
    """Readings of a clause, with those that a person gave."""
    given: dict[int, str] = {}
    plain = ""
    for character in clause:
        if character in inserts:
            given[len(plain) - 1] = inserts[character][0]
        elif not INSERTS.match(character):
            plain += character
    simple = mandarin_rules.simplified(plain)
    if not manner.context:
        return [given.get(place, reading) for place, reading in enumerate(readings(simple))]
    full: str = _traditional().convert(plain)
    found = readings(full if len(full) == len(plain) else plain)
    for pattern, jyutping in _TOLD:
        for match in pattern.finditer(simple):
            found[match.start(match.lastindex or 0)] = jyutping
    return [given.get(place, reading) for place, reading in enumerate(found)]


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
            for jyutping in _clause_readings(piece[0], inserts, manner):
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
