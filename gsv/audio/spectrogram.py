"""Spectrograms in the framing of the published networks, for tensors on any device.

Knows: magnitude spectra, the Slaney mel scale, logarithms. Does not know files, families or
which framing belongs to which network: the caller passes every size.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gsv.errors import InputError

POWER_FLOOR = 1e-8
"""Added to the power before the root, so that the gradient exists at silence."""

MEL_FLOOR = 1e-5
"""Smallest mel value that enters the logarithm."""


def linear(wave: Tensor, n_fft: int, hop_length: int, win_length: int) -> Tensor:
    """Magnitude spectrogram of `wave` `[B, T]` as `[B, n_fft // 2 + 1, T // hop_length]`, float32.

    The ends are mirrored by `(n_fft - hop_length) // 2` samples, so frame i is centred on hop i.
    Raises InputError when a wave is not longer than that mirror.
    """
    padding = (n_fft - hop_length) // 2
    if wave.shape[-1] <= padding:
        raise InputError(
            f"A clip of {wave.shape[-1]} samples is too short for a spectrogram",
            f"frames of {n_fft} samples need more than {padding}",
            "Use a longer clip.",
        )
    # Half precision has no Fourier transform on the CPU and loses quiet bins elsewhere.
    with torch.autocast(wave.device.type, enabled=False):
        padded = functional.pad(wave.float().unsqueeze(1), (padding, padding), mode="reflect").squeeze(1)
        spectrum = torch.stft(
            padded,
            n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window=_hann(win_length, wave.device),
            center=False,
            onesided=True,
            return_complex=True,
        )
        return (spectrum.real.square() + spectrum.imag.square() + POWER_FLOOR).sqrt()


def linear_to_mel(
    spectrum: Tensor, sample_rate: int, n_mels: int, f_min: float = 0.0, f_max: float | None = None
) -> Tensor:
    """Natural-log mel spectrogram `[B, n_mels, F]` of magnitudes `[B, n_fft // 2 + 1, F]`."""
    n_fft = 2 * (spectrum.shape[-2] - 1)
    with torch.autocast(spectrum.device.type, enabled=False):
        filters = _filters(sample_rate, n_fft, n_mels, f_min, f_max, spectrum.device)
        return (filters @ spectrum.float()).clamp_min(MEL_FLOOR).log()


def mel(
    wave: Tensor,
    sample_rate: int,
    n_fft: int,
    hop_length: int,
    win_length: int,
    n_mels: int,
    f_min: float = 0.0,
    f_max: float | None = None,
) -> Tensor:
    """Natural-log mel spectrogram `[B, n_mels, T // hop_length]` of `wave` `[B, T]`; raises as `linear`."""
    return linear_to_mel(linear(wave, n_fft, hop_length, win_length), sample_rate, n_mels, f_min, f_max)


def mel_filters(
    sample_rate: int, n_fft: int, n_mels: int, f_min: float = 0.0, f_max: float | None = None
) -> np.ndarray:
    """Triangular filters `[n_mels, n_fft // 2 + 1]`, float32, each of unit area over hertz.

    Centres are even on the Slaney scale: 200/3 Hz a step up to 1 kHz, then a factor of 6.4 in 27 steps.
    """
    top = sample_rate / 2 if f_max is None else f_max
    edges = _mel_to_hertz(np.linspace(_hertz_to_mel(f_min), _hertz_to_mel(top), n_mels + 2))
    bins = np.linspace(0.0, sample_rate / 2, n_fft // 2 + 1)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (bins - left) / (centre - left)
    falling = (right - bins) / (right - centre)
    triangles = np.clip(np.minimum(rising, falling), 0.0, None)
    return (triangles * 2.0 / (right - left)).astype(np.float32)


_BREAK_HERTZ = 1000.0
_HERTZ_PER_MEL = 200.0 / 3.0
_BREAK_MEL = _BREAK_HERTZ / _HERTZ_PER_MEL
_LOG_STEP = float(np.log(6.4)) / 27.0


def _hertz_to_mel(hertz: float) -> float:
    if hertz < _BREAK_HERTZ:
        return hertz / _HERTZ_PER_MEL
    return _BREAK_MEL + float(np.log(hertz / _BREAK_HERTZ)) / _LOG_STEP


def _mel_to_hertz(mels: np.ndarray) -> np.ndarray:
    curved = _BREAK_HERTZ * np.exp(_LOG_STEP * (np.maximum(mels, _BREAK_MEL) - _BREAK_MEL))
    return np.where(mels < _BREAK_MEL, mels * _HERTZ_PER_MEL, curved)


@lru_cache(maxsize=32)
def _hann(length: int, device: torch.device) -> Tensor:
    # Outside inference mode, or the first caller would decide whether training may use the cached tensor.
    with torch.inference_mode(False):
        return torch.hann_window(length, periodic=True, dtype=torch.float32, device=device)


@lru_cache(maxsize=32)
def _filters(
    sample_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float | None, device: torch.device
) -> Tensor:
    with torch.inference_mode(False):
        return torch.from_numpy(mel_filters(sample_rate, n_fft, n_mels, f_min, f_max)).to(device)
