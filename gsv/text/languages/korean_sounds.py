"""Standard Korean pronunciation over written syllables: what codas and onsets do to each other.

Knows syllables, gaps between words, and which morpheme a syllable belongs to. Does not know numbers or marks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

ONSETS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
CODAS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_PARTS = {
    "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ", "ㄽ": "ㄹㅅ",
    "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ",
    "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ",
}  # fmt: skip
_NEUTRAL = {
    "ㄲ": "ㄱ", "ㅋ": "ㄱ", "ㄳ": "ㄱ", "ㄺ": "ㄱ", "ㅅ": "ㄷ", "ㅆ": "ㄷ", "ㅈ": "ㄷ", "ㅊ": "ㄷ",
    "ㅌ": "ㄷ", "ㅎ": "ㄷ",
    "ㅍ": "ㅂ", "ㅄ": "ㅂ", "ㄿ": "ㅂ", "ㄼ": "ㄹ", "ㄽ": "ㄹ", "ㄾ": "ㄹ", "ㅀ": "ㄹ", "ㄵ": "ㄴ",
    "ㄶ": "ㄴ", "ㄻ": "ㅁ",
}  # fmt: skip
TENSE = {"ㄱ": "ㄲ", "ㄷ": "ㄸ", "ㅂ": "ㅃ", "ㅅ": "ㅆ", "ㅈ": "ㅉ"}
_ASPIRATED = {"ㄱ": "ㅋ", "ㄷ": "ㅌ", "ㅂ": "ㅍ", "ㅈ": "ㅊ"}
_NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}
_COMPOUND_VOWELS = {
    "ㅘ": "ㅗㅏ", "ㅙ": "ㅗㅐ", "ㅚ": "ㅗㅣ", "ㅝ": "ㅜㅓ", "ㅞ": "ㅜㅔ", "ㅟ": "ㅜㅣ", "ㅢ": "ㅡㅣ",
    "ㅑ": "ㅣㅏ", "ㅒ": "ㅣㅐ",
    "ㅕ": "ㅣㅓ", "ㅖ": "ㅣㅔ", "ㅛ": "ㅣㅗ", "ㅠ": "ㅣㅜ",
}  # fmt: skip


@dataclass(frozen=True)
class Syllable:
    """A written syllable and what grammar knows of it.

    `stem_end` closes a verb or adjective stem, `ending_start` opens an ending, `attributive` is a future
    attributive (할, 먹을) that hardens what follows, `object_end` closes an object particle.
    """

    onset: str
    vowel: str
    coda: str
    stem_end: bool = False
    ending_start: bool = False
    attributive: bool = False
    object_end: bool = False


def syllable(character: str) -> Syllable:
    """The parts of a composed syllable."""
    number = ord(character) - 0xAC00
    return Syllable(ONSETS[number // 588], VOWELS[number // 28 % 21], CODAS[number % 28])


def jamo(spoken: Syllable) -> list[str]:
    """Symbols of a spoken syllable: compound vowels fall into two."""
    return [spoken.onset, *_COMPOUND_VOWELS.get(spoken.vowel, spoken.vowel), *spoken.coda]


def pronounce(written: list[Syllable], gaps: list[str]) -> list[Syllable]:
    """Syllables as spoken. `gaps[i]` stands between syllable i and i + 1: nothing, a space, or marks."""
    spoken = [_alone(item) for item in written]
    for place in range(len(spoken) - 1):
        gap = gaps[place]
        if gap.strip():
            continue
        first, second = spoken[place], spoken[place + 1]
        first, second = _hardened_by_grammar(first, second, bool(gap))
        if not gap:
            first, second = _palatalised(first, second)
        first, second = _breath(first, second, bool(gap))
        if not gap:
            first, second = _linked(first, second)
        spoken[place], spoken[place + 1] = _assimilated(first, second, bool(gap))
    return [replace(item, coda=_NEUTRAL.get(item.coda, item.coda)) for item in spoken]


def letters(character: str) -> list[str]:
    """Symbols of a letter that stands alone, as in laughter; empty for another character."""
    parts = _PARTS.get(character) or _COMPOUND_VOWELS.get(character) or character
    return list(parts) if character in CODAS[1:] or character in ONSETS or character in VOWELS else []


def _alone(item: Syllable) -> Syllable:
    if item.onset in "ㅈㅉㅊ" and item.vowel in "ㅑㅒㅕㅖㅛㅠ":
        return replace(
            item, vowel={"ㅑ": "ㅏ", "ㅒ": "ㅐ", "ㅕ": "ㅓ", "ㅖ": "ㅔ", "ㅛ": "ㅗ", "ㅠ": "ㅜ"}[item.vowel]
        )
    if item.vowel == "ㅢ" and item.onset != "ㅇ":
        return replace(item, vowel="ㅣ")
    return item


def _hardened_by_grammar(first: Syllable, second: Syllable, gap: bool) -> tuple[Syllable, Syllable]:
    hard = TENSE.get(second.onset)
    if hard is None:
        return first, second
    stem = first.stem_end and second.ending_start and not gap
    if first.attributive and first.coda == "ㄹ":
        second = replace(second, onset=hard)
    elif stem and first.coda in ("ㄴ", "ㄵ", "ㅁ", "ㄻ", "ㄼ", "ㄾ") and second.onset != "ㅂ":
        second = replace(second, onset=hard)
    elif stem and first.coda == "ㄺ" and second.onset == "ㄱ":
        first, second = replace(first, coda="ㄹ"), replace(second, onset=hard)
    return first, second


def _palatalised(first: Syllable, second: Syllable) -> tuple[Syllable, Syllable]:
    if (
        second.vowel not in ("ㅣ", "ㅕ")
        or second.onset not in ("ㅇ", "ㅎ")
        or second.vowel + second.coda == "ㅕㅇ"
    ):
        return first, second
    if first.coda in ("ㄷ", "ㅌ", "ㄾ"):
        soft = "ㅈ" if first.coda == "ㄷ" and second.onset == "ㅇ" else "ㅊ"
        vowel = "ㅓ" if second.vowel == "ㅕ" else second.vowel
        return replace(first, coda="ㄹ" if first.coda == "ㄾ" else ""), replace(
            second, onset=soft, vowel=vowel
        )
    return first, second


def _breath(first: Syllable, second: Syllable, gap: bool) -> tuple[Syllable, Syllable]:
    """ㅎ on either side: it makes its neighbour aspirated, or goes."""
    parts = _PARTS.get(first.coda, first.coda)
    if parts.endswith("ㅎ") and not gap:
        rest = parts[:-1]
        if second.onset in ("ㄱ", "ㄷ", "ㅈ"):
            return replace(first, coda=rest), replace(second, onset=_ASPIRATED[second.onset])
        if second.onset == "ㅅ":
            return replace(first, coda=rest), replace(second, onset="ㅆ")
        if second.onset == "ㄴ":
            return replace(first, coda=rest or "ㄴ"), second
        if second.onset == "ㅇ":
            return replace(first, coda=rest), second
    if second.onset == "ㅎ" and parts:
        last = parts[-1]
        plain = last if last in _ASPIRATED else _NEUTRAL.get(last, last)
        if plain in _ASPIRATED:
            rest = parts[:-1] if parts not in ("ㅂㅅ", "ㄱㅅ") else ""
            breath = _ASPIRATED[_NEUTRAL[first.coda]] if parts in ("ㅂㅅ", "ㄱㅅ") else _ASPIRATED[plain]
            if gap and last == "ㅈ":
                breath = "ㅌ"
            return replace(first, coda=rest), replace(second, onset=breath)
    return first, second


def _linked(first: Syllable, second: Syllable) -> tuple[Syllable, Syllable]:
    """A coda moves to an empty onset."""
    if second.onset != "ㅇ" or first.coda in ("", "ㅇ"):
        return first, second
    parts = _PARTS.get(first.coda, first.coda)
    if len(parts) == 1:
        return replace(first, coda=""), replace(second, onset=parts)
    onset = "ㅆ" if parts[1] == "ㅅ" else parts[1]
    return replace(first, coda=parts[0]), replace(second, onset=onset)


def _assimilated(first: Syllable, second: Syllable, gap: bool) -> tuple[Syllable, Syllable]:
    """Codas neutral before a consonant; what follows hard, nasal or liquid."""
    coda, onset = first.coda, second.onset
    if not coda or (onset == "ㅇ" and not gap):
        return first, second
    coda = "ㅂ" if first.onset + first.vowel + coda == "ㅂㅏㄼ" else _NEUTRAL.get(coda, coda)  # 밟다
    if coda in _NASAL and onset in TENSE:
        onset = TENSE[onset]
    if coda in _NASAL and onset in ("ㄴ", "ㅁ", "ㄹ"):
        coda = _NASAL[coda]
        onset = "ㄴ" if onset == "ㄹ" else onset
    elif coda in ("ㅁ", "ㅇ") and onset == "ㄹ" and not gap:
        onset = "ㄴ"
    elif coda == "ㄴ" and onset == "ㄹ":
        coda = "ㄹ"
    elif coda == "ㄹ" and onset == "ㄴ" and not (gap and first.object_end):
        onset = "ㄹ"
    return replace(first, coda=coda), replace(second, onset=onset)
