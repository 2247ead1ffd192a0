"""Mandarin words in a sentence: which are spoken as one, and how their tones change.

Knows the published order of merging and sandhi (不, 一, neutral tone, third tone, 儿), so that published voices
hear what they were trained on. Does not know numbers, marks or symbols.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gsv.text.languages.mandarin_words import COLOURED_ER, FULL_ENDINGS, NEUTRAL_ENDINGS, PARTICLES, TRUE_ER
from gsv.text.languages.pinyin import Syllable, syllables

_NUMERALS = frozenset("零〇一二三四五六七八九十百千万亿两幺")
_MEASURING = frozenset("几有两半多各整每做是")
_MARKS = frozenset(",.!?…-")


@dataclass(frozen=True)
class Word:
    """A word and its part of speech in jieba's letters."""

    text: str
    part: str


Tones = list[Syllable | None]
Halves = Callable[[str], tuple[str, str]]


def merge(words: list[Word]) -> list[Word]:
    """Words joined where sandhi reaches over their border."""
    for step in (_join_bu, _join_yi, _join_reduplicated, _join_full_thirds, _join_touching_thirds, _join_er):
        words = step(words)
    return words


def _join_bu(words: list[Word]) -> list[Word]:
    joined: list[Word] = []
    for word in words:
        if joined and joined[-1].text == "不" and word.part != "x":
            joined[-1] = Word("不" + word.text, word.part)
        else:
            joined.append(word)
    return joined


def _join_yi(words: list[Word]) -> list[Word]:
    paired: list[Word] = []
    place = 0
    while place < len(words):
        word = words[place]
        follower = words[place + 1] if place + 1 < len(words) else None
        if (
            word.text == "一"
            and paired
            and follower
            and follower.text == paired[-1].text
            and follower.part == "v"
        ):
            paired[-1] = Word(f"{paired[-1].text}一{follower.text}", paired[-1].part)
            place += 1
        else:
            paired.append(word)
        place += 1
    joined: list[Word] = []
    for word in paired:
        if joined and joined[-1].text == "一" and word.part != "x":
            joined[-1] = Word("一" + word.text, word.part)
        else:
            joined.append(word)
    return joined


def _join_reduplicated(words: list[Word]) -> list[Word]:
    joined: list[Word] = []
    for word in words:
        if joined and joined[-1].text == word.text and word.part != "x":
            joined[-1] = Word(word.text * 2, joined[-1].part)
        else:
            joined.append(word)
    return joined


def _third(syllable: Syllable | None) -> bool:
    return syllable is not None and syllable.tone == 3


def _join_thirds(words: list[Word], touch: Callable[[Tones, Tones], bool]) -> list[Word]:
    tones = [syllables(word.text) for word in words]
    joined: list[Word] = []
    merged_before = False
    for place, word in enumerate(words):
        previous = words[place - 1] if place else None
        if (
            previous is not None
            and not merged_before
            and word.part != "x"
            and previous.part != "x"
            and touch(tones[place - 1], tones[place])
            and not _reduplicated(previous.text)
            and len(previous.text) + len(word.text) <= 3
        ):
            joined[-1] = Word(joined[-1].text + word.text, joined[-1].part)
            merged_before = True
        else:
            joined.append(word)
            merged_before = False
    return joined


def _reduplicated(text: str) -> bool:
    return len(text) == 2 and text[0] == text[1]


def _join_full_thirds(words: list[Word]) -> list[Word]:
    return _join_thirds(words, lambda left, right: all(map(_third, left)) and all(map(_third, right)))


def _join_touching_thirds(words: list[Word]) -> list[Word]:
    return _join_thirds(words, lambda left, right: _third(left[-1]) and _third(right[0]))


def _join_er(words: list[Word]) -> list[Word]:
    joined: list[Word] = []
    for word in words:
        if joined and word.text == "儿" and joined[-1].part != "x":
            joined[-1] = Word(joined[-1].text + "儿", joined[-1].part)
        else:
            joined.append(word)
    return joined


def change(word: Word, tones: Tones, halves: Halves) -> Tones:
    """Tones of `word` as spoken; `halves` cuts a word where a dictionary of words would."""
    tones = _change_bu(word.text, tones)
    tones = _change_yi(word.text, tones)
    tones = _change_neutral(word, tones, halves)
    return _change_thirds(word.text, tones, halves)


