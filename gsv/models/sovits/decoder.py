"""The decoder: latent frames to a wave. Which one is a field of the family.

Knows `[B, latent, T]` and a speaker vector `[B, G, 1]`; gives `[B, 1, T * hop_length]`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.families import FamilyConfig, HifiganConfig
from gsv.models.vocoders.istft import IstftDecoder
from gsv.models.weight_norm import NormedConv1d, NormedConvTranspose1d

SLOPE = 0.1
LAST_SLOPE = 0.01


class ResidualBlock(nn.Module):
    """Pairs of a dilated and a plain convolution, each pair added to its input."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(NormedConv1d(channels, channels, kernel, dilation=d) for d in dilations)
        self.convs2 = nn.ModuleList(NormedConv1d(channels, channels, kernel) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, C, T]` to `[B, C, T]`."""
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            inner = dilated(functional.leaky_relu(x, SLOPE))
            x = x + plain(functional.leaky_relu(inner, SLOPE))
        return x


class HifiganDecoder(nn.Module):
    """Stages of upsampling, each followed by the mean of residual blocks of several kernel sizes."""

    def __init__(self, sizes: HifiganConfig, latent: int, condition: int) -> None:
        super().__init__()
        width = sizes.initial_channels
        self.branches = len(sizes.resblock_kernels)
        self.conv_pre = nn.Conv1d(latent, width, 7, padding=3)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for rate, kernel in zip(sizes.upsample_rates, sizes.upsample_kernels, strict=True):
            self.ups.append(NormedConvTranspose1d(width, width // 2, kernel, rate))
            width //= 2
            self.resblocks.extend(
                ResidualBlock(width, size, sizes.resblock_dilations) for size in sizes.resblock_kernels
            )
        self.conv_post = nn.Conv1d(width, 1, 7, padding=3, bias=False)
        self.cond = nn.Conv1d(condition, sizes.initial_channels, 1)

    def forward(self, latent: Tensor, speaker: Tensor) -> Tensor:
        """`latent` `[B, C, T]`, `speaker` `[B, G, 1]` to `[B, 1, T * product of rates]`."""
        x = self.conv_pre(latent) + self.cond(speaker)
        for stage, upsample in enumerate(self.ups):
            x = upsample(functional.leaky_relu(x, SLOPE))
            first = stage * self.branches
            x = self._mean_of(x, first)
        wave: Tensor = self.conv_post(functional.leaky_relu(x, LAST_SLOPE))
        return torch.tanh(wave)

    def _mean_of(self, x: Tensor, first: int) -> Tensor:
        """Mean of the residual blocks of one stage, `first` being the index of its first block."""
        total = self.resblocks[first](x)
        for index in range(first + 1, first + self.branches):
            total = total + self.resblocks[index](x)
        mean: Tensor = total / self.branches
        return mean


def build_decoder(config: FamilyConfig) -> nn.Module:
    """The decoder that the family names."""
    if isinstance(config.decoder, HifiganConfig):
        return HifiganDecoder(config.decoder, config.latent, config.speaker_dimension)
    return IstftDecoder(config.decoder, config.latent, config.speaker_dimension, config.hop_length)
