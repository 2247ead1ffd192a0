"""ScaledAdam against the published trace, where it is there, and its state through a checkpoint."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from gsv.training.packing import pack, unpack
from gsv.training.scaled_adam import ScaledAdam

TRACE = Path(__file__).resolve().parents[3] / "shared" / "spec" / "models_golden.json"

# The first numbers of the trace, so that a clone without the file checks them too.
RECORDED = {
    1: {"a": [-0.5269708, 0.6915067], "c": [1.0001], "d": [2.0001], "e": [-9.999999e-09, 1e-08]},
    4: {"a": [-0.5245433, 0.6929337], "c": [1.000425], "d": [2.000309], "e": [-3.022782e-08, 3.3237e-08]},
    10: {"a": [-0.5204068, 0.6949821], "c": [1.000811], "d": [2.000714], "e": [-4.088361e-08, 5.549603e-08]},
}


def spread(shape: tuple[int, ...], k: int) -> torch.Tensor:
    """The trace's numbers within ±1: a fixed function of place and `k`."""
    j = np.arange(math.prod(shape), dtype=np.float64)
    waves = np.sin(12.9898 * j + 78.233 * k + 0.5) * 43758.5453
    return torch.from_numpy((2 * (waves - np.floor(waves)) - 1).astype(np.float32).reshape(shape))


def run(steps: int, break_at: int | None = None) -> dict[int, dict[str, list[float]]]:
    """The trace's parameters after each step; the optimiser's state goes through a checkpoint at
    `break_at`.
    """
    names = "abcde"
    values = [
        spread((3, 4), 3000),
        spread((3, 4), 3001),
        torch.tensor([1.0]),
        torch.tensor([2.0]),
        torch.zeros(5),
    ]
    parameters = [torch.nn.Parameter(value) for value in values]
    optimizer = ScaledAdam(parameters)
    seen = {}
    for step in range(steps):
        if step == break_at:
            state = unpack(*pack(optimizer.state_dict()))
            optimizer = ScaledAdam(parameters)
            optimizer.load_state_dict(state)
        optimizer.param_groups[0]["lr"] = 0.01 if step == 0 else 0.002
        for place, parameter in enumerate(parameters):
            parameter.grad = spread(tuple(parameter.shape), 3100 + 10 * step + place)
        optimizer.step()
        seen[step + 1] = {
            n: p.detach().flatten()[:4].tolist() for n, p in zip(names, parameters, strict=True)
        }
    return seen


def test_steps_are_the_published_ones() -> None:
    expected: dict[int, dict[str, list[float]]] = dict(RECORDED)
    if TRACE.is_file():
        table = json.loads(TRACE.read_text())
        expected = {step: table[f"scaledadam.step{step}"] for step in RECORDED}
    found = run(10)
    for step, values in expected.items():
        for name, wanted in values.items():
            assert found[step][name][: len(wanted)] == pytest.approx(wanted, rel=2e-6, abs=1e-13), (
                step,
                name,
            )


def test_a_resumed_run_equals_an_uninterrupted_one() -> None:
    assert run(10, break_at=6) == run(10)


def test_later_gradients_are_clipped_for_sizes_alone() -> None:
    parameter = torch.nn.Parameter(torch.ones(4))
    optimizer = ScaledAdam([parameter], lr=1e-6)
    for _ in range(1001):
        parameter.grad = torch.full((4,), 0.5)
        optimizer.step()
    state = optimizer.state[parameter]
    parameter.grad = torch.full((4,), 50.0)
    optimizer.step()
    seen = state["size_gradients"][1001 % 4]
    assert float(state["threshold"]) == pytest.approx(2.0, rel=0.01)  # twice the usual norm of 1
    assert float(seen) == pytest.approx(200 * 2.0 / 100, rel=0.01)
    assert float(state["square"][0]) > 100  # the main step saw the gradient as it was
