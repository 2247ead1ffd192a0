"""The processes that train together: who this one is, and how sums are shared.

Knows: torch.distributed as started by `torchrun`. Does not know: losses, data. With one process every call
is free and no process group exists, because launchers for a single device are a known source of failures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed

Item = TypeVar("Item")


@dataclass(frozen=True)
class Ranks:
    """This process's number among `world` processes; number 0 writes files and events."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> tuple[list[Item], float]:
        """This process's part of a joined batch, and its part of the weight.

        A process for which nothing is left takes the first item with weight 0, because all have to take
        part in every exchange.
        """
        mine = list(items[self.rank :: self.world])
        return (mine, len(mine) / len(items)) if mine else (list(items[:1]), 0.0)

    def sum(self, value: torch.Tensor) -> torch.Tensor:
        """The sum of a detached tensor over all processes."""
        total = value.detach().clone()
        if self.world > 1:
            distributed.all_reduce(total)
        return total

    def sum_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Add up gradients over all processes; a parameter without one anywhere keeps none."""
        if self.world == 1:
            return
        device = parameters[0].device
        present = torch.tensor([float(p.grad is not None) for p in parameters], device=device)
        distributed.all_reduce(present)
        used = [p for p, count in zip(parameters, present.tolist(), strict=True) if count]
        for p in used:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
        flat = torch.cat([p.grad.reshape(-1) for p in used if p.grad is not None])
        distributed.all_reduce(flat)
        start = 0
        for p in used:
            assert p.grad is not None
            p.grad.copy_(flat[start : start + p.numel()].view_as(p))
            start += p.numel()

    def agree(self, *values: float) -> list[float]:
        """What the first process says, heard by all."""
        if self.world == 1:
            return list(values)
        device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
        told = torch.tensor(values, dtype=torch.float64, device=device)
        distributed.broadcast(told, src=0)
        return [float(value) for value in told]

    def barrier(self) -> None:
        """Wait for the others."""
        if self.world > 1:
            distributed.barrier()


@contextmanager
def joined_ranks(device: torch.device) -> Iterator[Ranks]:
    """The ranks of this run: those of `torchrun` where it started us, else one process alone."""
    if not distributed.is_available() or not distributed.is_torchelastic_launched():
        yield Ranks()
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()
