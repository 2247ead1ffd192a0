"""Parts of the semantic decoder: sine positions, attention and the post-norm block.

Knows tensors `[B, L, C]` and masks. Does not know text, codes, caches' growth or sampling. Module and
parameter names are those of the published files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class KeyValueStore(Protocol):
    """Where a layer's keys and values of earlier positions live while generating."""

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Keep new keys and values `[B, H, L, D]` of a layer; returns all of that layer so far."""


def sine_positions(positions: Tensor, width: int) -> Tensor:
    """Sine and cosine of each position at `width // 2` frequencies, interleaved: `[...]` to `[..., width]`."""
    steps = torch.arange(0, width, 2, device=positions.device, dtype=torch.float32)
    angles = positions.float().unsqueeze(-1) * torch.exp(steps * -(math.log(10000.0) / width))
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)


class Dropout(nn.Module):
    """Sets values to zero by chance, at a rate that is rounded to 1/256.

    On a CPU one drawn byte decides each value, where torch draws a whole number for it: that took an eighth of a
    training step.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.dropped = round(256 * rate)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape, unchanged outside of training."""
        if not self.training or not self.dropped:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.rate)
        lowest, highest = -(2**63), 2**63 - 1
        drawn = torch.randint(lowest, highest, (-(-x.numel() // 8),)).view(torch.uint8)
        kept = drawn[: x.numel()].view(x.shape) >= self.dropped
        return x * kept.to(x.dtype).mul_(256 / (256 - self.dropped))


class ScaledPositions(nn.Module):
    """Adds sine positions times one learnt number."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.width = width
        self.alpha = nn.Parameter(torch.ones(1))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """`x` `[B, L, C]` at integer `positions` `[B, L]` or `[L]`."""
        placed: Tensor = self.dropout(x + self.alpha * sine_positions(positions, self.width).to(x.dtype))
        return placed


class TokenEmbedding(nn.Module):
    """A table of vectors."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(count, width)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids `[B, L]` to vectors `[B, L, C]`."""
        vectors: Tensor = self.word_embeddings(ids)
        return vectors


class SelfAttention(nn.Module):
    """Multi-head attention of a sequence on itself and on what is stored of it."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values `[B, H, L, D]` of `x` `[B, L, C]`."""
        joined = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        batch, length, _ = joined.shape
        parts = joined.view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        return parts[0], parts[1], parts[2]

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        """Attention `[B, H, L, D]` to `[B, L, C]`; `mask` is true where a query may look."""
        dropout = self.dropout if self.training else 0.0
        slow = queries.requires_grad and queries.dtype == torch.bfloat16 and queries.device.type == "cpu"
        if slow and mask is not None and not dropout:
            heard = plain_attention(queries, keys, values, mask)
        else:
            heard = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, dropout_p=dropout)
        joined: Tensor = self.out_proj(heard.transpose(1, 2).flatten(2))
        return joined


class Block(nn.Module):
    """Attention, then two linear layers, each added and then normalised."""

    def __init__(
        self, width: int, heads: int, filter_width: int, dropout: float, attention_dropout: float
    ) -> None:
        super().__init__()
        self.self_attn = SelfAttention(width, heads, attention_dropout)
        self.linear1 = nn.Linear(width, filter_width)
        self.linear2 = nn.Linear(filter_width, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def finish(self, x: Tensor, heard: Tensor) -> Tensor:
        """Everything after the attention: `x` and `heard` `[B, L, C]`."""
        x = self.norm1(x + self.dropout(heard))
        inner = self.linear2(self.dropout(F.relu(self.linear1(x))))
        output: Tensor = self.norm2(x + self.dropout(inner))
        return output


class Stack(nn.Module):
    """All blocks, one after the other."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(blocks)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        store: KeyValueStore | None = None,
        watched: dict[int, tuple[Tensor, Tensor]] | None = None,
    ) -> Tensor:
        """`x` `[B, L, C]` through every block.

        `mask` is boolean, broadcastable to `[B, H, L, K]`, where K counts stored and new positions. `watched`
        is filled with the queries and keys of the layers that it has as keys.
        """
        for number, block in enumerate(self.layers):
            assert isinstance(block, Block)
            queries, keys, values = block.self_attn.project(x)
            if store is not None:
                keys, values = store.extend(number, keys, values)
            if watched is not None and number in watched:
                watched[number] = (queries, keys)
            x = block.finish(x, block.self_attn.attend(queries, keys, values, mask))
        return x


def plain_attention(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """Attention of tensors `[B, H, L, D]` by matrix products that keep their table of all pairs.

    In bfloat16 on a CPU its backward pass is twice as fast as that of torch's fused one.
    """
    scores = (queries * queries.shape[-1] ** -0.5) @ keys.transpose(2, 3)
    return scores.masked_fill(~mask, -torch.inf).softmax(-1) @ values


def attention_weights(queries: Tensor, keys: Tensor, head: int, mask: Tensor | None) -> Tensor:
    """The attention `[B, L, K]` of one head, in float32; `mask` is broadcastable to `[B, L, K]`."""
    scores = queries[:, head].float() @ keys[:, head].float().transpose(1, 2) / math.sqrt(queries.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(-1)
