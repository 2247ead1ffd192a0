"""The phone reader: from what every layer of a content encoder hears to scores of phones, by CTC.

Knows layers' outputs and symbol ids, the blank as the last. Does not know waves, symbols' names or training.

It stands beside the content, which it does not change: codes, generator and GPT that were made with an encoder
stay valid when its reader is trained anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class ReaderConfig:
    """Sizes of a reader."""

    inputs: int
    """Layers that it listens to: the first so many outputs of the encoder."""
    channels: int
    """Width of these outputs."""
    classes: int
    """Phone symbols and the blank."""
    width: int = 256
    blocks: int = 3
    heads: int = 4
    filter: int = 640
    kernel: int = 11
    """Frames that a block's convolution spans; odd."""
    dropout: float = 0.0


class ReaderBlock(nn.Module):
    """Neighbours by a convolution, the whole clip by attention, then each frame alone; all before a sum."""

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        width = config.width
        self.heads, self.dropout = config.heads, nn.Dropout(config.dropout)
        self.near_norm, self.far_norm, self.own_norm = (nn.LayerNorm(width) for _ in range(3))
        self.near = nn.Conv1d(width, width, config.kernel, padding=config.kernel // 2, groups=width)
        self.near_mix = nn.Linear(width, width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.far_mix = nn.Linear(width, width)
        self.wide = nn.Linear(width, config.filter)
        self.narrow = nn.Linear(config.filter, width)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """`x` `[B, F, C]`, `mask` `[B, F]` true on real frames (None: all are)."""
        near = self.near_norm(x)
        if mask is not None:
            near = near * mask.unsqueeze(-1)
        near = functional.silu(self.near(near.transpose(1, 2)).transpose(1, 2))
        x = x + self.dropout(self.near_mix(near))
        parts = self.queries_keys_values(self.far_norm(x)).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        seen = None if mask is None else mask[:, None, None, :]
        far = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=seen)
        x = x + self.dropout(self.far_mix(far.transpose(1, 2).flatten(2)))
        own: Tensor = self.narrow(self.dropout(functional.relu(self.wide(self.own_norm(x)))))
        return x + self.dropout(own)


class PhoneReader(nn.Module):
    """The reader; `forward` gives logits."""

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        self.config = config
        self.mix = nn.Linear(config.inputs * config.channels, config.width)
        self.blocks = nn.ModuleList(ReaderBlock(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, config.classes)

    def heard(self, layers: Sequence[Tensor]) -> Tensor:
        """The layers' outputs `[B, F, C]`, each at unit scale in every frame, side by side `[B, F, inputs * C]`."""
        return torch.cat(
            [functional.layer_norm(one, one.shape[-1:]) for one in layers[: self.config.inputs]], dim=-1
        )

    def forward(self, heard: Tensor, mask: Tensor | None) -> Tensor:
        """Logits `[B, F, classes]` of what `heard` gave; `mask` `[B, F]` true on real frames."""
        x: Tensor = self.mix(heard)
        for block in self.blocks:
            x = block(x, mask)
        logits: Tensor = self.head(self.norm(x))
        return logits
