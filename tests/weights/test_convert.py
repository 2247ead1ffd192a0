"""Published files become bundles that hold the same numbers, and are described in words."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gsv.errors import InputError, WeightsError
from gsv.families import family
from gsv.weights.bundle import load_bundle
from gsv.weights.convert import convert, describe
from gsv.weights.layouts import discriminator_layout, gpt_layout, sovits_layout
from gsv.weights.networks import load_discriminator, load_gpt, load_synthesizer

Write = Callable[..., Path]


def random_halves(layout: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    numbers = torch.randn(2**20, generator=generator).half()
    state = {}
    for key, shape in layout.items():
        count = torch.Size(shape).numel()
        state[key] = numbers.repeat(count // len(numbers) + 1)[:count].reshape(shape)
    return state


def test_sovits(write_published: Write) -> None:
    state = random_halves(sovits_layout(family("v2"), with_posterior=False))
    path = write_published(state, {"model": {"version": "v2"}}, mark="01")
    bundle = convert(path)
    assert bundle == path.with_suffix(".safetensors")
    tensors, info = load_bundle(bundle, role="sovits")
    assert (info.family, info.has_posterior, info.info) == ("v2", False, "8epoch_1234iteration")
    assert info.code_version.startswith("codes-") and path.name in info.provenance
    assert all(torch.equal(tensors[key], tensor.float()) for key, tensor in state.items())
    network, again = load_synthesizer(path)
    assert again.code_version == info.code_version and not network.has_posterior
    assert describe(path)["what"] == "a SoVITS model (v2)" and describe(path)["mark"] == "01"
    words = describe(bundle)
    assert words["what"] == "sovits" and words["can be trained further"].startswith("no")
    with pytest.raises(InputError, match="exists already"):
        convert(path)
    with pytest.raises(InputError, match="a bundle already"):
        convert(bundle, overwrite=True)


def test_discriminator(write_published: Write, tmp_path: Path) -> None:
    state = random_halves(discriminator_layout(family("v2")))
    path = write_published(state, name="s2D.pth")
    bundle = convert(path, tmp_path / "out" / "d.safetensors")
    for source in (path, bundle):
        network, info = load_discriminator(source)
        assert info.role == "discriminator" and info.family == "v2"
        assert all(torch.equal(tensor, state[key].float()) for key, tensor in network.state_dict().items())


def test_gpt(write_published: Write, tmp_path: Path) -> None:
    state = random_halves(gpt_layout("v1"))
    path = write_published(state, name="gpt.ckpt")
    assert describe(path)["what"] == "a GPT model (v1)"
    bundle = convert(path)
    assert describe(bundle)["what"] == "gpt"
    for source in (path, bundle):
        network, info = load_gpt(source)
        assert (info.role, info.family, info.symbols, network.config.phone_count) == ("gpt", "v1", "v1", 512)
        for key, tensor in network.state_dict().items():
            assert torch.equal(tensor, state[f"model.{key}"].float())
    with pytest.raises(WeightsError, match="holds gpt weights"):
        load_synthesizer(bundle)


def test_an_incomplete_gpt_is_not_converted(write_published: Write) -> None:
    path = write_published({key: torch.zeros(1) for key in gpt_layout("v2")}, name="gpt.ckpt")
    with pytest.raises(WeightsError, match="is not a complete GPT model"):
        convert(path)
    assert not path.with_suffix(".safetensors").exists()


class Call:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def test_a_malicious_file_is_refused_everywhere(save_marked: Write, tmp_path: Path) -> None:
    marker = tmp_path / "it-ran"
    value = {"weight": {"enc_p.text_embedding.weight": torch.zeros(732, 192)}, "config": Call(marker)}
    for mark in (None, "05", "06"):
        path = save_marked(value, "evil.pth", mark)
        for use in (describe, convert, load_synthesizer, load_discriminator):
            with pytest.raises(WeightsError, match=r"evil.pth is refused: it names (posix|nt)\.mkdir"):
                use(path)
    assert not marker.exists()
