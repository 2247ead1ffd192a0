"""The flow: an invertible map between the latent of a recording and the space of the prior.

Knows `[B, latent, T]`, a mask and a speaker vector. Every coupling shifts only, so the volume is kept.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gsv.families import FamilyConfig
from gsv.models.sovits.wavenet import GatedStack


class Coupling(nn.Module):
    """Shifts the second half of the channels by a function of the first."""

    def __init__(self, channels: int, hidden: int, kernel: int, layers: int, condition: int) -> None:
        super().__init__()
        self.pre = nn.Conv1d(channels // 2, hidden, 1)
        self.enc = GatedStack(hidden, kernel, layers, condition)
        self.post = nn.Conv1d(hidden, channels // 2, 1)
        for start in self.post.parameters():  # a new coupling starts as the identity
            nn.init.zeros_(start)

    def shift(self, kept: Tensor, mask: Tensor, speaker: Tensor) -> Tensor:
        """What is added to the second half, given the first: `[B, C / 2, T]`."""
        shift: Tensor = self.post(self.enc(self.pre(kept) * mask, mask, speaker))
        return shift * mask


class Flip(nn.Module):
    """Turns the order of the channels round, so that the next coupling shifts the other half."""

    def forward(self, x: Tensor) -> Tensor:
        """`[B, C, T]` to the same with channels reversed."""
        return x.flip(1)


class CouplingFlow(nn.Module):
    """Couplings, each followed by a flip."""

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        sizes = config.flow
        self.flows = nn.ModuleList()
        for _ in range(sizes.couplings):
            self.flows.append(
                Coupling(
                    config.latent, config.prior.hidden, sizes.kernel, sizes.layers, config.speaker_dimension
                )
            )
            self.flows.append(Flip())

    def forward(self, x: Tensor, mask: Tensor, speaker: Tensor, reverse: bool = False) -> Tensor:
        """Latent `[B, latent, T]` to the prior's space, or back with `reverse`."""
        for part in reversed(self.flows) if reverse else self.flows:
            if isinstance(part, Coupling):
                kept, moved = x.chunk(2, dim=1)
                change = part.shift(kept, mask, speaker)
                moved = (moved - change) * mask if reverse else moved * mask + change
                x = torch.cat((kept, moved), dim=1)
            else:
                x = part(x)
        return x
