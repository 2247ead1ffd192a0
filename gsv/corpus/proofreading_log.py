"""The files of a list that is being proofread: the list, the log of its edits, the lock.

Beside `NAME.list` stand `NAME.edits.jsonl` (the list as it was, then one line an edit, only ever
appended to), `NAME.edits.lock` and the folder `NAME.edits` of new clips. An edit is on the disk in the
log before the list is written: a process killed in between leaves a list that is one edit behind, and
the next one to open it brings it up to date. Knows files; does not know what a person may do.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gsv import files
from gsv.corpus.proofreading_rows import Edit, State, as_json, from_json, outside
from gsv.errors import DataError, InputError, ResourceError

logger = logging.getLogger(__name__)

FORMAT = 1
Stamp = tuple[int, int, int]


class ListFiles:
    """A list, its log and its lock on the disk; `state` is what they say together.

    `epoch` tells the list's beginning from any other: numbers of rows count within one only. Use `held()`
    around whatever reads or appends. Not for several threads at once.
    """

    def __init__(self, list_path: Path, patience: float = 10.0) -> None:
        path = Path(os.path.realpath(list_path))
        self.list = path
        self.log = path.with_suffix(".edits.jsonl")
        self.clips = path.with_suffix(".edits")
        self.state = State()
        self.epoch = ""
        self.notes: list[str] = []
        self._patience = patience
        self._lock = path.with_suffix(".edits.lock")
        self._name = ""
        self._consumed = 0
        self._sums: tuple[str, str] = ("", "")
        self._stamp: Stamp | None = None

    @contextmanager
    def held(self) -> Iterator[State]:
        """Hold the lock, with the state brought up to date.

        Raises InputError for a list that is missing or not UTF-8, ResourceError where it is held by
        another program or its folder cannot be written to.
        """
        if not self.list.is_file():
            raise InputError(f"there is no list {self.list}", remedy="Check the path.")
        try:
            with files.locked(self._lock, self._patience):
                self._follow()
                yield self.state
        except OSError as error:
            why = error.strerror or str(error)
            raise ResourceError(
                f"{self.list.name} cannot be kept", why, "Free the file or the disk."
            ) from error

    def append(self, kind: str, edit: Edit | None = None) -> None:
        """Keep what was just done to `state` (inside `held`): first in the log, then in the list.

        Where that fails, the state is read from the disk again before the next use.
        """
        try:
            text = self.state.written()
            sums = (self._sums[1], _sum(text.encode("utf-8")))
            entry: dict[str, Any] = {
                "revision": self.state.revision,
                "kind": kind,
                "t": round(time.time(), 3),
            }
            entry.update(as_json(edit) if edit is not None else {}, sha256=sums[1])
            if not self._name:
                self._begin()
            self._write_line(entry)
            self._sums = sums
            self._write_list(text)
        except BaseException:
            self._forget()
            raise

    def _forget(self) -> None:
        self._name, self._consumed, self._stamp = "", 0, None

    def _follow(self) -> None:
        """Read what others have appended, and what became of the list."""
        if not self._same_log():
            self._forget()
            self._read_start()
        if self._name:
            self._read_edits()
        self._look_at_list()

    def _same_log(self) -> bool:
        """Whether the log is the one that was read before (or there was none, and still is none)."""
        if not self.log.is_file():
            return not self._name and self._stamp is not None
        with open(self.log, "rb") as file:
            return bool(self._name) and self._name.encode() in file.readline(200)

    def _read_start(self) -> None:
        """The state before the first edit: from the log, or from the list where there is none."""
        if self.log.is_file():
            with open(self.log, "rb") as file:
                line = file.readline()
            try:
                start = json.loads(line)
                if start["format"] != FORMAT:
                    raise DataError(f"{self.log.name} is of another version", f"format {start['format']}")
                self.state, self._name = State.of(start["lines"]), str(start["log"])
                self._sums = ("", str(start["sha256"]))
                self.epoch = self._sums[1][:16]
                self._consumed = len(line)
                return
            except (ValueError, KeyError, TypeError):
                self._set_aside("its first line cannot be read")
        data = self.list.read_bytes()
        self.state = State.of(files.read_text(self.list).split("\n"))
        self._sums = ("", _sum(data))
        self.epoch = self._sums[1][:16]
        self._stamp = _stamp(self.list)

    def _read_edits(self) -> None:
        if self.log.stat().st_size <= self._consumed:
            return
        with open(self.log, "rb") as file:
            file.seek(self._consumed)
            for line in file:
                # The line that was being written when its process was killed never counted.
                if not line.endswith(b"\n"):
                    break
                try:
                    self._replay(json.loads(line))
                except (ValueError, KeyError, TypeError, DataError, InputError) as error:
                    self._set_aside(f"edit {self.state.revision + 1}: {error}")
                    self._read_start()
                    return
                self._consumed += len(line)

    def _replay(self, entry: dict[str, Any]) -> None:
        state, kind = self.state, entry["kind"]
        if entry["revision"] != state.revision + 1:
            raise DataError("a revision is missing", f"{entry['revision']} follows {state.revision}")
        match kind:
            case "edit":
                state.apply(from_json(entry))
            case "outside":
                state.adopt(from_json(entry))
            case "undo":
                state.undo()
            case "redo":
                state.redo()
            case _:
                raise DataError("an unknown kind of edit", str(kind))
        self._sums = (self._sums[1], str(entry["sha256"]))

    def _set_aside(self, why: str) -> None:
        """A log that cannot be read is kept under another name; the list itself is whole."""
        taken = [path.name for path in self.log.parent.iterdir()]
        aside = self.log.with_name(files.safe_name(f"{self.log.stem}.unreadable.jsonl", taken))
        os.replace(self.log, aside)
        logger.warning("%s cannot be read (%s) and was kept as %s", self.log, why, aside.name)
        self.notes.append(
            f"{self.log.name}: {why}. It is kept as {aside.name}; what can be undone starts anew."
        )
        self._forget()

    def _look_at_list(self) -> None:
        """Bring a list up to date that is one edit behind; take over what another program wrote."""
        stamp = _stamp(self.list)
        if stamp == self._stamp:
            return
        data = self.list.read_bytes()
        now = _sum(data)
        if now == self._sums[1]:
            self._stamp = stamp
        elif now == self._sums[0]:
            self._write_list(self.state.written())
        elif self._name:
            self._adopt(now)
        else:
            self._read_start()

    def _adopt(self, now: str) -> None:
        edit = outside(self.state, files.read_text(self.list).split("\n"))
        self.state.adopt(edit)
        entry = {"revision": self.state.revision, "kind": "outside", "t": round(time.time(), 3)}
        self._write_line({**entry, **as_json(edit), "sha256": now})
        self._sums = (self._sums[1], now)
        self._stamp = _stamp(self.list)

    def _begin(self) -> None:
        """Start a log with the list as it is."""
        name = secrets.token_hex(8)
        lines = files.read_text(self.list).split("\n")
        start = {"format": FORMAT, "log": name, "sha256": self._sums[1], "lines": lines}
        text = json.dumps(start, ensure_ascii=False) + "\n"
        files.write_text(self.log, text)
        self._name, self._consumed = name, len(text.encode("utf-8"))

    def _write_line(self, entry: dict[str, Any]) -> None:
        data = (json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n").encode("utf-8")
        with open(self.log, "r+b") as file:
            file.truncate(self._consumed)  # the torn line of a killed process
            file.seek(self._consumed)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._consumed += len(data)

    def _write_list(self, text: str) -> None:
        files.write_text(self.list, text)
        self._stamp = _stamp(self.list)


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino
