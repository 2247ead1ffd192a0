"""The few exception types of the project, each carrying what happened, why, and what mends it.

Knows nothing of who shows an error: the page prints the three parts, the API sends them as JSON,
a script prints one line.
"""

from __future__ import annotations

import errno
import importlib
from types import ModuleType


class GsvError(Exception):
    """Base of everything this project raises on purpose.

    `what` happened, `why` it did, `remedy` that the reader can apply; the last two may be empty.
    """

    def __init__(self, what: str, why: str = "", remedy: str = "") -> None:
        # All three go to the base class, so that the error survives pickling between processes.
        super().__init__(what, why, remedy)
        self.what = what
        self.why = why
        self.remedy = remedy

    def as_dict(self) -> dict[str, str]:
        """The error as JSON-ready fields: type, what, why, remedy."""
        return {"type": type(self).__name__, "what": self.what, "why": self.why, "remedy": self.remedy}

    def __str__(self) -> str:
        """One line, `what: why. remedy`, whatever line breaks the parts had."""
        parts = [" ".join(part.split()).rstrip(" .:") for part in (self.what, self.why)]
        line = ": ".join(part for part in parts if part)
        remedy = " ".join(self.remedy.split())
        return f"{line}. {remedy}" if remedy else line


class InputError(GsvError):
    """A person's argument, path or text cannot be used as it is."""


class DataError(GsvError):
    """A file's content is broken, missing, or does not belong together."""


class WeightsError(GsvError):
    """A weights file is unreadable, unsafe, or of another family or version."""


class DependencyError(GsvError):
    """An optional package or program is not installed."""


class ResourceError(GsvError):
    """Memory, disk, device, port or permission is not there."""


class Cancelled(GsvError):
    """The person asked to stop; not a failure, but the work is not done either."""

    def __init__(self, what: str = "stopped on request", why: str = "", remedy: str = "") -> None:
        super().__init__(what, why, remedy)


def import_optional(module: str, command: str) -> ModuleType:
    """Import an optional package by its dotted name.

    `command` is what installs it. Raises DependencyError, which names that command, where the
    package is absent or broken.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = error.name or module
        why = "it is not installed" if isinstance(error, ModuleNotFoundError) else str(error)
        what = f"the Python package {missing} cannot be imported"
        raise DependencyError(what, why, f"Run: {command}") from error


_OS_REMEDIES = {
    errno.ENOSPC: "Free some disk space, then start again; what was finished is kept.",
    errno.EDQUOT: "Free some of your disk quota, then start again; what was finished is kept.",
    errno.EROFS: "Choose a folder that can be written to.",
    errno.EACCES: "Check who may read and write that folder, or choose another.",
    errno.EPERM: "Check who may read and write that folder, or choose another.",
    errno.EMFILE: "Use fewer workers, or raise the limit of open files (ulimit -n).",
}


def as_gsv_error(error: BaseException) -> GsvError:
    """Give any exception the three parts, so that every surface can show it in the same way."""
    if isinstance(error, GsvError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Cancelled()
    if isinstance(error, MemoryError):
        return ResourceError("memory ran out", str(error), "Use smaller batches or fewer workers.")
    if isinstance(error, OSError) and error.errno in _OS_REMEDIES:
        place = f" ({error.filename})" if error.filename else ""
        return ResourceError("a file operation failed", f"{error.strerror}{place}", _OS_REMEDIES[error.errno])
    if isinstance(error, ImportError):
        remedy = "Run: python -m pip install -r requirements.txt (tools/doctor.py tells more)."
        return DependencyError("a Python package cannot be imported", str(error), remedy)
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
        return InputError("a file is not where it was expected", str(error))
    return GsvError("an unexpected error", f"{type(error).__name__}: {error}", "The log has the details.")
