"""Slices of a latent that the decoder is trained with.

Knows tensors and lengths in frames. Does not know networks.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gsv.errors import InputError


def draw_segments(lengths: Tensor, size: int, generator: torch.Generator | None) -> Tensor:
    """A random first frame `[B]` for a slice of `size` frames inside each of `lengths` `[B]`."""
    if int(lengths.min()) < size:
        raise InputError(
            f"a target of {int(lengths.min())} frames is too short", f"a training slice has {size} frames"
        )
    if generator is None:
        raise InputError("no random generator was given", "slices are drawn", "pass a torch.Generator")
    share = torch.rand(len(lengths), generator=generator, device=generator.device).to(lengths.device)
    return (share * (lengths - size + 1)).long()


def cut_segments(x: Tensor, starts: Tensor, size: int) -> Tensor:
    """Slices of `size` steps of `x` `[B, ..., T]`, from `starts` `[B]` on: `[B, ..., size]`."""
    return torch.stack(
        [row[..., start : start + size] for row, start in zip(x, starts.tolist(), strict=True)]
    )
