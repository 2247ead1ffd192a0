"""The optimiser that the published semantic decoders are trained with.

Each tensor moves by a share of its own size, and its size is learnt apart from its direction. Knows gradients
and its own state, which is tensors and numbers alone. Does not know schedules. Facts: the published trace.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

SIZE_PERIOD = 4
"""Steps from one change of a tensor's size to the next."""
NORM_PERIOD = 1000
"""Steps from one choice of the clipping threshold to the next."""
SMALLEST_SIZE, LARGEST_SIZE, LARGEST_SCALAR = 1e-5, 3.0, 10.0
SLOWER = 0.1
"""Share of the learning rate for sizes and for single numbers."""


class ScaledAdam(torch.optim.Optimizer):
    """Adam whose steps are scaled by the root mean square of each tensor.

    As in the published program, clipping touches only what the sizes learn from, not the main step.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 0.01,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
        clipping_scale: float = 2.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "clipping_scale": clipping_scale})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update; a missing gradient counts as zero."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._step_group(group)
        return loss

    def _step_group(self, group: dict[str, Any]) -> None:
        parameters = [p for p in group["params"] if p.requires_grad and p.numel()]
        if not parameters:
            return
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        states = [self._state(p) for p in parameters]
        factor = self._clip_factor(group, parameters, gradients, states)
        pairs = list(zip(parameters, gradients, states, strict=True))
        many = [pair for pair in pairs if pair[0].numel() > 1]
        if many:
            self._learn_sizes(group, many, factor)
            self._step_tensors(group, many)
        for parameter, gradient, state in pairs:
            if parameter.numel() == 1:
                _step_scalar(group, parameter, gradient, state)
            state["step"] += 1

    def _state(self, parameter: Tensor) -> dict[str, Any]:
        state: dict[str, Any] = self.state[parameter]
        if not state:
            state["step"] = 0
            state["delta"] = torch.zeros_like(parameter)
            state["square"] = torch.zeros_like(parameter)
            if parameter.numel() > 1:
                state["size"] = parameter.square().mean().sqrt()
                state["size_square"] = torch.zeros((), device=parameter.device)
                state["size_gradients"] = torch.zeros(SIZE_PERIOD, device=parameter.device)
        return state

    def _clip_factor(
        self,
        group: dict[str, Any],
        parameters: list[Tensor],
        gradients: list[Tensor],
        states: list[dict[str, Any]],
    ) -> Tensor | float:
        """How much of the gradients the sizes may see, from the norms of the last thousand steps."""
        first, step = states[0], states[0]["step"]
        if step == 0:
            first["norms"] = torch.zeros(NORM_PERIOD, device=parameters[0].device)
            return 1.0
        norms = torch.stack(torch._foreach_norm(gradients))
        sizes = torch.stack([state.get("size", torch.ones_like(norms[0])) for state in states])
        total = (norms * sizes).square().sum().sqrt()
        first["norms"][step % NORM_PERIOD] = total
        if step % NORM_PERIOD == 0:
            middle = first["norms"].sort().values[NORM_PERIOD // 2]
            first["threshold"] = group["clipping_scale"] * middle
        if step < NORM_PERIOD:
            return 1.0
        factor: Tensor = (first["threshold"] / (total + 1e-20)).clamp(max=1.0)
        return factor

    def _learn_sizes(
        self, group: dict[str, Any], many: list[tuple[Tensor, Tensor, dict[str, Any]]], factor: Tensor | float
    ) -> None:
        """Collect how the loss depends on each size, and every fourth step prepare a change of it."""
        decay, square_decay = group["betas"]
        torch._foreach_mul_([state["delta"] for _, _, state in many], decay)
        step = many[0][2]["step"]
        place = step % SIZE_PERIOD
        for parameter, gradient, state in many:
            state["size_gradients"][place] = (parameter * gradient).sum() * factor
        if place != SIZE_PERIOD - 1:
            return
        rate, turn = SLOWER * group["lr"], (step + 1) // SIZE_PERIOD
        kept = square_decay**SIZE_PERIOD
        correction = (1 - kept**turn) ** 0.5
        for parameter, _, state in many:
            state["size"].copy_(parameter.square().mean().sqrt())
            seen = state["size_gradients"]
            state["size_square"].mul_(kept).add_(seen.square().mean(), alpha=1 - kept)
            change = -rate * correction * seen.sum() / (state["size_square"].sqrt() + group["eps"])
            change = torch.where(state["size"] < SMALLEST_SIZE, torch.zeros_like(change), change)
            change = torch.where(
                state["size"] > LARGEST_SIZE, torch.full_like(change, -rate * SIZE_PERIOD), change
            )
            state["delta"].add_(parameter * change, alpha=1 - decay)

    def _step_tensors(self, group: dict[str, Any], many: list[tuple[Tensor, Tensor, dict[str, Any]]]) -> None:
        decay, square_decay = group["betas"]
        parameters = [parameter for parameter, _, _ in many]
        gradients = [gradient for _, gradient, _ in many]
        squares = [state["square"] for _, _, state in many]
        torch._foreach_mul_(squares, square_decay)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - square_decay)
        correction = 1 - square_decay ** (many[0][2]["step"] + 1)
        # Once the start is forgotten the correction is left out, as published.
        roots = torch._foreach_div(squares, correction) if correction < 0.99 else squares
        roots = torch._foreach_sqrt(roots)
        torch._foreach_add_(roots, group["eps"])
        moves = torch._foreach_div(gradients, roots)
        for move, (_, _, state) in zip(moves, many, strict=True):
            move.mul_(state["size"].clamp(min=SMALLEST_SIZE))
        deltas = [state["delta"] for _, _, state in many]
        torch._foreach_add_(deltas, moves, alpha=-group["lr"] * (1 - decay))
        torch._foreach_add_(parameters, deltas)


def _step_scalar(group: dict[str, Any], parameter: Tensor, gradient: Tensor, state: dict[str, Any]) -> None:
    """A single number has no size to learn: plain Adam, slower, within bounds."""
    decay, square_decay = group["betas"]
    state["square"].mul_(square_decay).addcmul_(gradient, gradient, value=1 - square_decay)
    root = (state["square"] / (1 - square_decay ** (state["step"] + 1))).sqrt() + group["eps"]
    state["delta"].mul_(decay).add_(gradient / root, alpha=-group["lr"] * SLOWER * (1 - decay))
    parameter.clamp_(-LARGEST_SCALAR, LARGEST_SCALAR).add_(state["delta"])
