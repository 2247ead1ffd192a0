"""The log of a job: its last lines, and a bound on its size.

Knows bytes and lines. Does not know why a job wrote them.
"""

from __future__ import annotations

from pathlib import Path

TAIL_BYTES = 64 * 1024
LARGEST = 32 * 1024 * 1024
"""Bytes at which a log is cut down: a child in a loop must not fill the disk."""
KEPT = 1024 * 1024


def tail(path: Path, lines: int = 200) -> str:
    """The last ``lines`` lines; a bar redrawn on one line counts as its last state."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            data = file.read()
    except FileNotFoundError:
        return ""
    if size > TAIL_BYTES:
        data = data[data.find(b"\n") + 1 :]
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n")
    shown = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n")]
    while shown and not shown[-1].strip():
        shown.pop()
    return "\n".join(_printable(line) for line in shown[-lines:])


def _printable(line: str) -> str:
    """Without control characters such as colours of a terminal."""
    kept: list[str] = []
    escape = False
    for character in line:
        if escape:
            escape = not character.isalpha()
        elif character == "\x1b":
            escape = True
        elif character >= " " or character == "\t":
            kept.append(character)
    return "".join(kept)


def bound(path: Path, largest: int = LARGEST, kept: int = KEPT) -> bool:
    """Cut a log that grew too long down to its last ``kept`` bytes; True when it was cut.

    The writer appends, so it goes on at the new end. What it writes during the
    cut may be lost: this happens only to a log that nobody can read anyway.
    """
    try:
        if path.stat().st_size <= largest:
            return False
        with path.open("r+b") as file:
            file.seek(-kept, 2)
            rest = file.read(kept)
            file.seek(0)
            file.write(b"[earlier lines were dropped: the log grew too long]\n" + rest)
            file.truncate()
    except OSError:
        return False
    return True
