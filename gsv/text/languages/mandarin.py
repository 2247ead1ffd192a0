"""Mandarin text to phones: normalise, cut into words, read, change tones, two symbols per hanzi.

Knows the order of the steps. Numbers and signs: `mandarin_rules`; tones: `mandarin_tones`; syllables: `pinyin`.
"""

from __future__ import annotations

import logging
import re
from functools import cache, lru_cache
from typing import Any

from gsv.errors import import_optional
from gsv.text.characters import INSERTS, READINGS
from gsv.text.languages import mandarin_polyphones, mandarin_tones
from gsv.text.languages.english_words import latin_phones
from gsv.text.languages.mandarin_rules import HAN, normalize
from gsv.text.languages.mandarin_tones import Tones, Word
from gsv.text.languages.pinyin import Syllable, syllables
from gsv.text.languages.pinyin import syllable as pinyin_syllable
from gsv.text.punctuation import MARKS
from gsv.text.reading import NATURAL, NO_INSERTS, Inserts, Manner, Reading
from gsv.text.symbols import UNKNOWN

_PIECE = re.compile(
    rf"(?P<latin>[A-Za-z][A-Za-z' ]*)|(?P<mark>[{re.escape(MARKS)}])|(?P<clause>(?:[{HAN}][{READINGS}]?)+)"
)


@cache
def _tagger() -> Any:
    """jieba without its cache file, which anyone could have put into the temporary folder."""
    jieba = import_optional("jieba", "pip install jieba")
    posseg = import_optional("jieba.posseg", "pip install jieba")
    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    tagger = posseg.POSTokenizer.__new__(posseg.POSTokenizer)
    # Its constructor would read the table a second time that its module has read at import.
    tagger.tokenizer, tagger.word_tag_tab = tokenizer, posseg.dt.word_tag_tab
    return tagger


def cut(clause: str) -> list[Word]:
    """Words of a clause without marks."""
    return [Word(pair.word, pair.flag) for pair in _tagger().cut(clause)]


@lru_cache(maxsize=65536)
def halves(text: str) -> tuple[str, str]:
    """Where a word falls apart: at its shortest known part."""
    parts = sorted(_tagger().tokenizer.cut_for_search(text), key=len)
    shortest = parts[0]
    if text.startswith(shortest):
        return shortest, text[len(shortest) :]
    return text[: -len(shortest)], shortest


def _clause_tones(clause: str, version: str, inserts: Inserts, manner: Manner) -> Tones:
    """Spoken tones of a clause; a reading that a person gave is kept as it is."""
    given: dict[int, Syllable | None] = {}
    plain = ""
    for character in clause:
        if character in inserts:
            given[len(plain) - 1] = pinyin_syllable(inserts[character][0])
        elif not INSERTS.match(character):
            plain += character
    words = cut(plain)
    told = mandarin_polyphones.chosen(plain, words) if manner.context and manner.polyphones is None else {}
    heard = manner.polyphones.readings(plain) if manner.polyphones is not None else []
    tones: Tones = []
    for word in mandarin_tones.merge(words):
        start = len(tones)
        read = syllables(word.text)
        for place, reading in enumerate(heard[start : start + len(word.text)]):
            read[place] = pinyin_syllable(reading) or read[place]
        fixed = {
            place: found
            for place in range(len(word.text))
            if start + place in told and (found := pinyin_syllable(told[start + place])) is not None
        }
        for place, syllable in fixed.items():
            read[place] = syllable
        changed = mandarin_tones.change(word, read, halves)
        for place, syllable in fixed.items():
            after = changed[place]
            # Of what sandhi does to a reading that was chosen, only a third tone before another one stays.
            if after is not None and (syllable.tone, after.tone) != (3, 2):
                changed[place] = syllable
        tones.extend(changed if version == "v1" else mandarin_tones.change_er(word, changed))
    return [given.get(place) or tone for place, tone in enumerate(tones)]


def read(text: str, version: str = "v2", inserts: Inserts = NO_INSERTS, manner: Manner = NATURAL) -> Reading:
    """Phones of Mandarin text: two per hanzi, one per mark; a Latin word is read as English.

    Version v1 was trained with a 儿 that keeps its own tone.
    The phones of a run of Latin words count at its first character, the other characters have none.
    """
    normalized = normalize(text)
    phones: list[str] = []
    counts: list[int] = []
    for piece in _PIECE.finditer(normalized):
        if piece["mark"]:
            phones.append(piece[0])
            counts.append(1)
        elif piece["latin"]:
            english = latin_phones(piece[0])
            phones.extend(english)
            counts.extend([len(english)] + [0] * (len(piece[0]) - 1))
        else:
            for syllable in _clause_tones(piece[0], version, inserts, manner):
                phones.extend(syllable.phones if syllable else (UNKNOWN, UNKNOWN))
                counts.append(2)
    return Reading(INSERTS.sub("", normalized), phones, counts)


def readable(character: str) -> bool:
    """Whether a hanzi, or a Greek letter, has a Mandarin reading."""
    spoken = normalize(character)
    return bool(spoken) and all(syllables(spoken)) if not spoken.isascii() else bool(spoken.strip())
