"""Which phones belong to which word of an utterance, and when each word is said.

Knows the words that a person sees and how many phones each has when it is read alone. Where a language reads them
otherwise in a sentence, borders between two words of one segment may be a phone off.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from gsv.errors import GsvError
from gsv.listening.alignment import SILENT, AlignedPhone
from gsv.text.frontend import speak
from gsv.text.plan import Utterance
from gsv.text.routing import Segment
from gsv.text.splitting import only_marks

_HAN = "\u3400-\u9fff\uf900-\ufaff々〇"
_JAPANESE = re.compile(
    rf"[{_HAN}]+[\u3041-\u309f]*|[\u30a1-\u30ffー]+|[\u3041-\u309f]+|[^\s{_HAN}\u3041-\u30ff]+"
)
_CHINESE = re.compile(rf"[{_HAN}]|[^\s{_HAN}]+")
_SPACED = re.compile(r"\S+")
_PATTERNS = {"ja": _JAPANESE, "zh": _CHINESE, "yue": _CHINESE}


@dataclass(frozen=True)
class WordSpan:
    """A word as written, and its phones `first` to before `end` within the utterance."""

    text: str
    language: str
    first: int
    end: int


@dataclass(frozen=True)
class WordTime:
    """A word with its time in seconds; `estimated` where nobody listened."""

    text: str
    start: float
    end: float
    estimated: bool = False


def words_of(utterance: Utterance) -> list[WordSpan]:
    """The words of an utterance in order; marks belong to the word before them."""
    # An utterance may begin with a phone of its own that no segment knows.
    offset = len(utterance.phones.phones) - sum(len(part.reading.phones) for part in utterance.segments)
    spans: list[WordSpan] = []
    for part in utterance.segments:
        code, phones = part.segment.language, part.reading.phones
        heard = [offset + place for place, phone in enumerate(phones) if phone not in SILENT]
        words = _words(part.segment.text, code)
        weights = [_weight(word, code) for word in words]
        total, so_far, first = sum(weights), 0, 0
        for word, weight in zip(words, weights, strict=True):
            so_far += weight
            last = round(so_far * len(heard) / max(1, total))
            if last > first:
                spans.append(WordSpan(word, code, heard[first], heard[last - 1] + 1))
            elif spans:
                spans[-1] = WordSpan(spans[-1].text + word, code, spans[-1].first, spans[-1].end)
            first = last
        offset += len(phones)
    return spans


def _words(text: str, code: str) -> list[str]:
    found: list[str] = []
    for piece in _PATTERNS.get(code, _SPACED).findall(text):
        if found and only_marks(piece):
            found[-1] += piece
        else:
            found.append(piece)
    return found


@lru_cache(maxsize=4096)
def _weight(word: str, code: str) -> int:
    """Phones of a word that is read alone, or its length where it cannot be."""
    try:
        spoken = speak([Segment(word, 0, code)])
    except GsvError:
        return len(word)
    return sum(phone not in SILENT for part in spoken for phone in part.reading.phones) or 1


def timed_words(
    spans: Sequence[WordSpan], aligned: Sequence[AlignedPhone] | None, seconds: float, phones: int
) -> list[WordTime]:
    """Times of the words within a sentence of `seconds`: from its aligned phones, else by their share of `phones`."""
    if aligned is None:
        share = seconds / max(1, phones)
        return [WordTime(span.text, span.first * share, span.end * share, True) for span in spans]
    return [
        WordTime(span.text, float(aligned[span.first].start), min(float(aligned[span.end - 1].end), seconds))
        for span in spans
    ]
