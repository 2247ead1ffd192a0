"""The reference encoder: a clip's spectrogram to one vector of timbre and manner.

Knows `[B, bins, T]` and a mask; it averages over time, so the clip may have any length.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.families import FamilyConfig
from gsv.models.layers import dropout


class _Held(nn.Module):
    """A layer kept under the attribute name that published files use for it."""

    def __init__(self, name: str, layer: nn.Module) -> None:
        super().__init__()
        self.held = name
        self.add_module(name, layer)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer."""
        result: Tensor = self.get_submodule(self.held)(x)
        return result


class _GatedResidual(nn.Module):
    """A convolution over time whose second half of channels gates the first, added to the input."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.conv1 = _Held("conv", nn.Conv1d(channels, 2 * channels, kernel, padding=kernel // 2))

    def forward(self, x: Tensor, rate: float, generator: torch.Generator | None) -> Tensor:
        """`[B, C, T]` to `[B, C, T]`."""
        return x + dropout(functional.glu(self.conv1(x), dim=1), rate, self.training, generator)


class _SelfAttention(nn.Module):
    """Attention over the clip, added to the input. Scores are scaled by the model's width, not a head's."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        for name in ("w_qs", "w_ks", "w_vs", "fc"):
            self.add_module(name, nn.Linear(channels, channels))

    def forward(self, x: Tensor, mask: Tensor, rate: float, generator: torch.Generator | None) -> Tensor:
        """`x` `[B, T, C]`, `mask` `[B, 1, T]` to `[B, T, C]`."""
        query, key, value = (
            self.get_submodule(name)(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for name in ("w_qs", "w_ks", "w_vs")
        )
        scores = query @ key.transpose(-1, -2) * x.shape[2] ** -0.5
        scores = scores.masked_fill(mask[:, None] == 0, -torch.inf)
        weights = dropout(scores.softmax(dim=-1), rate, self.training, generator)
        out = self.get_submodule("fc")((weights @ value).transpose(1, 2).flatten(2))
        return x + dropout(out, rate, self.training, generator)


class ReferenceEncoder(nn.Module):
    """Per-frame layers, gated convolutions, self-attention, and the mean over valid frames."""

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        sizes = config.reference
        self.bins, self.rate, self.masked = sizes.bins, sizes.dropout, sizes.masked
        entry = {"0": nn.Linear(sizes.bins, sizes.hidden), "3": nn.Linear(sizes.hidden, sizes.hidden)}
        self.spectral = nn.ModuleDict({place: _Held("fc", layer) for place, layer in entry.items()})
        self.temporal = nn.ModuleList(_GatedResidual(sizes.hidden, sizes.kernel) for _ in range(2))
        self.slf_attn = _SelfAttention(sizes.hidden, sizes.heads)
        self.fc = _Held("fc", nn.Linear(sizes.hidden, config.speaker_dimension))

    def forward(self, spectrogram: Tensor, mask: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """`spectrogram` `[B, >= bins, T]` (upper bins are not read), `mask` `[B, 1, T]` to `[B, G, 1]`."""
        x = (spectrogram[:, : self.bins] * mask).transpose(1, 2)
        for layer in self.spectral.values():
            x = dropout(functional.mish(layer(x)), self.rate, self.training, generator)
        x = x.transpose(1, 2)
        for block in self.temporal:
            x = block(x * mask if self.masked else x, self.rate, generator)
        x = (x * mask).transpose(1, 2)
        frames = self.fc(self.slf_attn(x, mask, self.rate, generator)).transpose(1, 2)
        total = (frames.float() * mask).sum(dim=2, keepdim=True)
        vector: Tensor = total / mask.sum(dim=2, keepdim=True).clamp(min=1)
        return vector.to(x.dtype)
