"""Discriminators: networks that tell recordings from decoded waves, for adversarial training only.

Know waves `[B, 1, T]`. Each gives the verdicts of its parts and the activations on the way, which the
feature-matching loss compares; the losses themselves are elsewhere.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.families import DiscriminatorConfig, PeriodDiscriminatorConfig
from gsv.models.weight_norm import NormedConv1d, NormedConv2d

SLOPE = 0.1


@dataclass(frozen=True)
class Verdicts:
    """`logits`: one `[B, n]` for each part; `features`: for each part, its activations in order."""

    logits: list[Tensor]
    features: list[list[Tensor]]


class _Stack(nn.Module):
    """Convolutions with a leaky rectifier after each, and a last one whose output is the verdict."""

    convs: nn.ModuleList
    conv_post: nn.Module

    def judge(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Flat verdict `[B, n]` and all activations, the raw verdict among them."""
        features = []
        for layer in self.convs:
            x = functional.leaky_relu(layer(x), SLOPE)
            features.append(x)
        verdict = self.conv_post(x)
        return verdict.flatten(1), [*features, verdict]


class ScaleDiscriminator(_Stack):
    """Grouped convolutions over the wave itself."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        widths = (1, *channels)
        self.convs = nn.ModuleList(
            NormedConv1d(inside, outside, 41, stride=4, groups=inside // 4)
            if i
            else NormedConv1d(inside, outside, 15)
            for i, (inside, outside) in enumerate(itertools.pairwise(widths))
        )
        self.convs.append(NormedConv1d(widths[-1], widths[-1], 5))
        self.conv_post = NormedConv1d(widths[-1], 1, 3)

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Judge `[B, 1, T]`."""
        return self.judge(wave)


class PeriodDiscriminator(_Stack):
    """Convolutions down the columns of the wave, laid out in rows of `period` samples."""

    def __init__(self, period: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.period = period
        widths = (1, *channels)
        last = len(channels) - 1
        self.convs = nn.ModuleList(
            NormedConv2d(inside, outside, (5, 1), stride=(3 if i < last else 1, 1), padding=(2, 0))
            for i, (inside, outside) in enumerate(itertools.pairwise(widths))
        )
        self.conv_post = NormedConv2d(widths[-1], 1, (3, 1), padding=(1, 0))

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Judge `[B, 1, T]`; the last row is filled by mirroring the end."""
        missing = -wave.shape[2] % self.period
        rows = functional.pad(wave, (0, missing), mode="reflect").unflatten(2, (-1, self.period))
        return self.judge(rows)


class SpectrogramDiscriminator(_Stack):
    """Two-dimensional convolutions over the compressed magnitude spectrum of one transform size."""

    def __init__(self, n_fft: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.n_fft, self.hop_length = n_fft, n_fft // 4
        self.convs = nn.ModuleList()
        inside = 1
        for i, outside in enumerate(channels):
            # Frequencies are halved at every layer but the last; time is kept.
            stride = 1 if 0 < i == len(channels) - 1 else 2
            kernel = (3, 9) if i == 0 else (3, 5) if stride == 2 else (3, 3)
            reach = (kernel[0] // 2, kernel[1] // 2)
            self.convs.append(NormedConv2d(inside, outside, kernel, stride=(1, stride), padding=reach))
            inside = outside
        self.conv_post = NormedConv2d(inside, 1, (3, 3), padding=(1, 1))

    def spectrum(self, wave: Tensor) -> Tensor:
        """`[B, 1, T]` to magnitudes `[B, 1, frames, bins]`, compressed so that quiet parts count."""
        window = torch.hann_window(self.n_fft, device=wave.device)
        with torch.autocast(wave.device.type, enabled=False):
            parts = torch.stft(
                wave.squeeze(1).float(), self.n_fft, self.hop_length, window=window, return_complex=True
            )
            power = parts.real.square() + parts.imag.square()
            return (power + 1e-7).pow(0.15).transpose(1, 2).unsqueeze(1)

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Judge `[B, 1, T]`."""
        return self.judge(self.spectrum(wave))


class Discriminator(nn.Module):
    """All parts that a family names, side by side."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        parts: list[nn.Module]
        if isinstance(config, PeriodDiscriminatorConfig):
            parts = [ScaleDiscriminator(config.scale_channels)]
            parts += [PeriodDiscriminator(period, config.channels) for period in config.periods]
        else:
            parts = [SpectrogramDiscriminator(size, config.channels) for size in config.n_ffts]
        self.discriminators = nn.ModuleList(parts)

    def forward(self, wave: Tensor) -> Verdicts:
        """Judge `wave` `[B, 1, T]`."""
        results = [part(wave) for part in self.discriminators]
        return Verdicts([logits for logits, _ in results], [features for _, features in results])


def new_discriminator(config: DiscriminatorConfig, seed: int) -> Discriminator:
    """A discriminator with fresh weights that depend on `seed` alone; global random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Discriminator(config)
