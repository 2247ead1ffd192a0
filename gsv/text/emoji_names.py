"""Emoji as words of a language, so that they are said and not lost.

Knows names through the package `emoji`, which is loaded when a text has one. Cantonese uses the Chinese names.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from gsv.errors import import_optional

# Plain signs that emoji lists also hold; languages read those themselves.
_SIGNS = frozenset("#*0123456789©®™↔→←°")
_JOINING = "\u200d\ufe0f\U0001f3fb-\U0001f3ff\u20e3"
_LANGUAGES = {"yue": "zh"}


def _may_have(text: str) -> bool:
    return any(
        ord(character) > 0x2189 and unicodedata.category(character) in ("So", "Sk", "Sm")
        for character in text
    )


def named(text: str, language: str) -> str:
    """`text` with each emoji as its name between commas. Raises `DependencyError` where the package is missing."""
    if not _may_have(text):
        return text
    library: Any = import_optional("emoji", "pip install emoji")
    pieces: list[str] = []
    end = 0
    for found in library.emoji_list(text):
        start, stop, sign = found["match_start"], found["match_end"], found["emoji"]
        if sign.strip(_JOINING) in _SIGNS:
            continue
        pieces.append(text[end:start])
        pieces.append(_spoken(library, text, start, stop, language))
        end = stop
    return "".join(pieces) + text[end:]


def _spoken(library: Any, text: str, start: int, stop: int, language: str) -> str:
    name = library.demojize(
        text[start:stop], language=_LANGUAGES.get(language, language), delimiters=("", "")
    )
    words = re.sub(r"[_\s:]+", " ", name).strip() if name != text[start:stop] else ""
    if not words:
        return text[start:stop]
    if language in ("zh", "yue", "ja"):
        words = words.replace(" ", "")
    before = ", " if text[:start].rstrip()[-1:].isalnum() else ""
    following = text[stop:].lstrip()[:1]
    after = ", " if following.isalnum() or _may_have(following) else ""
    return f"{before}{words}{after}"
