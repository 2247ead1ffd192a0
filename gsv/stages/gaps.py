"""How loud a recording is where nobody speaks, before and after something was done to it.

Knows levels of short chunks and probabilities of speech. Does not know what is between the words: music,
noise, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from gsv.errors import DependencyError
from gsv.listening.activity import CHUNK, SAMPLE_RATE, SpeechActivity

_CHUNK_SECONDS = CHUNK / SAMPLE_RATE
_SILENT, _SPOKEN = 0.15, 0.6
_QUIETEST = -90.0
_CAREFUL_CHUNKS = 3
"""A pause is measured this far from speech, so that no trailing sound counts as noise."""


class Pauses:
    """Speech activity, or nothing where it is not installed: then nothing can be measured."""

    rate = SAMPLE_RATE

    def __init__(self) -> None:
        try:
            self._activity: SpeechActivity | None = SpeechActivity()
        except DependencyError:
            self._activity = None

    def probabilities(self, stream: Iterable[np.ndarray]) -> np.ndarray:
        """Probability of speech of each 32 ms of a 16 kHz stream, `[n]`; empty where it cannot be told."""
        return np.zeros(0, np.float32) if self._activity is None else self._activity.probabilities(stream)


class GapLevels:
    """Levels of a recording at `rate` Hz before and after, in chunks of 32 ms; two numbers a chunk are kept."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._before, self._after = _Powers(rate), _Powers(rate)

    @property
    def seconds(self) -> float:
        """Length of what came in."""
        return self._before.samples / self._rate

    def before(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Pass blocks `[t]` of the original through, and measure them."""
        for block in blocks:
            self._before.take(block)
            yield block

    def after(self, block: np.ndarray) -> np.ndarray:
        """Pass a block of the result through, and measure it."""
        self._after.take(block)
        return block

    def result(self, speech: np.ndarray, least_seconds: float = 0.5) -> dict[str, float | None]:
        """Levels in dB of full scale: `before` and `after` between the words, `speech` that of the words.

        None where there are no pauses of `least_seconds` altogether, or no words.
        """
        before, after = self._before.powers(), self._after.powers()
        count = min(len(speech), len(before), len(after))
        pauses, words = _pauses(speech[:count]), speech[:count] >= _SPOKEN
        enough = pauses.sum() * _CHUNK_SECONDS >= least_seconds
        return {
            "before": _decibels(before[:count][pauses]) if enough else None,
            "after": _decibels(after[:count][pauses]) if enough else None,
            "speech": _decibels(after[:count][words]) if words.any() else None,
        }


def aligned(
    stream: Iterator[np.ndarray], original: Iterator[np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of equally long blocks `[t]`, exactly as long as the original.

    Changes of rate may round, a model may lose samples of the end: silence is put there.
    """
    held = np.zeros(0, np.float32)
    for whole in original:
        while len(held) < len(whole):
            following = next(stream, None)
            if following is None:
                held = np.pad(held, (0, len(whole) - len(held)))
                break
            held = np.concatenate([held, following])
        yield held[: len(whole)], whole
        held = held[len(whole) :]


def _pauses(speech: np.ndarray) -> np.ndarray:
    """Chunks `[n]` in which nobody speaks, and in those next to them neither."""
    loud = np.convolve(speech > _SILENT, np.ones(2 * _CAREFUL_CHUNKS + 1), "same") if len(speech) else speech
    return np.asarray(loud)[: len(speech)] < 0.5


def _decibels(powers: np.ndarray) -> float:
    return round(max(_QUIETEST, 10.0 * float(np.log10(powers.mean() + 1e-12))), 1)


class _Powers:
    """Mean power of each chunk of a stream at some rate."""

    def __init__(self, rate: int) -> None:
        self._step = rate * _CHUNK_SECONDS
        self.samples = 0
        self._ended: list[float] = []
        self._sum, self._count = 0.0, 0

    def take(self, block: np.ndarray) -> None:
        squares = np.concatenate([[0.0], np.cumsum(np.square(block, dtype=np.float64))])
        position = 0
        while position < len(block):
            border = round((len(self._ended) + 1) * self._step) - self.samples
            end = min(len(block), position + max(1, border))
            self._sum += float(squares[end] - squares[position])
            self._count += end - position
            self.samples += end - position
            position = end
            if self.samples >= round((len(self._ended) + 1) * self._step):
                self._ended.append(self._sum / self._count)
                self._sum, self._count = 0.0, 0

    def powers(self) -> np.ndarray:
        """Mean powers of the chunks, `[n]`; the last one may be shorter."""
        rest = [self._sum / self._count] if self._count else []
        return np.array([*self._ended, *rest])
