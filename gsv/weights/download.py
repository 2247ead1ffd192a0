"""Fetches the models of the catalogue: resumable, verified, atomic, from a source of the person's choice.

It runs only when asked to. An unfinished file stays beside its place as NAME.part and is continued by the
next try; a file appears under its own name when its size and SHA-256 are right, and not before.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from gsv.errors import GsvError, InputError, ResourceError, WeightsError
from gsv.events import Counts, Events
from gsv.files import writing
from gsv.weights.catalogue import (
    COMMAND,
    DEFAULT_SOURCE,
    CatalogueFile,
    Entry,
    address,
    catalogue,
    check,
    entries,
    part_path,
    resolve,
    status,
)

BLOCK = 2**20
LARGEST_UNKNOWN = 16 * 2**30
SPARE = 64 * 2**20
_AGENT = "gsv-models/1"


@dataclass(frozen=True)
class Patience:
    """How long to go on: `tries` in a row without a new byte, `pause` seconds more after each, `timeout`."""

    tries: int = 5
    pause: float = 1.0
    timeout: float = 30.0


class _Refused(Exception):
    """The server says no, and asking again would not help."""


class _Broken(Exception):
    """The connection failed, and the next one may not."""


class _SecureRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a server elsewhere, but not from an encrypted connection to an open one, nor to local files."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        allowed = ("https://",) if req.full_url.startswith("https://") else ("https://", "http://")
        if not newurl.startswith(allowed):
            raise _Refused(f"it sends us to {newurl[:80]}, which is not safe to follow")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(
    entry: Entry,
    root: Path,
    *,
    source: str = DEFAULT_SOURCE,
    events: Events | None = None,
    patience: Patience | None = None,
) -> list[Path]:
    """Fetch the files of `entry` that are not there yet into `root`, the folder of pretrained models.

    Files that are there and right are kept; a wrong one is replaced once its successor is verified. Raises
    InputError for an unknown source, ResourceError where the network or the disk does not allow it,
    WeightsError for content that is not the published one, Cancelled on request (what has come is kept).
    """
    events = events or Events()
    paths = []
    for number, file in enumerate(entry.files, 1):
        url = address(entry, file, source)
        path = entry.place(file, root)
        label = f"{entry.name}: {path.name}"
        if len(entry.files) > 1:
            label += f" ({number} of {len(entry.files)})"
        (found,) = check(entry.model_copy(update={"files": (file,)}), root, hashes=True)
        if found.state == "complete":
            events.item(str(path), "skipped", "it is there already")
        else:
            if found.state == "damaged":
                events.message(f"{path}: {found.reason}; it is fetched again", "warning")
            path.parent.mkdir(parents=True, exist_ok=True)
            with _alone(path):
                _Fetch(url, file, path, label, events, patience or Patience()).run()
            events.item(str(path), "done")
        paths.append(path)
    return paths


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Two downloads of one file would write into each other's part."""
    lock = FileLock(str(path.with_name(path.name + ".lock")), timeout=0)
    try:
        with lock:
            yield
    except Timeout as error:
        raise ResourceError(
            f"{path.name} is being downloaded already", "", "Wait for that download."
        ) from error
    finally:
        if not lock.is_locked:
            path.with_name(path.name + ".lock").unlink(missing_ok=True)


