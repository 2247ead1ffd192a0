"""From logits to the next code: penalty, nucleus, temperature, the k likeliest, in the published order.

Knows rows of logits, what each row has said, and each row's own settings and generator. Does not know the
network. The order matters: a voice that was tuned with it sounds otherwise with another.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor


class SamplingConfig(BaseModel):
    """How the next code is chosen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    top_k: int = Field(default=15, ge=0, description="how many of the likeliest may be taken; 0: all")
    top_p: float = Field(default=1.0, gt=0, le=1, description="probability within which they must lie")
    temperature: float = Field(default=1.0, ge=0, description="below 1 the likelier are favoured")
    repetition_penalty: float = Field(
        default=1.35, gt=0, description="above 1, codes said before become less likely"
    )

    @property
    def greedy(self) -> bool:
        """Whether chance has no part in it."""
        return self.top_k == 1


def penalised(logits: Tensor, said: Tensor, penalty: Tensor) -> Tensor:
    """Logits `[B, V]` with those of codes `said` `[B, V]` (bool) made worse by `penalty` `[B, 1]`."""
    worse = torch.where(logits < 0, logits * penalty, logits / penalty)
    return torch.where(said, worse, logits)


def probabilities(logits: Tensor, top_k: Tensor, top_p: Tensor, temperature: Tensor) -> Tensor:
    """Probabilities `[B, V]` of penalised logits `[B, V]`; settings are `[B, 1]`, `top_k` 0 means all.

    The nucleus is taken of logits without temperature, and the code that crosses its border is left out
    unless it is the likeliest. Logits of minus infinity are impossible codes.
    """
    if bool((top_p < 1).any()):
        ordered, places = logits.sort(dim=-1, descending=True)
        outside = ordered.softmax(-1).cumsum(-1) > top_p
        outside[:, 0] = False
        outside &= top_p < 1
        logits = logits.masked_fill(torch.zeros_like(outside).scatter(-1, places, outside), -torch.inf)
    logits = logits / temperature.clamp(min=1e-5)
    width = logits.shape[-1]
    wanted = torch.where(top_k == 0, width, top_k.clamp(max=width))
    if bool((wanted < width).any()):
        best = logits.topk(int(wanted.max()), dim=-1).values
        logits = logits.masked_fill(logits < best.gather(-1, wanted - 1), -torch.inf)
    return logits.softmax(-1)


class Sampler:
    """The choices of a batch of rows, each with its own settings, memory and generator."""

    def __init__(
        self,
        settings: Sequence[SamplingConfig],
        generators: Sequence[torch.Generator | None],
        vocabulary: int,
        device: torch.device,
    ) -> None:
        """Raises ValueError for a row that needs chance and has no generator."""
        if any(g is None and not s.greedy for s, g in zip(settings, generators, strict=True)):
            raise ValueError("a request that is not greedy needs a generator")
        self._settings, self._generators = list(settings), list(generators)
        self.said = torch.zeros((len(settings), vocabulary), dtype=torch.bool, device=device)
        self._columns()

    def remember(self, row: int, codes: Tensor) -> None:
        """Count codes `[P]` as said by a row."""
        self.said[row, codes] = True

    def draw(self, logits: Tensor, end: int, may_end: Sequence[bool]) -> tuple[list[int], list[bool]]:
        """Choose a code for each row of `logits` `[B, V]`, and say whether the row has ended.

        A row ends when the end is drawn or is the likeliest of all, as published. Where `may_end` is false
        the end is impossible.
        """
        logits = logits.float()
        if not all(may_end):
            logits = logits.clone()
            logits[:, end].masked_fill_(~torch.tensor(list(may_end), device=logits.device), -torch.inf)
        logits = penalised(logits, self.said, self._penalty)
        chances = probabilities(logits, self._top_k, self._top_p, self._temperature)
        drawn = (chances / self._noise(chances)).argmax(-1)
        self.said.scatter_(-1, drawn.unsqueeze(-1), True)
        ended = (drawn == end) | (logits.argmax(-1) == end)
        return drawn.tolist(), ended.tolist()

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the rows, in this order."""
        self.said = self.said[torch.tensor(list(rows), device=self.said.device)]
        self._settings = [self._settings[row] for row in rows]
        self._generators = [self._generators[row] for row in rows]
        self._columns()

    def _columns(self) -> None:
        def column(name: str) -> Tensor:
            values = [getattr(settings, name) for settings in self._settings]
            return torch.tensor(values, device=self.said.device).unsqueeze(-1)

        self._penalty, self._temperature = column("repetition_penalty"), column("temperature")
        self._top_k, self._top_p = column("top_k"), column("top_p")

    def _noise(self, chances: Tensor) -> Tensor:
        """Exponential noise `[B, V]`, each row's from its own generator, so no row depends on another."""
        rows = []
        for settings, generator in zip(self._settings, self._generators, strict=True):
            if settings.greedy or generator is None:
                rows.append(torch.ones(chances.shape[-1]))
            else:
                row = torch.empty(chances.shape[-1], device=generator.device)
                rows.append(row.exponential_(generator=generator))
        return torch.stack([row.to(chances.device) for row in rows])
