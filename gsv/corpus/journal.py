"""What a stage has finished, item by item, with the key of the inputs that it was made from.

Knows a folder of JSON-lines files, one a stage; the last line of an item counts. A line is written
after the item's files, so a process killed at any moment loses at most the line it was writing.
Does not know what the stages make.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from gsv.files import write_text

logger = logging.getLogger(__name__)

Entry = dict[str, Any]


def item_key(**inputs: Any) -> str:
    """Short fingerprint of an item's inputs and parameters (JSON-ready values): equal only if all are."""
    text = json.dumps(inputs, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


class Journal:
    """The finished items of one stage: `entries` maps an item's name to its last record.

    Every record has `name` and `key`. Use as a context manager to append; reading needs none.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.entries: dict[str, Entry] = {}
        self._lines = 0
        self._file: Any = None
        for line in self._read().split("\n"):
            self._take(line)

    def _read(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def _take(self, line: str) -> None:
        if not line.strip():
            return
        self._lines += 1
        try:
            entry = json.loads(line)
            self.entries[entry["name"]] = entry
        except (ValueError, KeyError, TypeError):
            # The line that was being written when the process was killed: its item is done again.
            logger.info("%s: line %d is incomplete and is ignored", self.path.name, self._lines)

    def done(self, name: str, key: str) -> Entry | None:
        """The record of an item if it was made from these very inputs."""
        entry = self.entries.get(name)
        return entry if entry is not None and entry.get("key") == key else None

    def __enter__(self) -> Journal:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # A torn last line must not swallow the next one.
        torn = self.path.is_file() and self.path.read_bytes()[-1:] not in (b"", b"\n")
        self._file = open(self.path, "a", encoding="utf-8", newline="\n")
        if torn:
            self._file.write("\n")
        return self

    def add(self, name: str, key: str, **record: Any) -> None:
        """Record a finished item; on the disk when this returns, unless the system itself goes down."""
        entry: Entry = {"name": name, "key": key, **record}
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._file.flush()
        self.entries[name] = entry
        self._lines += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
            self._file = None

    def compact(self) -> None:
        """Rewrite the file with one line an item, sorted by name; call it outside the `with` block."""
        lines = [json.dumps(self.entries[name], ensure_ascii=False) + "\n" for name in sorted(self.entries)]
        write_text(self.path, "".join(lines))
        self._lines = len(lines)