class _Fetch:
    """One file on its way: connects as often as it helps, and checks what came."""

    def __init__(
        self, url: str, file: CatalogueFile, path: Path, label: str, events: Events, patience: Patience
    ) -> None:
        self.url, self.file, self.path, self.label = url, file, path, label
        self.events, self.patience = events, patience
        self.part = part_path(path)
        self.size = file.size
        self.opener = urllib.request.build_opener(_SecureRedirects())

    def run(self) -> None:
        if self.file.size is not None and self._have() > self.file.size:
            self.part.unlink()
        resumed = self._have() > 0
        self._receive_all()
        if self._wrong() and resumed:
            # The beginning may be of another file: once more, from nothing.
            self.events.message(
                f"{self.label}: the continued file is not right; it is fetched anew", "warning"
            )
            self.part.unlink(missing_ok=True)
            self._receive_all()
        why = self._wrong()
        if why:
            self.part.unlink(missing_ok=True)
            remedy = "Try again later, or another --source; the wrong file was removed."
            raise WeightsError(f"{self.url} served something else than {self.path.name}", why, remedy)
        with writing(self.path) as temporary:
            os.replace(self.part, temporary)

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _receive_all(self) -> None:
        """Connect until everything is there; only connections that bring no new byte count as failures."""
        failures = 0
        while True:
            self.events.check_stop()
            before = self._have()
            if self.size is not None and before == self.size and before > 0:
                return
            try:
                if self._receive():
                    return
                why = "the connection ended early"
            except _Refused as error:
                raise self._unreachable(str(error)) from error
            except _Broken as error:
                why = str(error)
            except OSError as error:
                raise self._disk(error) from error
            failures = 0 if self._have() > before else failures + 1
            if failures >= self.patience.tries:
                raise self._unreachable(why)
            self.events.message(f"{self.label}: {why}; trying again", "warning")
            self._wait(self.patience.pause * max(failures, 1))

    def _receive(self) -> bool:
        """One connection; True if the file is complete after it."""
        have = self._have()
        headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        response = self._connect(urllib.request.Request(self.url, headers=headers), have)
        if response is None:
            return False
        with response:
            start, total = _extent(response, have)
            self._check_total(total)
            self._check_disk((self.size or total or 0) - start)
            return self._copy(response, start, total)

    def _connect(self, request: urllib.request.Request, have: int) -> Any:
        """The server's answer, or None where what we have is not the beginning of what it has."""
        try:
            return self.opener.open(request, timeout=self.patience.timeout)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 416 and have:
                    self.part.unlink(missing_ok=True)
                    return None
                if error.code in (408, 425, 429) or error.code >= 500:
                    raise _Broken(f"the server answers {error.code}") from error
                raise _Refused(f"the server answers {error.code} {error.reason}") from error
        except (http.client.HTTPException, OSError) as error:
            raise _Broken(f"no connection ({_reason(error)})") from error

    def _check_total(self, total: int | None) -> None:
        if self.file.size is not None and total is not None and total != self.file.size:
            self.part.unlink(missing_ok=True)
            why = f"it has {total} bytes, and the published file has {self.file.size}"
            remedy = "Try again later, or another --source."
            raise WeightsError(f"{self.url} serves something else than {self.path.name}", why, remedy)
        if self.size is None:
            self.size = total

    def _check_disk(self, needed: int) -> None:
        free = shutil.disk_usage(self.path.parent).free
        if needed + SPARE > free:
            why = f"{needed / 1e9:.2f} GB are needed in {self.path.parent} and {free / 1e9:.2f} GB are free"
            raise ResourceError(f"there is no room for {self.path.name}", why, "Free some disk space.")

    def _copy(self, response: Any, start: int, total: int | None) -> bool:
        have = start
        limit = total if total is not None else self.file.size or LARGEST_UNKNOWN
        with self.part.open("r+b" if start else "wb") as sink:
            sink.seek(start)
            sink.truncate()
            while block := _read(response, min(BLOCK, limit - have + 1)):
                have += len(block)
                if have > limit:
                    raise _Refused("it sends more than it announced")
                sink.write(block)
                self.events.progress(have, total or 0, self.label)
                self.events.check_stop()
        return have > 0 and (total is None or have == total)

    def _wrong(self) -> str:
        """What is wrong with the fetched content; empty if nothing is."""
        have = self._have()
        if self.file.size is not None and have != self.file.size:
            return f"it has {have} bytes, and the published file has {self.file.size}"
        if self.file.sha256 is None:
            return "" if have else "it is empty"
        with self.part.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return "" if digest == self.file.sha256 else "its SHA-256 is not that of the published file"

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.events.check_stop()
            time.sleep(min(left, 0.2))

    def _unreachable(self, why: str) -> GsvError:
        remedy = (
            "Check the connection, try another --source, or fetch that address by other means and put it at"
            f" {self.path}. What has come so far is kept."
        )
        return ResourceError(f"cannot fetch {self.path.name} from {self.url}", why, remedy)

    def _disk(self, error: OSError) -> GsvError:
        remedy = "Free some disk space or choose another workspace; what has come so far is kept."
        return ResourceError(f"cannot write {self.part}", error.strerror or str(error), remedy)


def _extent(response: Any, have: int) -> tuple[int, int | None]:
    """Where the answer starts in the file, and how long the whole file is, if the server says so."""
    length = response.headers.get("Content-Length", "")
    announced = int(length) if length.isdigit() else None
    if response.status != 206:
        return 0, announced
    unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
    span, _, total = rest.partition("/")
    if unit != "bytes" or span.partition("-")[0] != str(have):
        raise _Refused("it answers with another part of the file than we asked for")
    if total.isdigit():
        return have, int(total)
    return have, None if announced is None else have + announced


def _read(response: Any, size: int) -> bytes:
    try:
        return bytes(response.read(size))
    except (http.client.HTTPException, OSError) as error:
        raise _Broken(f"the connection broke ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__


def download_all(
    names: Sequence[str], root: Path, *, source: str = DEFAULT_SOURCE, events: Events | None = None
) -> list[Path]:
    """Fetch all entries and sets called `names` into `root`; names and source are checked before anything starts.

    Errors as for `download`; InputError where nothing is named.
    """
    if not names:
        raise InputError(
            "no model is named", "", f"Name some of: {', '.join(catalogue().sets)}, or single models."
        )
    wanted = resolve(names)
    for entry in wanted:
        address(entry, entry.files[0], source)
    return [path for entry in wanted for path in download(entry, root, source=source, events=events)]


def verify(names: Sequence[str], root: Path, events: Events | None = None) -> Counts:
    """Read and check the files of the named entries, or of all that are there in part, against the catalogue.

    Raises WeightsError after the last file if one is damaged, or absent although it was named.
    """
    events = events or Events()
    wanted = (
        resolve(names) if names else tuple(entry for entry in entries() if status(entry, root) != "missing")
    )
    counts = Counts()
    for number, entry in enumerate(wanted):
        events.progress(number, len(wanted), entry.name)
        for found in check(entry, root, hashes=True):
            events.check_stop()
            counts.read += 1
            if found.state == "complete":
                counts.done += 1
                events.item(str(found.path), "done", found.reason)
            else:
                counts.fail(str(found.path), found.reason or "it is missing")
                events.item(str(found.path), "failed", found.reason or "it is missing")
    events.counts(counts)
    if counts.failed:
        path, reason = next(iter(counts.reasons.items()))
        remedy = f"Run: {COMMAND} download {' '.join(names or [entry.name for entry in wanted])}"
        raise WeightsError(
            f"{counts.failed} of {counts.read} files are not right", f"{path}: {reason}", remedy
        )
    return counts
