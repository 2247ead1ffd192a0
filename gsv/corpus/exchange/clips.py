"""What every form of data set is read into: clips with their texts, and the rows that say no clip.

Knows no form, and opens nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from gsv.corpus.annotation import BadRow


@dataclass(frozen=True)
class Clip:
    """A row: `start` and `end` in seconds where it is a part of the recording `path`; empty is unsaid."""

    number: int
    path: Path
    text: str
    language: str = ""
    speaker: str = ""
    start: float | None = None
    end: float | None = None


@dataclass
class Found:
    """The clips of a source in its order, and its broken rows."""

    clips: list[Clip] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)

    def refuse(self, number: int, source: str, reason: str) -> None:
        """Write down a row that says no clip."""
        self.bad.append(BadRow(number, source, reason))


def inside(folder: Path, name: str) -> Path | None:
    """The file that a table's `name` means, below `folder`; None for a name that leads out of it."""
    plain = name.replace("\\", "/") if "\\" in name and not (folder / name).exists() else name
    if not plain or "\0" in plain or Path(plain).is_absolute() or PureWindowsPath(plain).is_absolute():
        return None
    path = Path(os.path.normpath(folder / plain))
    return path if path.is_relative_to(os.path.normpath(folder)) else None


def first_of(row: Mapping[str, object], names: Sequence[str]) -> str:
    """The first of these columns that says something, as text."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value)
    return ""
