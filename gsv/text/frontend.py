"""One door to every language: text and a language code in, phones of a symbol table out.

Knows which module reads which language and loads it on first use. Does not know any language's rules.
"""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from gsv.errors import InputError
from gsv.text import symbols
from gsv.text.reading import Phones, Reading

LANGUAGES = ("zh", "en", "ja", "ko", "yue")
_MODULES = {
    "zh": "gsv.text.languages.mandarin",
    "en": "gsv.text.languages.english",
    "ja": "gsv.text.languages.japanese",
    "ko": "gsv.text.languages.korean",
    "yue": "gsv.text.languages.cantonese",
}
_SPELLINGS = {
    "zh": "zh", "en": "en", "ja": "ja", "jp": "ja", "ko": "ko", "yue": "yue",
}  # fmt: skip


class Language(Protocol):
    """What a module of `gsv.text.languages` offers."""

    def read(self, text: str) -> Reading:
        """Normalised text and phones, before the symbol table is applied."""
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


def phones_of(text: str, language_name: str, version: str = "v2") -> Phones:
    """Phones of `text`, read as one language throughout.

    `version` chooses the symbol table: `v1`, or `v2` and everything later (also `tiny`).
    Raises `InputError` for an unknown language, a language that table v1 lacks, or text with nothing to say.
    """
    code = language_code(language_name)
    table = symbols.table(version)
    if table.version == "v1" and code in ("ko", "yue"):
        raise InputError(
            f"symbol table v1 has no phones for {code}", "models of version v1 read zh, en and ja", "use a v2 model"
        )
    reading = language(code).read(text)
    if not reading.phones:
        raise InputError("the text has nothing to say", f"no speakable {code} character in it", "write some words")
    return Phones(table.known(reading.phones), reading.word2ph, reading.normalized, list(reading.warnings))
