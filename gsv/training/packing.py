"""Nested training state to tensors plus JSON, and back, exactly.

Knows: how dictionaries, lists, scalars, bytes-free state and tensors of optimisers, networks and generators
become two things that files can hold without pickle. Does not know: files, networks, training.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from gsv.errors import DataError

_TENSOR = "$tensor"
_PAIRS = "$pairs"
_TUPLE = "$tuple"


def pack(state: object) -> tuple[Any, dict[str, torch.Tensor]]:
    """Split nested state into a JSON tree and named tensors.

    Tensors keep dtype and shape; they are copied to the CPU. Dictionaries may have string or integer keys.

    Raises:
        DataError: a value is neither a container, a scalar nor a tensor.
    """
    tensors: dict[str, torch.Tensor] = {}
    return _pack(state, "", tensors), tensors


def _pack(value: object, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        name = path or "value"
        # A fresh copy: two entries may share memory, which a tensor file does not allow.
        tensors[name] = value.detach().to("cpu", copy=True).contiguous()
        return {_TENSOR: name}
    if isinstance(value, Mapping):
        plain = all(isinstance(key, str) and not key.startswith("$") for key in value)
        items = [[key, _pack(item, _join(path, key), tensors)] for key, item in value.items()]
        return dict(items) if plain else {_PAIRS: items}
    if isinstance(value, tuple):
        return {_TUPLE: [_pack(item, _join(path, index), tensors) for index, item in enumerate(value)]}
    if isinstance(value, list):
        return [_pack(item, _join(path, index), tensors) for index, item in enumerate(value)]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise DataError(
        f"training state at '{path}' cannot be saved",
        f"it is a {type(value).__name__}",
        "this is a fault of the program: please report it",
    )


def _join(path: str, key: object) -> str:
    return f"{path}/{key}" if path else str(key)


def size_of(state: object) -> int:
    """Bytes of all tensors of nested state, without copying any."""
    if isinstance(state, torch.Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, Mapping):
        return sum(size_of(item) for item in state.values())
    if isinstance(state, (tuple, list)):
        return sum(size_of(item) for item in state)
    return 0


def unpack(tree: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """Put a tree and its tensors together again; the inverse of `pack`."""
    if isinstance(tree, dict):
        if _TENSOR in tree:
            return tensors[tree[_TENSOR]]
        if _PAIRS in tree:
            return {key: unpack(item, tensors) for key, item in tree[_PAIRS]}
        if _TUPLE in tree:
            return tuple(unpack(item, tensors) for item in tree[_TUPLE])
        return {key: unpack(item, tensors) for key, item in tree.items()}
    if isinstance(tree, list):
        return [unpack(item, tensors) for item in tree]
    return tree
