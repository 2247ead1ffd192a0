"""The best few seconds of a reference clip: clean, full of speech, cut in its pauses.

Knows energies and probabilities of speech. Does not know networks or texts: where a text is known, the caller
gives the places where it may be cut and how well each part fits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gsv.audio import resample
from gsv.errors import DataError, GsvError
from gsv.listening.activity import CHUNK, SAMPLE_RATE, SpeechActivity

logger = logging.getLogger(__name__)

SHORTEST, LONGEST = 3.0, 10.0
"""Seconds of a reference that published models were made for."""

_FRAME = 0.02
_QUIET_DB = 35.0
"""What lies this far below the loud frames is a pause."""
_LEAST_PAUSE = 0.12
_FULL_SCALE = 0.985
_GRID = 0.5
_USEFUL_SECONDS = 7.0
_CLIPPING_WEIGHT, _FIT_WEIGHT, _LENGTH_WEIGHT = 20.0, 0.5, 0.1


@dataclass(frozen=True)
class Stretch:
    """Seconds `start` to `end` of a clip, and why they were chosen."""

    start: float
    end: float
    score: float
    speech: float
    """Share of it in which somebody speaks."""
    clipped: float
    """Share of its samples at full scale."""

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class Track:
    """What is known about a clip in frames of 20 ms."""

    speech: np.ndarray
    """Probability of speech `[F]`."""
    clipped: np.ndarray
    """Share of samples at full scale `[F]`."""
    quiet: np.ndarray
    """Whether the frame belongs to a pause `[F]`."""

    @property
    def seconds(self) -> float:
        return len(self.speech) * _FRAME


def track_of(samples: np.ndarray, rate: int) -> Track:
    """Measure a clip `[T]`. Raises DataError for a silent one."""
    size = max(1, round(rate * _FRAME))
    count = max(1, -(-len(samples) // size))
    padded = np.zeros(count * size, dtype=np.float64)
    padded[: len(samples)] = samples
    frames = padded.reshape(count, size)
    energy = 10 * np.log10(np.square(frames).mean(axis=1) + 1e-12)
    loud = float(np.quantile(energy, 0.95))
    if loud < -80:
        raise DataError("The reference is silent", "", "Choose a clip of the target voice.")
    quiet = energy < loud - _QUIET_DB
    clipped = (np.abs(frames) >= _FULL_SCALE).mean(axis=1)
    return Track(_speech(samples, rate, count, ~quiet), clipped, quiet)


def _speech(samples: np.ndarray, rate: int, count: int, sounding: np.ndarray) -> np.ndarray:
    """Probability of speech a frame; without the network for it, whether there is sound."""
    try:
        found = SpeechActivity().probabilities([resample(samples, rate, SAMPLE_RATE)])
    except GsvError as error:
        logger.info("speech is told from silence by its energy: %s", error)
        return sounding.astype(np.float32)
    if not len(found):
        return sounding.astype(np.float32)
    places = (np.arange(count) + 0.5) * _FRAME * SAMPLE_RATE / CHUNK
    return found[places.astype(int).clip(max=len(found) - 1)]


def pauses(track: Track) -> list[float]:
    """Middles of the pauses of a clip, and its two ends, in seconds."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], track.quiet, [False])).astype(int)))
    runs = edges.reshape(-1, 2)
    inner = [
        (first + last) / 2 * _FRAME
        for first, last in runs.tolist()
        if (last - first) * _FRAME >= _LEAST_PAUSE and first > 0 and last < len(track.quiet)
    ]
    return [0.0, *inner, track.seconds]


def best_stretch(
    track: Track,
    cuts: Sequence[float],
    fit: Callable[[float, float], float] | None = None,
    shortest: float = SHORTEST,
    longest: float = LONGEST,
) -> Stretch:
    """The best stretch between two of `cuts` (seconds, rising, with both ends of the clip).

    `fit` says how well the text matches a stretch, from 0 to 1. A clip that is short enough is taken whole;
    where no two cuts suit, it is cut twice a second.
    """
    if track.seconds <= longest:
        return _scored(track, 0.0, track.seconds, fit)
    for candidates in (list(cuts), np.arange(0, track.seconds, _GRID).tolist()):
        found = [
            _scored(track, start, end, fit)
            for number, start in enumerate(candidates)
            for end in candidates[number + 1 :]
            if shortest <= end - start <= longest
        ]
        if found:
            # The first of equals: the choice must not depend on chance.
            return max(found, key=lambda stretch: (round(stretch.score, 6), -stretch.start))
    raise DataError("The reference has no usable stretch", f"of {shortest:g} to {longest:g} s")


def _scored(track: Track, start: float, end: float, fit: Callable[[float, float], float] | None) -> Stretch:
    part = slice(round(start / _FRAME), max(round(end / _FRAME), round(start / _FRAME) + 1))
    speech, clipped = float(track.speech[part].mean()), float(track.clipped[part].mean())
    score = speech - _CLIPPING_WEIGHT * clipped
    score -= _LENGTH_WEIGHT * abs(end - start - _USEFUL_SECONDS) / _USEFUL_SECONDS
    if fit is not None:
        score += _FIT_WEIGHT * fit(start, end)
    return Stretch(start, end, score, speech, clipped)
