"""Small pieces that several networks share: masks, normalisation over channels, seeded dropout and noise.

Knows tensors `[B, C, T]`. Draws from the generator it is given, never from the global one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.errors import InputError


def length_mask(lengths: Tensor, frames: int) -> Tensor:
    """`[B]` lengths to a float32 mask `[B, 1, frames]`: one before the end of an item, zero after."""
    positions = torch.arange(frames, device=lengths.device)
    return (positions < lengths[:, None]).unsqueeze(1).float()


def normal_like(x: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard normal noise of the shape of `x`, drawn from `generator` on its own device.

    Raises `InputError` without a generator: noise from nowhere cannot be repeated.
    """
    if generator is None:
        raise InputError("no random generator was given", "this call draws noise", "pass a torch.Generator")
    noise = torch.randn(x.shape, generator=generator, device=generator.device, dtype=torch.float32)
    return noise.to(device=x.device, dtype=x.dtype)


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of `[B, C, T]`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each frame by itself."""
        rows = functional.layer_norm(x.transpose(1, 2), self.gamma.shape, self.gamma, self.beta, 1e-5)
        return rows.transpose(1, 2)


def dropout(x: Tensor, rate: float, training: bool, generator: torch.Generator | None) -> Tensor:
    """Set a share `rate` of `x` to zero and scale the rest, in training only; drawn from `generator`.

    Raises `InputError` where a mask is needed and no generator was given.
    """
    if not training or rate == 0.0:
        return x
    if generator is None:
        raise InputError("no random generator was given", "dropout draws a mask", "pass a torch.Generator")
    keep = torch.empty(x.shape, device=generator.device).bernoulli_(1.0 - rate, generator=generator)
    return x * keep.to(device=x.device, dtype=x.dtype).div_(1.0 - rate)
