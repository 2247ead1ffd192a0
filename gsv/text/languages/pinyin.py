"""Toned pinyin to the two symbols that models know, and hanzi to pinyin through pypinyin.

Knows syllables; not words in context (`mandarin_tones`) and not text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from gsv.errors import import_optional
from gsv.text.symbols import CHINESE_FINALS

_SYLLABLE = re.compile(r"(zh|ch|sh|[bcdfghjklmnpqrstwxyz])?([a-zêü]+?)([1-5])?")
# Interjections that have no initial-and-final spelling of their own.
_RARE = {"m": "en", "n": "en", "ng": "eng", "hm": "hen", "hng": "heng", "ê": "ei", "yai": "ya"}


@dataclass(frozen=True)
class Syllable:
    """One hanzi: initial symbol, final symbol without tone, tone 1-5 (5 is neutral)."""

    initial: str
    final: str
    tone: int

    @property
    def phones(self) -> tuple[str, str]:
        """The two symbols of the table."""
        return self.initial, f"{self.final}{self.tone}"

    def with_tone(self, tone: int) -> Syllable:
        """The same syllable in another tone."""
        return Syllable(self.initial, self.final, tone)


@cache
def syllable(pinyin: str) -> Syllable | None:
    """`zhuang4` or `lv4` (`lü4`) as symbols, or None where it is no Mandarin syllable."""
    toneless = pinyin.rstrip("12345").replace("ü", "v")
    toneless = _RARE.get(toneless, toneless)
    tone = int(pinyin[-1]) if pinyin[-1:] in "12345" and pinyin[-1:] else 5
    match = _SYLLABLE.fullmatch(toneless)
    if match is None:
        return None
    initial, final = match[1] or "", match[2]
    if not initial:
        initial = final[0].upper() * 2
        if initial not in ("AA", "EE", "OO"):
            return None
    elif final == "i" and initial in ("zh", "ch", "sh", "r"):
        final = "ir"
    elif final == "i" and initial in ("z", "c", "s"):
        final = "i0"
    elif initial in "jqxy" and final.startswith("u"):
        final = "v" + final[1:]
    elif initial == "y" and final in ("an", "e"):
        final = {"an": "En", "e": "E"}[final]
    final = {"uei": "ui", "iou": "iu", "uen": "un", "ue": "ve"}.get(final, final)
    return Syllable(initial, final, tone) if final in CHINESE_FINALS else None


@cache
def _pypinyin() -> Any:
    return import_optional("pypinyin", "pip install pypinyin")


@lru_cache(maxsize=65536)
def readings(word: str) -> tuple[str, ...]:
    """Toned pinyin per character of `word`; an empty string where pypinyin knows no reading."""
    library = _pypinyin()
    found = library.lazy_pinyin(
        word, style=library.Style.TONE3, neutral_tone_with_five=True, errors=lambda part: [""] * len(part)
    )
    return tuple(found)


def syllables(word: str) -> list[Syllable | None]:
    """Syllables of `word`, one per character; None where there is no reading."""
    return [syllable(reading) if reading else None for reading in readings(word)]
