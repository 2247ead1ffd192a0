"""The phones of a text as lines that a person can read and correct, one line a sentence.

Knows how lines become corrections. Draws nothing and loads no voice.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gsv.settings import Workspace
from gsv.studio.labels import Labels
from gsv.text import symbols
from gsv.text.plan import Utterance, plan
from gsv.text.pronunciations import Pronunciations, pronunciations

LEAST_PHONES = 6
"""As the engine has it: shorter sentences begin with a stop."""


@dataclass(frozen=True)
class Manner:
    """What else than the text decides how it is read."""

    language: str = "auto"
    version: str = "v2"
    cut: str = "sentences"
    longest: int = 510
    breath: int = 0
    places: tuple[Path, ...] = ()
    """Where the voice lies: its own lexicon counts too."""


@dataclass(frozen=True)
class Sentence:
    """A sentence, its phones, and its parts with their languages."""

    text: str
    phones: tuple[str, ...]
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ReadText:
    """A text as it will be said, and the manner in which it was read."""

    text: str
    manner: Manner
    sentences: tuple[Sentence, ...]
    warnings: tuple[str, ...] = ()

    @property
    def lines(self) -> str:
        """The phones, a line a sentence."""
        return "\n".join(" ".join(sentence.phones) for sentence in self.sentences)


class TextReader:
    """Reads texts of one workspace; one at a time, as the analysers of some languages are not made for threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._said: dict[tuple[Path, ...], Pronunciations] = {}
        self._lock = threading.Lock()

    def read(self, text: str, manner: Manner) -> ReadText:
        """The text as it would be said. InputError where that is nothing, DependencyError for a missing package."""
        with self._lock:
            if manner.places not in self._said:
                self._said[manner.places] = pronunciations(self._workspace, *manner.places)
            said = self._said[manner.places]
            found = plan(
                text,
                manner.language,
                manner.version,
                manner.cut,
                said.lexicon,
                manner.longest,
                least=LEAST_PHONES,
                breath=manner.breath,
                manner=said.manner,
            )
        return ReadText(text, manner, tuple(_sentence(said) for said in found.utterances), found.warnings)


def _sentence(said: Utterance) -> Sentence:
    parts = tuple((part.segment.text, part.segment.language) for part in said.segments)
    return Sentence(said.text, tuple(said.phones.phones), parts)


def corrected(read: ReadText, lines: str, labels: Labels) -> dict[str, tuple[str, ...]]:
    """Corrections by the text of their sentences.

    Raises InputError where the lines are more or fewer than the sentences, or hold what is no phone.
    """
    given = [line.split() for line in lines.strip().splitlines() if line.strip()]
    if len(given) != len(read.sentences):
        raise labels.error("phone_lines", lines=len(given), sentences=len(read.sentences))
    table = symbols.table(read.manner.version)
    changes = {}
    for number, (phones, sentence) in enumerate(zip(given, read.sentences, strict=True), start=1):
        unknown = sorted({phone for phone in phones if phone not in table})
        if unknown:
            raise labels.error("phone_unknown", line=number, phones=" ".join(unknown[:8]))
        if tuple(phones) != sentence.phones:
            changes[sentence.text] = tuple(phones)
    return changes


def taken_over(read: ReadText, changes: dict[str, tuple[str, ...]]) -> str:
    """The lines of a text with the corrections of those sentences that it still has."""
    return "\n".join(" ".join(changes.get(item.text, item.phones)) for item in read.sentences)


def edits(read: ReadText, changes: dict[str, tuple[str, ...]]) -> list[dict[str, object]]:
    """The corrections as `tools/speak.py --phones` takes them."""
    return [
        {"sentence": number, "text": item.text, "phones": list(changes[item.text])}
        for number, item in enumerate(read.sentences, start=1)
        if item.text in changes
    ]


def languages(sentences: Sequence[Sentence]) -> list[str]:
    """Languages that occur, each once, in their order."""
    return list(dict.fromkeys(language for sentence in sentences for _, language in sentence.parts))
