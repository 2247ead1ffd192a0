"""The same words in a changed voice: pitch, formants, spectrum and noise.

Knows waves as tensors and a generator. Used to teach the content encoder what it should not hear; knows
neither the encoder nor where the waves come from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

FFT = 512
HOP = 128
ENVELOPE_COEFFICIENTS = 26
"""Cepstral coefficients kept as the spectral envelope at 16 kHz: below the pitch of most voices."""


@dataclass(frozen=True)
class PerturbationRange:
    """How far a voice may be changed."""

    semitones: float = 3.0
    formant: float = 0.15
    equaliser_decibels: float = 6.0
    band_limit_share: float = 0.25
    noise_share: float = 0.5


def uniform(generator: torch.Generator, low: float, high: float) -> float:
    """One number between low and high."""
    return low + (high - low) * float(torch.rand((), generator=generator))


def change_speed(wave: Tensor, ratio: float) -> Tensor:
    """Play `wave` `[T]` `ratio` times as fast (pitch and formants move with it), by resampling its spectrum."""
    length = max(2, round(wave.shape[-1] / ratio))
    spectrum = torch.fft.rfft(wave)
    bins = length // 2 + 1
    if bins <= spectrum.shape[-1]:
        spectrum = spectrum[..., :bins]
    else:
        spectrum = torch.nn.functional.pad(spectrum, (0, bins - spectrum.shape[-1]))
    return torch.fft.irfft(spectrum, n=length) * (length / wave.shape[-1])


def _warped_envelope_gain(magnitude: Tensor, factor: float) -> Tensor:
    """Gain `[K, F]` that moves the formants of `magnitude` `[K, F]` by `factor`, the harmonics staying."""
    log = magnitude.clamp(min=1e-5).log()
    cepstrum = torch.fft.irfft(log, n=FFT, dim=0)
    cepstrum[ENVELOPE_COEFFICIENTS : FFT - ENVELOPE_COEFFICIENTS + 1] = 0
    envelope = torch.fft.rfft(cepstrum, dim=0).real
    bins = envelope.shape[0]
    position = (torch.arange(bins) / factor).clamp(max=bins - 1)
    low = position.floor().long()
    high = (low + 1).clamp(max=bins - 1)
    share = (position - low)[:, None]
    return (envelope[low] * (1 - share) + envelope[high] * share - envelope).clamp(-3.0, 3.0).exp()


def _equaliser(bins: int, limits: PerturbationRange, generator: torch.Generator) -> Tensor:
    """A smooth random gain `[K, 1]`."""
    knots = (torch.rand(6, generator=generator) * 2 - 1) * limits.equaliser_decibels
    curve = torch.nn.functional.interpolate(knots[None, None], bins, mode="linear", align_corners=True)[0, 0]
    return (10 ** (curve / 20))[:, None]


def _band_limit(bins: int, rate: int, limits: PerturbationRange, generator: torch.Generator) -> Tensor:
    """A gain `[K, 1]` that sometimes removes everything above 3 to 7 kHz."""
    gain = torch.ones(bins, 1)
    if uniform(generator, 0, 1) < limits.band_limit_share:
        gain[int(uniform(generator, 3000, 7000) / (rate / 2) * bins) :] = 1e-3
    return gain


def add_noise(wave: Tensor, decibels: float, generator: torch.Generator) -> Tensor:
    """Add noise `decibels` below the level of `wave` `[T]`, its spectrum falling like a quiet room's."""
    noise = torch.randn(wave.shape[-1], generator=generator)
    spectrum = torch.fft.rfft(noise)
    tilt = torch.arange(1, spectrum.shape[-1] + 1, dtype=torch.float32) ** -uniform(generator, 0.0, 0.6)
    noise = torch.fft.irfft(spectrum * tilt, n=wave.shape[-1])
    level = wave.square().mean().sqrt() * 10 ** (-decibels / 20)
    return wave + noise * (level / noise.square().mean().sqrt().clamp(min=1e-9))


def perturb(
    wave: Tensor, rate: int, limits: PerturbationRange, generator: torch.Generator
) -> tuple[Tensor, float]:
    """`wave` `[T]` in a changed voice, and how much faster it is spoken (1.1: a tenth faster)."""
    ratio = 2 ** (uniform(generator, -limits.semitones, limits.semitones) / 12)
    changed = change_speed(wave, ratio)
    window = torch.hann_window(FFT)
    spectrum = torch.stft(changed, FFT, HOP, window=window, return_complex=True)
    factor = math.exp(uniform(generator, -limits.formant, limits.formant))
    gain = _warped_envelope_gain(spectrum.abs(), factor)
    gain = (
        gain
        * _equaliser(gain.shape[0], limits, generator)
        * _band_limit(gain.shape[0], rate, limits, generator)
    )
    changed = torch.istft(spectrum * gain, FFT, HOP, window=window, length=changed.shape[-1])
    if uniform(generator, 0, 1) < limits.noise_share:
        changed = add_noise(changed, uniform(generator, 8, 40), generator)
    peak = changed.abs().max().clamp(min=1e-6)
    return changed / peak * uniform(generator, 0.1, 0.95), ratio
