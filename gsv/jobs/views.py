"""A job as others see it: one value that holds still while it is looked at.

Knows records and progress. Does not know how either is kept up to date.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gsv.jobs.progress import EventReader, Progress
from gsv.jobs.records import Command, JobFolder, JobState, Reason, State

QUIET_AFTER = 300.0
"""Seconds without a sign of life after which the page says so."""


@dataclass(frozen=True)
class JobView:
    """All there is to show of a job; times are seconds since 1970, durations seconds."""

    command: Command
    state: State
    folder: Path
    place: int = 0
    """1 for the next one in line, 0 for a job that does not wait."""
    done: float = 0.0
    total: float = 0.0
    fraction: float | None = None
    what: str = ""
    message: str = ""
    messages: tuple[tuple[str, str], ...] = ()
    counts: dict[str, Any] = field(default_factory=dict)
    failed_items: tuple[tuple[str, str], ...] = ()
    seconds_left: float | None = None
    elapsed: float = 0.0
    silent_for: float = 0.0
    """Seconds since the last event or line of log of a running job."""

    @property
    def id(self) -> str:
        """The job's name, which is also its folder's."""
        return self.command.id

    @property
    def status(self) -> JobState:
        """queued, running, done, failed or cancelled."""
        return self.state.state

    @property
    def reason(self) -> Reason | None:
        """Why it failed, if it did."""
        return self.state.reason

    @property
    def stopping(self) -> bool:
        """Asked to stop, and still at work."""
        return self.status is JobState.RUNNING and self.state.stop_requested is not None

    @property
    def quiet(self) -> bool:
        """Running, but without a sign of life for a long time."""
        return self.status is JobState.RUNNING and self.silent_for > QUIET_AFTER


def view_of(command: Command, state: State, folder: JobFolder, reader: EventReader, now: float) -> JobView:
    """The view of one job at the time ``now``."""
    progress = reader.progress
    view = JobView(
        command=command,
        state=state,
        folder=folder.path,
        done=progress.done,
        total=progress.total,
        fraction=progress.fraction,
        what=progress.what,
        message=progress.message,
        messages=tuple(progress.messages),
        counts=progress.counts,
        failed_items=tuple(progress.failed_items),
    )
    if state.started is None:
        return view
    if state.state is not JobState.RUNNING:
        return replace(view, elapsed=max(0.0, (state.ended or now) - state.started))
    return replace(
        view,
        elapsed=max(0.0, now - state.started),
        seconds_left=reader.seconds_left(now),
        silent_for=max(0.0, now - _last_sign(folder, progress, state.started)),
    )


def _last_sign(folder: JobFolder, progress: Progress, started: float) -> float:
    """When the job was last heard of."""
    signs = [started, progress.last_time or started]
    for path in (folder.events, folder.log):
        try:
            signs.append(path.stat().st_mtime)
        except OSError:
            continue
    return max(signs)
