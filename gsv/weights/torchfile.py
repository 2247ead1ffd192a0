"""Opens a file that `torch.save` wrote, without torch's loader: zip archive, index, and tensors on demand.

The archive's first two bytes may be replaced by a published version mark ("05" and others); they are put back
while reading. Sizes in the archive are compared with the file before anything is read. It knows nothing of
networks: which keys a file should have is the matter of `published.py`.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

import torch

from gsv.errors import InputError, WeightsError
from gsv.weights.pickles import LARGEST_PICKLE, read_pickle
from gsv.weights.references import StorageReference, TensorReference

MOST_ENTRIES = 100_000
VERSION_MARKS = ("00", "01", "02", "03", "04", "05", "06")
_DAMAGED = "Download or copy it again."
_ARCHIVE_ERRORS = (zipfile.BadZipFile, EOFError, OSError, ValueError, RuntimeError, struct.error)


class _MarkedFile(io.RawIOBase):
    """A file whose first two bytes read as the zip signature, whatever version mark stands there."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def read(self, size: int = -1) -> bytes:
        start = self._stream.tell()
        data = self._stream.read(size)
        if start >= 2 or not data:
            return data
        return (b"PK"[start:] + data[2 - start :])[: len(data)]

    def close(self) -> None:
        self._stream.close()
        super().close()


class TorchFile:
    """A published weight file, open for reading. Use it as a context manager.

    `value` is the plain data of the index with `TensorReference` where tensors stand; `mark` is the version
    mark or None. Raises InputError where there is no such file, WeightsError where it is damaged, foreign or
    refused.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._stream, self.mark = _open(self.path)
        try:
            self._archive = _archive(self._stream, self.path)
            self._entries = _entries(self._archive, self.path)
            self._budget = 4 * self.path.stat().st_size + 2**20
            self._prefix = self._find_prefix()
            self._check_byte_order()
            self.value = self._index()
        except BaseException:
            self.close()
            raise

    def _index(self) -> object:
        try:
            return read_pickle(self._bytes("data.pkl", LARGEST_PICKLE))
        except WeightsError as error:
            what = error.what.replace("the weight file", self.path.name)
            raise WeightsError(what, error.why, error.remedy) from error

    def __enter__(self) -> TorchFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._stream.close()

    def state(
        self, references: Mapping[str, TensorReference], dtype: torch.dtype = torch.float32
    ) -> dict[str, torch.Tensor]:
        """All tensors of `references`; floating ones as `dtype`, others as they are."""
        return {key: self.tensor(reference, dtype) for key, reference in references.items()}

    def tensor(self, reference: TensorReference, dtype: torch.dtype | None = None) -> torch.Tensor:
        """One tensor, contiguous, in memory of its own; a floating one is cast to `dtype` where given."""
        storage = self._storage(reference.storage)
        window = storage.as_strided(reference.shape, reference.stride, reference.offset)
        if dtype is not None and window.is_floating_point():
            return window.to(dtype, copy=True, memory_format=torch.contiguous_format)
        return window.clone(memory_format=torch.contiguous_format)

    def _storage(self, reference: StorageReference) -> torch.Tensor:
        item = torch.empty(0, dtype=reference.dtype).element_size()
        if not reference.numel:
            return torch.empty(0, dtype=reference.dtype)
        data = self._bytes(f"data/{reference.key}", reference.numel * item)
        if len(data) != reference.numel * item:
            raise self._error("is damaged", "a tensor is shorter than the file says", _DAMAGED)
        if reference.dtype is torch.bool:
            return torch.frombuffer(bytearray(data), dtype=torch.uint8) != 0
        return torch.frombuffer(bytearray(data), dtype=reference.dtype)

    def _bytes(self, name: str, largest: int) -> bytes:
        entry = self._entries.get(f"{self._prefix}{name}")
        if entry is None:
            raise self._error("is damaged", f"its part {name!a} is missing", _DAMAGED)
        if entry.file_size > largest:
            raise self._error("is refused", f"its part {name!a} is larger than it says")
        self._budget -= entry.file_size
        if self._budget < 0:
            raise self._error("is refused", "it names the same numbers again and again")
        try:
            return self._archive.read(entry)
        except _ARCHIVE_ERRORS as error:
            raise self._error("is damaged", str(error), _DAMAGED) from error

    def _error(self, what: str, why: str, remedy: str = "") -> WeightsError:
        return WeightsError(f"{self.path.name} {what}", why, remedy)

    def _find_prefix(self) -> str:
        """The folder inside the archive that holds the index: torch names it after the file."""
        found = [name for name in self._entries if name == "data.pkl" or name.endswith("/data.pkl")]
        if len(found) != 1:
            why = "the archive holds no index" if not found else "the archive holds several indices"
            raise self._error("is no weight file", why, "Choose a .pth or .ckpt file of weights.")
        return found[0].removesuffix("data.pkl")

    def _check_byte_order(self) -> None:
        if f"{self._prefix}byteorder" in self._entries and self._bytes("byteorder", 16) != b"little":
            raise self._error("is refused", "its numbers are stored big end first")


def _open(path: Path) -> tuple[_MarkedFile, str | None]:
    """The file, readable as an archive, and the version mark in front of it."""
    if not path.is_file():
        why = "it is a folder" if path.is_dir() else "there is no such file"
        raise InputError(f"cannot read weights from {path}", why, "Give the path of a weight file.")
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InputError(f"cannot read weights from {path}", str(error)) from error
    head = stream.read(2)
    stream.seek(0)
    mark = head.decode("latin-1")
    if head != b"PK" and mark not in VERSION_MARKS:
        stream.close()
        raise _foreign(path, head)
    return _MarkedFile(stream), None if head == b"PK" else mark


def _archive(stream: _MarkedFile, path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(cast(BinaryIO, stream))
    except _ARCHIVE_ERRORS as error:
        why = f"its archive is incomplete ({error})"
        raise WeightsError(f"{path.name} is damaged", why, _DAMAGED) from error


def _foreign(path: Path, head: bytes) -> WeightsError:
    if not head:
        return WeightsError(f"{path.name} is empty", "it has no bytes", _DAMAGED)
    if head[:1] == b"\x80":
        why = "it was written in the form of PyTorch before 1.6, or is a bare pickle"
        remedy = "Save it again with a newer PyTorch where it comes from."
        return WeightsError(f"{path.name} is refused", why, remedy)
    remedy = "Choose a .pth, .ckpt or .safetensors file."
    return WeightsError(f"{path.name} is no weight file", "it starts like no form of weights", remedy)


def _entries(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The archive's parts by name: plain, unencrypted, each once, and together no larger than the file."""
    infos = archive.infolist()
    if len(infos) > MOST_ENTRIES:
        raise WeightsError(f"{path.name} is refused", "its archive has too many parts")
    named = {info.filename: info for info in infos}
    if len(named) != len(infos):
        raise WeightsError(f"{path.name} is refused", "its archive names a part twice")
    if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 0x1 for info in infos):
        raise WeightsError(f"{path.name} is refused", "its archive is packed or locked, as weights never are")
    if any(info.file_size != info.compress_size for info in infos):
        raise WeightsError(f"{path.name} is refused", "its archive lies about the size of a part")
    if sum(info.file_size for info in infos) > path.stat().st_size:
        raise WeightsError(f"{path.name} is refused", "its parts together are larger than the file")
    return named
