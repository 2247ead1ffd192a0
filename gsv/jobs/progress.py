"""Reading a job's events while they are being written.

Knows the form of the event lines. Does not know what a stage means by them.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gsv.jobs.records import Reason

WINDOW = 40
"""Progress events from which the speed is taken: recent ones, since stages change pace."""
KEPT_ITEMS = 50
"""Failed items that are remembered for the page; the stage's own report lists all."""
BLOCK = 1 << 20


@dataclass
class Progress:
    """What the events of one job say so far. Times are seconds since 1970."""

    done: float = 0.0
    total: float = 0.0
    what: str = ""
    message: str = ""
    level: str = "info"
    messages: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)
    failed_items: list[tuple[str, str]] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    failure: Reason | None = None
    finished: bool = False
    cancelled: bool = False
    last_time: float | None = None

    @property
    def fraction(self) -> float | None:
        """Part done, 0 to 1; None while the job has not said how much there is."""
        return min(1.0, max(0.0, self.done / self.total)) if self.total > 0 else None


class EventReader:
    """Follows one events file; each call takes in only what was added since."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.progress = Progress()
        self._offset = 0
        self._rest = b""
        self._speed: deque[tuple[float, float]] = deque(maxlen=WINDOW)

    def update(self) -> Progress:
        """Take in the new lines. A half-written or odd line is left for later or passed over."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                while block := file.read(BLOCK):
                    self._offset += len(block)
                    *lines, self._rest = (self._rest + block).split(b"\n")
                    for line in lines:
                        self._take_line(line)
        except FileNotFoundError:
            pass
        return self.progress

    def seconds_left(self, now: float) -> float | None:
        """Time left at the present pace; None while there is too little to judge by."""
        if len(self._speed) < 2 or self.progress.total <= 0:
            return None
        (first_time, first_done), (last_time, last_done) = self._speed[0], self._speed[-1]
        if last_done <= first_done or last_time <= first_time:
            return None
        rate = (last_done - first_done) / (last_time - first_time)
        left = (self.progress.total - last_done) / rate - max(0.0, now - last_time)
        return max(0.0, left)

    def _take_line(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return
        if isinstance(event, dict):
            self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        progress = self.progress
        time = _number(event.get("t"))
        if time is not None:
            progress.last_time = time
        kind = event.get("kind")
        if kind == "progress":
            self._take_progress(event, time)
        elif kind == "message":
            progress.message, progress.level = str(event.get("text", "")), str(event.get("level", "info"))
            progress.messages = [*progress.messages, (progress.level, progress.message)][-KEPT_ITEMS:]
        elif kind == "counts":
            progress.counts = _without_envelope(event)
        elif kind == "item" and event.get("state") == "failed":
            item = (str(event.get("name", "")), str(event.get("reason", "")))
            progress.failed_items = [*progress.failed_items, item][-KEPT_ITEMS:]
        elif kind == "finished":
            progress.finished, progress.result = True, _without_envelope(event)
        elif kind == "failed":
            progress.cancelled = event.get("cancelled") is True
            progress.failure = None if progress.cancelled else _reason(event)

    def _take_progress(self, event: dict[str, Any], time: float | None) -> None:
        progress = self.progress
        done, total = _number(event.get("done")), _number(event.get("total"))
        if done is None or total is None:
            return
        what = str(event.get("what", ""))
        if total != progress.total or done < progress.done:
            self._speed.clear()
        progress.done, progress.total, progress.what = done, total, what
        if time is not None:
            self._speed.append((time, done))


def _without_envelope(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in ("t", "kind")}


def _number(value: object) -> float | None:
    """A finite number, or None: what a script writes is not trusted."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value)
    return number if number == number and abs(number) != float("inf") else None


def _reason(event: dict[str, Any]) -> Reason:
    """The three parts of a failed event, wherever the sink put them."""
    inner = event.get("error")
    parts = inner if isinstance(inner, dict) else event
    what = str(parts.get("what") or (inner if isinstance(inner, str) else "") or "the script failed")
    return Reason(what=what, why=str(parts.get("why", "")), remedy=str(parts.get("remedy", "")))
