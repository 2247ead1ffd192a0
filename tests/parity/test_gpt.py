"""Recorded cases of the published semantic decoders: forward pass, greedy speech, keys (`--golden DIR`)."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from torch import nn

from gsv.gpt_families import gpt_family
from gsv.models.gpt.decoder import GptBatch, SemanticDecoder
from gsv.models.gpt.generation import Request, generate
from gsv.models.gpt.packed import LEAST_EQUAL, MOST_DIFFERENCE, Kind, agreement, available, pack
from gsv.models.gpt.sampling import SamplingConfig
from gsv.training.gpt_losses import targets_of, token_losses

from .cases import Case, Outputs, differences, disturbed, read_case
from .filling import fill_
from .test_golden import demand


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case_path" in metafunc.fixturenames:
        folder: Path = metafunc.config.getoption("--golden") / "cases"
        paths: list[Path | None] = [*sorted(folder.glob("s1-*.safetensors"))]
        metafunc.parametrize("case_path", paths or [None], ids=lambda path: path.stem if path else "no-cases")


@lru_cache(maxsize=1)
def filled(name: str, salt: int) -> SemanticDecoder:
    """The decoder of a case; the rule counts the prefix that the published files carry."""
    decoder = SemanticDecoder(gpt_family(name.removeprefix("s1-")))
    fill_(nn.ModuleDict({"model": decoder}), salt)
    return decoder.eval()


def forward(decoder: SemanticDecoder, case: Case) -> Outputs:
    """Logits, targets and the sum of the losses of one item."""
    said = case.inputs
    lengths = {name: torch.tensor([said[name].shape[1]]) for name in ("phones", "codes")}
    batch = GptBatch(said["phones"], lengths["phones"], said["codes"], lengths["codes"], said.get("bert"))
    logits = decoder(batch).logits
    targets, valid = targets_of(batch.codes, batch.code_lengths, decoder.config.end)
    return {"logits": logits[0], "targets": targets, "loss": token_losses(logits, targets)[valid].sum()}


def speak(decoder: SemanticDecoder, case: Case) -> Outputs:
    """The prompt and what is said after it."""
    said, options = case.inputs, case.arguments
    names = ("top_k", "top_p", "temperature", "repetition_penalty")
    prompt = said["prompt"][0] if "prompt" in said else None
    made = generate(
        decoder,
        [
            Request(
                phones=said["phones"][0],
                prompt=prompt,
                bert=said["bert"][0] if "bert" in said else None,
                sampling=SamplingConfig(**{name: options[name] for name in names}),
                limit=options["early_stop_num"] + 1,  # the published loop looks after it has gone beyond
            )
        ],
    )[0].codes
    codes = made if prompt is None else torch.cat((prompt, made))
    return {"codes": codes[None].to(case.outputs["codes"].dtype)}


def test_case_and_its_disturbance(case_path: Path | None, golden: Path) -> None:
    case = read_case(demand(case_path))
    decoder = filled(case.family, case.arguments["salt"])
    with torch.no_grad():
        ours = {"forward": forward, "generate": speak}[case.arguments["call"]](decoder, case)
    assert differences(case.outputs, ours) == []
    for name in case.outputs:
        assert differences(case.outputs, disturbed(ours, name)), f"a wrong {name} went unnoticed"


@pytest.mark.parametrize("name", ["v1", "v2"])
def test_keys_and_shapes_are_the_published_ones(name: str, golden: Path) -> None:
    path = golden / "manifests" / f"s1-{name}.json"
    if not path.is_file():
        pytest.skip(f"no manifests in {golden}")
    published = {key: tuple(shape) for key, (_, shape) in json.loads(path.read_text()).items()}
    with torch.device("meta"):
        state = nn.ModuleDict({"model": SemanticDecoder(gpt_family(name))}).state_dict()
    ours = {key: tuple(value.shape) for key, value in state.items()}
    assert len(ours) == 295 and list(ours) == list(published)
    assert ours == published


@pytest.mark.parametrize("kind", ["bfloat16", "int8"])
def test_packed_blocks_say_the_same_on_recorded_inputs(kind: Kind, golden: Path) -> None:
    """What the engine asks of a reduced arithmetic, asked of the recorded case with real sizes."""
    path = golden / "cases" / "s1-v2-forward.safetensors"
    case = read_case(demand(path if path.is_file() else None))
    if not available(kind):
        pytest.skip(f"this build of torch has no products in {kind}")
    decoder, said = filled(case.family, case.arguments["salt"]), case.inputs
    lengths = {name: torch.tensor([said[name].shape[1]]) for name in ("phones", "codes")}
    batch = GptBatch(said["phones"], lengths["phones"], said["codes"], lengths["codes"], said.get("bert"))
    found = agreement(decoder, pack(decoder, kind), batch)
    assert found.equal >= LEAST_EQUAL
    # Integers come close to the bound (0.048); older processors halve their range, and the engine then refuses.
    assert found.difference <= (MOST_DIFFERENCE if kind == "bfloat16" else 2 * MOST_DIFFERENCE)
