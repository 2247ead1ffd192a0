"""Every recorded case of the published networks that ours answer (`--golden DIR`), and the check on the check."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from .cases import COVERED, differences, disturbed, network_of, read_case, run


def golden_cases(config: pytest.Config) -> list[Path]:
    """The case files in order of their networks, so that each network is made once."""
    folder: Path = config.getoption("--golden") / "cases"
    found = (path for path in folder.glob("*.safetensors") if path.name.startswith(COVERED))
    return sorted(found)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case_path" in metafunc.fixturenames:
        paths: list[Path | None] = [*golden_cases(metafunc.config)]
        metafunc.parametrize("case_path", paths or [None], ids=lambda path: path.stem if path else "no-cases")


def demand(path: Path | None) -> Path:
    """The path, or a skip that says what is missing (a failure where CI is set)."""
    if path is not None and path.exists():
        return path
    reason = "no cases in the golden folder (name one with --golden DIR)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def test_case_and_its_disturbance(case_path: Path | None, golden: Path) -> None:
    case = read_case(demand(case_path))
    ours = run(case)
    assert differences(case.outputs, ours) == []
    for name in case.outputs:
        assert differences(case.outputs, disturbed(ours, name)), f"a wrong {name} went unnoticed"


FAMILIES = ["s2-v1", "s2-v2", "s2-v2Pro", "s2-v2ProPlus", "mpd-v2", "mpd-v2Pro", "sv-eres2netv2"]


@pytest.mark.parametrize("name", FAMILIES)
def test_keys_and_shapes_are_the_published_ones(name: str, golden: Path) -> None:
    path = golden / "manifests" / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"no manifests in {golden}")
    published = {key: (kind, tuple(shape)) for key, (kind, shape) in json.loads(path.read_text()).items()}
    with torch.device("meta"):  # names and shapes only
        state = network_of(name).state_dict()
    ours = {
        key: (str(value.dtype).removeprefix("torch."), tuple(value.shape)) for key, value in state.items()
    }
    assert list(ours) == list(published)
    assert ours == published
