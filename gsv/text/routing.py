"""Which language each part of a mixed text is read in: script first, then the person's choice, then evidence.

Knows scripts, neighbours and a few telling characters. Does not know pronunciation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from gsv.errors import InputError
from gsv.text.characters import READINGS, Script, script_of

# The published codes of a request: what Han characters are read as when nothing else tells.
CHOICES = {
    "all_zh": "zh", "zh": "zh", "all_ja": "ja", "ja": "ja", "all_yue": "yue", "yue": "yue", "all_ko": "ko", "ko": "ko",
    "en": "en", "auto": "auto", "auto_yue": "auto_yue",
}  # fmt: skip
_CANTONESE = frozenset("嘅哋咗唔喺啲嚟冇嘢乜佢睇咁係啱瞓攞畀揾嗰噉咩嗌啩喎㗎")
_CHINESE = frozenset("我他她它你您们这那是了在不也很都就把被从没吧呢啊哪谁么")
_OPENING = frozenset("([{（［｛「『《〈【〔“‘«\"'¿¡#@$€£¥")
_UNIT = (
    r"(?:km/[hL]|m/s|m[mg]?/min|mmHg|m?mol/L|m?g/d?L|µ?g/L|[kcdmnμµ]?m[²³23]?|[kmμµ]?g|[mkMG]?Wh?|[mdM]?[lL]|[kMG]?Hz|d[Bb]"
    r"|° ?[CF]|mAh?|[KMGT]B|[KMG]bps|[KMG]B/s|[khM]?Pa|k?cal|k?J|V|t|h|s|ms|min|pp[mb]|px|rpm|mph|ft|lb|oz|ha)"
)
_UNIT_AFTER_NUMBER = re.compile(_UNIT)
# What is one thing although marks, letters and digits meet in it: an address, a number, a unit, a currency.
_WHOLE = re.compile(
    r"(?P<latin>(?:https?://|www\.)[A-Za-z0-9./_?=&%#:~+-]*[A-Za-z0-9/]"
    r"|[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
    r"|(?<![A-Za-z0-9])[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.(?:com|org|net|edu|gov|io|cn|jp|hk|tw|kr|uk|app|dev)"
    r"(?![A-Za-z0-9])(?:/[A-Za-z0-9./_?=&%#:~+-]*)?)"
    r"|(?<![A-Za-z])(?P<number>N[oO]\.[0-9]+)"
    rf"|(?<=[0-9])(?P<unit>{_UNIT})(?![A-Za-z0-9²³])"
    r"|(?<![A-Za-z])(?P<sign>(?:US|HK|NT|RMB|A|C)[$¥])(?= ?[0-9])"
    r"|(?P<digit>[0-9]+(?:[.,:][0-9]+)+)",
)
_READING = re.compile(f"[{READINGS}]")
_SENTENCE = re.compile(r"[。．.!?！？\n]")


@dataclass(frozen=True)
class Segment:
    """A part of the text, where it starts there, and the language it is read in."""

    text: str
    start: int
    language: str


@dataclass(frozen=True)
class _Run:
    text: str
    start: int
    script: Script
    language: str | None = None


def choice_code(choice: str) -> str:
    """A published code of a request, in any case. Raises `InputError` for another one."""
    code = choice.strip().lower().replace("-", "_")
    code = {"jp": "ja", "all_jp": "ja"}.get(code, code)
    if code not in CHOICES:
        raise InputError(
            f"unknown language {choice!r}", f"a text has one of {', '.join(CHOICES)}", "choose one of these"
        )
    return code


def route(text: str, choice: str = "auto", keep_latin: bool = False) -> list[Segment]:
    """Segments that together are `text`, each in one language; neighbours differ.

    `keep_latin` leaves Latin words in the chosen language, as training rows do. Raises `InputError` for an
    unknown choice.
    """
    prior = CHOICES[choice_code(choice)]
    runs = _runs(text)
    if keep_latin and prior in ("zh", "yue", "ja", "ko"):
        runs = [replace(run, language=prior) if run.script == "latin" else run for run in runs]
    runs = _letters(runs, prior)
    runs = _digits(runs, prior)
    return _joined(runs, text, prior)


def _runs(text: str) -> list[_Run]:
    runs: list[_Run] = []
    wholes = {match.start(): match for match in _WHOLE.finditer(text)}
    end = 0
    for place, character in enumerate(text):
        if place in wholes and place >= end:
            match = wholes[place]
            end = match.end()
            kind: Script = "digit" if match["digit"] else "mark" if match["sign"] else "latin"
            runs.append(_Run(match[0], place, kind))
            continue
        if place < end:
            continue
        script = script_of(character)
        if runs and (_READING.match(character) or (runs[-1].script == script and script != "mark")):
            runs[-1] = replace(runs[-1], text=runs[-1].text + character)
        elif runs and script == "mark" and character in "'’" and runs[-1].script == "latin":
            runs[-1] = replace(runs[-1], text=runs[-1].text + character)
        else:
            runs.append(_Run(character, place, script))
    return runs


def _letters(runs: list[_Run], prior: str) -> list[_Run]:
    """Languages of letters; digits, marks and unknown scripts stay open."""
    fixed = {"hangul": "ko", "kana": "ja", "latin": "en"}
    routed: list[_Run] = []
    for place, run in enumerate(runs):
        language = run.language or fixed.get(run.script)
        if run.script == "han":
            language = _han(runs, place, prior)
        elif run.script == "latin" and _is_unit(runs, place) and prior != "en":
            language = None  # that of its number
        elif _is_laughter(runs, place) and prior in ("ja", "auto"):
            language = "ja"
        routed.append(replace(run, language=language))
    return routed


def _is_unit(runs: list[_Run], place: int) -> bool:
    before = runs[place - 1] if place else None
    return (
        before is not None
        and before.script == "digit"
        and bool(_UNIT_AFTER_NUMBER.fullmatch(runs[place].text))
    )


def _is_laughter(runs: list[_Run], place: int) -> bool:
    """Whether a run is the `www` that Japanese people laugh in."""
    before = "".join(run.text for run in runs[max(0, place - 2) : place])
    return bool(re.fullmatch("[wｗ]+", runs[place].text)) and bool(
        re.search("[ぁ-ヿ一-鿿][、。！!…]?$", before)
    )


@lru_cache(maxsize=32768)
def _writes(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _evidence(text: str) -> tuple[int, int]:
    """How much the characters themselves speak for Chinese and for Japanese."""
    chinese = sum(not _writes(character, "shift_jis") or character in _CHINESE for character in text)
    japanese = sum(
        _writes(character, "shift_jis")
        and not _writes(character, "gb2312")
        and not _writes(character, "big5")
        for character in text
    )
    return chinese, japanese


def _han(runs: list[_Run], place: int, prior: str) -> str:
    """The language of a run of Han characters."""
    text = runs[place].text
    if prior in ("zh", "yue", "ja"):
        return prior
    if prior != "en" and any(character in _CANTONESE for character in text):
        return "yue"
    chinese_name = "yue" if prior == "auto_yue" else "zh"
    chinese, japanese = _evidence(text)
    touches_kana = any(run.script == "kana" for run in _neighbours(runs, place, 1))
    japanese += 2 * touches_kana
    if chinese == japanese == 0:
        around = _neighbours(runs, place, 6)
        japanese += any(run.script == "kana" for run in around)
        if prior == "ko" or (
            any(run.script == "hangul" for run in _neighbours(runs, place, 1)) and prior != "en"
        ):
            return "ko"
    return "ja" if japanese > chinese else chinese_name


def _neighbours(runs: list[_Run], place: int, reach: int) -> list[_Run]:
    """Runs within `reach` on both sides, up to the ends of the sentence."""
    found: list[_Run] = []
    for step in (-1, 1):
        for distance in range(1, reach + 1):
            near = place + step * distance
            if not 0 <= near < len(runs) or _SENTENCE.search(runs[near].text):
                break
            found.append(runs[near])
    return found


def _digits(runs: list[_Run], prior: str) -> list[_Run]:
    routed: list[_Run] = []
    for place, run in enumerate(runs):
        if run.script == "digit":
            run = replace(run, language=_number_language(runs, place, prior))
        elif run.script == "latin" and run.language is None:
            run = replace(run, language=routed[-1].language)  # a unit
        routed.append(run)
    return routed


def _side(runs: list[_Run], place: int, step: int) -> tuple[str | None, bool]:
    """The language of the nearest letters on one side, and whether marks other than spaces stand between."""
    marks = False
    near = place + step
    while 0 <= near < len(runs):
        run = runs[near]
        if run.language is not None:
            return run.language, marks
        marks = marks or bool(re.search(r"[,!?，。！？、；;\n]|\.\s", run.text + (" " if step > 0 else "")))
        near += step
    return None, marks


def _number_language(runs: list[_Run], place: int, prior: str) -> str:
    """The language of a number: of the word that it is glued to, of its clause, or of the choice."""
    for near in (place + 1, place - 1):
        if (
            0 <= near < len(runs)
            and runs[near].script == "latin"
            and not (near > place and _is_unit(runs, near))
        ):
            return runs[near].language or "en"
    glued = runs[place - 2 : place]
    if len(glued) == 2 and glued[0].script == "latin" and glued[1].text == "-":
        return glued[0].language or "en"  # GPT-4
    counter = runs[place + 1] if place + 1 < len(runs) else None
    if counter is not None and counter.script in ("han", "kana", "hangul") and counter.language:
        return counter.language
    before, cut_before = _side(runs, place, -1)
    after, cut_after = _side(runs, place, 1)
    if before is not None and before == after:
        return before
    if prior not in ("auto", "auto_yue", "en"):
        return prior
    if before and after and cut_before != cut_after:
        return after if cut_before else before
    return before or after or {"auto": "zh", "auto_yue": "yue"}.get(prior, prior)


def _joined(runs: list[_Run], text: str, prior: str) -> list[Segment]:
    """Marks given to the word before, opening ones to the word after; neighbours of one language made one."""
    languages: list[str | None] = [run.language for run in runs]
    current: str | None = None
    for place, run in enumerate(runs):
        if languages[place] is None and current is not None and run.text[-1] not in _OPENING:
            languages[place] = current
        current = languages[place] or current
    following: str | None = None
    for place in range(len(runs) - 1, -1, -1):
        languages[place] = languages[place] or following
        following = languages[place]
    default = {"auto": "zh", "auto_yue": "yue"}.get(prior, prior)
    segments: list[Segment] = []
    for run, language in zip(runs, languages, strict=True):
        chosen = language or (segments[-1].language if segments else default)
        if segments and segments[-1].language == chosen:
            segments[-1] = replace(segments[-1], text=segments[-1].text + run.text)
        else:
            segments.append(Segment(run.text, run.start, chosen))
    return segments
