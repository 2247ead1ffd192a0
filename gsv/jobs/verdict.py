"""How a job ended: from the exit status, the events and the log.

Knows the promises of a script (0 done, 1 failed, 130 cancelled). Starts and ends nothing.
"""

from __future__ import annotations

import signal
from pathlib import Path

from gsv.jobs import logs
from gsv.jobs.progress import Progress
from gsv.jobs.records import JobState, Reason, State

EXIT_CANCELLED = 130
EXIT_USAGE = 2
LAST_LINES = 12


def judge(
    state: State, exit_code: int | None, progress: Progress, log: Path
) -> tuple[JobState, Reason | None]:
    """The final state of a process that is gone, and the reason where it failed.

    ``exit_code`` is None when nobody was there to see it (the studio had been
    restarted): then only a ``finished`` event counts as success.
    """
    if exit_code == EXIT_CANCELLED or progress.cancelled:
        return JobState.CANCELLED, None
    if progress.failure is not None and exit_code != 0:
        return JobState.FAILED, progress.failure
    if exit_code == 0 and progress.failure is None:
        return JobState.DONE, None
    if exit_code is None and progress.finished:
        return JobState.DONE, None
    if state.stop_requested is not None and exit_code != 0:
        return JobState.CANCELLED, None
    return JobState.FAILED, progress.failure or _guess(exit_code, log)


def _guess(exit_code: int | None, log: Path) -> Reason:
    """What can be said of a script that ended without a word of its own."""
    if exit_code is None:
        what, remedy = (
            "the script ended while no studio was watching",
            "Start it again: finished work is kept.",
        )
    elif exit_code < 0:
        what, remedy = f"the script was ended by the system ({_signal_name(-exit_code)})", _remedy(-exit_code)
    elif exit_code == EXIT_USAGE:
        what, remedy = "the script refused its settings", "Check the settings on the page and start again."
    else:
        what, remedy = f"the script stopped with exit code {exit_code}", "The log below says more."
    return Reason(what=what, why=logs.tail(log, LAST_LINES) or "It left no line in its log.", remedy=remedy)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _remedy(number: int) -> str:
    if number == getattr(signal, "SIGKILL", 9):
        return "Often the memory ran out: close other programs or use smaller batches, then start it again."
    return "Start it again; if it happens once more, report it with the log."
