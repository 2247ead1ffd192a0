"""Reading phones from a CTC head with a language of phones: what is likely to be said decides where the ear doubts.

Knows log-probabilities of a clip and the network of `gsv/models/phone_language.py`. Knows no audio and no text.

The search is prefix beam search (Hannun et al., "First-pass large vocabulary continuous speech recognition using
bi-directional recurrent DNNs", 2014) over phones: a prefix's score is its probability over all alignments, times a
power of its probability as a text, times a reward for each phone, without which short readings win.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch

from gsv.models.phone_language import PhoneLanguage

_NEVER = -1e30


@dataclass(frozen=True)
class BeamSettings:
    """How far the text is believed, and how much is tried."""

    weight: float = 0.4
    """Power of the probability as a text; 0 hears alone."""
    reward: float = 1.5
    """Added for every phone, as a natural logarithm."""
    beams: int = 32
    """Readings that are kept from frame to frame."""
    floor: float = -7.0
    """Phones below this log-probability are not tried in a frame."""


@dataclass
class _Reading:
    """A prefix: log-probabilities that it ends in a blank or in its last phone, and what the text says of it."""

    blank: float
    phone: float
    text: float
    row: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    """Log-probabilities of the phone after it; filled in once the reading is kept."""
    state: torch.Tensor | None = None
    """[1, 1, H] of the language, after its last phone."""

    @property
    def heard(self) -> float:
        """Log-probability over all alignments so far."""
        return _sum(self.blank, self.phone)

    @property
    def score(self) -> float:
        return self.heard + self.text


def _sum(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    low, high = (a, b) if a < b else (b, a)
    return high if low <= _NEVER / 2 else high + math.log1p(math.exp(low - high))


def read_with_language(
    log_probs: np.ndarray, language: PhoneLanguage, settings: BeamSettings | None = None
) -> list[int]:
    """The phone ids that are heard in `log_probs` `[T, V]`, natural logarithms, blank last.

    Raises ValueError where the language has another number of phones than the head.
    """
    settings = settings or BeamSettings()
    blank = log_probs.shape[1] - 1
    if language.symbols != blank:
        raise ValueError(f"the language has {language.symbols} phones, the head {blank}")
    search = _Search(language, settings)
    for row in np.asarray(log_probs, dtype=np.float32):
        tried = np.flatnonzero(row[:blank] > settings.floor).tolist()
        search.hear(float(row[blank]), {phone: float(row[phone]) for phone in tried})
    return list(search.best())


class _Search:
    """The readings that are left after each frame."""

    def __init__(self, language: PhoneLanguage, settings: BeamSettings) -> None:
        self.language, self.settings = language, settings
        row, state = language.follow(torch.tensor([language.symbols]))
        self.readings: dict[tuple[int, ...], _Reading] = {}
        self.readings[()] = _Reading(0.0, _NEVER, 0.0, row[0].numpy(), state)

    def best(self) -> tuple[int, ...]:
        """The reading with the highest score."""
        return max(self.readings, key=lambda prefix: self.readings[prefix].score)

    def hear(self, blank: float, phones: dict[int, float]) -> None:
        """Go on by a frame with these log-probabilities."""
        found: dict[tuple[int, ...], _Reading] = {}
        for prefix, reading in self.readings.items():
            last = prefix[-1] if prefix else None
            stay = phones[last] + reading.phone if last is not None and last in phones else _NEVER
            self._add(found, prefix, reading, reading.heard + blank, stay)
            for phone, heard in phones.items():
                # The same phone again is another one only after a blank.
                before = reading.blank if phone == last else reading.heard
                if before > _NEVER / 2:
                    self._add(found, (*prefix, phone), reading, _NEVER, before + heard)
        kept = sorted(found, key=lambda prefix: -found[prefix].score)[: self.settings.beams]
        self._ask([prefix for prefix in kept if prefix not in self.readings], found)
        self.readings = {prefix: found[prefix] for prefix in kept}

    def _add(
        self,
        found: dict[tuple[int, ...], _Reading],
        prefix: tuple[int, ...],
        parent: _Reading,
        blank: float,
        phone: float,
    ) -> None:
        reading = found.get(prefix)
        if reading is None:
            known = self.readings.get(prefix)
            if known is not None:
                reading = _Reading(_NEVER, _NEVER, known.text, known.row, known.state)
            else:
                step = self.settings.weight * float(parent.row[prefix[-1]]) + self.settings.reward
                reading = _Reading(_NEVER, _NEVER, parent.text + step, state=parent.state)
            found[prefix] = reading
        reading.blank, reading.phone = _sum(reading.blank, blank), _sum(reading.phone, phone)

    def _ask(self, new: list[tuple[int, ...]], found: dict[tuple[int, ...], _Reading]) -> None:
        """What follows each of the new readings, from the language, all in one step."""
        if not new:
            return
        states = torch.cat([state for prefix in new if (state := found[prefix].state) is not None], dim=1)
        rows, states = self.language.follow(torch.tensor([prefix[-1] for prefix in new]), states)
        for index, prefix in enumerate(new):
            found[prefix].row = rows[index].numpy()
            found[prefix].state = states[:, index : index + 1]
