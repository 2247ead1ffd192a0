"""What the fields of an annotation list can hold, and the small table of what could not be used.

Knows the signs that the list format gives a meaning to. Does not read or write lists.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from gsv.files import write_text

WRAPPING = " \t\r\n\"'\u202a\u202c\ufeff"
"""What a path copied from a file manager or a spreadsheet may be wrapped in; readers of lists take it off."""

REJECTED_ENDING = ".rejected.tsv"


def one_line(text: str) -> str:
    """`text` as a field of a list: `|`, line breaks and control signs become spaces, runs of spaces one.

    Halves of surrogate pairs, which no file can hold, go.
    """
    plain = "".join(
        " " if sign == "|" or unicodedata.category(sign) == "Cc" else sign
        for sign in text
        if unicodedata.category(sign) != "Cs"
    )
    return " ".join(plain.split()).strip("\ufeff\u202a ")


def path_fault(path: str) -> str:
    """Why a path cannot stand in a list, in words that follow its name; empty if it can."""
    if "|" in path:
        return "its path contains `|`, which divides the fields of a list: rename it"
    if any(sign in path for sign in "\n\r"):
        return "its path contains a line break: rename it"
    if path != path.strip(WRAPPING) or path.startswith("~/"):
        return "its path begins or ends with a space, a quotation mark or `~/`: rename it"
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return "its path is not Unicode: rename it"
    return ""


def listed_path(path: Path, list_path: Path) -> str:
    """A recording's path as a list holds it: relative where it lies below the list's folder, else whole."""
    place, folder = Path(path).absolute(), Path(list_path).absolute().parent
    return (place.relative_to(folder) if place.is_relative_to(folder) else place).as_posix()


def shown(text: str) -> str:
    """A name that any file and terminal can show: what is not Unicode is written as numbers."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def rejected_path(list_path: Path) -> Path:
    """Where the rows that a list could not take are written down: beside it, under its name."""
    return Path(list_path).with_suffix(REJECTED_ENDING)


def write_rejected(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a tab-separated table of what was not used and why; without a row, an earlier table goes."""
    lines = ["\t".join(" ".join(shown(value).split()) for value in row) + "\n" for row in (header, *rows)]
    if len(lines) == 1:
        path.unlink(missing_ok=True)
        return
    write_text(path, "".join(lines))
