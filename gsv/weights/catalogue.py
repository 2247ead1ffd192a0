"""Which models are published, where, under what licence, and what is there of them.

The facts stand once, in `catalogue.json`. Files keep their published places under `pretrained_models`, so
that a folder brought from elsewhere works as it is. Knows nothing of networks and fetches nothing itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gsv.errors import InputError, WeightsError
from gsv.files import sha256

Role = Literal[
    "base",
    "sovits",
    "discriminator",
    "gpt",
    "speaker",
    "content",
    "bert",
    "vocoder",
    "recognition",
    "denoise",
    "separation",
]
State = Literal["complete", "partial", "missing", "damaged"]
DEFAULT_SOURCE = "huggingface"
COMMAND = "python tools/models.py"
_RELEASES = "https://github.com/{repository}/releases/download/{release}"


def _safe_path(path: str) -> str:
    """A relative path without any step upwards, written with forward slashes."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\\" in path or ":" in path or ".." in parts:
        raise ValueError(f"{path!r} is no path inside a folder")
    return path


InnerPath = Annotated[str, AfterValidator(_safe_path)]


class CatalogueFile(BaseModel):
    """One file: its path in the repository; size in bytes and SHA-256 where they are known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: InnerPath
    size: int | None = Field(default=None, gt=0)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class Entry(BaseModel):
    """One published model, or (`shipped`) one that comes with this program."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$")
    role: Role
    family: str = ""
    licence: str = Field(min_length=2)
    repository: str = ""
    revision: str = Field(default="", pattern=r"^([0-9a-f]{40})?$", description="commit of the repository")
    release: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="GitHub release that serves it, in place of a revision",
    )
    folder: str = Field(default="", description="folder under pretrained_models that the paths count from")
    note: str = ""
    shipped: bool = False
    files: tuple[CatalogueFile, ...] = Field(min_length=1)

    @property
    def size(self) -> int | None:
        """Bytes of all files, or None if one of them is unknown."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def hashed(self) -> bool:
        """Whether every file can be checked against a published SHA-256."""
        return all(file.sha256 is not None for file in self.files)

    def place(self, file: CatalogueFile, root: Path) -> Path:
        """Where a file belongs under `root`, the folder of pretrained models."""
        return Path(root, self.folder, *PurePosixPath(file.path).parts)


class Catalogue(BaseModel):
    """All entries, named sets of them, and the address patterns of the places that serve them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: dict[str, str]
    sets: dict[str, tuple[str, ...]]
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class FileCheck:
    """What is there of one file; `reason` says what is wrong with it, or that it could not be checked."""

    file: CatalogueFile
    path: Path
    state: Literal["complete", "missing", "damaged"]
    reason: str = ""


@cache
def catalogue() -> Catalogue:
    """The catalogue that comes with this program."""
    path = Path(__file__).with_name("catalogue.json")
    return Catalogue.model_validate(json.loads(path.read_text(encoding="utf-8")))


def entries() -> tuple[Entry, ...]:
    """All entries in the order of the catalogue."""
    return catalogue().entries


def find(name: str) -> Entry:
    """The entry called `name`; InputError names those that there are."""
    found = next((entry for entry in entries() if entry.name == name), None)
    if found is None:
        known = ", ".join(entry.name for entry in entries())
        raise InputError(f"there is no model {name!r} in the catalogue", "", f"Choose one of: {known}.")
    return found


def resolve(names: Sequence[str]) -> tuple[Entry, ...]:
    """The entries of names and of set names, each once, in the order asked for."""
    wanted: dict[str, Entry] = {}
    for name in names:
        for member in catalogue().sets.get(name, (name,)):
            wanted.setdefault(member, find(member))
    return tuple(wanted.values())


def address(entry: Entry, file: CatalogueFile, source: str = DEFAULT_SOURCE) -> str:
    """Where `source` serves a file: a source of the catalogue, or the address of a mirror (https://...).

    A mirror is expected to serve /REPOSITORY/resolve/REVISION/PATH. Raises InputError for anything else and
    for an entry that is not downloaded at all.
    """
    if entry.shipped:
        remedy = "Fetch the repository again, with its large files."
        raise InputError(f"{entry.name} is not downloaded", "it comes with this program", remedy)
    if entry.release:
        # No mirror of model hubs has the files of a release.
        return f"{_RELEASES.format(repository=entry.repository, release=entry.release)}/{quote(file.path)}"
    pattern = catalogue().sources.get(source)
    if pattern is None and source.startswith(("https://", "http://")):
        pattern = source.rstrip("/") + "/{repository}/resolve/{revision}/{path}"
    if pattern is None:
        known = ", ".join(catalogue().sources)
        raise InputError(
            f"there is no source {source!r}", "", f"Choose {known}, or a mirror's https address."
        )
    return pattern.format(repository=entry.repository, revision=entry.revision, path=quote(file.path))


def check(entry: Entry, root: Path, hashes: bool = False) -> list[FileCheck]:
    """What is there of each file of an entry under `root`; with `hashes`, their content is read too."""
    return [_check_file(entry, file, root, hashes) for file in entry.files]


def status(entry: Entry, root: Path) -> State:
    """Whether an entry can be used, judged by presence and size alone."""
    states = {found.state for found in check(entry, root)}
    if states == {"complete"}:
        return "complete"
    if "damaged" in states:
        return "damaged"
    begun = any(part_path(entry.place(file, root)).exists() for file in entry.files)
    return "partial" if "complete" in states or begun else "missing"


def part_path(path: Path) -> Path:
    """Where the beginning of an unfinished download of `path` lies."""
    return path.with_name(path.name + ".part")


def require(name: str, root: Path) -> Path:
    """The place of a model's first file, if all its files are there; nothing is fetched.

    Raises WeightsError that names the first absent file and the command that fetches it.
    """
    entry = find(name)
    for found in check(entry, root):
        if found.state != "complete":
            why = found.reason or f"it belongs to {entry.name} ({entry.note or entry.role})"
            command = f"Run: {COMMAND} download {entry.name}"
            remedy = "Fetch the repository again, with its large files." if entry.shipped else command
            raise WeightsError(f"the file {found.path} is {found.state}", why, remedy)
    return entry.place(entry.files[0], root)


def _check_file(entry: Entry, file: CatalogueFile, root: Path, hashes: bool) -> FileCheck:
    path = entry.place(file, root)
    if not path.is_file():
        return FileCheck(file, path, "missing")
    size = path.stat().st_size
    if size == 0 or (file.size is not None and size != file.size):
        expected = "" if file.size is None else f", and the published file has {file.size}"
        return FileCheck(file, path, "damaged", f"it has {size} bytes{expected}")
    if hashes and file.sha256 is not None and sha256(path) != file.sha256:
        return FileCheck(file, path, "damaged", "its SHA-256 is not that of the published file")
    unknown = hashes and file.sha256 is None and not entry.shipped
    return FileCheck(file, path, "complete", "no SHA-256 is known to check it" if unknown else "")
