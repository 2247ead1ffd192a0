"""One door to every language: text and a language code in, phones of a symbol table out.

Knows which module reads which language, loads it on first use, and joins the segments of a mixed text.
Does not know any language's rules.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Protocol, cast

from gsv.errors import InputError
from gsv.text import lexicon as lexicons
from gsv.text import symbols
from gsv.text.characters import is_sign, script_of, simplify
from gsv.text.lexicon import Lexicon
from gsv.text.markup import Marked
from gsv.text.reading import NATURAL, NO_INSERTS, Inserts, Manner, Phones, Reading, Spoken, Unread
from gsv.text.routing import Segment, route

LANGUAGES = ("zh", "en", "ja", "ko", "yue")
_MODULES = {
    "zh": "gsv.text.languages.mandarin",
    "en": "gsv.text.languages.english",
    "ja": "gsv.text.languages.japanese",
    "ko": "gsv.text.languages.korean",
    "yue": "gsv.text.languages.cantonese",
}
_SPELLINGS = {"zh": "zh", "en": "en", "ja": "ja", "jp": "ja", "ko": "ko", "yue": "yue"}
_V1_LANGUAGES = ("zh", "en", "ja")
_LEAST = 4  # phones of an English text
_REPEATING = frozenset("々〻ゝゞヽヾ〱")  # each says what stands before it
_UNHEARD = "\uf8ff"
_NEAR = 12  # characters around a sign that can tell how it is read
_COUNTED = ("zh", "yue")  # languages whose phones are counted per character


class Language(Protocol):
    """What a module of `gsv.text.languages` offers."""

    def read(
        self, text: str, version: str = "v2", inserts: Inserts = NO_INSERTS, manner: Manner = NATURAL
    ) -> Reading:
        """Normalised text and phones, before the symbol table is applied."""
        ...

    def readable(self, character: str) -> bool:
        """Whether a single letter, digit or ideograph has a reading."""
        ...


def language_code(code: str) -> str:
    """`zh en ja ko yue` for any accepted spelling (`ZH`, `jp`, ...). Raises `InputError` otherwise."""
    found = _SPELLINGS.get(code.strip().lower())
    if found is None:
        raise InputError(
            f"unknown language {code!r}",
            "a row has one of zh, en, ja (jp), ko, yue",
            "write the language of the text into the row",
        )
    return found


def language(code: str) -> Language:
    """The module of a language, imported now if it was not. Raises `DependencyError` naming the command."""
    return cast(Language, importlib.import_module(_MODULES[language_code(code)]))


def phones_of(
    text: str,
    language_name: str,
    version: str = "v2",
    manner: Manner = NATURAL,
    lexicon: Lexicon | None = None,
) -> Phones:
    """Phones of one row of text in one language, as training reads it.

    A part in a script that the language does not write (kana in a Chinese row) is read in its own language.
    `version` chooses the symbol table: `v1`, or `v2` and everything later (also `tiny`). `manner` and `lexicon`
    choose pronunciations (`gsv.text.pronunciations` has those of a workspace).
    Raises `InputError` for an unknown language, a language that table v1 lacks, or text with nothing to say.
    """
    code = language_code(language_name)
    table = symbols.table(version)
    if table.version == "v1" and code not in _V1_LANGUAGES:
        raise InputError(
            f"symbol table v1 has no phones for {code}",
            "models of version v1 read zh, en and ja",
            "use a v2 model",
        )
    segments = route(text, code, keep_latin=True)
    if lexicon is None:
        return joined(speak(segments, version, manner=manner), code)
    marked = Marked()
    said = lexicons.replaced(segments, lexicon.entries(), marked)
    return joined(speak(said, version, marked.inserts, manner), code)


def speak(
    segments: Sequence[Segment],
    version: str = "v2",
    inserts: Inserts = NO_INSERTS,
    manner: Manner = NATURAL,
) -> list[Spoken]:
    """Each segment with its phones. Segments in a language that table v1 lacks become unread characters.

    A very short text that is all English begins with a comma, as published models expect.
    """
    table = symbols.table(version)
    spoken: list[Spoken] = []
    for segment in segments:
        if table.version == "v1" and segment.language not in _V1_LANGUAGES:
            missing = tuple(
                Unread(segment.start + place, character)
                for place, character in enumerate(segment.text)
                if script_of(character) != "mark"
            )
            spoken.append(Spoken(segment, Reading("", []), missing))
            continue
        module = language(segment.language)
        reading = module.read(segment.text, table.version, inserts, manner)
        phones = table.known(reading.phones)
        if (
            segment.language == "ko"
            and segment is segments[-1]
            and phones
            and phones[-1] in symbols.KOREAN[:-2]
        ):
            phones.append(".")  # as published, but not in the middle of a sentence
        if segment.language == "en" and len(segments) == 1 and 0 < len(phones) < _LEAST:
            phones.insert(0, ",")
        known = Reading(reading.normalized, phones, reading.word2ph)
        spoken.append(Spoken(segment, known, unread(segment, module)))
    return spoken


def unread(segment: Segment, module: Language) -> tuple[Unread, ...]:
    """Letters, ideographs and signs of a segment that have no reading in its language.

    Punctuation is not among them: it shapes the voice, or groups words, and has no sound of its own.
    """
    missing: list[Unread] = []
    for place, character in enumerate(segment.text):
        script = script_of(character)
        if script in ("latin", "digit") or (script == "mark" and not is_sign(character)):
            continue
        if script == "mark" or character in _REPEATING:
            read = _changes(segment.text, place, module)
        else:
            read = module.readable(simplify(character))
        if not read:
            missing.append(Unread(segment.start + place, character))
    return tuple(missing)


def _changes(text: str, place: int, module: Language) -> bool:
    """Whether a sign is heard where it stands: with one that nobody says in its place, something else is said."""
    start, end = place, place + 1
    while start and text[start - 1] == text[place]:
        start -= 1
    while text[end : end + 1] == text[place]:
        end += 1
    before, after = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    said = module.read(before + text[start:end] + after).phones
    return said != module.read(before + _UNHEARD + after).phones


def joined(spoken: list[Spoken], code: str) -> Phones:
    """The segments as one result. Raises `InputError` where none has a phone."""
    phones = [phone for part in spoken for phone in part.reading.phones]
    if not phones:
        raise InputError(
            "the text has nothing to say", f"no speakable {code} character in it", "write some words"
        )
    counts: list[int] | None = None
    if code in _COUNTED:
        counts = [count for part in spoken for count in _counts(part.reading)]
    missing = tuple(item for part in spoken for item in part.unread)
    warnings = [f"no reading for {item.character!r} at position {item.position}" for item in missing]
    return Phones(phones, counts, "".join(part.reading.normalized for part in spoken), warnings, missing)


def _counts(reading: Reading) -> list[int]:
    """Phones per character of the normalised text; uncounted languages count at their first character."""
    if reading.word2ph is not None or not reading.normalized:
        return reading.word2ph or []
    return [len(reading.phones)] + [0] * (len(reading.normalized) - 1)
