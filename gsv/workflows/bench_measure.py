"""How two ways to one result are timed fairly: the same inputs, in turns, medians of clock and processor time.

Knows no network.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import psutil
from torch import Tensor

SECTIONS = ("content", "decode", "gpt", "train")
NOISE = 0.03
"""Share of an aim that is put down to the clock."""


@dataclass(frozen=True)
class BenchSettings:
    """How much is measured: lengths in seconds, repetitions, and miniature networks for tests."""

    sections: tuple[str, ...] = ("content", "decode", "gpt", "train")
    seconds: tuple[float, ...] = (3.0, 10.0)
    repeats: int = 5
    small: bool = False


@dataclass(frozen=True)
class Case:
    """Two ways to the same result; both are called again and again."""

    name: str
    against: str
    """What the plain side is."""
    plain: Callable[[], Sequence[Tensor]]
    ours: Callable[[], Sequence[Tensor]]
    amount: float
    """Seconds of audio, or tokens, that one call makes."""
    unit: str = "s"
    aim: float | None = None
    """Least ratio of the times that is aimed at."""
    alike: bool = True
    """Whether both sides compute the same thing."""
    agreement: Callable[[], tuple[float, float]] | None = None
    """Another way to compare: the difference, and the share of equal decisions."""


@dataclass(frozen=True)
class Measurement:
    """Medians of one case. `difference` is the largest one relative to the plain side's largest value, or what
    the case's own comparison says."""

    name: str
    against: str
    plain_seconds: float
    seconds: float
    ratio: float
    ratio_cpu: float
    """Of the processor's time, which a busy machine disturbs less than the clock's."""
    per_second: float
    """Seconds of audio, or tokens, that our side makes in one second."""
    unit: str
    difference: float | None
    equal: float | None
    """Share of decisions that are the same on both sides, where they decide something."""
    aim: float | None
    reached: bool | None
    memory_mb: float
    """Resident memory of the process after the case."""


def measure(case: Case, repeats: int) -> Measurement:
    """Run both sides in turns, beginning with the other one each time, after one call each to warm up."""
    plain_result, result = case.plain(), case.ours()
    difference, equal = _difference(plain_result, result) if case.alike else None, None
    if case.agreement is not None:
        difference, equal = case.agreement()
    wall: dict[str, list[float]] = {"plain": [], "ours": []}
    cpu: dict[str, list[float]] = {"plain": [], "ours": []}
    for number in range(repeats):
        for side in ("plain", "ours") if number % 2 else ("ours", "plain"):
            run = case.plain if side == "plain" else case.ours
            begin, begin_cpu = time.perf_counter(), time.process_time()
            run()
            wall[side].append(time.perf_counter() - begin)
            cpu[side].append(time.process_time() - begin_cpu)
    plain_time, ours_time = median(wall["plain"]), median(wall["ours"])
    ratio = median(first / second for first, second in zip(wall["plain"], wall["ours"], strict=True))
    return Measurement(
        name=case.name,
        against=case.against,
        plain_seconds=plain_time,
        seconds=ours_time,
        ratio=ratio,
        ratio_cpu=median(cpu["plain"]) / max(median(cpu["ours"]), 1e-9),
        per_second=case.amount / ours_time,
        unit=case.unit,
        difference=difference,
        equal=equal,
        aim=case.aim,
        reached=None if case.aim is None else ratio >= (1 - NOISE) * case.aim,
        memory_mb=psutil.Process().memory_info().rss / 1e6,
    )


def _difference(plain: Sequence[Tensor], ours: Sequence[Tensor]) -> float:
    largest = max(float(one.abs().max()) for one in plain)
    apart = max(float((one - other).abs().max()) for one, other in zip(plain, ours, strict=True))
    return apart / max(largest, 1e-12)
