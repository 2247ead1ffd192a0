"""Subtitles of spoken sentences: SRT, WebVTT and JSON, sentences and words with their times.

Knows the forms of these files. Does not know how speech is made.
"""

from __future__ import annotations

import html
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gsv.errors import InputError
from gsv.files import write_text
from gsv.synthesis.sentences import SentenceReport
from gsv.synthesis.words import WordTime

FORMATS = (".srt", ".vtt", ".json")
_LONGEST_LINE = 84
"""A caption of more columns is cut at a word; a full-width character takes two."""


@dataclass(frozen=True)
class Caption:
    """A line on the screen with its words, times in seconds of the recording."""

    text: str
    start: float
    end: float
    words: tuple[WordTime, ...]


def captions(sentences: Sequence[SentenceReport]) -> list[Caption]:
    """A caption a sentence; long sentences have several, cut between words. What was not said has none."""
    found: list[Caption] = []
    for sentence in sentences:
        if sentence.seconds <= 0:
            continue
        words = tuple(
            WordTime(word.text, sentence.start + word.start, sentence.start + word.end, word.estimated)
            for word in sentence.words
        )
        end = sentence.start + sentence.seconds
        text = " ".join(sentence.text.split())
        if _columns(text) <= _LONGEST_LINE or len(words) < 2:
            found.append(Caption(text, sentence.start, end, words))
        else:
            found += _parts(text, sentence.start, end, words)
    return found


def _parts(text: str, start: float, end: float, words: Sequence[WordTime]) -> list[Caption]:
    groups: list[list[WordTime]] = [[]]
    for word in words:
        if groups[-1] and _columns("".join(item.text for item in [*groups[-1], word])) > _LONGEST_LINE * 0.85:
            groups.append([])
        groups[-1].append(word)
    texts = _split(text, [[word.text for word in group] for group in groups])
    starts = [start, *(group[0].start for group in groups[1:]), end]
    return [
        Caption(line, begin, after, tuple(group))
        for line, begin, after, group in zip(texts, starts, starts[1:], groups, strict=False)
    ]


def _split(text: str, groups: Sequence[Sequence[str]]) -> list[str]:
    """`text` cut where each group of words begins; words that are not found there are shown as they are."""
    cuts, cursor = [0], len(groups[0][0])
    for before, group in itertools.pairwise(groups):
        for word in [*before[1:], group[0]]:
            place = text.find(word, cursor)
            if place < 0:
                return [" ".join(words) for words in groups]
            cursor = place + len(word)
        cuts.append(cursor - len(group[0]))
    return [text[a:b].strip() for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True)]


def _columns(text: str) -> int:
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)


def _clock(seconds: float, comma: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{comma}{rest % 1000:03}"


def srt(sentences: Sequence[SentenceReport]) -> str:
    """SubRip text."""
    blocks = [
        f"{number}\n{_clock(item.start, ',')} --> {_clock(item.end, ',')}\n{item.text}\n"
        for number, item in enumerate(captions(sentences), start=1)
    ]
    return "\n".join(blocks)


def vtt(sentences: Sequence[SentenceReport]) -> str:
    """WebVTT text."""
    blocks = [
        # An arrow within the text would end the caption; escaping it keeps it text.
        f"{_clock(item.start, '.')} --> {_clock(item.end, '.')}\n{html.escape(item.text, quote=False)}\n"
        for item in captions(sentences)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def as_json(sentences: Sequence[SentenceReport]) -> str:
    """Sentences with their words, as JSON: `{"sentences": [{"text", "start", "end", "words": [...]}]}`."""
    rows = [
        {
            "text": item.text,
            "start": round(item.start, 3),
            "end": round(item.end, 3),
            "words": [
                {
                    "text": word.text,
                    "start": round(word.start, 3),
                    "end": round(word.end, 3),
                    "estimated": word.estimated,
                }
                for word in item.words
            ],
        }
        for item in captions(sentences)
    ]
    return json.dumps({"sentences": rows}, ensure_ascii=False, indent=1) + "\n"


def check_subtitles_path(path: Path) -> None:
    """Raise InputError for an ending that names no form of subtitles."""
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path.name} is no subtitle file", f"there are {', '.join(FORMATS)}", "Rename it.")


def save_subtitles(path: Path, sentences: Sequence[SentenceReport]) -> None:
    """Write subtitles in the form that the file's ending names; InputError for another ending."""
    check_subtitles_path(path)
    makers = {".srt": srt, ".vtt": vtt, ".json": as_json}
    write_text(path, makers[path.suffix.lower()](sentences))
