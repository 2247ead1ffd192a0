"""The small cases that travel with the repository: our networks still compute what they did when verified."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from .cases import differences, disturbed, filled_network, read_case, run

CASES = sorted((Path(__file__).parent.parent / "data" / "cases").glob("*.safetensors"))


def test_there_is_a_case_for_every_network() -> None:
    names = {path.stem for path in CASES}
    assert {f"s2-{family}-decode" for family in ("v1", "v2", "v2Pro", "v2ProPlus", "tiny")} <= names
    assert {f"mpd-{family}-losses" for family in ("v2", "v2Pro", "tiny")} <= names
    assert "sv-eres2netv2-embed" in names


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case_and_its_disturbance(path: Path) -> None:
    case = read_case(path)
    ours = run(case)
    assert differences(case.outputs, ours) == []
    for name in case.outputs:
        assert differences(case.outputs, disturbed(ours, name)), f"a wrong {name} went unnoticed"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("s2-v1-decode", "flow.flows.2.post.bias"),
        ("s2-v2-decode", "enc_p.encoder2.attn_layers.0.emb_rel_v"),
        ("s2-v2-forward", "enc_q.enc.cond_layer.weight_g"),
        ("s2-v2-extract_latent", "ssl_proj.bias"),
        ("s2-v2Pro-decode", "prelu.weight"),
        ("s2-tiny-decode", "dec.places"),
        ("sv-eres2netv2-embed", "layer3.1.fuse_models.0.local_att.4.bias"),
        ("mpd-v2-losses", "discriminators.2.convs.1.bias"),
        ("mpd-tiny-losses", "discriminators.0.convs.1.weight_v"),
    ],
)
def test_a_changed_parameter_is_noticed(name: str, key: str) -> None:
    case = read_case(next(path for path in CASES if path.stem == name))
    kept = filled_network(case.family, case.arguments["salt"], case.arguments["configuration"])
    changed = copy.deepcopy(kept)
    with torch.no_grad():
        changed.get_parameter(key).add_(0.3)
    assert differences(case.outputs, run(case, changed))
