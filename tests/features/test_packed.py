"""The arrangement of the content encoder for a CPU equals the plain network, for clips of any lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gsv.features import packed
from gsv.features.content import PUBLISHED_SCALE, ContentExtractor
from gsv.features.packed import PackedContent, gains, supports
from gsv.models.content import ContentEncoder, ContentSettings, tiny_hubert_config

BOUND = 0.05
"""Of a bfloat16 feature, whose own scale is about one."""

PUBLISHED = {"feat_extract_norm": "group", "conv_bias": False, "do_stable_layer_norm": False}
OURS = {"hidden_act": "relu", "feat_extract_activation": "relu", "num_conv_pos_embeddings": 17}


def encoder(layer: int = -1, **changes: Any) -> ContentEncoder:
    """Eight-headed and small, with a bias wherever the configuration allows one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        values: dict[str, Any] = {
            "hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 8, "intermediate_size": 64,
            "conv_dim": (16, 24, 24, 24, 32, 32, 40), "num_conv_pos_embeddings": 128, "conv_bias": True,
            "num_conv_pos_embedding_groups": 4,
        }  # fmt: skip
        network = ContentEncoder(tiny_hubert_config(**values | changes), ContentSettings("test", layer))
        for parameter in network.parameters():
            # Norms and biases start at one and zero, where mistakes do not show.
            parameter.data += 0.05 * torch.randn(parameter.shape)
        return network.eval()


def waves(*lengths: int, scale: float = 1.0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [0.2 * scale * torch.randn(length, generator=generator) + 0.01 for length in lengths]


@pytest.mark.parametrize("changes", [PUBLISHED, {}, OURS, PUBLISHED | OURS], ids=str)
@pytest.mark.parametrize("layer", [-1, 0, 2, 3])
def test_float32_is_the_plain_network_within_rounding(changes: dict[str, Any], layer: int) -> None:
    network = encoder(layer, **changes)
    assert supports(network)
    scale = 1.0 if network.batch_invariant else PUBLISHED_SCALE
    # One frame, a few, more than a block of the position convolution, more than a chunk of rows.
    clips = waves(400, 720, 5003, 64_000, 170_001, scale=scale)
    for clip, found in zip(clips, PackedContent(network).features(clips), strict=True):
        plain = network.features(clip[None])
        assert found.shape == plain.shape and found.dtype == torch.float32
        assert (found - plain).abs().max() <= 1e-4


@given(st.lists(st.integers(400, 12_000), min_size=1, max_size=6))
@settings(deadline=None, max_examples=15)
def test_neighbours_in_a_pack_are_not_heard(lengths: list[int]) -> None:
    network = encoder(**PUBLISHED)
    arranged = PackedContent(network)
    clips = waves(*lengths)
    for clip, found in zip(clips, arranged.features(clips), strict=True):
        assert (found - arranged.features([clip])[0]).abs().max() <= 1e-4


@pytest.mark.parametrize("changes", [PUBLISHED, {}, OURS, PUBLISHED | OURS], ids=str)
def test_bfloat16_keeps_within_its_bound(changes: dict[str, Any]) -> None:
    network = encoder(**changes)
    clips = waves(9000, 4001, 30_000, scale=1.0 if network.batch_invariant else PUBLISHED_SCALE)
    for clip, found in zip(clips, PackedContent(network, torch.bfloat16).features(clips), strict=True):
        difference = found - network.features(clip[None])
        assert found.dtype == torch.float32
        assert difference.abs().max() <= BOUND and difference.square().mean().sqrt() <= BOUND / 5


def test_without_the_products_of_the_processor_it_is_still_right(monkeypatch: pytest.MonkeyPatch) -> None:
    network, clips = encoder(**PUBLISHED), waves(9000, 4001)
    monkeypatch.setattr(packed, "_lay_out", lambda weight: None)
    assert not gains(torch.bfloat16)
    for clip, found in zip(clips, PackedContent(network, torch.bfloat16).features(clips), strict=True):
        assert (found - network.features(clip[None])).abs().max() <= BOUND
    reduced = ContentExtractor(network, dtype=torch.bfloat16).features([clips[0].numpy()])[0]
    exact = ContentExtractor(network).features([clips[0].numpy()])[0]
    assert isinstance(reduced, torch.Tensor) and isinstance(exact, torch.Tensor)
    assert (reduced - exact).abs().max() <= BOUND


def test_a_missing_operation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Without:
        def __getattr__(self, name: str) -> Any:
            raise AttributeError(name)

    monkeypatch.setattr(torch.ops, "mkldnn", Without(), raising=False)
    assert not gains(torch.bfloat16)


def test_the_extractor_packs_in_bfloat16_alone() -> None:
    network = encoder(**PUBLISHED)
    assert not gains(torch.float32) and not ContentExtractor(network).packed
    reduced = ContentExtractor(network, dtype=torch.bfloat16)
    assert reduced.packed
    clips = [clip.numpy() for clip in waves(9000, 300, 4001)]
    found, wanted = reduced.features(clips), ContentExtractor(network).features(clips)
    assert [type(one) for one in found] == [type(one) for one in wanted]
    for first, second in zip(found, wanted, strict=True):
        if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
            assert first.shape == second.shape and (first - second).abs().max() <= BOUND


def test_what_is_not_finite_is_done_again_in_float32() -> None:
    network = encoder(**PUBLISHED)
    reduced = ContentExtractor(network, dtype=torch.bfloat16)
    bad = np.full(9000, np.nan, np.float32)
    fine, failed = reduced.features([waves(9000)[0].numpy(), bad])
    assert isinstance(fine, torch.Tensor) and "not numbers" in str(failed)


@pytest.mark.parametrize(
    "change", [{"hidden_act": "silu"}, {"feat_proj_layer_norm": False}, {"num_conv_pos_embeddings": 200}]
)
def test_other_networks_are_left_alone(change: dict[str, Any]) -> None:
    other = encoder(**change)
    assert not supports(other) and not ContentExtractor(other, dtype=torch.bfloat16).packed
