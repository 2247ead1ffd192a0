"""What a person writes into a text to steer it: language tags, breaks, pronunciations, a small set of SSML.

Knows the notation. Does not know languages: a pronunciation becomes a private character that a language looks up.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field, replace

from gsv.errors import InputError
from gsv.text import symbols
from gsv.text.characters import FIRST_READING, FIRST_WORD, INSERT_PLACES, INSERTS

_LANGUAGE_TAGS = {"zh": "zh", "en": "en", "ja": "ja", "jp": "ja", "ko": "ko", "yue": "yue"}
_ARPABET = frozenset(
    [f"{vowel}{stress}" for vowel in symbols.ENGLISH_VOWELS for stress in "012"]
    + list(symbols.ENGLISH_CONSONANTS)
)
_RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.5}
_SYLLABLES = r"[a-zü]{1,7}[1-6](?: ?[a-zü]{1,7}[1-6])*"
_TOKEN = re.compile(
    r"(?P<open>\[(?P<open_code>zh|en|ja|jp|ko|yue)\])|(?P<close>\[/(?P<close_code>zh|en|ja|jp|ko|yue)\])"
    r"|(?P<tag><(?P<slash>/?)(?P<name>speak|break|sub|phoneme|prosody|lang|p|s)(?P<attributes>(?:\s[^<>]*)?)/?>)"
    r"|\[(?P<arpabet>[A-Z]{1,2}[0-2]?(?: [A-Z]{1,2}[0-2]?)*)\]"
    rf"|(?P<han>[\u3400-\u9fff\U00020000-\U0003ffff]+)[(（](?:(?P<pinyin>{_SYLLABLES})|(?P<kana>[\u3041-\u30ff]+))[)）]",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"([\w:-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


@dataclass(frozen=True)
class Passage:
    """Text to be said.

    `places` are those of its characters in the source, `language` is the person's choice, `rate` 1 is normal.
    """

    text: str
    places: tuple[int, ...]
    language: str | None = None
    rate: float = 1.0


@dataclass(frozen=True)
class Break:
    """A silence of so many seconds."""

    seconds: float


@dataclass
class Marked:
    """A text taken apart. `inserts` maps a private character to phones, or to the reading of the one before it."""

    items: list[Passage | Break] = field(default_factory=list)
    inserts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def insert(self, first: str, content: tuple[str, ...]) -> str:
        """A private character from `first` on that stands for `content`; equal content shares one."""
        number = ord(first)
        while chr(number) in self.inserts and self.inserts[chr(number)] != content:
            number += 1
        if number >= ord(first) + INSERT_PLACES:
            raise InputError(
                "too many pronunciations in one text", f"at most {INSERT_PLACES} fit", "split the text"
            )
        self.inserts[chr(number)] = content
        return chr(number)

    def word(self, phones: tuple[str, ...]) -> str:
        """A character that is said as `phones`."""
        return self.insert(FIRST_WORD, phones)

    def reading(self, syllable: str) -> str:
        """A character that gives the one before it a reading."""
        return self.insert(FIRST_READING, (syllable,))

    def written(self, text: str) -> str:
        """`text` with its private characters in the notation that a person can write."""

        def spelled(match: re.Match[str]) -> str:
            content = " ".join(self.inserts.get(match[0], ()))
            return f"[{content}]" if match[0] < FIRST_READING else f"({content})"

        return INSERTS.sub(spelled, text)


@dataclass(frozen=True)
class _State:
    language: str | None = None
    rate: float = 1.0
    name: str = ""
    around: str = ""  # the outermost element: inside speak, entities such as &amp; are one character
    spoken: str | None = None  # instead of what stands inside a sub or phoneme element


def arpabet(text: str) -> tuple[str, ...]:
    """Phones of `R EH1 D`, or nothing where one is no ARPABET phone or none is a vowel: `[B]` is a letter."""
    phones = tuple(text.upper().split())
    vowel = any(phone[-1] in "012" for phone in phones)
    return phones if vowel and all(phone in _ARPABET for phone in phones) else ()


def parse(text: str) -> Marked:
    """Passages and breaks of a text with tags. What only looks like a tag is kept as text.

    Raises `InputError` for a break or a rate that is no number, and for an unknown language of a tag.
    """
    text = INSERTS.sub("", text)
    marked = Marked()
    states = [_State()]
    end = 0
    for token in _TOKEN.finditer(text):
        if token["arpabet"] and not (token["arpabet"].isupper() and arpabet(token["arpabet"])):
            continue
        _say(marked, states[-1], text[end : token.start()], end)
        end = token.end()
        if token["arpabet"]:
            _say(marked, states[-1], marked.word(arpabet(token["arpabet"])), token.start())
        elif token["han"]:
            _say(marked, states[-1], _read_as(marked, token), token.start())
        elif token["open"]:
            states.append(replace(states[-1], language=_LANGUAGE_TAGS[token["open_code"].lower()], name="[]"))
        elif token["close"]:
            _close(states, "[]")
        else:
            _element(marked, states, token)
    _say(marked, states[-1], text[end:], end)
    return marked


def _say(marked: Marked, state: _State, text: str, start: int) -> None:
    if not text or state.spoken is not None:
        return
    plain = html.unescape(text) if "speak" in (state.name, state.around) else text
    source = range(start, start + len(text))
    places = tuple(source[min(place, len(text) - 1)] for place in range(len(plain)))
    last = marked.items[-1] if marked.items else None
    if isinstance(last, Passage) and (last.language, last.rate) == (state.language, state.rate):
        marked.items[-1] = replace(last, text=last.text + plain, places=last.places + places)
    else:
        marked.items.append(Passage(plain, places, state.language, state.rate))


def _read_as(marked: Marked, token: re.Match[str]) -> str:
    """Han characters with their reading: syllables behind the last ones, or kana in their place."""
    han = token["han"]
    if token["kana"]:
        return token["kana"]
    return with_readings(marked, han, re.findall(r"[a-zü]+[1-6]", token["pinyin"].lower()))


def with_readings(marked: Marked, han: str, readings: list[str]) -> str:
    """`han` with each of the readings behind one of its last characters."""
    plain = max(len(han) - len(readings), 0)
    pairs = zip(han[plain:], readings[-len(han) :], strict=False)
    return han[:plain] + "".join(character + marked.reading(reading) for character, reading in pairs)


def _close(states: list[_State], name: str) -> None:
    for place in range(len(states) - 1, 0, -1):
        if states[place].name == name:
            del states[place:]
            return


def _element(marked: Marked, states: list[_State], token: re.Match[str]) -> None:
    name = token["name"].lower()
    given = {
        found[1].lower(): html.unescape(found[2] or found[3] or "")
        for found in _ATTRIBUTE.finditer(token["attributes"])
    }
    if name == "break":
        if not token["slash"]:
            marked.items.append(Break(_seconds(given)))
        return
    if token["slash"]:
        _close(states, name)
        return
    if token[0].endswith("/>"):
        return
    state = replace(states[-1], name=name, around=states[-1].around or name)
    if name == "lang":
        code = given.get("xml:lang", given.get("lang", "")).lower().split("-")[0]
        if code not in _LANGUAGE_TAGS:
            raise InputError(f"unknown language {code!r} of a lang element", "", "use zh, en, ja, ko or yue")
        state = replace(state, language=_LANGUAGE_TAGS[code])
    elif name == "prosody":
        state = replace(state, rate=_rate(given.get("rate", "medium")) * state.rate)
    elif name == "sub" and "alias" in given:
        _say(marked, state, given["alias"], token.start())
        state = replace(state, spoken=given["alias"])
    elif name == "phoneme":
        state = _phoneme(marked, state, given, token)
    states.append(state)


def _phoneme(marked: Marked, state: _State, given: dict[str, str], token: re.Match[str]) -> _State:
    """Say `ph` instead of the element's text. The alphabet is arpabet, pinyin, jyutping or kana."""
    alphabet, spelled = given.get("alphabet", "").lower().removeprefix("x-"), given.get("ph", "")
    inner = re.match(r"[^<\[]*", token.string[token.end() :])
    han = inner[0].strip() if inner else ""
    if alphabet in ("arpabet", "cmu", "") and arpabet(spelled):
        said = marked.word(arpabet(spelled))
    elif alphabet in ("pinyin", "jyutping") and re.fullmatch(_SYLLABLES, spelled.strip().lower()):
        said = with_readings(marked, han, re.findall(r"[a-zü]+[1-6]", spelled.lower()))
    elif alphabet == "kana" and spelled:
        said = spelled
    else:
        marked.warnings.append(
            f"no way to say ph={spelled!r} in alphabet {alphabet!r}; the text is read instead"
        )
        return state
    _say(marked, state, said, token.start())
    return replace(state, spoken=said)


