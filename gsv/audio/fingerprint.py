"""A short fingerprint of a clip, by which two copies of one recording are found whatever their format and level.

Knows waves at 16 kHz. What was re-encoded, made louder or given other edges has nearly the same fingerprint; the
same words said twice have not.
"""

from __future__ import annotations

import base64
import itertools

import numpy as np

from gsv.audio.measures import sound_span

RATE = 16_000
SLOTS, BANDS = 32, 12
SIZE = SLOTS * BANDS

_FRAME, _HOP = 512, 160
_LOWEST, _HIGHEST = 150.0, 3600.0
"""Hertz: what a telephone and every codec leaves."""
_DEPTH = 40.0


def fingerprint(samples: np.ndarray) -> np.ndarray:
    """Fingerprint `[384]` int8 of `samples` `[T]` at 16 kHz: how its bands rise and fall over the sounding part.

    All zero for a clip without sound or of less than a tenth of a second.
    """
    first, end = sound_span(samples, RATE)
    wave = np.asarray(samples[first:end], dtype=np.float32)
    if len(wave) < RATE // 10:
        return np.zeros(SIZE, dtype=np.int8)
    levels = _levels(np.pad(wave, _FRAME // 2))
    slots = np.linspace(0, len(levels), SLOTS + 1)
    shape = np.stack(
        [levels[int(a) : max(int(a) + 1, int(b))].mean(axis=0) for a, b in itertools.pairwise(slots)]
    )
    # Without the mean of each band only the movement is left, not voice and microphone.
    shape -= shape.mean(axis=0)
    length = float(np.linalg.norm(shape))
    if length < 1e-6:
        return np.zeros(SIZE, dtype=np.int8)
    scaled = shape.reshape(-1) / length * np.sqrt(SIZE) * 32
    return np.clip(np.rint(scaled), -127, 127).astype(np.int8)


def _levels(wave: np.ndarray) -> np.ndarray:
    """Decibels `[F, 12]` of each 10 ms, at most 40 below the loudest of a band."""
    edges = np.geomspace(_LOWEST, _HIGHEST, BANDS + 1) * _FRAME / RATE
    bins = np.unique(np.round(edges).astype(int))
    starts = np.arange(0, len(wave) - _FRAME + 1, _HOP)
    window = np.hanning(_FRAME).astype(np.float32)
    levels = np.zeros((len(starts), BANDS))
    for place, start in enumerate(starts):
        power = np.square(np.abs(np.fft.rfft(wave[start : start + _FRAME] * window)))
        sums = np.add.reduceat(power[bins[0] : bins[-1]], bins[:-1] - bins[0])
        levels[place, : len(sums)] = sums
    decibels = 10 * np.log10(levels + 1e-12)
    return np.maximum(decibels, decibels.max(axis=0) - _DEPTH)


def unit_rows(prints: np.ndarray) -> np.ndarray:
    """Fingerprints `[N, 384]` as unit vectors float32, whose products say how alike two are; zeros stay zeros."""
    rows = prints.astype(np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)


def to_text(values: np.ndarray) -> str:
    """The bytes of an array as ASCII text, for a line of JSON."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def from_text(text: str, kind: type[np.generic]) -> np.ndarray:
    """The array `[N]` of `kind` that `to_text` wrote. Raises ValueError where it is none."""
    return np.frombuffer(base64.b64decode(text, validate=True), dtype=kind)
