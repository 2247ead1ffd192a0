"""A second opinion on whose voice a clip has: statistics of cepstra and pitch, set apart by linear discriminants.

Knows waves and labelled examples of voices, from which it is fitted in a minute; no network is in it. Weaker than
the speaker network and wholly other: where that network is an input of what it judges, this one is not.

Cepstra and their discriminants as in Reynolds & Rose (1995) and Fisher (1936); within-class covariances are shrunk.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gsv.audio import resample
from gsv.errors import DataError

RATE = 16_000
FRAME, HOP, FFT = 512, 160, 512
BANDS, CEPSTRA = 40, 20
LOWEST_HZ, HIGHEST_HZ = 60.0, 400.0
"""Of a voice's pitch."""
SPAN_HZ = (100.0, 3800.0)
"""Of the bands: what a telephone and a 44.1 kHz recording have in common."""
DIRECTIONS = 32
SHRINKAGE = 0.1
_LEAST_FRAMES = 30


def voice_numbers(samples: np.ndarray, rate: int) -> np.ndarray:
    """Statistics `[2 * CEPSTRA + 2]` of a clip `samples` `[T]`: means and spreads of cepstra, pitch and its spread.

    Raises DataError where less than 0.3 s is loud enough.
    """
    wave = resample(np.asarray(samples, np.float32), rate, RATE)
    count = (len(wave) - FRAME) // HOP + 1
    if count < _LEAST_FRAMES:
        raise DataError("The clip is too short to tell whose voice it has", f"{len(wave) / RATE:.2f} s")
    frames = np.lib.stride_tricks.sliding_window_view(wave, FRAME)[::HOP].astype(np.float64)
    energy = np.square(frames).mean(1)
    frames = frames[energy > max(1e-10, np.quantile(energy, 0.95) * 10 ** (-25 / 10))]
    if len(frames) < _LEAST_FRAMES:
        raise DataError("The clip is too quiet to tell whose voice it has", f"{len(frames)} loud frames")
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(FRAME), FFT)))
    bands = np.log(power @ _filters().T + 1e-10)
    cepstra = bands @ _cosines()
    pitch = _pitch(frames)
    return np.concatenate([cepstra.mean(0), cepstra.std(0), [np.median(pitch), 2 * pitch.std()]])


def _filters() -> np.ndarray:
    """Triangles `[BANDS, FFT // 2 + 1]`, equally wide on the mel scale."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in SPAN_HZ)
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    frequency = np.arange(FFT // 2 + 1) * RATE / FFT
    rising = (frequency - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequency) / (edges[2:] - edges[1:-1])[:, None]
    return np.clip(np.minimum(rising, falling), 0, None)


def _cosines() -> np.ndarray:
    """Cosine transform `[BANDS, CEPSTRA]` of type II, orthonormal, without the level."""
    place = (np.arange(BANDS) + 0.5)[:, None] * np.arange(1, CEPSTRA + 1)[None]
    return np.asarray(np.sqrt(2 / BANDS) * np.cos(np.pi / BANDS * place))


def _pitch(frames: np.ndarray) -> np.ndarray:
    """Octaves above 100 Hz of the voiced ones of `frames` `[F, FRAME]`, by autocorrelation; one 0 if none is."""
    windowed = (frames - frames.mean(1, keepdims=True)) * np.hanning(FRAME)
    correlation = np.fft.irfft(np.square(np.abs(np.fft.rfft(windowed, 2 * FRAME))))[:, :FRAME]
    correlation = correlation / np.maximum(correlation[:, :1], 1e-12)
    first, last = int(RATE / HIGHEST_HZ), int(RATE / LOWEST_HZ)
    span = correlation[:, first:last]
    voiced = span.max(1) > 0.4
    if not voiced.any():
        return np.zeros(1)
    return np.log2(RATE / (first + span[voiced].argmax(1)) / 100)


@dataclass(frozen=True)
class VoiceStatistics:
    """Discriminants of voices: `embed` gives a unit vector, whose cosine with another's says how alike they are."""

    mean: np.ndarray
    projection: np.ndarray
    """`[numbers, DIRECTIONS]`."""

    name: str = "discriminants of cepstra and pitch"

    def embed(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """Unit vector `[DIRECTIONS]` of a clip; raises as `voice_numbers`."""
        return self.place(voice_numbers(samples, rate))

    def place(self, numbers: np.ndarray) -> np.ndarray:
        """Unit vector of a clip's statistics."""
        vector = (numbers - self.mean) @ self.projection
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)

    @classmethod
    def fit(cls, examples: Iterable[tuple[np.ndarray, str]]) -> VoiceStatistics:
        """From statistics of clips and their speakers. Raises DataError with fewer than two voices of two clips."""
        groups: dict[str, list[np.ndarray]] = {}
        for numbers, speaker in examples:
            groups.setdefault(speaker, []).append(numbers)
        voices = [np.stack(rows) for rows in groups.values() if len(rows) > 1]
        if len(voices) < 2:
            raise DataError("Voices cannot be told apart", "at least two with two clips each are needed")
        mean = np.concatenate(voices).mean(0)
        within = np.concatenate([rows - rows.mean(0) for rows in voices])
        spread = within.T @ within / len(within)
        spread = (1 - SHRINKAGE) * spread + SHRINKAGE * np.diag(np.diag(spread)) + 1e-9 * np.eye(len(spread))
        centres = np.stack([rows.mean(0) for rows in voices]) - mean
        weights = np.array([len(rows) for rows in voices], float)[:, None]
        between = (centres * weights).T @ centres / weights.sum()
        # The generalised eigenproblem of between and spread, by whitening with the latter.
        whitening = np.linalg.inv(np.linalg.cholesky(spread)).T
        _, vectors = np.linalg.eigh(whitening.T @ between @ whitening)
        return cls(mean, (whitening @ vectors)[:, ::-1][:, :DIRECTIONS])
