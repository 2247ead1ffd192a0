"""Content features: batches equal single clips, padding is never heard, NaN is done again, codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gsv.errors import DataError, WeightsError
from gsv.families import miniature
from gsv.features.codes import SemanticCoder, load_coder
from gsv.features.content import (
    ContentExtractor,
    content_wave,
    encoder_identity,
    level_wave,
    plan_batches,
    self_test,
)
from gsv.models.content import ContentEncoder, ContentSettings, tiny_hubert_config
from gsv.models.sovits.synthesizer import new_synthesizer
from gsv.weights.bundle import code_version, save_bundle
from gsv.weights.networks import sovits_info


def encoder(norm: str = "layer", layers: int = 2, scale: float = 1.0) -> ContentEncoder:
    torch.manual_seed(3)
    config = tiny_hubert_config(
        hidden_size=16, num_hidden_layers=layers, num_attention_heads=2, intermediate_size=16,
        conv_dim=(4, 4, 4, 4, 4, 4, 8), num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
        feat_extract_norm=norm, conv_bias=norm == "layer", do_stable_layer_norm=norm == "layer",
    )  # fmt: skip
    network = ContentEncoder(config, ContentSettings("miniature", -1, 0)).eval()
    with torch.no_grad():
        network.hubert.encoder.layers[0].feed_forward.output_dense.weight.mul_(scale)
    return network


def waves(*lengths: int) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [(0.3 * generator.normal(size=length)).clip(-1, 1).astype(np.float32) for length in lengths]


@pytest.mark.parametrize("norm", ["layer", "group"])
def test_a_batch_gives_what_single_clips_give(norm: str) -> None:
    network = encoder(norm)
    clips = waves(9000, 16000, 12345, 16000, 5000)
    together = ContentExtractor(network).features(clips)
    for clip, found in zip(clips, together, strict=True):
        (alone,) = ContentExtractor(network).features([clip])
        plain = network.features(torch.from_numpy(clip)[None] * (1.0 if norm == "layer" else 1145.14))
        assert isinstance(found, torch.Tensor) and isinstance(alone, torch.Tensor)
        assert found.shape == alone.shape == plain.shape == (1, 16, (len(clip) - 80) // 320)
        assert (found - alone).abs().max() <= 1e-4 and (found - plain).abs().max() <= 1e-4


def test_what_is_not_finite_is_done_again_in_float32() -> None:
    huge = encoder(scale=1e9)  # beyond half precision, well inside float32
    clips = waves(8000, 9000)
    found = ContentExtractor(huge, dtype=torch.float16).features(clips)
    wanted = ContentExtractor(huge).features(clips)
    for first, second in zip(found, wanted, strict=True):
        assert isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor)
        assert (first - second).abs().max() <= 1e-4
    with torch.no_grad():
        huge.hubert.encoder.layers[0].feed_forward.output_dense.weight.fill_(float("nan"))
    assert all(isinstance(one, DataError) for one in ContentExtractor(huge).features(clips))


def test_a_clip_without_a_frame_fails_alone() -> None:
    short, fine = ContentExtractor(encoder()).features(waves(399, 8000))
    assert isinstance(short, DataError) and isinstance(fine, torch.Tensor)


@given(
    st.lists(st.none() | st.integers(1, 50).map(lambda n: n / 2), max_size=30),
    st.randoms(use_true_random=False),
)
def test_batches_depend_on_the_clips_alone(seconds: list[float | None], random: object) -> None:
    names = [f"{index:02d}.wav" for index in range(len(seconds))]

    def planned(order: list[int]) -> set[tuple[str, ...]]:
        plan = plan_batches([seconds[i] for i in order], [names[i] for i in order], budget_seconds=12, most=4)
        return {tuple(names[order[i]] for i in batch) for batch in plan}

    order = list(range(len(seconds)))
    random.shuffle(order)  # type: ignore[attr-defined]
    found = planned(order)
    assert found == planned(list(range(len(seconds))))
    assert sorted(name for batch in found for name in batch) == names
    length = dict(zip(names, seconds, strict=True))
    for batch in found:
        known = [length[name] for name in batch]
        assert len(batch) == 1 or max(value or 99 for value in known) * len(batch) <= 12
        assert len(batch) <= 4


def test_the_level_rule_keeps_inside_16_bits() -> None:
    for peak in (0.01, 0.5, 1.0, 1.6, 2.19):
        wave = np.array([0.0, peak, -peak, peak / 2], np.float32)
        levelled = level_wave(wave)
        assert levelled.dtype == np.int16 and levelled[1] > 0 > levelled[2], "no wrap-around"
        assert levelled[1] == pytest.approx(min(1.0, 0.475 + 0.5 * peak) * 32768, abs=1.5)
    assert not level_wave(np.zeros(10, np.float32)).any()
    assert len(content_wave(np.zeros(32000, np.float32))) == 16000
    for bad in (np.array([2.3], np.float32), np.array([np.nan], np.float32)):
        with pytest.raises(DataError):
            level_wave(bad)


def base(path: Path, seed: int) -> Path:
    config = miniature("tiny")
    network = new_synthesizer(config, seed)
    network.quantizer.codebook.embed.normal_(generator=torch.Generator().manual_seed(seed))
    save_bundle(path, network.state_dict(), sovits_info(config))
    return path


def test_codes_are_those_of_the_whole_generator(tmp_path: Path) -> None:
    path = base(tmp_path / "one.safetensors", 1)
    coder, identity = load_coder(path)
    network = new_synthesizer(miniature("tiny"), 1)
    network.quantizer.codebook.embed.normal_(generator=torch.Generator().manual_seed(1))
    content = torch.randn(1, 16, 101)
    codes = coder.codes(content)
    assert codes == network.extract_latent(content)[0, 0].tolist() and len(codes) == 50
    assert identity.version == code_version(network.state_dict()) and identity.name == "one.safetensors"
    assert load_coder(base(tmp_path / "two.safetensors", 2))[1].version != identity.version
    for bad in (torch.randn(1, 8, 10), torch.randn(1, 16, 1)):
        with pytest.raises(DataError):
            coder.codes(bad)
    with pytest.raises(WeightsError, match="quantizer"):
        SemanticCoder.from_state({}, miniature("tiny"))


def test_an_encoder_is_known_by_its_version_or_its_weights(tmp_path: Path) -> None:
    network = encoder()
    network.save(tmp_path / "ours")
    assert encoder_identity(tmp_path / "ours").version == "miniature"
    (tmp_path / "ours" / "gsv.json").unlink()
    published = encoder_identity(tmp_path / "ours").version
    assert published.startswith("hubert-")
    (tmp_path / "ours").rename(tmp_path / "moved")
    assert encoder_identity(tmp_path / "moved").version == published
    with pytest.raises(DataError, match="no content encoder"):
        encoder_identity(tmp_path)


def test_a_reduced_precision_must_give_the_same_codes() -> None:
    network, clips = encoder(), waves(8000)
    device = torch.device("cpu")

    def constant(content: torch.Tensor) -> list[int]:
        return [0] * (content.shape[-1] // 2)

    calls: list[int] = []

    def changing(content: torch.Tensor) -> list[int]:
        calls.append(1)
        return [len(calls)] * (content.shape[-1] // 2)

    assert not self_test(network, device, torch.bfloat16, clips, changing)
    assert self_test(network, device, torch.bfloat16, clips, constant) in (True, False)
