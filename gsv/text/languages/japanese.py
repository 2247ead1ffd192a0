"""Japanese text to phones with pitch marks, through Open JTalk (package pyopenjtalk-plus, dictionary in its wheel).

Knows chunks, marks and accent features of full-context labels. Does not know writing (`japanese_rules`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from gsv.errors import import_optional
from gsv.text.characters import INSERTS, script_of
from gsv.text.languages.japanese_rules import normalize, written_here
from gsv.text.reading import NATURAL, NO_INSERTS, Inserts, Manner, Reading

_SPEAKABLE = re.compile(
    "(?:[A-Za-z0-9\u3005-\u3007\u3041-\u3096\u3099-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]|(?<=[0-9])[.](?=[0-9]))+"
)
_HELD = re.compile("^[ーッっ]+(?=ー)|^ー+")
_MARKS = str.maketrans({
    "：": ",", "；": ",", "，": ",", "、": ",", ":": ",", ";": ",", "。": ".", "\n": ".", "！": "!", "？": "?",
})  # fmt: skip
_LABEL = re.compile(
    r"\-(?P<phone>[^+]+)\+.*?"
    r"/A:(?P<from_nucleus>-?\d+|xx)\+(?P<forward>\d+|xx)\+(?P<backward>\d+|xx)/"
    r".*?/F:(?P<moras>\d+|xx)_"
)
_NONE = -50  # where a label has no value, far from any mora count


@cache
def _labels() -> Callable[[str], list[str]]:
    jtalk: Any = import_optional("pyopenjtalk", "pip install pyopenjtalk-plus")

    def of(text: str) -> list[str]:
        labels: list[str] = jtalk.make_label(
            jtalk.run_frontend(text, use_sudachi_kanji_yomi=False, predict_nani=False)
        )
        return labels

    return of


def _number(text: str) -> int:
    return _NONE if text == "xx" else int(text)


def prosody(labels: list[str]) -> list[str]:
    """Phones of full-context labels with `[` rise, `]` fall, `#` phrase border, `_` pause."""
    moments = [_LABEL.search(label) for label in labels]
    found = [moment for moment in moments if moment is not None]
    phones: list[str] = []
    for place, moment in enumerate(found):
        phone = moment["phone"]
        if phone == "sil":
            continue
        if phone == "pau":
            phones.append("_")
            continue
        phones.append(phone.lower() if phone in "AEIOU" else phone)
        following = _number(found[place + 1]["forward"]) if place + 1 < len(found) else _NONE
        forward, backward = _number(moment["forward"]), _number(moment["backward"])
        if (
            backward == 1
            and following == 1
            and phone in ("a", "e", "i", "o", "u", "A", "E", "I", "O", "U", "N", "cl")
        ):
            phones.append("#")
        elif (
            _number(moment["from_nucleus"]) == 0
            and following == forward + 1
            and forward != _number(moment["moras"])
        ):
            phones.append("]")
        elif forward == 1 and following == 2:
            phones.append("[")
    return phones


def read(text: str, version: str = "v2", inserts: Inserts = NO_INSERTS, manner: Manner = NATURAL) -> Reading:
    """Phones of Japanese text; marks between chunks stay as phones."""
    normalized = normalize(INSERTS.sub("", text))
    phones: list[str] = []
    end = 0
    # Beside a character that Open JTalk does not know it would say nothing of the word.
    known = "".join(
        character if script_of(character) != "han" or written_here(character) else " "
        for character in normalized
    )
    for chunk in _SPEAKABLE.finditer(known):
        phones.extend(_between(known[end : chunk.start()]))
        phones.extend(_chunk_phones(chunk.group()))
        end = chunk.end()
    phones.extend(_between(known[end:]))
    return Reading(normalized, phones)


def _chunk_phones(chunk: str) -> list[str]:
    spoken = _HELD.sub("アー", chunk)  # a lengthening of nothing has no sound in Open JTalk
    return prosody(_labels()(spoken))


def _between(marks: str) -> list[str]:
    """Marks as phones; brackets and the like become the unknown symbol, as published."""
    return [
        mark
        for mark in marks.translate(_MARKS)
        if script_of(mark) == "mark" and not mark.isspace() and mark != "・"
    ]


@lru_cache(maxsize=32768)
def readable(character: str) -> bool:
    """Whether Open JTalk has a sound for a single character."""
    spoken = normalize(character)
    return all(map(written_here, spoken)) and bool(_chunk_phones(spoken))
