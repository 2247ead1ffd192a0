"""Where the phones of a conversion come from: a given text, the content encoder's ear, or a recogniser.

Knows symbol tables and languages through `gsv.text`. Does not know the network that uses the phones.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
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
_AGREED = 0.83
"""Share of a window's phones that ear and language of phones must agree on before any of them is trusted: where they
differ more, the path of the frames through the text goes wrong too (44 English clips, encoder `tiny-2`: words 0.36
wrong with such phones, 0.32 without)."""


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


@dataclass(frozen=True)
class WindowPhones:
    """What is said in a window."""

    ids: list[int]
    """Symbol ids; none where nothing is known about the window."""
    trusted: list[bool]
    """For each, whether the frames that say it are held to it. What is merely heard is wrong in places where the
    codes may be right: trusted are a given text, and phones that the ear hears and the language expects, in a window
    where the two agree on most."""


class PhoneSource(Protocol):
    """Phones for a window."""

    def phones(self, stretch: Stretch) -> WindowPhones: ...


class GivenText:
    """Phones of the text that a person gave; windows get their share by time, with some on both sides."""

    def __init__(self, text: str, language: str, version: str) -> None:
        """Raises InputError for an unknown language and for a text without anything to say."""
        self._ids = symbols.table(version).ids(phones_of(text, language_code(language), version).phones)

    def phones(self, stretch: Stretch) -> WindowPhones:
        ids = self._share(stretch)
        return WindowPhones(ids, [True] * len(ids))

    def _share(self, stretch: Stretch) -> list[int]:
        if stretch.begin <= 0 and stretch.end >= 1:
            return self._ids
        margin = _MARGIN * (stretch.end - stretch.begin)
        first = int(max(0.0, stretch.begin - margin) * len(self._ids))
        last = int(np.ceil(min(1.0, stretch.end + margin) * len(self._ids)))
        return self._ids[first:last]


class HeardPhones:
    """Phones that the content encoder's own head hears, with a language of phones where there is one."""

    def __init__(self, version: str, language: PhoneLanguage | None = None) -> None:
        self._count = len(symbols.table(version).names)
        self._language = language

    def phones(self, stretch: Stretch) -> WindowPhones:
        if stretch.logits is None:
            return WindowPhones([], [])
        best = torch.unique_consecutive(stretch.logits[0].argmax(dim=-1)).tolist()
        heard = [number for number in best if number < self._count]
        if self._language is None:
            return WindowPhones(heard, [False] * len(heard))
        scores = stretch.logits[0].float().log_softmax(dim=-1).cpu().numpy()
        read = read_with_language(scores, self._language)
        both = in_both(heard, read)
        agreed = sum(both) >= _AGREED * len(both)
        return WindowPhones(read, both if agreed else [False] * len(both))


def in_both(heard: list[int], read: list[int]) -> list[bool]:
    """For each phone of `read`, whether `heard` has it too where the two run along each other."""
    both = [False] * len(read)
    for match in SequenceMatcher(None, heard, read, autojunk=False).get_matching_blocks():
        both[match.b : match.b + match.size] = [True] * match.size
    return both


class RecognisedPhones:
    """Phones of what a speech recogniser hears."""

    def __init__(self, recogniser: Recogniser, language: str | None, version: str) -> None:
        self._recogniser = recogniser
        self._language = language_code(language) if language else None
        self._version = version

    def phones(self, stretch: Stretch) -> WindowPhones:
        ids = self._recognised(stretch)
        return WindowPhones(ids, [False] * len(ids))

    def _recognised(self, stretch: Stretch) -> list[int]:
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
