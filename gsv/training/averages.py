"""An exponential average of a network's weights, which is smoother than the last step and is what is
exported.

Knows: modules and their floating-point state. Does not know: training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Follows a module's parameters; buffers are taken as they are."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        """`decay`: share of the old average a step; early steps use less, so that the start is forgotten."""
        self.decay = decay
        self.updates = 0
        self.values = {name: p.detach().clone() for name, p in module.named_parameters()}

    @torch.no_grad()
    def follow(self, module: nn.Module) -> None:
        """Move towards the module's present parameters."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        names = [name for name, _ in module.named_parameters()]
        averages = [self.values[name] for name in names]
        torch._foreach_lerp_(averages, [p.detach() for p in module.parameters()], 1 - decay)

    @contextmanager
    def applied(self, module: nn.Module) -> Iterator[None]:
        """The module with the average in place of its parameters, for the length of the block."""
        own = {name: p.detach().clone() for name, p in module.named_parameters()}
        _put(module, self.values)
        try:
            yield
        finally:
            _put(module, own)

    def state(self) -> dict[str, object]:
        """What a resumed run needs."""
        return {"updates": self.updates, "values": dict(self.values)}

    def load_state(self, state: Mapping[str, object]) -> None:
        """The inverse of `state`."""
        updates, values = state["updates"], state["values"]
        assert isinstance(updates, int) and isinstance(values, dict)
        self.updates = updates
        for name, value in values.items():
            self.values[name].copy_(value)


@torch.no_grad()
def _put(module: nn.Module, values: Mapping[str, Tensor]) -> None:
    for name, p in module.named_parameters():
        p.copy_(values[name])
