"""The quantizer: content features to semantic codes and back, and how its codebook is learned.

Knows projected features `[B, C, S]` and codes `[B, S]`. The codebook is a buffer: it follows moving averages
of the features that fall to each code, not a gradient. One process: with several, only one may train it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.families import QuantizerConfig

KMEANS_ROUNDS = 50
KMEANS_VECTORS = 100_000
SMOOTHING = 1e-5


@dataclass(frozen=True)
class Quantized:
    """`features` `[B, C, S]` (straight-through in training), `codes` `[B, S]`, `commitment_loss` `[]`."""

    features: Tensor
    codes: Tensor
    commitment_loss: Tensor


class Codebook(nn.Module):
    """Vectors and the statistics that move them."""

    inited: Tensor
    cluster_size: Tensor
    embed: Tensor
    embed_avg: Tensor

    def __init__(self, size: int, dimension: int) -> None:
        super().__init__()
        self.register_buffer("inited", torch.zeros(1))
        self.register_buffer("cluster_size", torch.zeros(size))
        self.register_buffer("embed", torch.zeros(size, dimension))
        self.register_buffer("embed_avg", torch.zeros(size, dimension))

    def nearest(self, vectors: Tensor) -> Tensor:
        """Index of the nearest entry for each row of `[N, C]`; the first of equals."""
        return _nearest(vectors.float(), self.embed.float())

    @torch.no_grad()
    def start(self, vectors: Tensor, generator: torch.Generator) -> None:
        """Set all entries by k-means over a sample of `vectors` `[N, C]`."""
        sample = _draw_rows(vectors, min(len(vectors), KMEANS_VECTORS), generator)
        centres = _draw_rows(sample, len(self.embed), generator)
        counts = self.cluster_size
        for _ in range(KMEANS_ROUNDS):
            counts, sums = _per_code(_nearest(sample, centres), sample, len(centres))
            centres = torch.where(counts[:, None] > 0, sums / counts.clamp(min=1)[:, None], centres)
        self.embed.copy_(centres)
        self.embed_avg.copy_(centres * counts[:, None])
        self.cluster_size.copy_(counts)
        self.inited.fill_(1)

    @torch.no_grad()
    def follow(
        self, vectors: Tensor, codes: Tensor, config: QuantizerConfig, generator: torch.Generator
    ) -> int:
        """Move the entries towards the `vectors` `[N, C]` of their `codes` `[N]`; returns how many were dead.

        An entry that is used less than `config.dead_below` becomes one of the vectors, with its averages, so
        that the next step does not draw it back.
        """
        counts, sums = _per_code(codes, vectors, len(self.embed))
        self.cluster_size.lerp_(counts, 1 - config.decay)
        self.embed_avg.lerp_(sums, 1 - config.decay)
        total = self.cluster_size.sum()
        shares = (self.cluster_size + SMOOTHING) / (total + len(self.embed) * SMOOTHING) * total
        self.embed.copy_(self.embed_avg / shares[:, None])
        dead = self.cluster_size < config.dead_below
        fresh = _draw_rows(vectors, len(self.embed), generator).to(self.embed.dtype)
        self.embed.copy_(torch.where(dead[:, None], fresh, self.embed))
        self.embed_avg.copy_(torch.where(dead[:, None], fresh * config.dead_below, self.embed_avg))
        self.cluster_size.masked_fill_(dead, config.dead_below)
        return int(dead.sum())


class Quantizer(nn.Module):
    """The codebook under the names of published files, with lookup in both directions."""

    def __init__(self, config: QuantizerConfig, dimension: int) -> None:
        super().__init__()
        self.config = config
        layer = nn.Module()
        layer._codebook = Codebook(config.codes, dimension)
        self.vq = nn.Module()
        self.vq.layers = nn.ModuleList([layer])

    @property
    def codebook(self) -> Codebook:
        """The one codebook."""
        book = self.get_submodule("vq.layers.0._codebook")
        assert isinstance(book, Codebook)
        return book

    def encode(self, features: Tensor) -> Tensor:
        """Projected features `[B, C, S]` to codes `[B, S]`."""
        rows = features.transpose(1, 2)
        return self.codebook.nearest(rows.flatten(0, 1)).view(rows.shape[:2])

    def decode(self, codes: Tensor) -> Tensor:
        """Codes `[B, S]` to their vectors `[B, C, S]`."""
        return functional.embedding(codes, self.codebook.embed).transpose(1, 2)

    def forward(
        self, features: Tensor, mask: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Quantized:
        """Quantize `[B, C, S]`. In training mode with a generator, the codebook learns from the valid frames.

        `mask` `[B, S]` leaves padding out of what is learned; the commitment loss is the mean squared
        distance of valid features to their code (zero gradient towards the codebook).
        """
        rows = features.transpose(1, 2).float()
        valid = rows.new_ones(rows.shape[:2]) > 0 if mask is None else mask > 0
        learning = self.training and generator is not None
        if learning and not self.codebook.inited:
            assert generator is not None
            self.codebook.start(rows[valid].detach(), generator)
        codes = self.encode(features)
        chosen = self.decode(codes)
        if learning:
            assert generator is not None
            self.codebook.follow(rows[valid].detach(), codes[valid], self.config, generator)
        distance = functional.mse_loss(rows[valid], chosen.transpose(1, 2)[valid].float())
        if self.training:
            chosen = features + (chosen - features).detach()
        return Quantized(chosen, codes, distance)


def _nearest(vectors: Tensor, entries: Tensor) -> Tensor:
    """Index of the entry `[K, C]` nearest to each of `vectors` `[N, C]`, in blocks of bounded memory."""
    norms = entries.square().sum(dim=1)
    blocks = [(norms - 2 * part @ entries.T).argmin(dim=1) for part in vectors.split(16384)]
    return torch.cat(blocks) if blocks else vectors.new_zeros(0, dtype=torch.long)


def _draw_rows(vectors: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` random rows of `[N, C]`: distinct if there are enough, else with repetition."""
    if len(vectors) >= count:
        order = torch.randperm(len(vectors), generator=generator, device=generator.device)[:count]
    else:
        order = torch.randint(len(vectors), (count,), generator=generator, device=generator.device)
    return vectors[order.to(vectors.device)]


def _per_code(codes: Tensor, vectors: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """How many of the `vectors` `[N, C]` fell to each code, `[size]`, and their sums `[size, C]`."""
    counts = torch.bincount(codes, minlength=size).to(vectors.dtype)
    sums = vectors.new_zeros(size, vectors.shape[1]).index_add_(0, codes, vectors)
    return counts, sums
