"""One studio per workspace: a lock that ends with the process that holds it.

Knows one file in the workspace. Does not know what the holder does with it.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import IO

from gsv import files
from gsv.errors import GsvError, ResourceError

LOCK_FILE = "studio.lock"
NOTE_FILE = "studio.txt"


class StudioLock:
    """Held from `acquire` to `release`; the system drops it when the process dies."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self._note = folder / NOTE_FILE
        self._file: IO[bytes] | None = None

    def acquire(self, note: str) -> None:
        """Take the lock and leave ``note`` (an address) for others to read.

        Raises ResourceError naming the holder when another studio has it.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("ab")
        try:
            files.try_lock(file)
        except OSError as error:
            file.close()
            holder = self._holder()
            raise ResourceError(
                "another studio works in this workspace",
                f"it says: {holder}" if holder else f"{self._path} is locked",
                "Use that one, end it, or choose another folder with --workspace.",
            ) from error
        self._file = file
        files.write_text(self._note, f"{note}, process {os.getpid()}\n")

    def release(self) -> None:
        """Give the lock back; doing it twice is harmless."""
        if self._file is not None:
            self._note.unlink(missing_ok=True)
            self._file.close()
            self._file = None

    def _holder(self) -> str:
        try:
            return files.read_text(self._note).strip()
        except (OSError, GsvError):
            return ""

    def __enter__(self) -> StudioLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
