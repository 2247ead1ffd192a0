"""What can be measured of one clip without listening to it: levels, clipping, noise, silences, bandwidth.

Knows a wave and its rate. Does not know files, nor what is good or bad: whoever asks has limits for that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FRAME_SECONDS = 0.01
QUIET_DB = 40.0
"""A frame is silent when it is so far below the loud ones, decibels."""
FLOOR_DB = -70.0
"""Below this level of full scale nothing counts as sound."""
SILENT_DB = -120.0
"""Stands for the level of digital silence."""

_DIGITAL_SILENCE = 1e-10
_QUIETEST_SHARE = 0.1
_MOST_SNR = 80.0
_NEAR_PEAK = 0.97
_FLAT_RUN = 3
_FLAT_STEP = 2e-4
_LEAST_CLIPPED_PEAK = 0.1
_WINDOW = 2048
_MOST_WINDOWS = 512
_BAND_HZ = 200.0
_BAND_DB = 62.0
_MOST_SPREAD = 0.995


@dataclass(frozen=True)
class Measures:
    """Figures of a clip; levels in decibels of full scale, times in seconds."""

    seconds: float
    rate: int
    peak: float
    """Largest magnitude; full scale is 1."""
    clipped: float
    """Share of the samples that lie in flat tops at the peak."""
    crowded: float
    """Share of the samples within 3 % of the peak: natural speech is there only for moments."""
    level_db: float
    """Of the frames that sound."""
    noise_db: float
    """Of the quietest tenth of the frames."""
    snr_db: float
    """Distance of both, at most 80."""
    before: float
    """Silence before the first sound; all of the clip where nothing sounds."""
    inner: float
    """Longest silence between sounds."""
    after: float
    silent_share: float
    """Silent frames over all frames."""
    bandwidth: float
    """Highest frequency that is used, in hertz; 0 for silence."""
    offset: float
    """Mean of the samples."""

    @property
    def silent(self) -> bool:
        """Whether nothing sounds."""
        return self.level_db <= SILENT_DB


def measure(samples: np.ndarray, rate: int) -> Measures:
    """Figures of a clip `samples` `[T]`, float with full scale 1; an empty one counts as silence."""
    samples = np.asarray(samples, dtype=np.float32)
    energy = frame_energy(samples, rate)
    sounds = sounding_frames(energy)
    peak = float(np.abs(samples).max(initial=0.0))
    before, inner, after = _silences(sounds, len(samples) / rate)
    level = _decibels(float(energy[sounds].mean())) if sounds.any() else SILENT_DB
    noise = _noise(energy)
    return Measures(
        seconds=len(samples) / rate,
        rate=rate,
        peak=peak,
        clipped=_flat_share(samples, peak),
        crowded=float((np.abs(samples) > _NEAR_PEAK * peak).mean()) if peak > 0 else 0.0,
        level_db=level,
        noise_db=noise,
        snr_db=min(_MOST_SNR, max(0.0, level - noise)),
        before=before,
        inner=inner,
        after=after,
        silent_share=1.0 - float(sounds.mean()) if len(sounds) else 1.0,
        bandwidth=bandwidth(samples, rate) if sounds.any() else 0.0,
        offset=float(samples.mean()) if len(samples) else 0.0,
    )


def frame_energy(samples: np.ndarray, rate: int) -> np.ndarray:
    """Mean square of each 10 ms of `samples` `[T]`: `[F]`; what is left at the end is not counted."""
    size = max(1, round(rate * FRAME_SECONDS))
    count = len(samples) // size
    return np.square(samples[: count * size].reshape(count, size), dtype=np.float64).mean(axis=1)


def sounding_frames(energy: np.ndarray) -> np.ndarray:
    """Which frames of `energy` `[F]` sound: those less than 40 dB below the loud ones, and above -70 dB."""
    if not len(energy):
        return np.zeros(0, dtype=bool)
    level = 10 * np.log10(energy + 1e-14)
    return np.asarray(level > max(float(np.quantile(level, 0.95)) - QUIET_DB, FLOOR_DB))


def sound_span(samples: np.ndarray, rate: int) -> tuple[int, int]:
    """First sample and end of what sounds in `samples` `[T]`; (0, 0) where nothing does."""
    places = np.flatnonzero(sounding_frames(frame_energy(samples, rate)))
    size = max(1, round(rate * FRAME_SECONDS))
    return (int(places[0]) * size, (int(places[-1]) + 1) * size) if len(places) else (0, 0)


def _silences(sounds: np.ndarray, seconds: float) -> tuple[float, float, float]:
    places = np.flatnonzero(sounds)
    if not len(places):
        return seconds, 0.0, 0.0
    inner = (int(np.diff(places).max(initial=1)) - 1) * FRAME_SECONDS
    after = max(0.0, seconds - (int(places[-1]) + 1) * FRAME_SECONDS)
    return int(places[0]) * FRAME_SECONDS, inner, after


def _decibels(energy: float) -> float:
    return max(SILENT_DB, 10 * float(np.log10(energy + 1e-14)))


def _noise(energy: np.ndarray) -> float:
    """Level of the quietest tenth. Digital silence, which editors put in, tells nothing of the room."""
    alive = np.sort(energy[energy > _DIGITAL_SILENCE])
    if not len(alive):
        return SILENT_DB
    return _decibels(float(alive[: max(1, round(_QUIETEST_SHARE * len(alive)))].mean()))


def _flat_share(samples: np.ndarray, peak: float) -> float:
    """Share of samples in runs of three or more that stand still near the peak."""
    if peak < _LEAST_CLIPPED_PEAK or len(samples) < _FLAT_RUN:
        return 0.0
    high = np.abs(samples) > _NEAR_PEAK * peak
    still = np.concatenate(([False], (np.abs(np.diff(samples)) <= _FLAT_STEP * peak) & high[1:] & high[:-1]))
    edges = np.flatnonzero(np.diff(np.concatenate(([False], still, [False])).astype(np.int8))).reshape(-1, 2)
    lengths = edges[:, 1] - edges[:, 0] + 1
    return float(lengths[lengths >= _FLAT_RUN].sum()) / len(samples)


def bandwidth(samples: np.ndarray, rate: int) -> float:
    """Highest frequency in hertz that comes within 62 dB of the strongest one at any moment.

    A clip that was once stored at a lower rate, or as a telephone call, has nothing above half of that.
    """
    if len(samples) < _WINDOW:
        samples = np.pad(samples, (0, _WINDOW - len(samples)))
    starts = np.linspace(0, len(samples) - _WINDOW, min(_MOST_WINDOWS, len(samples) // (_WINDOW // 2)))
    window = np.hanning(_WINDOW).astype(np.float32)
    width = max(1, round(_BAND_HZ * _WINDOW / rate))
    bands = (_WINDOW // 2) // width
    strongest = np.zeros((len(starts), bands))
    for place, start in enumerate(starts.astype(int)):
        power = np.square(np.abs(np.fft.rfft(samples[start : start + _WINDOW] * window)))
        strongest[place] = power[: bands * width].reshape(bands, width).mean(axis=1)
    loudest = np.quantile(strongest, _MOST_SPREAD, axis=0)
    used = np.flatnonzero(loudest > loudest.max() * 10 ** (-_BAND_DB / 10))
    return float((int(used[-1]) + 1) * width * rate / _WINDOW) if len(used) and loudest.max() > 0 else 0.0
