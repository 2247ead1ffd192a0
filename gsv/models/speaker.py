"""The speaker network of the Pro families (ERes2NetV2): 16 kHz speech to 20480 numbers about the voice.

Knows waves and filter banks as tensors, and the layer names of the published file. Its last layer is there because
the file has it; nothing reads it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.errors import InputError

SAMPLE_RATE = 16000
FRAME, STEP, TRANSFORM, BANDS = 400, 160, 512, 80
LOWEST_HERTZ, HIGHEST_HERTZ = 20.0, 8000.0
EMPHASIS = 0.97
ENERGY_FLOOR = 1.1920929e-07
BANDS_LEFT = 10
"""Rows of the last map: the bands after three halvings."""
CEILING = 20.0
"""Activations are cut between zero and this."""


def filterbank(wave: Tensor) -> Tensor:
    """Log energies `[B, frames, 80]` of `wave` `[B, T]` at 16 kHz and full scale one, 100 frames a second.

    Frames lie wholly inside the wave. Raises `InputError` for less than one frame.
    """
    if wave.shape[-1] < FRAME:
        raise InputError(
            f"{wave.shape[-1]} samples are too short for a speaker vector", f"a frame has {FRAME}"
        )
    frames = wave.float().unfold(-1, FRAME, STEP)
    frames = frames - frames.mean(dim=-1, keepdim=True)
    before = torch.cat((frames[..., :1], frames[..., :-1]), dim=-1)
    shaped = (frames - EMPHASIS * before) * _window().to(wave.device)
    power = torch.fft.rfft(shaped, n=TRANSFORM).abs().square()[..., : TRANSFORM // 2]
    return (power @ _triangles().to(wave.device).T).clamp_min(ENERGY_FLOOR).log()


@lru_cache(maxsize=1)
def _window() -> Tensor:
    """Symmetric Hann window to the power of 0.85."""
    return torch.from_numpy(np.hanning(FRAME) ** 0.85).float()


@lru_cache(maxsize=1)
def _triangles() -> Tensor:
    """Filters `[80, 256]`, triangles that are even on the scale 1127 ln(1 + f / 700)."""

    def scale(hertz: np.ndarray | float) -> np.ndarray:
        return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)

    edges = np.linspace(scale(LOWEST_HERTZ), scale(HIGHEST_HERTZ), BANDS + 2)
    bins = scale(np.arange(TRANSFORM // 2) * SAMPLE_RATE / TRANSFORM)
    left, centre, right = (edges[k : k + BANDS, None] for k in range(3))
    rising, falling = (bins - left) / (centre - left), (right - bins) / (right - centre)
    return torch.from_numpy(np.maximum(0.0, np.minimum(rising, falling))).float()


class _Fusion(nn.Module):
    """A learned mixture of two maps of equal shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = channels // 4
        self.local_att = nn.Sequential(
            nn.Conv2d(2 * channels, narrow, 1),
            nn.BatchNorm2d(narrow),
            nn.SiLU(),
            nn.Conv2d(narrow, channels, 1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """`[B, C, F, T]` twice to once."""
        share = 1 + torch.tanh(self.local_att(torch.cat((first, second), dim=1)))
        return first * share + second * (2 - share)


class _Block(nn.Module):
    """A residual block whose middle runs in four groups, each fed by the one before."""

    def __init__(self, inside: int, planes: int, stride: int, fused: bool) -> None:
        super().__init__()
        width, outside = planes * 24 // 64, planes * 4
        self.conv1 = nn.Conv2d(inside, 4 * width, 1, stride=stride, bias=False)
        self.bn1 = nn.BatchNorm2d(4 * width)
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(4))
        self.bns = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(4))
        if fused:
            self.fuse_models = nn.ModuleList(_Fusion(width) for _ in range(3))
        self.conv3 = nn.Conv2d(4 * width, outside, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outside)
        self.shortcut = nn.Sequential()
        if stride != 1 or inside != outside:
            self.shortcut.append(nn.Conv2d(inside, outside, 1, stride=stride, bias=False))
            self.shortcut.append(nn.BatchNorm2d(outside))

    def forward(self, x: Tensor) -> Tensor:
        """`[B, C_in, F, T]` to `[B, C_out, F', T']`."""
        groups = self.bn1(self.conv1(x)).clamp(0, CEILING).chunk(4, dim=1)
        done: list[Tensor] = []
        for i, group in enumerate(groups):
            if done and hasattr(self, "fuse_models"):
                group = self.fuse_models[i - 1](done[-1], group)
            elif done:
                group = done[-1] + group
            done.append(self.bns[i](self.convs[i](group)).clamp(0, CEILING))
        out: Tensor = self.bn3(self.conv3(torch.cat(done, dim=1))) + self.shortcut(x)
        return out.clamp(0, CEILING)


def _stage(inside: int, planes: int, count: int, stride: int, fused: bool) -> nn.Sequential:
    """Blocks of one width, the first of which may halve both axes."""
    first = _Block(inside, planes, stride, fused)
    return nn.Sequential(first, *(_Block(4 * planes, planes, 1, fused) for _ in range(count - 1)))


class SpeakerNetwork(nn.Module):
    """Filter banks to the speaker vector that the Pro families take: 20480 numbers at the published 64 channels."""

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.layer1 = _stage(channels, channels, 3, 1, fused=False)
        self.layer2 = _stage(4 * channels, 2 * channels, 4, 2, fused=False)
        self.layer3 = _stage(8 * channels, 4 * channels, 6, 2, fused=True)
        self.layer4 = _stage(16 * channels, 8 * channels, 3, 2, fused=True)
        self.layer3_ds = nn.Conv2d(16 * channels, 32 * channels, 3, stride=2, padding=1, bias=False)
        self.fuse34 = _Fusion(32 * channels)
        self.dimension = 32 * channels * BANDS_LEFT
        self.seg_1 = nn.Linear(2 * self.dimension, 3 * channels)

    def forward(self, bank: Tensor) -> Tensor:
        """`filterbank` output `[B, frames, 80]` to `[B, dimension]`."""
        image = bank.transpose(1, 2).unsqueeze(1)
        stem = self.bn1(self.conv1(image)).relu()
        third = self.layer3(self.layer2(self.layer1(stem)))
        joined = self.fuse34(self.layer4(third), self.layer3_ds(third))
        vector: Tensor = functional.adaptive_avg_pool2d(joined, (joined.shape[2], 1)).flatten(1)
        return vector

    @torch.inference_mode()
    def embed(self, wave: Tensor) -> Tensor:
        """`wave` `[B, T]` at 16 kHz, full scale one, to `[B, dimension]`. Only equal lengths belong in one batch."""
        vector: Tensor = self(filterbank(wave))
        return vector
