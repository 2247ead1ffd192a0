"""What a language hands back for a piece of text.

Knows no language. `Reading` is the result within one language, `Spoken` that of a segment of a mixed text,
`Phones` the joined result of `gsv.text.phones_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from gsv.text.routing import Segment

# Private characters of `gsv.text.markup` and what they stand for.
Inserts = Mapping[str, tuple[str, ...]]
NO_INSERTS: Inserts = MappingProxyType({})


class Polyphones(Protocol):
    """A model that reads Chinese characters in their sentence."""

    def readings(self, text: str) -> list[str]:
        """Toned pinyin (`chong2`) of each character of `text`, empty where the model knows none."""
        ...


@dataclass(frozen=True)
class Manner:
    """How a word of several readings is read.

    `context` looks at what stands around it; without, words are read as the published front end reads them where
    it has no model (no parts of speech, no lexical sound changes). `polyphones` decides for Chinese where given.
    """

    context: bool = True
    polyphones: Polyphones | None = None


NATURAL = Manner()
PUBLISHED = Manner(context=False)


@dataclass(frozen=True)
class Reading:
    """Text of one language as it is spoken.

    `word2ph` counts phones per character of `normalized` (Mandarin and Cantonese only, else None).
    """

    normalized: str
    phones: list[str]
    word2ph: list[int] | None = None


@dataclass(frozen=True)
class Unread:
    """A letter, digit or ideograph without a reading, and where it stands in the text as given."""

    position: int
    character: str


@dataclass(frozen=True)
class Spoken:
    """A segment and its reading."""

    segment: Segment
    reading: Reading
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True)
class Phones:
    """Phones of the chosen symbol table, with what was said and what could not be."""

    phones: list[str]
    word2ph: list[int] | None
    normalized: str
    warnings: list[str] = field(default_factory=list)
    unread: tuple[Unread, ...] = ()
