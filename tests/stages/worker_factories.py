"""Work for the pool's tests; importable by spawned processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gsv.errors import WeightsError
from gsv.stages.workers import Outcome


@dataclass(frozen=True)
class Number:
    name: str
    value: int


@dataclass(frozen=True)
class Doubling:
    """Doubles numbers; one value ends the process, one raises, and the start may fail."""

    crash_at: int = -1
    raise_at: int = -1
    start_fails: bool = False

    def __call__(self) -> Callable[[Sequence[Number]], list[Outcome]]:
        if self.start_fails:
            raise WeightsError("no network", "it is not there", "bring it")
        return self.work

    def work(self, batch: Sequence[Number]) -> list[Outcome]:
        for number in batch:
            if number.value == self.crash_at:
                os._exit(7)
            if number.value == self.raise_at:
                raise ValueError("unlucky")
        return [Outcome(number.name, {"value": 2 * number.value}) for number in batch]
