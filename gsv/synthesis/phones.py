"""Where the phones of a conversion come from: a given text, the content encoder's ear, or a recogniser.

Knows symbol tables and languages through `gsv.text`. Does not know the network that uses the phones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from gsv.errors import DependencyError, InputError
from gsv.listening.beam import read_with_language
from gsv.listening.recognition import Recogniser
from gsv.models.content import SAMPLE_RATE
from gsv.models.phone_language import PhoneLanguage
from gsv.text import language_code, phones_of, symbols

_MARGIN = 0.25
"""Share of a window's text that is added on both sides where the text is spread over windows by time."""


@dataclass(frozen=True)
class Stretch:
    """What a source of phones may look at for one window."""

    wave: np.ndarray
    """16 kHz `[T]`."""
    logits: Tensor | None
    """Of the content encoder's phone head, `[1, F, classes]`, where it has one."""
    begin: float
    """Where the window begins and ends within the whole source, from 0 to 1."""
    end: float


class PhoneSource(Protocol):
    """Phone ids for a window; an empty list means that nothing is known about it."""

    @property
    def trusted(self) -> bool:
        """Whether frames are held to these phones: those of a given text, or what makes sense as one. What is
        merely heard is wrong in places where the codes may be right."""
        ...

    def phones(self, stretch: Stretch) -> list[int]: ...


class GivenText:
    """Phones of the text that a person gave; windows get their share by time, with some on both sides."""

    trusted = True

    def __init__(self, text: str, language: str, version: str) -> None:
        """Raises InputError for an unknown language and for a text without anything to say."""
        self._ids = symbols.table(version).ids(phones_of(text, language_code(language), version).phones)

    def phones(self, stretch: Stretch) -> list[int]:
        if stretch.begin <= 0 and stretch.end >= 1:
            return self._ids
        margin = _MARGIN * (stretch.end - stretch.begin)
        first = int(max(0.0, stretch.begin - margin) * len(self._ids))
        last = int(np.ceil(min(1.0, stretch.end + margin) * len(self._ids)))
        return self._ids[first:last]


class HeardPhones:
    """Phones that the content encoder's own head hears, with a language of phones where there is one."""

    def __init__(self, version: str, language: PhoneLanguage | None = None) -> None:
        self.trusted = language is not None
        self._count = len(symbols.table(version).names)
        self._language = language

    def phones(self, stretch: Stretch) -> list[int]:
        if stretch.logits is None:
            return []
        if self._language is not None:
            heard = stretch.logits[0].float().log_softmax(dim=-1).cpu().numpy()
            return read_with_language(heard, self._language)
        best = torch.unique_consecutive(stretch.logits[0].argmax(dim=-1)).tolist()
        return [number for number in best if number < self._count]


class RecognisedPhones:
    """Phones of what a speech recogniser hears."""

    trusted = False

    def __init__(self, recogniser: Recogniser, language: str | None, version: str) -> None:
        self._recogniser = recogniser
        self._language = language_code(language) if language else None
        self._version = version

    def phones(self, stretch: Stretch) -> list[int]:
        heard = self._recogniser.transcribe(stretch.wave, SAMPLE_RATE, self._language)
        if not heard.text.strip():
            return []
        try:
            found = phones_of(heard.text, language_code(self._language or heard.language), self._version)
        except InputError as error:
            if self._language:
                # Only marks were heard, such as music notes: nothing is said here.
                return []
            raise InputError(
                f"The source was heard as {heard.language!r}",
                error.what,
                "Name the language with --language.",
            ) from error
        return symbols.table(self._version).ids(found.phones)


def choose_phones(
    *,
    text: str,
    language: str,
    version: str,
    hears: bool,
    recogniser: Recogniser | None,
    phone_language: PhoneLanguage | None = None,
) -> PhoneSource:
    """The best source at hand: the text, the encoder's ear if it `hears`, the recogniser.

    With `phone_language` the ear decides by what is likely to be said where it doubts.

    Raises InputError for a text without a language, DependencyError where nothing can tell the phones.
    """
    if text.strip():
        if not language:
            raise InputError("The text has no language", "", "Name it with --language (zh, en, ja, ...).")
        return GivenText(text, language, version)
    if hears:
        return HeardPhones(version, phone_language)
    if recogniser is not None:
        return RecognisedPhones(recogniser, language or None, version)
    raise DependencyError(
        "This voice needs to know what the source says",
        "there is no text, its content encoder reads no phones, and no recogniser is at hand",
        "Give --text and --language, or a Whisper folder with --whisper.",
    )
