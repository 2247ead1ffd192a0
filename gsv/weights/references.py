"""Tensors of a weight file that are described but not read yet, with every number of the description checked.

Knows torch's way of describing a tensor as a window on a storage. Does not know the pickle format, nor files.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from gsv.errors import WeightsError

MOST_DIMENSIONS = 8
LARGEST_COUNT = 2**48


def refused(why: str) -> WeightsError:
    """The error for a file that asks for what no weight file needs."""
    remedy = "Use a file from a source that you trust; nothing in this one was run."
    return WeightsError("the weight file is refused", why, remedy)


def plain_line(text: str, limit: int = 200) -> str:
    """Words from a file as one line that a terminal can show: no escape sequences, line ends or lone surrogates."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:limit])


@dataclass(frozen=True)
class StorageKind:
    """A storage class of torch, by the type of its items."""

    dtype: torch.dtype


@dataclass(frozen=True)
class StorageReference:
    """Numbers that lie elsewhere in the file: `numel` items of `dtype` under the name `key`."""

    key: str
    dtype: torch.dtype
    numel: int


@dataclass(frozen=True)
class TensorReference:
    """A tensor as a window on a storage. All numbers are checked to lie inside it; nothing is read yet."""

    storage: StorageReference
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def numel(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count


def storage_reference(identity: object) -> StorageReference:
    """From torch's ("storage", kind, key, place, numel)."""
    if not isinstance(identity, tuple) or len(identity) < 5 or identity[0] != "storage":
        raise refused("its index refers to outside data that is no storage")
    kind, key = identity[1], identity[2]
    if not isinstance(kind, StorageKind) or not isinstance(key, str):
        raise refused("its index describes a storage wrongly")
    return StorageReference(key, kind.dtype, _count(identity[4]))


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST_COUNT:
        return value
    raise refused("it gives an absurd size")


def _counts(value: object) -> tuple[int, ...]:
    if not isinstance(value, tuple) or len(value) > MOST_DIMENSIONS:
        raise refused("it describes a tensor of absurd shape")
    return tuple(_count(size) for size in value)


def tensor_reference(arguments: tuple[object, ...]) -> TensorReference:
    """From torch's (storage, offset, shape, stride, ...), if every item lies inside the storage."""
    if len(arguments) < 4 or not isinstance(arguments[0], StorageReference):
        raise refused("it describes a tensor wrongly")
    storage, offset = arguments[0], _count(arguments[1])
    shape, stride = _counts(arguments[2]), _counts(arguments[3])
    if len(shape) != len(stride):
        raise refused("it describes a tensor of absurd shape")
    reference = TensorReference(storage, offset, shape, stride)
    if reference.numel:
        last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
        if last >= storage.numel or reference.numel > storage.numel:
            raise refused(f"it describes a tensor {list(shape)} that does not lie inside its storage")
    return reference
