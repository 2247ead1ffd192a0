"""A toy task for the trainer core: a small network with dropout learns noise that each item draws from its own
seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gsv.events import Events
from gsv.training.loop import RunResult, Trainer
from gsv.training.ranks import Ranks
from gsv.training.sampler import Batch
from gsv.training.task import LoopSettings, Moment, Places
from gsv.training.updates import Updates

WIDTH = 6


class ToyTask:
    """Learns to map noise to noise, with dropout."""

    repeats = 1
    drawn_length = None
    phases = (0,)

    def __init__(self, items: int = 12, fail: dict[str, Any] | None = None) -> None:
        self.lengths = [20 + 7 * (i % 5) for i in range(items)]
        self.fail = dict(fail or {})
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.network = torch.nn.Sequential(
                torch.nn.Linear(WIDTH, 16), torch.nn.Dropout(0.3), torch.nn.ReLU(), torch.nn.Linear(16, 1)
            )
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=1e-2)
        self.seen: list[tuple[int, ...]] = []
        self.exported: list[Path] = []

    def load(self, batch: Batch) -> torch.Tensor:
        rows = [np.random.default_rng(d.seed).standard_normal(WIDTH, dtype=np.float32) for d in batch.draws]
        return torch.from_numpy(np.stack(rows))

    def step(
        self, data: torch.Tensor, moment: Moment, updates: Updates, generator: torch.Generator
    ) -> dict[str, float | torch.Tensor]:
        if len(data) > self.fail.get("memory_above", 10**9):
            raise torch.OutOfMemoryError("out of memory (test)")
        if not updates.dry:
            self.seen.append(tuple(range(len(data))))
        target = torch.rand((len(data), 1), generator=generator)
        loss = (self.network(data) - target).square().mean()
        if moment.step in self.fail.get("nan_at", ()) or self.fail.get("nan_from", 10**9) <= moment.step:
            loss = loss * torch.nan
        norm = updates.apply("network", loss, self.optimizer)
        return {"loss": loss.detach(), "norm": norm}

    def state(self) -> dict[str, object]:
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state(self, parts: Mapping[str, Any]) -> None:
        self.network.load_state_dict(parts["network"])
        self.optimizer.load_state_dict(parts["optimizer"])

    def identity(self) -> dict[str, Any]:
        return {"task": "toy", "width": WIDTH}

    def export(self, place: Path) -> None:
        from safetensors.torch import save_file

        from gsv.files import writing

        with writing(place) as temporary:
            save_file(self.network.state_dict(), temporary)
        self.exported.append(place)

    def preview(self, folder: Path, moment: Moment) -> dict[str, float]:
        torch.rand(3)  # a preview that draws must not change the training
        return {"measure": float(moment.step)}

    def failures(self) -> dict[str, str]:
        return {}


def run_toy(
    folder: Path, task: ToyTask | None = None, events: Events | None = None, **settings: Any
) -> tuple[ToyTask, RunResult]:
    """Train a toy in `folder`; `settings` change the loop's."""
    chosen = {"epochs": 3, "batch_frames": 120, "save_minutes": 0.0, "workers": 2, **settings}
    task = task if task is not None else ToyTask()
    trainer = Trainer(
        task,
        LoopSettings(**chosen),
        Places.under(folder, "toy"),
        torch.device("cpu"),
        events if events is not None else Events(),
        Ranks(),
    )
    return task, trainer.run()
