"""Attention of the prior: over one's own sequence with relative positions, and from content to text.

Knows shapes and masks only. Padded keys get the score -1e4; padded queries compute something that nobody
reads, because every caller masks its result.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.models.layers import ChannelNorm, dropout

MASKED_SCORE = -1e4
NEAR = 2
"""Phones on both sides of the one being said that a frame may look at, where that one is known."""


def spread_band(band: Tensor) -> Tensor:
    """Place the columns of a band around the diagonal of a square: `[..., T, 2w+1]` to `[..., T, T]`.

    Entry `(i, c)` goes to `(i, i + c - w)`; what falls outside is dropped, the rest of the square is zero.
    """
    steps, width = band.shape[-2:]
    # Rows one longer than the padded square make each row start one place further right than the last.
    rows = functional.pad(band, (0, steps)).flatten(-2)[..., : steps * (steps + width - 1)]
    reach = width // 2
    return rows.unflatten(-1, (steps, steps + width - 1))[..., reach : reach + steps]


def gather_band(square: Tensor, width: int) -> Tensor:
    """The inverse of `spread_band`: `[..., T, T]` to `[..., T, width]`, zero outside the square."""
    steps = square.shape[-1]
    reach = width // 2
    rows = functional.pad(square, (reach, reach)).flatten(-2)
    rows = functional.pad(rows, (0, steps))
    return rows.unflatten(-1, (steps, steps + width))[..., :width]


def _heads(x: Tensor, heads: int) -> Tensor:
    """`[B, C, T]` to `[B, heads, T, C / heads]`."""
    return x.unflatten(1, (heads, -1)).transpose(2, 3)


def _joined(x: Tensor) -> Tensor:
    """`[B, heads, T, D]` to `[B, heads * D, T]`."""
    return x.transpose(2, 3).flatten(1, 2)


class _Projections(nn.Module):
    """The four pointwise convolutions of attention, named as in published files."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        for letter in "qkvo":
            self.add_module(f"conv_{letter}", nn.Conv1d(channels, channels, 1))
        for letter in "qkv":
            nn.init.xavier_uniform_(self.get_submodule(f"conv_{letter}").weight)  # type: ignore[arg-type]

    def split(self, letter: str, x: Tensor) -> Tensor:
        """One of the projections of `x` `[B, C, T]`, in heads `[B, heads, T, D]`."""
        return _heads(self.get_submodule(f"conv_{letter}")(x), self.heads)

    def output(self, x: Tensor) -> Tensor:
        """Heads `[B, heads, T, D]` joined and projected to `[B, C, T]`."""
        joined: Tensor = self.get_submodule("conv_o")(_joined(x))
        return joined


class RelativeAttention(_Projections):
    """Self-attention with a learned bias and value for each distance up to `window` steps."""

    def __init__(self, channels: int, heads: int, window: int, rate: float) -> None:
        super().__init__(channels, heads)
        size = channels // heads
        self.rate = rate
        self.emb_rel_k = nn.Parameter(torch.randn(1, 2 * window + 1, size) * size**-0.5)
        self.emb_rel_v = nn.Parameter(torch.randn(1, 2 * window + 1, size) * size**-0.5)

    def forward(self, x: Tensor, mask: Tensor, generator: torch.Generator | None) -> Tensor:
        """`x` `[B, C, T]`, `mask` `[B, 1, T]` of valid frames, to `[B, C, T]`."""
        query, key, value = (self.split(letter, x) for letter in "qkv")
        query = query * query.shape[-1] ** -0.5
        scores = query @ key.transpose(-1, -2)
        scores = scores + spread_band(query @ self.emb_rel_k.transpose(-1, -2))
        scores = scores.masked_fill(mask[:, :, None] == 0, MASKED_SCORE)
        weights = dropout(scores.softmax(dim=-1), self.rate, self.training, generator)
        near = gather_band(weights, self.emb_rel_v.shape[1])
        return self.output(weights @ value + near @ self.emb_rel_v)


class CrossAttention(_Projections):
    """Attention of one sequence to another, without positions."""

    def looks(self, x: Tensor, context: Tensor, context_mask: Tensor, head: int = 0) -> Tensor:
        """Where one head looks: weights `[B, T, N]` of `x` `[B, C, T]` on `context` `[B, C, N]`, in float32."""
        query, key = self.split("q", x)[:, head].float(), self.split("k", context)[:, head].float()
        scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
        return scores.masked_fill(context_mask == 0, MASKED_SCORE).softmax(dim=-1)

    def forward(
        self, x: Tensor, context: Tensor, context_mask: Tensor, places: Tensor | None = None
    ) -> Tensor:
        """`x` `[B, C, T]` looks at `context` `[B, C, N]`, `context_mask` `[B, 1, N]`; returns `[B, C, T]`.

        Where the place in `context` that a step belongs to is known (`places` `[B, T]`, else negative), the
        first head sees that one, the others its neighbours as well.
        """
        query, key, value = self.split("q", x), self.split("k", context), self.split("v", context)
        hidden = (context_mask == 0)[:, :, None]
        if places is not None:
            steps = torch.arange(context.shape[2], device=places.device)
            away = (steps - places.unsqueeze(-1)).abs().unsqueeze(1)
            reach = torch.tensor([0] + [NEAR] * (self.heads - 1), device=places.device)
            hidden = hidden | ((away > reach[:, None, None]) & (places >= 0)[:, None, :, None])
        bias = torch.zeros_like(hidden, dtype=query.dtype).masked_fill(hidden, MASKED_SCORE)
        return self.output(functional.scaled_dot_product_attention(query, key, value, attn_mask=bias))


class FeedForward(nn.Module):
    """Two convolutions with a rectifier between them."""

    def __init__(self, channels: int, filter_channels: int, kernel: int, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.conv_1 = nn.Conv1d(channels, filter_channels, kernel, padding=kernel // 2)
        self.conv_2 = nn.Conv1d(filter_channels, channels, kernel, padding=kernel // 2)

    def forward(self, x: Tensor, mask: Tensor, generator: torch.Generator | None) -> Tensor:
        """`[B, C, T]` to `[B, C, T]`, zero on padding."""
        wide = dropout(self.conv_1(x * mask).relu(), self.rate, self.training, generator)
        narrow: Tensor = self.conv_2(wide * mask)
        return narrow * mask


class RelativeEncoder(nn.Module):
    """Layers of relative self-attention and feed-forward, each added to its input and normalised after."""

    def __init__(
        self, channels: int, filter_size: int, heads: int, layers: int, kernel: int, window: int, rate: float
    ) -> None:
        super().__init__()
        self.rate = rate
        count = range(layers)
        self.attn_layers = nn.ModuleList(RelativeAttention(channels, heads, window, rate) for _ in count)
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(channels) for _ in count)
        self.ffn_layers = nn.ModuleList(FeedForward(channels, filter_size, kernel, rate) for _ in count)
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(channels) for _ in count)

    def forward(self, x: Tensor, mask: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """`x` `[B, C, T]` and `mask` `[B, 1, T]` to `[B, C, T]`, zero on padding."""
        x = x * mask
        stages = zip(self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True)
        for attend, settle, expand, finish in stages:
            x = settle(x + dropout(attend(x, mask, generator), self.rate, self.training, generator))
            x = finish(x + dropout(expand(x, mask, generator), self.rate, self.training, generator))
        return x * mask
