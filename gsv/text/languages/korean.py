"""Korean text to jamo as spoken, with the morphemes of mecab-ko (package python-mecab-ko, dictionary in a wheel).

Knows the order of the steps: `korean_rules` writes, mecab cuts, `korean_sounds` pronounces.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

from gsv.errors import import_optional
from gsv.text.characters import INSERTS
from gsv.text.languages.english_words import latin_phones
from gsv.text.languages.korean_rules import normalize
from gsv.text.languages.korean_sounds import Syllable, jamo, letters, pronounce, syllable
from gsv.text.languages.korean_words import respelled
from gsv.text.punctuation import MARKS
from gsv.text.reading import NATURAL, NO_INSERTS, Inserts, Manner, Reading

SPACE = "空"
STOP = "停"
_PIECE = re.compile(
    r"(?P<latin>[A-Za-z][A-Za-z']*)|(?P<hangul>[가-힣]+(?: [가-힣]+)*)|(?P<other>.)", re.DOTALL
)
_NOUNS = frozenset(("NNG", "NNP", "NNB", "NR", "XPN", "XSN", "XR", "MM", "SN"))
_HARDENING_ENDINGS = ("ᆯ게", "ᆯ걸", "ᆯ수록", "ᆯ지", "ㄹ게", "ㄹ걸", "ㄹ수록", "ㄹ지")


@cache
def _mecab() -> Any:
    return import_optional("mecab", "pip install python-mecab-ko").MeCab()


def _hanja(text: str) -> str:
    """Chinese characters in their Korean reading, where the dictionary has one."""
    if not re.search(r"[\u3400-\u9fff\uf900-\ufaff]", text):
        return text
    for found in reversed(_mecab().parse(text)):
        reading = found.feature.reading
        if (
            reading
            and re.search(r"[\u3400-\u9fff\uf900-\ufaff]", found.surface)
            and re.fullmatch("[가-힣]+", reading)
        ):
            text = text[: found.span.start] + reading + text[found.span.end :]
    return text


def _marked(text: str, context: bool = False) -> list[Syllable | None]:
    """Syllables of hangul words with what their morphemes say; None for a space."""
    morphemes = _mecab().parse(text)
    spelled = text
    if context:
        nouns = [
            (found.span.start, found.span.end, found.surface)
            for found in morphemes
            if set(found.feature.pos.split("+")) <= _NOUNS
        ]
        spelled = respelled(text, nouns)
    marked: list[Syllable | None] = [
        None if character == " " else syllable(character) for character in spelled
    ]
    for found in morphemes:
        start, end = found.span.start, found.span.end
        parts = found.feature.pos.split("+")
        hardening = any(ending in (found.feature.expression or "") for ending in _HARDENING_ENDINGS)
        for place in range(start, end):
            item = marked[place]
            if item is None:
                continue
            marked[place] = replace(
                item,
                stem_end=item.stem_end or (place == end - 1 and parts[-1] in ("VV", "VA", "VX")),
                ending_start=item.ending_start or (place == start and parts[0].startswith("E")),
                attributive=(place == end - 1 and parts[-1] == "ETM") or (hardening and item.coda == "ㄹ"),
                object_end=place == end - 1 and parts[-1] == "JKO",
            )
    return marked


def hangul_phones(text: str, context: bool = True) -> list[str]:
    """Symbols of hangul words with single spaces between them; `context` as in `Manner`."""
    marked = _marked(text, context)
    written = [item for item in marked if item is not None]
    gaps = [" " if after == " " else "" for before, after in pairwise(text) if before != " "]
    spoken = iter(pronounce(written, gaps[: len(written) - 1]))
    return [symbol for item in marked for symbol in ([SPACE] if item is None else jamo(next(spoken)))]


def read(text: str, version: str = "v2", inserts: Inserts = NO_INSERTS, manner: Manner = NATURAL) -> Reading:
    """Phones of Korean text; a Latin word with small letters is read as English."""
    normalized = normalize(_hanja(INSERTS.sub("", text)))
    phones: list[str] = []
    for piece in _PIECE.finditer(normalized):
        if piece["hangul"]:
            phones.extend(hangul_phones(piece[0], manner.context))
        elif piece["latin"]:
            phones.extend(latin_phones(piece[0]))
        else:
            phones.extend(_other(piece[0]))
    return Reading(normalized, phones)


def _other(character: str) -> list[str]:
    if character in MARKS:
        return [character]
    if character.isspace():
        return [SPACE]
    return letters(character)


@lru_cache(maxsize=32768)
def readable(character: str) -> bool:
    """Whether a single character has a Korean sound."""
    spoken = normalize(_hanja(character))
    return bool(re.search("[가-힣A-Za-z]", spoken)) or bool(spoken and _other(spoken[0]))
