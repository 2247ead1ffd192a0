"""English text to ARPABET phones.

Knows the order of the steps: `english_rules` writes everything as words, `english_dictionary` pronounces them.
`english_context` chooses where a spelling has several pronunciations.
"""

from __future__ import annotations

import re

from gsv.text.characters import INSERTS, WORDS
from gsv.text.languages import english_context
from gsv.text.languages.english_dictionary import word_phones
from gsv.text.languages.english_rules import normalize
from gsv.text.punctuation import MARKS
from gsv.text.reading import NATURAL, NO_INSERTS, Inserts, Manner, Reading

_TOKEN = re.compile(rf"'?[A-Za-z]+(?:['-][A-Za-z]+)*'?|[!?…,.\-{WORDS}]")


def read(text: str, version: str = "v2", inserts: Inserts = NO_INSERTS, manner: Manner = NATURAL) -> Reading:
    """Phones of English text."""
    normalized = normalize(text)
    phones: list[str] = []
    tokens = _TOKEN.findall(normalized)
    told = english_context.heard(tokens) if manner.context else {}
    for place, token in enumerate(tokens):
        if place in told:
            phones.extend(told[place])
        elif token in MARKS:
            phones.append(token)
        elif token[0].isalpha() or token[0] == "'":
            phones.extend(word_phones(token))
        else:
            phones.extend(inserts.get(token, ()))
    return Reading(INSERTS.sub("·", normalized), phones)


def readable(character: str) -> bool:
    """Whether a character has an English word or letter."""
    return bool(_TOKEN.search(normalize(character)))


__all__ = ["normalize", "read", "readable", "word_phones"]
