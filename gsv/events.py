"""The event stream of a stage: progress, metrics, items, messages, counts, and how it ended.

Every long function takes an `Events` sink. Knows nothing of what a stage does, nor of who reads
the events: a page, the API, a test and the command line all read the same lines.
"""

from __future__ import annotations

import json
import logging
import math
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO

from gsv.errors import Cancelled, DataError, GsvError, as_gsv_error

logger = logging.getLogger(__name__)

STOP_FILE = "stop"
_BREAK = "\n"
_LOG_FORMAT = "%(asctime)s %(name)s %(levelname)s %(message)s"
EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_CANCELLED = 0, 1, 2, 130


@dataclass
class Counts:
    """What became of a stage's items. `reasons` maps a failed item to why it failed."""

    read: int = 0
    done: int = 0
    skipped: int = 0
    failed: int = 0
    reasons: dict[str, str] = field(default_factory=dict)

    def fail(self, item: str, reason: str) -> None:
        """Count one failed item and keep its reason."""
        self.failed += 1
        self.reasons[item] = reason

    def require_some(self, stage: str) -> None:
        """Raise DataError if no item is left, so that a stage with nothing to show fails as a whole."""
        if self.done + self.skipped == 0:
            first = next(iter(self.reasons.items()), None)
            why = f"{first[0]}: {first[1]}" if first else "there was nothing to read"
            what = f"{stage}: none of {self.read} items is usable"
            raise DataError(what, why, "Mend the input, then run it again.")


class Events:
    """A sink of events; this base class keeps nothing. Subclasses override `emit`."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def emit(self, kind: str, **fields: Any) -> None:
        """Take one event; `fields` are JSON-ready apart from non-finite floats."""

    def progress(self, done: int, total: int, what: str = "") -> None:
        """`done` of `total` units are finished; `what` names the phase. A total of 0 is unknown."""
        self.emit("progress", done=done, total=total, what=what)

    def metric(self, step: int, values: dict[str, float], **extra: Any) -> None:
        """Numbers measured at `step`, by name; `extra` fields stand beside them."""
        self.emit("metric", step=step, values={key: float(value) for key, value in values.items()}, **extra)

    def item(self, name: str, state: str, reason: str = "") -> None:
        """One item reached a state: "done", "skipped" or "failed" (then with a reason)."""
        self.emit("item", name=name, state=state, reason=reason)

    def message(self, text: str, level: str = "info") -> None:
        """A line for a person; level is "info", "warning" or "error"."""
        self.emit("message", text=text, level=level)

    def counts(self, counts: Counts) -> None:
        """The closing account of a stage."""
        self.emit("counts", **asdict(counts))

    def finished(self, **extra: Any) -> None:
        """The work ended well."""
        self.emit("finished", **extra)

    def failed(self, error: BaseException) -> None:
        """The work ended with an error, or was cancelled (the field says which)."""
        known = as_gsv_error(error)
        self.emit("failed", error=known.as_dict(), cancelled=isinstance(known, Cancelled))

    def request_stop(self) -> None:
        """Ask the work to stop at its next poll; safe from a signal handler or another thread."""
        self._stop.set()

    def stop_requested(self) -> bool:
        """Whether the work was asked to stop; polled between items and steps."""
        return self._stop.is_set()

    def check_stop(self) -> None:
        """Raise Cancelled where a stop was requested."""
        if self.stop_requested():
            raise Cancelled()


class RecordedEvents(Events):
    """Keeps every event as a dictionary in `lines`; for tests and for callers that want the story."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, kind: str, **fields: Any) -> None:
        self.lines.append({"kind": kind, **fields})

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The recorded events of one kind, in order."""
        return [line for line in self.lines if line["kind"] == kind]


class JsonLinesEvents(Events):
    """Appends one JSON object a line to a file; a file named `stop` beside it is the stop request.

    Messages go to the log too, because the log is what a person reads after a failure. Progress is
    thinned to one line in `interval` seconds, so that a fast stage does not write megabytes.
    """

    def __init__(self, path: Path, interval: float = 0.2, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._path = Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._stop_path = self._path.with_name(STOP_FILE)
        # Appending keeps earlier runs of the same job; line buffering lets a reader follow.
        self._file = open(self._path, "a", encoding="utf-8", newline="\n", buffering=1)  # noqa: SIM115
        self._lock = threading.Lock()
        self._interval, self._clock = interval, clock
        self._last_progress: tuple[float, str] = (-math.inf, "")

    def emit(self, kind: str, **fields: Any) -> None:
        line = json.dumps(_plain({"t": round(self._clock(), 3), "kind": kind, **fields}), ensure_ascii=False)
        with self._lock:
            self._file.write(line + "\n")

    def progress(self, done: int, total: int, what: str = "") -> None:
        now = self._clock()
        last, last_what = self._last_progress
        if done != total and what == last_what and 0 <= now - last < self._interval:
            return
        self._last_progress = (now, what)
        super().progress(done, total, what)

    def message(self, text: str, level: str = "info") -> None:
        super().message(text, level)
        logger.log(logging.getLevelNamesMapping().get(level.upper(), logging.INFO), "%s", text)

    def stop_requested(self) -> bool:
        return super().stop_requested() or self._stop_path.exists()

    def close(self) -> None:
        """Close the file; later events are an error."""
        self._file.close()


class TerminalEvents(Events):
    """Shows a progress bar on a terminal, and plain lines where the output is a file or a pipe."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = stream if stream is not None else sys.stderr
        self._live = self._stream.isatty()
        self._bar_shown = False
        self._last_tenth: tuple[str, int] = ("", -1)

    def emit(self, kind: str, **fields: Any) -> None:
        if kind == "progress":
            self._show_progress(fields["done"], fields["total"], fields["what"])
        elif kind == "message":
            prefix = "" if fields["level"] == "info" else f"{fields['level']}: "
            self._line(prefix + fields["text"])
        elif kind == "item" and fields["state"] == "failed":
            self._line(f"{fields['name']}: {fields['reason']}")
        elif kind == "metric":
            values = "  ".join(f"{key} {value:.4g}" for key, value in fields["values"].items())
            self._line(f"step {fields['step']}  {values}")
        elif kind == "counts":
            self._line("  ".join(f"{key} {fields[key]}" for key in ("read", "done", "skipped", "failed")))

    def _show_progress(self, done: int, total: int, what: str) -> None:
        share = min(max(done / total, 0.0), 1.0) if total else 0.0
        text = f"{what + ' ' if what else ''}{done}/{total or '?'}"
        if self._live:
            filled = round(share * 30)
            self._stream.write(f"\r\x1b[K[{'#' * filled}{'.' * (30 - filled)}] {text}")
            self._stream.flush()
            self._bar_shown = True
            return
        tenth = (what, int(share * 10))
        if tenth != self._last_tenth:
            self._last_tenth = tenth
            self._line(text)

    def _line(self, text: str) -> None:
        # A bar that is on the screen is closed first, or the line would be written over it.
        self._stream.write(f"{_BREAK if self._bar_shown else ''}{text}\n")
        self._stream.flush()
        self._bar_shown = False

    def finished(self, **extra: Any) -> None:
        if self._bar_shown:
            self._stream.write(_BREAK)
            self._bar_shown = False
        super().finished(**extra)


