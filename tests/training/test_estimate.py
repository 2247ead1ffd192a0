"""Forecasts: phases, warnings, a disk that is too small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gsv.errors import ResourceError
from gsv.events import RecordedEvents
from gsv.training.estimate import Trial, announce, estimate, measure, seconds_left


def trial(first: float, second: float) -> Trial:
    return Trial((first, second), 10**9, {})


def test_two_steps_are_measured() -> None:
    numbers: list[int] = []

    def step(number: int) -> dict[str, float]:
        numbers.append(number)
        return {"loss": float(number)}

    found = measure(step, torch.device("cpu"))
    assert numbers == [0, 1] and found.values == {"loss": 0.0} and found.memory > 0
    assert all(seconds >= 0 for seconds in found.seconds)


def test_phases_are_added_up() -> None:
    trials = {0: trial(9.0, 1.0), 100: trial(4.0, 2.0)}
    assert seconds_left(trials, 0, 150, 1.0) == pytest.approx(100 * 1.0 + 50 * 3.0)
    assert seconds_left(trials, 0, 150, 0.5) == pytest.approx(125.0)
    assert seconds_left({120: trial(9.0, 2.0)}, 120, 150, 1.0) == pytest.approx(60.0)


def test_long_runs_and_full_disks_are_warned_of(tmp_path: Path) -> None:
    events = RecordedEvents()
    forecast = estimate(1000, 0, 7300.0, 10**9, 10**6, 3, tmp_path / "not" / "there")
    assert forecast.seconds_a_step == pytest.approx(7.3) and forecast.disk_needed == 4 * 10**6
    announce(forecast, 10**6, events)
    assert "2 h 02 min" in events.of("message")[0]["text"]
    assert [line["level"] for line in events.of("message")] == ["info", "warning"]
    events = RecordedEvents()
    announce(replace(forecast, seconds_left=60.0), 10**6, events)
    assert len(events.of("message")) == 1
    events = RecordedEvents()
    announce(replace(forecast, seconds_left=60.0, disk_free=2 * 10**6), 10**6, events)
    assert "disk may fill up" in events.of("message")[-1]["text"]
    with pytest.raises(ResourceError, match="too full"):
        announce(replace(forecast, disk_free=10**5), 10**6, RecordedEvents())