def _seconds(given: dict[str, str]) -> float:
    strengths = {"none": 0.0, "x-weak": 0.1, "weak": 0.2, "medium": 0.4, "strong": 0.7, "x-strong": 1.0}
    if "time" not in given:
        return strengths.get(given.get("strength", "medium"), 0.4)
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*(ms|s)\s*", given["time"])
    if match is None:
        raise InputError(f"no time {given['time']!r} of a break", "", 'write time="500ms" or time="0.5s"')
    seconds = float(match[1]) / (1000 if match[2] == "ms" else 1)
    if seconds > 60:
        raise InputError(f"a break of {seconds:g} s", "at most 60 s", "use several")
    return seconds


def _rate(text: str) -> float:
    if text in _RATES:
        return _RATES[text]
    match = re.fullmatch(r"\s*([+-]?\d+(?:\.\d+)?)(%?)\s*", text)
    if match is None:
        raise InputError(f"no rate {text!r} of a prosody element", "", "write slow, fast, 120% or 1.2")
    value = float(match[1]) / (100 if match[2] else 1)
    value = 1 + value if match[1][0] in "+-" else value
    if not 0.25 <= value <= 4:
        raise InputError(f"a rate of {value:g}", "it lies between 0.25 and 4", "choose one in between")
    return value
