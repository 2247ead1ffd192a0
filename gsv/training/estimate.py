"""What a run will take, said before it starts: steps, seconds a step, finish time, memory, disk.

Knows: dry steps, the clock, psutil. Does not know: the task.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import torch

from gsv.errors import ResourceError
from gsv.events import Events

LONG_RUN_SECONDS = 7200.0
GIGABYTE = 1e9


@dataclass(frozen=True)
class Trial:
    """Two measured dry steps: seconds of each, memory in use at their end (bytes), values of the first."""

    seconds: tuple[float, float]
    memory: int
    values: dict[str, float]


def measure(step: Callable[[int], dict[str, float]], device: torch.device) -> Trial:
    """Run `step(0)` and `step(1)` and time them."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    times = []
    values = []
    for number in range(2):
        start = time.perf_counter()
        values.append(step(number))
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - start)
    return Trial((times[0], times[1]), memory_in_use(device), values[0])


def seconds_left(trials: Mapping[int, Trial], done: int, steps: int, share: float) -> float:
    """Time from step `done` to `steps`, where `trials` measured the phases that begin at their keys.

    `share`: an average batch's part of the measured one. The very first step of all also pays for what is set up
    once, so its phase counts the second; in the others both count, because a step may do more every second time.
    """
    starts = sorted(trials)
    total = 0.0
    for start, end in zip(starts, [*starts[1:], steps], strict=True):
        first, second = trials[start].seconds
        each = second if start == starts[0] else (first + second) / 2
        total += max(0, min(end, steps) - max(start, done)) * each * share
    return total


def memory_in_use(device: torch.device) -> int:
    """Bytes: the peak on a CUDA device, else the resident memory of this process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return int(psutil.Process().memory_info().rss)


@dataclass(frozen=True)
class Estimate:
    """The forecast of a run. Times in seconds, sizes in bytes."""

    steps: int
    steps_done: int
    seconds_a_step: float
    seconds_left: float
    finish: str
    memory: int
    disk_needed: int
    disk_free: int

    def text(self) -> str:
        """One line for a person."""
        return (
            f"{self.steps - self.steps_done} steps to do ({self.steps} in all), {self.seconds_a_step:.3g} s a step "
            f"(measured), {_duration(self.seconds_left)}, done at about {self.finish}; "
            f"memory {self.memory / GIGABYTE:.1f} GB, disk for checkpoints {self.disk_needed / GIGABYTE:.2f} GB "
            f"of {self.disk_free / GIGABYTE:.1f} GB free"
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return asdict(self)


def estimate(
    steps: int, steps_done: int, left: float, memory: int, state_bytes: int, keep: int, folder: Path
) -> Estimate:
    """Forecast from `left`, the seconds that it will take; `state_bytes` is the size of one checkpoint."""
    finish = datetime.now().astimezone() + timedelta(seconds=left)
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return Estimate(
        steps=steps,
        steps_done=steps_done,
        seconds_a_step=left / max(steps - steps_done, 1),
        seconds_left=left,
        finish=finish.isoformat(sep=" ", timespec="minutes")[:16],
        memory=memory,
        # One more than is kept: the new one is complete before the oldest goes.
        disk_needed=state_bytes * (keep + 1),
        disk_free=shutil.disk_usage(existing).free,
    )


def announce(forecast: Estimate, one_checkpoint: int, events: Events) -> None:
    """Say it, with warnings.

    Raises:
        ResourceError: not even one checkpoint fits on the disk.
    """
    events.message(forecast.text())
    events.emit("estimate", **forecast.as_dict())
    if forecast.disk_free < one_checkpoint:
        raise ResourceError(
            "the disk is too full to train",
            f"one checkpoint needs {one_checkpoint / GIGABYTE:.2f} GB, {forecast.disk_free / GIGABYTE:.2f} GB are free",
            "free some space, or name a folder on another disk with --checkpoints",
        )
    if forecast.disk_free < forecast.disk_needed:
        events.message("the disk may fill up: lower --keep or free some space", level="warning")
    if forecast.seconds_left > LONG_RUN_SECONDS:
        hint = "fewer --epochs or a GPU make it shorter; it can be stopped and resumed at any time"
        events.message(f"this will take {_duration(forecast.seconds_left)}: {hint}", level="warning")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