def _set(tones: Tones, place: int, tone: int) -> None:
    syllable = tones[place]
    if syllable is not None:
        tones[place] = syllable.with_tone(tone)


def _tone(tones: Tones, place: int) -> int:
    syllable = tones[place]
    return syllable.tone if syllable is not None else 0


def _change_bu(text: str, tones: Tones) -> Tones:
    tones = list(tones)
    if len(text) == 3 and text[1] == "不":
        _set(tones, 1, 5)
        return tones
    for place, character in enumerate(text[:-1]):
        if character == "不" and _tone(tones, place + 1) == 4:
            _set(tones, place, 2)
    return tones


def _change_yi(text: str, tones: Tones) -> Tones:
    tones = list(tones)
    if "一" not in text or all(character in _NUMERALS for character in text):
        return tones
    if len(text) == 3 and text[1] == "一" and text[0] == text[2]:
        _set(tones, 1, 5)
        return tones
    if text.startswith("第一"):
        _set(tones, 1, 1)
        return tones
    for place, character in enumerate(text[:-1]):
        if character == "一":
            if _tone(tones, place + 1) == 4:
                _set(tones, place, 2)
            elif text[place + 1] not in _MARKS:
                _set(tones, place, 4)
    return tones


def _ends_lightly(word: Word) -> bool:
    """Whether grammar alone makes the last syllable neutral."""
    text, part = word.text, word.part
    last, before = text[-1], text[-2:-1]
    return (
        last in PARTICLES
        or last in "的地得"
        or (len(text) == 1 and last in "了着过" and part in ("ul", "uz", "ug"))
        or (len(text) > 1 and last in "们子" and part in ("r", "n"))
        or (len(text) > 1 and last in "上下里" and part in ("s", "l", "f"))
        or (len(text) > 1 and last in "来去" and before in "上下进出回过起开")
    )


def _change_neutral(word: Word, tones: Tones, halves: Halves) -> Tones:
    tones = list(tones)
    text = word.text
    if word.part[:1] in ("n", "v", "a") and text not in FULL_ENDINGS:
        for place in range(1, len(text)):
            if text[place] == text[place - 1]:
                _set(tones, place, 5)
    counter = text.find("个")
    if text not in FULL_ENDINGS and _ends_lightly(word):
        _set(tones, -1, 5)
    elif text == "个" or (counter >= 1 and text[counter - 1] in _NUMERALS | _MEASURING):
        _set(tones, counter, 5)
    elif text in NEUTRAL_ENDINGS or text[-2:] in NEUTRAL_ENDINGS:
        _set(tones, -1, 5)
    first, second = halves(text)
    for part, end in ((first, len(first)), (second, len(text))):
        if part in NEUTRAL_ENDINGS or part[-2:] in NEUTRAL_ENDINGS:
            _set(tones, end - 1, 5)
    return tones


def _pair(tones: Tones, start: int) -> None:
    if _tone(tones, start) == 3 and _tone(tones, start + 1) == 3:
        _set(tones, start, 2)


def _change_thirds(text: str, tones: Tones, halves: Halves) -> Tones:
    tones = list(tones)
    length = len(text)
    if length in (2, 4):
        for start in range(0, length, 2):
            _pair(tones, start)
    elif length == 3:
        split = len(halves(text)[0])
        if all(map(_third, tones)):
            _set(tones, 1, 2)
            if split == 2:
                _set(tones, 0, 2)
        elif split == 2:
            pair_is_third = _tone(tones, 0) == 3 and _tone(tones, 1) == 3
            _pair(tones, 0)
            if not pair_is_third:
                _pair(tones, 1)
        elif split == 1:
            pair_is_third = _tone(tones, 1) == 3 and _tone(tones, 2) == 3
            _pair(tones, 1)
            if not pair_is_third:
                _pair(tones, 0)
    return tones


def change_er(word: Word, tones: Tones) -> Tones:
    """儿 after a word takes the tone of the syllable before it; a 儿 that is a word keeps its own."""
    if not word.text.endswith("儿") or tones[-1] is None:
        return tones
    tones = list(tones)
    if _tone(tones, -1) == 1:
        _set(tones, -1, 2)
    coloured = word.text in COLOURED_ER or (word.text not in TRUE_ER and word.part not in ("a", "j", "nr"))
    if len(word.text) > 1 and coloured:
        before = tones[-2]
        if before is not None and _tone(tones, -1) in (2, 5):
            _set(tones, -1, before.tone)
    return tones