def _plain(value: Any) -> Any:
    """JSON has no NaN or infinity: such floats become null, paths become text."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Path):
        return str(value)
    return value.item() if hasattr(value, "item") else str(value)


def open_events(path: Path | None) -> Events:
    """The sink that a script writes to: the file of `--events`, or else the terminal."""
    return TerminalEvents() if path is None else JsonLinesEvents(path)


def run_stage(function: Callable[[Events], object], events_path: Path | None) -> NoReturn:
    """Run a stage as the body of a script, and end the process with its exit code.

    0 done, 1 failed (one line on stderr says why; a defect's traceback goes to the log before it),
    130 cancelled. The first Ctrl-C (or SIGTERM, or Ctrl-Break on Windows) is a stop request, which
    the stage honours at its next poll by raising Cancelled; the second interrupts at once.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=_LOG_FORMAT)
    try:
        events = open_events(events_path)
    except OSError as error:
        _say(f"failed: {as_gsv_error(error)}")
        sys.exit(EXIT_FAILED)
    _install_stop_signals(events)
    try:
        function(events)
        events.finished()
    except (Exception, KeyboardInterrupt) as error:
        sys.exit(_ended_with(error, events))
    sys.exit(EXIT_DONE)


def _ended_with(error: BaseException, events: Events) -> int:
    """Report how a stage ended, and give the exit code."""
    known = as_gsv_error(error)
    if type(known) is GsvError and error is not known:
        logger.error("unexpected error", exc_info=error)
    try:
        events.failed(error)
    except OSError as second:  # a full disk must not hide the first error
        logger.error("the event could not be written: %s", second)
    cancelled = isinstance(known, Cancelled)
    _say(f"{'cancelled' if cancelled else 'failed'}: {known}")
    return EXIT_CANCELLED if cancelled else EXIT_FAILED


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _install_stop_signals(events: Events) -> None:
    """Make the polite signals ask first and interrupt second; possible in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if events.stop_requested():
            raise KeyboardInterrupt
        events.request_stop()

    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), handle)
