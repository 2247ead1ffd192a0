"""Symbol tables v1 and v2: built from the inventories of the five languages, in the published order.

Knows which phones exist and their numbers. Does not know how text becomes phones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from gsv.errors import InputError
from gsv.text.wordlist import words

TableVersion = Literal["v1", "v2"]

UNKNOWN = "UNK"
PUNCTUATION = ("!", "?", "…", ",", ".", "-")

CHINESE_INITIALS = words("AA EE OO b c ch d f g h j k l m n p q r s sh t w x y z zh")
CHINESE_FINALS = words(
    "E En a ai an ang ao e ei en eng er i i0 ia ian iang iao ie in ing iong ir iu o ong ou u ua uai uan uang "
    "ui un uo v van ve vn"
)
JAPANESE = words("I N U a b by ch cl d dy e f g gy h hy i j k ky m my n ny o p py r ry s sh t ts u v w y z")
ENGLISH_VOWELS = words("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW")
ENGLISH_CONSONANTS = words("B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH")
KOREAN = tuple("ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎㅏㅐㅓㅔㅗㅜㅡㅣ停空")
# The published split of a Jyutping syllable cuts some finals in two, so vowels and codas stand on both sides.
CANTONESE_ONSETS = words("a aa ai ak au b c d e f g gw h j k kw l m n ng o oi ok on ou p s t uk w z")
CANTONESE_RIMES = words(
    "a aa aai aak aam aan aang aap aat aau ai ak am an ang ap at au e ei ek eng eoi eon eot g i ik im in ing "
    "ip it iu k m n o oe oek oeng oi ok on ong ot ou p t u ui uk un ung ut yu yun yut"
)


def _first_table() -> list[str]:
    finals = [f"{final}{tone}" for final in CHINESE_FINALS for tone in range(1, 6)]
    vowels = [f"{vowel}{stress}" for vowel in ENGLISH_VOWELS for stress in range(3)]
    silences = ["SP", "SP2", "SP3", UNKNOWN]
    english = [*vowels, *ENGLISH_CONSONANTS, "ER", "IH"]
    return sorted({"_", *CHINESE_INITIALS, *finals, *JAPANESE, *PUNCTUATION, *silences, *english})


def _second_table() -> list[str]:
    rimes = [f"{rime}{tone}" for rime in CANTONESE_RIMES for tone in range(1, 7)]
    cantonese = sorted({f"Y{part}" for part in [*CANTONESE_ONSETS, *rimes]})
    return [*_first_table(), "[", "]", *sorted(KOREAN), *cantonese]


@dataclass(frozen=True)
class SymbolTable:
    """One published numbering of phones. The position of a name is its number."""

    version: TableVersion
    names: tuple[str, ...]
    index: dict[str, int] = field(repr=False)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.index

    @property
    def sha256(self) -> str:
        """Hash of the names joined by line feeds; weights record it."""
        return hashlib.sha256("\n".join(self.names).encode()).hexdigest()

    def ids(self, phones: Iterable[str]) -> list[int]:
        """Numbers of `phones`. Raises `InputError` naming every phone that the table lacks."""
        wanted = list(phones)
        missing = sorted({name for name in wanted if name not in self.index})
        if missing:
            raise InputError(
                f"symbol table {self.version} has no {' '.join(missing)}",
                "the phones were made for another table or edited by hand",
                "make the phones again with this version",
            )
        return [self.index[name] for name in wanted]

    def known(self, phones: Iterable[str]) -> list[str]:
        """`phones` with what the table lacks replaced by the published unknown symbol."""
        return [name if name in self.index else UNKNOWN for name in phones]


@cache
def table(version: str = "v2") -> SymbolTable:
    """The table that model family `version` reads: `v1`, or `v2` and everything after it (also `tiny`)."""
    chosen: TableVersion = "v1" if version == "v1" else "v2"
    names = _first_table() if chosen == "v1" else _second_table()
    return SymbolTable(chosen, tuple(names), {name: number for number, name in enumerate(names)})
