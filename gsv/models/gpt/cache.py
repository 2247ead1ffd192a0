"""Keys and values of everything said so far, in memory that is taken ahead of need.

Knows rows, layers and places. Does not know what a row means. One more position is one write in place;
when the room is used up it is doubled, so the cost of growing vanishes in the cost of attending.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class KeyValueCache:
    """The store of a batch whose rows all end at the same place; fills `layers.KeyValueStore`."""

    def __init__(
        self,
        shape: tuple[int, int, int, int],
        capacity: int,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """`shape`: layers, rows, heads, numbers a head. `capacity`: positions to make room for."""
        layers, rows, heads, size = shape
        # Each layer's part is a tensor of its own, so that growing needs twice one layer's memory, not all.
        self._keys = [_empty((rows, heads, capacity, size), device, dtype) for _ in range(layers)]
        self._values = [_empty((rows, heads, capacity, size), device, dtype) for _ in range(layers)]
        self.length = 0

    @property
    def capacity(self) -> int:
        """Positions that there is room for."""
        return self._keys[0].shape[2]

    @property
    def rows(self) -> int:
        """Rows that are kept."""
        return self._keys[0].shape[0]

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write `[B, H, L, D]` behind a layer's earlier positions; returns views of all of them.

        `advance` has to follow once all layers were written.
        """
        end = self.length + keys.shape[2]
        self._reserve(layer, end)
        self._keys[layer][:, :, self.length : end] = keys
        self._values[layer][:, :, self.length : end] = values
        return self._keys[layer][:, :, :end], self._values[layer][:, :, :end]

    def advance(self, positions: int) -> None:
        """Count positions that every layer has been given."""
        self.length += positions

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the rows, in this order."""
        places = torch.tensor(list(rows), device=self._keys[0].device)
        for tensors in (self._keys, self._values):
            for layer, whole in enumerate(tensors):
                whole[: len(places), :, : self.length] = whole[places, :, : self.length]
                tensors[layer] = whole[: len(places)]

    def _reserve(self, layer: int, end: int) -> None:
        for tensors in (self._keys, self._values):
            old = tensors[layer]
            if old.shape[2] < end:
                larger = max(end, 2 * old.shape[2])
                new = _empty((old.shape[0], old.shape[1], larger, old.shape[3]), old.device, old.dtype)
                new[:, :, : self.length] = old[:, :, : self.length]
                tensors[layer] = new


def _empty(shape: tuple[int, ...], device: torch.device | str, dtype: torch.dtype) -> Tensor:
    return torch.empty(shape, device=device, dtype=dtype)
