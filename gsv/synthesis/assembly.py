"""Spoken sentences to one recording: edges, level, pauses, joins.

Knows waves. Does not know texts or networks. Works on one sentence at a time, so that a long text needs no more
memory than a short one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gsv.synthesis.checking import sounding
from gsv.text.markup import Break
from gsv.text.plan import Utterance

KEPT_EDGE = 0.05
"""Seconds of quiet that stay around a sentence: its first and last sounds begin and end below the threshold."""
FADE = 0.005
_FRAME = 0.01
_LARGEST_GAIN = 12.0
_HEADROOM = 0.99


def tamed(wave: np.ndarray) -> np.ndarray:
    """A wave `[T]` whose peak is brought down to full scale where it exceeds it, as published."""
    peak = float(np.abs(wave).max(initial=0.0))
    return wave / peak if peak > 1 else wave


def trimmed(wave: np.ndarray, rate: int) -> np.ndarray:
    """A wave `[T]` without the silence around it but for a moment; as it is where there is only silence."""
    places = np.flatnonzero(sounding(wave, rate))
    if not len(places):
        return wave
    frame, kept = max(1, round(rate * _FRAME)), round(KEPT_EDGE * rate)
    first, last = places[0] * frame, (places[-1] + 1) * frame
    return wave[max(0, first - kept) : min(len(wave), last + kept)]


def speech_level(wave: np.ndarray, rate: int) -> float | None:
    """Level in dB of full scale of the sounding parts of a wave `[T]`; None where it is silent."""
    active = sounding(wave, rate)
    frame = max(1, round(rate * _FRAME))
    if not active.any():
        return None
    power = np.square(wave[: len(active) * frame].reshape(-1, frame)[active], dtype=np.float64).mean()
    return float(10 * np.log10(power)) if power > 1e-9 else None


def levelled(wave: np.ndarray, rate: int, target: float) -> tuple[np.ndarray, float]:
    """A wave `[T]` at `target` dB, and the gain in dB: at most 12 either way, and never over full scale."""
    level = speech_level(wave, rate)
    if level is None:
        return wave, 0.0
    peak = float(np.abs(wave).max())
    gain = float(np.clip(target - level, -_LARGEST_GAIN, _LARGEST_GAIN))
    gain = min(gain, 20 * float(np.log10(_HEADROOM / peak)))
    return (wave * 10 ** (gain / 20)).astype(np.float32), gain


def faded(wave: np.ndarray, rate: int) -> np.ndarray:
    """A wave `[T]` that begins and ends at zero, so that it joins silence without a click."""
    count = min(round(FADE * rate), len(wave) // 2)
    if not count:
        return wave
    ramp = (0.5 - 0.5 * np.cos(np.pi * np.arange(count) / count)).astype(np.float32)
    wave = wave.copy()
    wave[:count] *= ramp
    wave[-count:] *= ramp[::-1]
    return wave


def silence(seconds: float, rate: int) -> np.ndarray:
    """Exactly so many seconds of silence `[T]`."""
    return np.zeros(round(seconds * rate), dtype=np.float32)


def pauses_before(
    items: Sequence[Utterance | Break], pause: float
) -> Iterator[tuple[float, Utterance | None]]:
    """Each utterance with the seconds of silence before it; at last what follows them all, with None.

    Breaks of the text stand in place of the pause between sentences, not beside it.
    """
    breaks: list[float] = []
    first = True
    for item in items:
        if isinstance(item, Break):
            breaks.append(item.seconds)
            continue
        yield (sum(breaks) if breaks or first else pause), item
        breaks, first = [], False
    yield sum(breaks), None
