"""One optimiser update with its guards: reduced precision, shared gradients, clipping, values that are no
numbers.

Knows: losses, optimisers, gradient scaling. Does not know: where a loss comes from.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from gsv.errors import DataError
from gsv.training.ranks import Ranks
from gsv.training.recipes import RatesConfig

PATIENCE = 20
"""Consecutive refused updates after which a run is given up as diverged."""


@dataclass
class Updates:
    """Applies losses to optimisers. `dry` measures a step without changing anything.

    `refused` counts updates in a row whose gradients were not finite; they leave the weights as they were.
    """

    device: torch.device
    precision: torch.dtype = torch.float32
    ranks: Ranks = field(default_factory=Ranks)
    dry: bool = False
    refused: int = 0
    refused_in_all: int = 0
    scalers: dict[str, torch.amp.GradScaler] = field(default_factory=dict)

    @contextmanager
    def autocast(self) -> Iterator[None]:
        """The region in which networks may compute in the reduced type."""
        reduced = self.precision != torch.float32
        with torch.autocast(
            self.device.type, dtype=self.precision if reduced else torch.bfloat16, enabled=reduced
        ):
            yield

    def apply(
        self, name: str, loss: torch.Tensor, optimizer: torch.optim.Optimizer, clip_norm: float = 0.0
    ) -> float:
        """Backward pass and update; returns the gradient norm before clipping (NaN where it was refused).

        `loss` is a scalar that is already weighted so that the sum over processes is the loss of the joined
        batch.

        Raises:
            DataError: `PATIENCE` updates in a row were refused.
        """
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        optimizer.zero_grad(set_to_none=True)
        scaler = self._scaler(name)
        scaler.scale(loss).backward()
        self.ranks.sum_gradients(parameters)
        scaler.unscale_(optimizer)
        norm = _norm(parameters)
        if self.dry:
            optimizer.zero_grad(set_to_none=True)
            self.scalers.pop(name, None)
            return norm
        if not math.isfinite(norm):
            self._refuse(name, optimizer, scaler)
            return math.nan
        if 0.0 < clip_norm < norm:
            factor = clip_norm / norm
            torch._foreach_mul_([p.grad for p in parameters if p.grad is not None], factor)
        scaler.step(optimizer)
        scaler.update()
        self.refused = 0
        return norm

    def _scaler(self, name: str) -> torch.amp.GradScaler:
        if name not in self.scalers:
            enabled = self.precision == torch.float16
            self.scalers[name] = torch.amp.GradScaler(self.device.type, enabled=enabled)
        return self.scalers[name]

    def _refuse(self, name: str, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler) -> None:
        optimizer.zero_grad(set_to_none=True)
        scaler.update(scaler.get_scale() * 0.5 if scaler.is_enabled() else None)
        self.refused += 1
        self.refused_in_all += 1
        if self.refused >= PATIENCE:
            raise DataError(
                "the training has diverged",
                f"the gradients of the {name} were not finite {self.refused} times in a row",
                "start again from the last checkpoint with --precision float32, or with a lower learning rate",
            )

    def state(self) -> dict[str, Any]:
        """What a resumed run has to know."""
        scales = {name: scaler.state_dict() for name, scaler in self.scalers.items() if scaler.is_enabled()}
        return {"scalers": scales, "refused": self.refused, "refused_in_all": self.refused_in_all}

    def load_state(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        self.refused = int(state["refused"])
        self.refused_in_all = int(state["refused_in_all"])
        for name, scale in state["scalers"].items():
            scaler = self._scaler(name)
            if scaler.is_enabled():
                scaler.load_state_dict(scale)


def _norm(parameters: list[torch.nn.Parameter]) -> float:
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return 0.0
    return float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))))


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that a device or the machine had no memory left."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error).lower()
    signs = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")
    return isinstance(error, RuntimeError) and any(sign in text for sign in signs)


def adamw(groups: list[dict[str, Any]], rates: RatesConfig) -> torch.optim.AdamW:
    """AdamW over groups of parameters, in one kernel where the device has one."""
    one_kernel = groups[0]["params"][0].device.type in ("cpu", "cuda")
    return torch.optim.AdamW(
        groups,
        lr=rates.learning_rate,
        betas=rates.betas,
        eps=rates.epsilon,
        weight_decay=rates.weight_decay,
        fused=one_kernel,
        foreach=not one_kernel,
    )
