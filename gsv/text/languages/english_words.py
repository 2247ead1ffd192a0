"""English words inside text of another language.

Knows that such words are read by `english`, which is loaded only then.
"""

from __future__ import annotations

import importlib
import re
from functools import lru_cache


@lru_cache(maxsize=8192)
def latin_phones(words: str) -> tuple[str, ...]:
    """English phones of Latin words, without marks."""
    english = importlib.import_module("gsv.text.languages.english")
    spoken = english.normalize(words)
    return tuple(phone for token in re.findall("[A-Za-z'-]+", spoken) for phone in english.word_phones(token))
