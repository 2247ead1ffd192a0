"""The codebook: nearest entries, its k-means start, what it follows, and entries that die."""

from __future__ import annotations

import torch

from gsv.families import QuantizerConfig
from gsv.models.sovits.quantizer import Quantizer


def clusters(count: int, each: int, generator: torch.Generator) -> torch.Tensor:
    """`[count * each, 4]` points around `count` well separated centres."""
    centres = torch.randn(count, 4, generator=generator) * 20
    return (centres[:, None] + torch.randn(count, each, 4, generator=generator) * 0.1).flatten(0, 1)


def test_codes_are_the_nearest_entries() -> None:
    generator = torch.Generator().manual_seed(0)
    quantizer = Quantizer(QuantizerConfig(codes=16), 4)
    quantizer.codebook.embed.normal_(generator=generator)
    features = torch.randn(3, 4, 9, generator=generator)
    distances = torch.cdist(features.transpose(1, 2), quantizer.codebook.embed[None])
    codes = quantizer.encode(features)
    assert torch.equal(codes, distances.argmin(2))
    assert torch.equal(quantizer.encode(quantizer.decode(codes)), codes)


def test_start_finds_clusters_and_repeats_with_its_seed() -> None:
    points = clusters(6, 200, torch.Generator().manual_seed(1))
    books = []
    for _ in range(2):
        quantizer = Quantizer(QuantizerConfig(codes=24), 4).train()
        quantizer(points.T[None], generator=torch.Generator().manual_seed(2))
        books.append(quantizer.codebook.embed.clone())
        assert quantizer.codebook.inited.item() == 1
    assert torch.equal(books[0], books[1])
    quantizer.eval()
    assert float(quantizer(points.T[None]).commitment_loss) < 0.05


def test_training_moves_the_codebook_and_passes_the_gradient_through() -> None:
    generator = torch.Generator().manual_seed(3)
    points = clusters(8, 50, generator)
    quantizer = Quantizer(QuantizerConfig(codes=8, decay=0.9), 4).train()
    first = float(quantizer(points.T[None], generator=generator).commitment_loss)
    features = (points + 1.0).T[None].clone().requires_grad_()
    for _ in range(40):
        result = quantizer(features, generator=generator)
    assert float(result.commitment_loss.detach()) < first + 0.1
    result.features.sum().backward()
    assert features.grad is not None and torch.equal(features.grad, torch.ones_like(features))


def test_dead_entries_come_back_and_stay() -> None:
    generator = torch.Generator().manual_seed(4)
    points = torch.randn(500, 4, generator=generator)
    quantizer = Quantizer(QuantizerConfig(codes=32), 4).train()
    quantizer(points.T[None], generator=generator)
    book = quantizer.codebook
    book.embed[:30] = 1000.0
    book.embed_avg[:30] = 0.0
    book.cluster_size[:30] = 0.0
    for _ in range(20):
        codes = quantizer(points.T[None], generator=generator).codes
    assert len(codes.unique()) >= 28
    assert bool(torch.isfinite(book.embed).all())


def test_padding_teaches_nothing() -> None:
    generator = torch.Generator().manual_seed(5)
    features = torch.randn(2, 4, 40, generator=generator)
    features[1, :, 20:] = 1e6
    mask = torch.ones(2, 40)
    mask[1, 20:] = 0
    quantizer = Quantizer(QuantizerConfig(codes=4), 4).train()
    result = quantizer(features, mask, generator)
    assert float(quantizer.codebook.embed.abs().max()) < 10
    assert float(result.commitment_loss) < 10
