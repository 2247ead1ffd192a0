"""Spectral losses of decoded slices at several resolutions, which look only where the recording has content.

Knows: waves, spectrograms, bandwidths. Does not know: networks or how the losses are weighed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from gsv.audio.spectrogram import linear, linear_to_mel, mel_filters

LOG_FLOOR = 1e-3
"""Magnitudes below this are silence to the loss of the linear spectrum."""


class SpectralLoss:
    """Mean absolute distance of logarithmic mel spectra, and of linear ones, over several framings."""

    def __init__(
        self, sample_rate: int, resolutions: Sequence[tuple[int, int, int]], above_bandwidth: float
    ) -> None:
        """`resolutions`: (transform, hop, mel bands). `above_bandwidth`: weight of bins that the source
        lacks.
        """
        self.sample_rate = sample_rate
        self.resolutions = tuple(resolutions)
        self.above_bandwidth = above_bandwidth

    def __call__(self, target: Tensor, generated: Tensor, bandwidths: Tensor) -> tuple[Tensor, Tensor]:
        """The mel and the linear loss, scalars, of waves `[B, T]`; `bandwidths` `[B]` in hertz."""
        mels, lines = [], []
        for n_fft, hop_length, n_mels in self.resolutions:
            with torch.no_grad():
                wanted = linear(target, n_fft, hop_length, n_fft)
            found = linear(generated, n_fft, hop_length, n_fft)
            weights = self._weights(bin_centres(self.sample_rate, n_fft), bandwidths)
            distance = found.clamp_min(LOG_FLOOR).log() - wanted.clamp_min(LOG_FLOOR).log()
            lines.append(_mean(distance.abs(), weights))
            weights = self._weights(band_centres(self.sample_rate, n_fft, n_mels), bandwidths)
            mel_wanted = linear_to_mel(wanted, self.sample_rate, n_mels)
            mel_found = linear_to_mel(found, self.sample_rate, n_mels)
            mels.append(_mean((mel_found - mel_wanted).abs(), weights))
        return torch.stack(mels).mean(), torch.stack(lines).mean()

    def _weights(self, centres: np.ndarray, bandwidths: Tensor) -> Tensor:
        """`[B, bins, 1]`: 1 below the bandwidth of each item, less above it."""
        hertz = torch.as_tensor(centres, dtype=torch.float32, device=bandwidths.device)
        inside = hertz[None, :] <= bandwidths[:, None]
        return torch.where(inside, 1.0, self.above_bandwidth)[:, :, None]


@lru_cache(maxsize=16)
def bin_centres(sample_rate: int, n_fft: int) -> np.ndarray:
    """Hertz of each bin `[n_fft // 2 + 1]`."""
    return np.linspace(0.0, sample_rate / 2, n_fft // 2 + 1)


@lru_cache(maxsize=16)
def band_centres(sample_rate: int, n_fft: int, n_mels: int) -> np.ndarray:
    """Hertz of the peak of each mel band `[n_mels]`."""
    filters = mel_filters(sample_rate, n_fft, n_mels)
    return bin_centres(sample_rate, n_fft)[filters.argmax(axis=1)]


def _mean(distance: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean per item, then over items: so it does not matter how items are spread over processes."""
    weights = weights.expand_as(distance)
    return ((distance * weights).sum(dim=(1, 2)) / weights.sum(dim=(1, 2))).mean()


def limit_band(spectrum: Tensor, limits: Tensor, sample_rate: int, floor: float = 1e-4) -> Tensor:
    """Magnitudes `[B, bins, F]` as if each item had been recorded with a narrower band; `limits` `[B]` in
    hertz.
    """
    bins = spectrum.shape[1]
    hertz = torch.linspace(0.0, sample_rate / 2, bins, device=spectrum.device)
    outside = hertz[None, :] > limits.to(spectrum.device)[:, None]
    return spectrum.masked_fill(outside[:, :, None], floor)
