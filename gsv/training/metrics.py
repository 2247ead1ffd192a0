"""Numbers of a run as JSON lines: one file a step, one an epoch, both true after a resumed run.

Knows: appending, and cutting back what was written after the checkpoint that a run goes on from.
Does not know: what the numbers mean, or who plots them.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gsv import files


class MetricsFile:
    """One `metrics/*.jsonl`: objects with at least `step` and `t` (seconds since 1970), in order of steps."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def cut_after(self, step: int) -> None:
        """Drop lines beyond `step`, and a last line that a killed process left half written."""
        if not self.path.is_file():
            return
        kept = [line for line in files.read_text(self.path).splitlines() if _step(line, step + 1) <= step]
        files.write_text(self.path, "".join(line + "\n" for line in kept))

    def append(self, step: int, values: Mapping[str, float], **extra: Any) -> None:
        """Add one line; numbers that are not finite become null."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        numbers = {name: float(value) if math.isfinite(value) else None for name, value in values.items()}
        line = json.dumps({"t": round(time.time(), 3), "step": step, **extra, **numbers}, ensure_ascii=False)
        with open(self.path, "a", encoding="utf-8", newline="\n") as handle:
            handle.write(line + "\n")


def _step(line: str, default: int) -> int:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return default


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics file; a half written last line is left out. A missing file is an empty list."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in files.read_text(path).splitlines() if _step(line, -1) >= 0]


class Means:
    """Running means of metrics over an epoch, savable in its middle."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def add(self, values: Mapping[str, float]) -> None:
        """Take one step's numbers; those that are not finite are left out."""
        for name, value in values.items():
            if math.isfinite(value):
                self.sums[name] = self.sums.get(name, 0.0) + value
                self.counts[name] = self.counts.get(name, 0) + 1

    def values(self) -> dict[str, float]:
        """The means."""
        return {name: total / self.counts[name] for name, total in self.sums.items()}

    def state(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {"sums": dict(self.sums), "counts": dict(self.counts)}

    @staticmethod
    def from_state(state: Mapping[str, Any]) -> Means:
        """The inverse of `state`."""
        means = Means()
        means.sums, means.counts = dict(state["sums"]), dict(state["counts"])
        return means
