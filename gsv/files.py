"""The one place that writes files: a temporary sibling, flush, rename with retries; and safe names.

A reader sees the old content or the new one, never half of either, even if the process is killed
or the disk is full. Knows nothing of what the files mean.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import sys
import time
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psutil

from gsv.errors import InputError, ResourceError

MAX_NAME_BYTES = 100
TEMPORARY_PREFIX = ".tmp-"
_RENAME_DELAYS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)  # seconds; a scanner may hold a file for a moment

_LOCK_DELAY = 0.02


def _temporary_sibling(path: Path) -> Path:
    """A name beside `path`, with its ending: libraries choose a format by it. The process id is in
    the name, so that leftovers of a killed process can be told from work in progress."""
    ending = path.suffix if len(os.fsencode(path.suffix)) <= 20 else ""
    return path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(6)}{ending}")


def fsync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk where the system can do that (Windows cannot)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        # Some network and FUSE file systems refuse to flush a folder; the rename itself has happened.
        return
    finally:
        os.close(descriptor)


def _fsync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(source: Path, target: Path) -> None:
    """os.replace, tried again for a short time where another program holds the target."""
    for delay in _RENAME_DELAYS:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if os.name != "nt":
                raise
            time.sleep(delay)
    os.replace(source, target)


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path` to write to; on success it becomes `path`.

    Makes missing parent folders. On any exception the temporary file goes and `path` is untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary_sibling(path)
    try:
        yield temporary
        _fsync_file(temporary)
        _replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file in one safe step."""
    with writing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    r"""Write UTF-8 text with "\n" line ends, on every system."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write a value as readable JSON; NaN and infinity are refused (ValueError)."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def read_text(path: Path) -> str:
    r"""Read UTF-8 text, with or without a byte order mark; line ends become "\n".

    Raises InputError where the file is missing or is not UTF-8.
    """
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError(f"there is no text file {path}", remedy="Check the path.") from error
    except UnicodeDecodeError as error:
        why = f"byte {error.start} cannot be decoded"
        raise InputError(f"{path} is not UTF-8 text", why, "Save it as UTF-8 and try again.") from error


def try_lock(file: IO[bytes]) -> None:
    """Lock an open file until it is closed or its process ends; raises OSError where another one holds it."""
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def locked(path: Path, patience: float = 10.0) -> Iterator[None]:
    """Hold the lock file `path` against other threads and processes; it stays there, empty.

    Raises ResourceError where another one holds it for longer than `patience` seconds.
    """
    end = time.monotonic() + patience
    with open(path, "ab") as file:
        while True:
            try:
                try_lock(file)
                break
            except OSError as error:
                if time.monotonic() > end:
                    why = f"another program holds {path.name}"
                    raise ResourceError(f"{path.parent} is busy", why, "Try again in a moment.") from error
                time.sleep(_LOCK_DELAY)
        yield


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling folder to fill; on success it appears as `path`, complete.

    Raises InputError where `path` exists already. On an exception the temporary folder goes.
    """
    path = Path(path)
    if path.exists():
        raise InputError(f"the folder {path} exists already", remedy="Choose another name, or remove it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary_sibling(path)
    temporary.mkdir()
    try:
        yield temporary
        for inner, _, names in os.walk(temporary, topdown=False):
            for name in names:
                _fsync_file(Path(inner, name))
            fsync_folder(Path(inner))
        _replace(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    fsync_folder(path.parent)


def remove_leftovers(folder: Path) -> int:
    """Remove temporary files and folders that killed processes left directly in `folder`.

    Those of a living process stay. Returns how many went.
    """
    removed = 0
    for path in Path(folder).glob(f"{TEMPORARY_PREFIX}*-*"):
        owner = path.name.removeprefix(TEMPORARY_PREFIX).split("-")[0]
        if not owner.isdigit() or psutil.pid_exists(int(owner)):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        removed += 1
    return removed


_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]')
_RESERVED = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|COM[0-9¹²³]|LPT[0-9¹²³])", re.IGNORECASE)
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}")


def _name_key(name: str) -> str:
    """What two names share when some file system would take them for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).upper().casefold())


def _cut(text: str, limit: int) -> str:
    """The longest prefix of at most `limit` UTF-8 bytes that does not end in a space or dot."""
    return text.encode("utf-8")[:limit].decode("utf-8", errors="ignore").rstrip(" .")


def safe_name(name: str, taken: Collection[str] = ()) -> str:
    """A file name made from a person's words, good on every system.

    NFC, no character or device name that Windows refuses, no leading dot, at most 100 bytes of
    UTF-8, and different without regard to case from every name in `taken` (by a number before
    the ending). A name that is already good and free comes back unchanged (up to NFC).
    """
    clean = unicodedata.normalize("NFC", _FORBIDDEN.sub("_", name)).strip(" .\t\u00a0\u3000\ufeff")
    if name.strip().startswith(".") and clean:
        clean = "_" + clean
    if _RESERVED.fullmatch(clean.split(".")[0].rstrip()):
        clean = "_" + clean
    clean = clean or "unnamed"
    stem, ending = os.path.splitext(clean)
    if not _ENDING.fullmatch(ending):
        stem, ending = clean, ""
    keys = {_name_key(other) for other in taken}
    number = 1
    while True:
        tail = ending if number == 1 else f"-{number}{ending}"
        candidate = _cut(stem, MAX_NAME_BYTES - len(tail)) + tail
        if _name_key(candidate) not in keys:
            return candidate
        number += 1


def resolve_inside(path: str | Path, roots: Sequence[Path]) -> Path:
    """The absolute path with links resolved, if it lies inside one of `roots`.

    A relative path counts from the first root. Raises InputError where it lies outside.
    """
    bases = [Path(root).resolve() for root in roots]
    try:
        resolved = (bases[0] / path).resolve()
    except (ValueError, OSError, IndexError, RuntimeError) as error:
        raise InputError(f"{str(path)!r} is not a usable path", str(error)) from error
    if not any(resolved.is_relative_to(base) for base in bases):
        allowed = ", ".join(str(base) for base in bases)
        why = f"only files in {allowed} may be used here"
        raise InputError(f"{path} is outside the allowed folders", why, "Move it there, or allow its folder.")
    return resolved


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content in lower-case hexadecimal, read in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
