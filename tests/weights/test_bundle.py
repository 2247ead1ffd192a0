"""Our bundle: what is written comes back, exactly where it must be exact, and damage is a typed error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from gsv.errors import GsvError, InputError, WeightsError
from gsv.families import FAMILY_NAMES, miniature
from gsv.models.discriminator import new_discriminator
from gsv.models.sovits.synthesizer import Synthesizer, new_synthesizer
from gsv.weights.bundle import (
    BundleInfo,
    check_fit,
    code_version,
    is_bundle,
    load_bundle,
    read_info,
    save_bundle,
)
from gsv.weights.networks import (
    discriminator_info,
    load_discriminator,
    load_synthesizer,
    sovits_info,
)

INFO = BundleInfo(role="content", provenance="made in a test")


def test_tensors_and_description_come_back(tmp_path: Path) -> None:
    path = tmp_path / "声 音.safetensors"
    base = torch.randn(4, 6)
    state = {
        "weight": base,
        "turned": base.t(),
        "tied": base,
        "count": torch.tensor(7),
        "quantizer.vq.layers.0._codebook.embed": torch.randn(8, 3),
        "ssl_proj.weight": torch.randn(3, 3, 2),
        "enc_p.ssl_proj.weight": torch.randn(3, 3, 1),
        "large": torch.tensor([1e6, 0.1]),
    }
    info = INFO.model_copy(update={"base": "tiny 1", "licence": "MIT", "info": "3 epochs"})
    save_bundle(path, state, info)
    loaded, read = load_bundle(path, role="content")
    assert read == info == read_info(path)
    assert is_bundle(path)
    for key in ("quantizer.vq.layers.0._codebook.embed", "ssl_proj.weight", "large", "count"):
        assert torch.equal(loaded[key], state[key]), key
    for key in ("weight", "turned", "tied", "enc_p.ssl_proj.weight"):
        assert torch.equal(loaded[key], state[key].half().float()), key
    assert path.stat().st_size < 4096
    save_bundle(path, state, info, half=False)
    assert all(torch.equal(tensor, state[key]) for key, tensor in load_bundle(path)[0].items())


def test_what_cannot_be_saved_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_bundle(path, {"a": torch.ones(1)}, INFO)
    before = path.read_bytes()
    for state in ({}, {"a": torch.tensor([1.0, float("inf")])}):
        with pytest.raises(WeightsError):
            save_bundle(path, state, INFO)
    assert path.read_bytes() == before and [path] == list(tmp_path.iterdir())


def test_another_role_is_refused(tmp_path: Path) -> None:
    save_bundle(tmp_path / "a.safetensors", {"a": torch.ones(1)}, INFO)
    with pytest.raises(WeightsError, match="holds content weights, but sovits weights are needed"):
        load_bundle(tmp_path / "a.safetensors", role="sovits")


def test_foreign_and_newer_bundles(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    state = {"a": torch.ones(1)}
    save_file(state, path)
    with pytest.raises(WeightsError, match="no bundle of this program"):
        load_bundle(path)
    fields = json.loads(INFO.model_dump_json())
    for changed, match in (
        ({"format": 2}, "too new"),
        ({"role": "pony"}, "role"),
        ({"surprise": 1}, "surprise"),
        ({"symbols_sha256": "x"}, "symbols_sha256"),
    ):
        save_file(state, path, metadata={"gsv": json.dumps(fields | changed)})
        with pytest.raises(WeightsError, match=match):
            load_bundle(path)
    save_file(state, path, metadata={"gsv": "[" * 100_000})
    with pytest.raises(WeightsError, match="damaged"):
        load_bundle(path)
    save_file({"a": torch.tensor([float("nan")])}, path, metadata={"gsv": json.dumps(fields)})
    with pytest.raises(WeightsError, match="not numbers"):
        load_bundle(path)
    with pytest.raises(InputError):
        load_bundle(tmp_path / "none.safetensors")


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_altered_bundle_gives_tensors_or_a_typed_error(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "a.safetensors"
    save_bundle(path, {"a": torch.ones(4), "b": torch.zeros(2, 2)}, INFO)
    altered = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        altered[data.draw(st.integers(0, len(altered) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(altered[: data.draw(st.integers(0, len(altered)))])
    try:
        load_bundle(path)
    except GsvError:
        return


@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_synthesizer_of_every_family(tmp_path: Path, name: str) -> None:
    network = new_synthesizer(miniature(name), seed=1)
    version = code_version(network.state_dict())
    info = sovits_info(network.config, base="none", code_version=version, licence="MIT")
    path = tmp_path / "voice.safetensors"
    save_bundle(path, network.state_dict(), info, half=False)
    loaded, read = load_synthesizer(path)
    assert isinstance(loaded, Synthesizer) and loaded.config == network.config and not loaded.training
    assert read.code_version == version and read.sample_rate == 32000 and len(read.symbols_sha256) == 64
    state = network.state_dict()
    assert all(torch.equal(tensor, state[key]) for key, tensor in loaded.state_dict().items())
    assert not any(tensor.is_meta for tensor in loaded.state_dict().values())
    codes = torch.arange(6).reshape(1, 1, 6)
    wanted = network.config.speaker_input
    embedding = None if wanted is None else [torch.ones(1, wanted.dimension)]
    arguments = {"references": [torch.rand(1, 1025, 12)], "speaker_embedding": embedding, "noise_scale": 0.0}
    phones = torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        expected = network.eval().decode(codes, phones, **arguments)
        assert torch.equal(loaded.decode(codes, phones, **arguments), expected)


def test_posterior_is_left_out_or_demanded(tmp_path: Path) -> None:
    network = new_synthesizer(miniature("tiny"), seed=1)
    path = tmp_path / "voice.safetensors"
    save_bundle(path, network.state_dict(), sovits_info(network.config))
    small, info = load_synthesizer(path, posterior=False)
    assert not small.has_posterior and not info.has_posterior
    save_bundle(path, small.state_dict(), sovits_info(small.config, has_posterior=False))
    assert not load_synthesizer(path)[0].has_posterior
    with pytest.raises(WeightsError, match="cannot be trained further"):
        load_synthesizer(path, posterior=True)


def test_bundle_that_contradicts_itself(tmp_path: Path) -> None:
    network = new_synthesizer(miniature("tiny"), seed=1)
    info, state = sovits_info(network.config), network.state_dict()
    path = tmp_path / "voice.safetensors"
    other = sovits_info(miniature("v2"))
    cases = (
        (state, other, "not a complete SoVITS model of v2"),
        ({**state, "extra": torch.ones(1)}, info, r"does not belong there \(extra\)"),
        (state, info.model_copy(update={"symbols_sha256": "0" * 64}), "another symbol table"),
        (state, info.model_copy(update={"configuration": {}}), "configuration is wrong"),
        (state, info.model_copy(update={"configuration": {**info.configuration, "latent": 10**9}}), "latent"),
    )
    for tensors, description, match in cases:
        save_bundle(path, tensors, description)
        with pytest.raises(WeightsError, match=match):
            load_synthesizer(path)


def test_a_description_with_a_billion_layers_is_refused_at_once(tmp_path: Path) -> None:
    network = new_synthesizer(miniature("tiny"), seed=1)
    info = sovits_info(network.config)
    posterior = {**info.configuration["posterior"], "layers": 10**9}
    info = info.model_copy(update={"configuration": {**info.configuration, "posterior": posterior}})
    save_bundle(tmp_path / "voice.safetensors", network.state_dict(), info)
    with pytest.raises(WeightsError, match=r"posterior.layers"):
        load_synthesizer(tmp_path / "voice.safetensors")


def test_discriminator(tmp_path: Path) -> None:
    config = miniature("tiny")
    network = new_discriminator(config.discriminator, seed=1)
    path = tmp_path / "d.safetensors"
    save_bundle(path, network.state_dict(), discriminator_info(config), half=False)
    loaded, info = load_discriminator(path)
    state = network.state_dict()
    assert info.role == "discriminator" and loaded.state_dict().keys() == state.keys()
    assert all(torch.equal(tensor, state[key]) for key, tensor in loaded.state_dict().items())
    with pytest.raises(WeightsError, match="discriminator weights, but sovits"):
        load_synthesizer(path)


def test_parts_that_do_not_fit() -> None:
    sovits = BundleInfo(role="sovits", family="tiny", code_version="codes-1", symbols_sha256="a" * 64)
    gpt = BundleInfo(role="gpt", base="my voice", code_version="codes-1")
    check_fit(sovits, gpt)
    with pytest.raises(WeightsError, match=r"sovits tiny and gpt my voice do not fit together: .*codes"):
        check_fit(sovits, gpt.model_copy(update={"code_version": "codes-2"}))
    with pytest.raises(WeightsError, match="symbols"):
        check_fit(sovits, gpt.model_copy(update={"symbols_sha256": "b" * 64}))


def test_code_version_names_the_quantizer_alone() -> None:
    network = new_synthesizer(miniature("tiny"), seed=1)
    network.quantizer.vq.layers[0]._codebook.embed.normal_()
    state = dict(network.state_dict())
    name = code_version(state)
    assert name.startswith("codes-") and code_version({}) == ""
    state["dec.head.bias"] = state["dec.head.bias"] + 1
    assert code_version(state) == name
    assert code_version({key: tensor.half() for key, tensor in state.items()}) == name
    state["ssl_proj.bias"] = state["ssl_proj.bias"] + 1
    assert code_version(state) != name
