"""A decoder that predicts a spectrum and turns it into a wave by an inverse short-time Fourier transform.

Knows latent frames `[B, C, T]` and a speaker vector `[B, G, 1]`. All its layers run at the frame rate of the
transform, so it costs a few percent of a decoder that upsamples to the sample rate.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.families import IstftConfig

LARGEST_LOG_MAGNITUDE = 4.6
"""A magnitude above 100 is clipped: it can only be a mistake, and it would dominate the loss."""


def inverse_stft(spectrum: Tensor, n_fft: int, hop_length: int) -> Tensor:
    """Complex `[B, n_fft / 2 + 1, F]` to a wave `[B, F * hop_length]` by weighted overlap and add.

    Frames lie as the spectrograms of `gsv.audio` lay them: the first is centred on half a hop. `n_fft` must
    be a multiple of `hop_length`.
    """
    frames = torch.fft.irfft(spectrum.transpose(1, 2), n=n_fft, dim=2)
    window = torch.hann_window(n_fft, device=frames.device, dtype=frames.dtype)
    overlap = n_fft // hop_length
    wave = _overlap_add(frames * window, overlap)
    weight = _overlap_add((window * window).expand(1, frames.shape[1], -1), overlap)
    left = (n_fft - hop_length) // 2
    length = frames.shape[1] * hop_length
    return (wave / weight.clamp(min=1e-8))[:, left : left + length]


def _overlap_add(frames: Tensor, overlap: int) -> Tensor:
    """Frames `[B, F, overlap * hop]` summed where they overlap: `[B, (F + overlap - 1) * hop]`."""
    parts = frames.unflatten(2, (overlap, -1))
    count = parts.shape[1]
    shifted = [functional.pad(parts[:, :, k], (0, 0, k, overlap - 1 - k)) for k in range(overlap)]
    assert shifted[0].shape[1] == count + overlap - 1
    return torch.stack(shifted).sum(dim=0).flatten(1)


class AdaptiveBlock(nn.Module):
    """A depthwise convolution over time and two pointwise layers, modulated by the speaker vector."""

    def __init__(self, channels: int, filter_size: int, kernel: int, condition: int, scale: float) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.modulation = nn.Linear(condition, 2 * channels)
        self.widen = nn.Linear(channels, filter_size)
        self.narrow = nn.Linear(filter_size, channels)
        self.gain = nn.Parameter(torch.full((channels,), scale))
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, speaker: Tensor) -> Tensor:
        """`x` `[B, C, F]`, `speaker` `[B, G]` to `[B, C, F]`."""
        rows = self.depthwise(x).transpose(1, 2)
        rows = functional.layer_norm(rows, rows.shape[-1:])
        scale, shift = self.modulation(speaker)[:, None].chunk(2, dim=2)
        rows = self.narrow(functional.gelu(self.widen(rows * (1 + scale) + shift)))
        return x + (rows * self.gain).transpose(1, 2)


class IstftDecoder(nn.Module):
    """Latent frames to a wave through blocks at the transform's own frame rate."""

    def __init__(self, sizes: IstftConfig, latent: int, condition: int, frame_length: int) -> None:
        super().__init__()
        self.n_fft, self.hop_length = sizes.n_fft, sizes.hop_length
        self.steps = frame_length // sizes.hop_length
        self.entry = nn.Conv1d(latent, sizes.channels, sizes.kernel, padding=sizes.kernel // 2)
        self.places = nn.Parameter(torch.randn(self.steps, sizes.channels) * 0.1)
        self.blocks = nn.ModuleList(
            AdaptiveBlock(sizes.channels, sizes.filter, sizes.kernel, condition, 1 / sizes.blocks)
            for _ in range(sizes.blocks)
        )
        self.settle = nn.LayerNorm(sizes.channels)
        self.head = nn.Linear(sizes.channels, sizes.n_fft + 2)

    def spectrum(self, latent: Tensor, speaker: Tensor) -> Tensor:
        """`latent` `[B, C, T]`, `speaker` `[B, G, 1]` to complex `[B, n_fft / 2 + 1, T * steps]`."""
        x = self.entry(latent)
        # Each latent frame stands for several frames of the transform; a learned offset tells them apart.
        x = (x[..., None] + self.places.T[:, None]).flatten(2)
        vector = speaker.squeeze(2)
        for block in self.blocks:
            x = block(x, vector)
        rows = self.head(self.settle(x.transpose(1, 2))).float()
        size, angle = rows.transpose(1, 2).chunk(2, dim=1)
        return torch.polar(size.clamp(max=LARGEST_LOG_MAGNITUDE).exp(), angle)

    def forward(self, latent: Tensor, speaker: Tensor) -> Tensor:
        """`latent` `[B, C, T]`, `speaker` `[B, G, 1]` to a wave `[B, 1, T * frame_length]`."""
        wave = inverse_stft(self.spectrum(latent, speaker), self.n_fft, self.hop_length)
        return wave.unsqueeze(1)
