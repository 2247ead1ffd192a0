"""Which arithmetic the GPT speaks in: chosen by its trials, remembered, forced, and told."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import torch

from gsv.errors import InputError, ResourceError
from gsv.gpt_families import small_gpt
from gsv.models.gpt.decoder import SemanticDecoder, new_decoder
from gsv.models.gpt.generation import Request, generate
from gsv.models.gpt.packed import Kind, available
from gsv.settings import Workspace
from gsv.synthesis import precision
from gsv.synthesis.engine import Synthesizer
from gsv.synthesis.options import SpeakOptions
from gsv.synthesis.precision import Trial, arranged, check_kind, fastest, tried
from gsv.synthesis.voice import Voice


def decoder() -> SemanticDecoder:
    return new_decoder(small_gpt("v2", width=64, heads=4, filter=128), seed=1).eval()


def kinds() -> list[Kind]:
    names: tuple[Kind, ...] = ("bfloat16", "int8")
    return [kind for kind in names if available(kind)]


def test_the_fastest_that_says_the_same_is_taken() -> None:
    near, far = Trial("bfloat16", 0.01, 0.99, 2.0), Trial("int8", 0.06, 0.99, 3.0)
    assert fastest([near, far]) == near and not far.passed
    assert not Trial("int8", 0.01, 0.94, 3.0).passed and not Trial("int8", 0.01, 1.0, 1.05).passed
    faster = Trial("int8", 0.05, 0.95, 2.5)
    assert fastest([near, faster]) == faster and fastest([far]) is None and fastest([]) is None


def test_trials_compare_what_the_network_itself_says() -> None:
    ticks = itertools.count()
    found = tried(decoder(), clock=lambda: float(next(ticks)))
    assert [trial.kind for trial in found] == kinds()
    for trial in found:
        assert trial.gain == 1.0  # by this clock everything takes one tick
        assert 0 < trial.difference <= 0.02 and trial.equal > 0.9


def test_the_answer_is_remembered_by_weights_and_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "LARGE_DECODER", 0)
    asked: list[SemanticDecoder] = []
    trials = [Trial(kind, 0.0, 1.0, 2.0) for kind in kinds()[-1:]]

    def counted(network: SemanticDecoder) -> list[Trial]:
        asked.append(network)
        return list(trials)

    monkeypatch.setattr(precision, "tried", counted)
    weights, memory = tmp_path / "gpt.safetensors", tmp_path / "logs" / "precision.json"
    weights.write_bytes(b"one")
    first, second = (arranged(decoder(), weights, "auto", memory) for _ in range(2))
    assert len(asked) == 1 and first.kind == second.kind == ["float32", *kinds()][-1]
    weights.write_bytes(b"another")
    arranged(decoder(), weights, "auto", memory)
    assert len(asked) == 2 and len(json.loads(memory.read_text(encoding="utf-8"))) == 2
    memory.write_text('{"x": ', encoding="utf-8")
    assert arranged(decoder(), weights, "auto", memory).kind == first.kind and len(asked) == 3
    trials[:] = [Trial("int8", 0.2, 0.5, 2.0)]
    memory.unlink()
    plain = arranged(decoder(), weights, "auto", memory)
    assert plain.kind == "float32" and "plain float32" in plain.note and "50.0% equal" in plain.note


def test_a_precision_can_be_forced(tmp_path: Path) -> None:
    network = decoder()
    request = Request(torch.arange(1, 9), generator=torch.Generator().manual_seed(1), limit=8)
    for kind in kinds():
        found = arranged(network, tmp_path / "none", kind)
        assert found.kind == kind and found.network is not network and not found.note
        assert len(generate(found.network, [request])[0].codes) == 8
    assert arranged(network, tmp_path / "none", "float32").network is network
    assert arranged(network, tmp_path / "none").network is network  # too small to be worth a trial
    with pytest.raises(InputError, match="int4"):
        check_kind("int4")
    with pytest.raises(ResourceError, match="meta"):
        arranged(network.to("meta"), tmp_path / "none", "int8")


def test_the_engine_says_in_what_it_spoke(speaking_root: Path, voice: Voice) -> None:
    with pytest.raises(InputError, match="no precision"):
        Synthesizer(Workspace(speaking_root), "cpu", precision="half")
    for kind in kinds()[:1]:
        spoken = Synthesizer(Workspace(speaking_root), "cpu", precision=kind).speak(
            "One day.", voice, SpeakOptions(seed=1, verify=False)
        )
        assert spoken.precision == kind and spoken.as_dict()["precision"] == kind and spoken.seconds > 0.1
