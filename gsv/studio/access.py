"""Who may open the page, and which files it may name.

Knows addresses, passwords and paths. Does not know the page.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from gsv import files
from gsv.errors import InputError
from gsv.settings import Workspace
from gsv.studio.labels import Labels

WINDOWS_PATH = re.compile(r"[A-Za-z]:[\\/]|\\\\[^\\]")
"""A drive letter, or a share of another computer."""
QUOTES = ('"', "'", "“”", "‘’")


@dataclass(frozen=True)
class Access:
    """The rules of one running studio."""

    workspace: Workspace
    allowed: tuple[Path, ...] = ()
    confined: bool = False
    """True when others can reach the page: then every path stays inside the given folders."""
    labels: Labels = field(default_factory=lambda: Labels("en"))

    @property
    def roots(self) -> tuple[Path, ...]:
        """Folders that may be named when the page is confined; the workspace comes first."""
        return (self.workspace.root, *self.allowed)

    def path(self, text: str, name: str) -> Path:
        """The absolute path that a person typed or pasted; relative ones count from the workspace.

        Raises InputError when it is empty or, on a confined page, leads outside (links followed).
        """
        cleaned = text.strip().strip("\u202a\u200b")
        if not cleaned:
            raise self.labels.error("path_empty", name=name)
        if os.name != "nt" and WINDOWS_PATH.match(_without_quotes(cleaned)):
            raise self.labels.error("path_windows", name=name, path=cleaned)
        if cleaned.lower().startswith("file://"):
            cleaned = url2pathname(urlsplit(cleaned).path)
        candidate = self._absolute(cleaned)
        unquoted = _without_quotes(cleaned)
        if unquoted != cleaned and not _exists(candidate):
            candidate = self._absolute(unquoted)
        return self._inside(candidate) if self.confined else candidate

    def existing(self, text: str, name: str, kind: str = "file") -> Path:
        """Like `path`, but it must be there, as a ``file`` or a ``folder``."""
        path = self.path(text, name)
        try:
            found = path.is_dir() if kind == "folder" else path.is_file()
        except OSError as error:
            raise self.labels.error("path_closed", name=name, path=path, why=error) from error
        if not found:
            raise self.labels.error(f"no_{kind}", name=name, path=path)
        return path

    def experiment(self, name: str) -> Path:
        """The folder of an experiment; raises InputError for a name that cannot be used."""
        if not name.strip():
            raise self.labels.error("experiment_unnamed")
        try:
            folder = self.workspace.experiment(name.strip())
        except InputError as error:
            raise self.labels.error("experiment_name", name=name) from error
        return self._inside(folder) if self.confined else folder

    def _inside(self, path: Path) -> Path:
        try:
            return files.resolve_inside(path, self.roots)
        except InputError as error:
            raise self.labels.error("path_outside", path=path) from error

    def _absolute(self, text: str) -> Path:
        try:
            return self.workspace.root / Path(text).expanduser()
        except (RuntimeError, ValueError) as error:
            raise self.labels.error("path_unusable", path=text, why=error) from error


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _without_quotes(text: str) -> str:
    """Without one pair of surrounding quotes, which file managers add when a path is copied."""
    for pair in QUOTES:
        if len(text) > 1 and text[0] == pair[0] and text[-1] == pair[-1]:
            return text[1:-1]
    return text


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this computer only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Credentials:
    """Names and passwords that open the page."""

    def __init__(self, pairs: Sequence[str]) -> None:
        self._known: dict[str, str] = {}
        for pair in pairs:
            user, separator, password = pair.partition(":")
            if not separator or not user or not password:
                raise InputError(
                    "a login must be written as name:password", remedy="Example: --auth anna:secret"
                )
            self._known[user] = password

    @classmethod
    def read(cls, given: Sequence[str], file: Path | None) -> Credentials:
        """Logins of the command line and of a file with one ``name:password`` a line."""
        lines = files.read_text(file).splitlines() if file is not None else []
        kept = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        if file is not None and not kept:
            raise InputError(f"{file} holds no login", remedy="Write one name:password a line.")
        return cls([*given, *kept])

    def __bool__(self) -> bool:
        return bool(self._known)

    def check(self, user: str, password: str) -> bool:
        """Whether this login is right, in a time that does not tell how much of it was."""
        known = self._known.get(user, "")
        right = hmac.compare_digest(known.encode(), password.encode())
        return right and user in self._known
