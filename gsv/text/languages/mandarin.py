"""Mandarin text to phones: normalise, cut into words, read, change tones, two symbols per hanzi.

Knows the order of the steps. Numbers: `mandarin_numbers`; tones: `mandarin_tones`; syllables: `pinyin`.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import Any

from gsv.errors import import_optional
from gsv.text.languages import mandarin_tones
from gsv.text.languages.mandarin_tones import Tones, Word
from gsv.text.languages.pinyin import syllables
from gsv.text.punctuation import MARKS, collapse_runs
from gsv.text.reading import Reading

_MARKS = str.maketrans({
    "：": ",", "；": ",", "，": ",", "·": ",", "、": ",", ":": ",", ";": ",", "。": ".", "\n": ".", "！": "!", "？": "?",
    "/": ",", "~": "…", "～": "…",
})  # fmt: skip
_HAN = "\u3400-\u4dbf\u4e00-\u9fff〇"
_CLAUSE = re.compile(rf"[^{re.escape(MARKS)}]+|[{re.escape(MARKS)}]")


@cache
def _tagger() -> Any:
    """jieba with its own dictionary and without its cache file, which anyone could have put into the temporary folder."""
    jieba = import_optional("jieba", "pip install jieba")
    posseg = import_optional("jieba.posseg", "pip install jieba")
    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return posseg.POSTokenizer(tokenizer)


def cut(clause: str) -> list[Word]:
    """Words of a clause without marks."""
    return [Word(pair.word, pair.flag) for pair in _tagger().cut(clause)]


@cache
def halves(text: str) -> tuple[str, str]:
    """Where a word falls apart: at its shortest known part."""
    parts = sorted(_tagger().tokenizer.cut_for_search(text), key=len)
    shortest = parts[0]
    if text.startswith(shortest):
        return shortest, text[len(shortest) :]
    return text[: -len(shortest)], shortest


def normalize(text: str) -> str:
    """Hanzi and known marks only; idempotent."""
    text = text.replace("嗯", "恩").replace("呣", "母").translate(_MARKS).replace("...", "…")
    return collapse_runs(re.sub(rf"[^{_HAN}{re.escape(MARKS)}]+", "", text))


def _clause_tones(clause: str) -> Tones:
    tones: Tones = []
    for word in mandarin_tones.merge(cut(clause)):
        changed = mandarin_tones.change(word, syllables(word.text), halves)
        tones.extend(mandarin_tones.change_er(word, changed))
    return tones


def read(text: str) -> Reading:
    """Phones of Mandarin text, two per hanzi and one per mark."""
    normalized = normalize(text)
    phones: list[str] = []
    counts: list[int] = []
    warnings: list[str] = []
    for clause in _CLAUSE.findall(normalized):
        if clause in MARKS:
            phones.append(clause)
            counts.append(1)
            continue
        for character, syllable in zip(clause, _clause_tones(clause), strict=True):
            if syllable is None:
                warnings.append(f"no reading known for {character}")
            phones.extend(syllable.phones if syllable else ("UNK", "UNK"))
            counts.append(2)
    return Reading(normalized, phones, counts, warnings)
