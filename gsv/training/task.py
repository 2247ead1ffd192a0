"""What the trainer core asks of a task, and what it tells it: the protocol that SoVITS and GPT fill.

Knows no network. The core (`gsv.training.loop`) owns order, time, saving and failure; a task owns data,
losses and optimisers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from pydantic import BaseModel, ConfigDict, Field

from gsv.training.sampler import Batch, Draw
from gsv.training.updates import Updates


class LoopSettings(BaseModel):
    """How long, in which pieces and how safely to train."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(default=8, ge=1, description="passes over the data in all")
    steps: int = Field(default=0, ge=0, description="steps in all; 0: as many as the epochs have")
    batch_frames: int = Field(
        default=1600, ge=1, description="padded frames (1/50 s) a batch, over all processes"
    )
    save_every: int = Field(
        default=1, ge=0, description="epochs from one checkpoint to the next; 0: only by time"
    )
    save_minutes: float = Field(
        default=15.0, ge=0.0, description="minutes between checkpoints; 0: only by epochs"
    )
    preview_every: int = Field(
        default=1, ge=0, description="saved epochs from one preview to the next; 0: none"
    )
    keep: int = Field(default=3, ge=1, description="checkpoints that are kept")
    workers: int = Field(default=2, ge=0, description="threads that prepare batches")
    log_every: int = Field(default=1, ge=1, description="steps from one line of metrics to the next")
    precision: str = Field(default="auto", description="auto, float32, bfloat16 or float16")
    seed: int = Field(default=1234, ge=0, description="of every random choice")
    fresh: bool = Field(default=False, description="forget earlier checkpoints of this run")
    estimate_only: bool = Field(default=False, description="measure and say what a run would take, then end")


@dataclass(frozen=True)
class Places:
    """Where a run keeps its things; `name` is the file stem (`sovits`, `gpt`)."""

    name: str
    checkpoints: Path
    metrics: Path
    previews: Path
    weights: Path

    @staticmethod
    def under(folder: Path, name: str, checkpoints: Path | None = None) -> Places:
        """The places inside an experiment's folder; `checkpoints` may lie elsewhere."""
        root = checkpoints if checkpoints is not None else folder / "checkpoints"
        return Places(name, root / name, folder / "metrics", folder / "previews" / name, folder / "weights")


@dataclass(frozen=True)
class Moment:
    """Where a run stands: steps done in all, the epoch under way (from 0), batches done in it, its length."""

    step: int
    epoch: int
    batch: int
    batches: int


class Task(Protocol):
    """One thing to train. Methods are called in the main thread unless they say otherwise."""

    @property
    def lengths(self) -> Sequence[int]:
        """Frames of each item, for batching."""

    @property
    def drawn_length(self) -> Callable[[Draw], int] | None:
        """Frames that a draw really takes, where that depends on chance; None: those of its item."""

    @property
    def repeats(self) -> int:
        """How often an epoch takes each item."""

    @property
    def phases(self) -> Sequence[int]:
        """Steps from which on a step takes longer or shorter than before, in order, 0 first."""

    def load(self, batch: Batch) -> Any:
        """Read and collate one batch (this process's part of it). Called in loader threads."""

    def step(
        self, data: Any, moment: Moment, updates: Updates, generator: torch.Generator
    ) -> Mapping[str, float | torch.Tensor]:
        """Forward, backward and update; returns the numbers to record, equal on all processes.

        Randomness comes from `data` and from `generator`, which is seeded anew for every step, as torch's own
        generators are. With `updates.dry` nothing that outlasts the step may change.
        """

    def state(self) -> dict[str, object]:
        """Networks, optimisers and all else that a resumed run needs, as parts for `Generations.save`."""

    def load_state(self, parts: Mapping[str, Any]) -> None:
        """The inverse of `state`."""

    def identity(self) -> dict[str, Any]:
        """JSON-ready facts that must be equal for a checkpoint to fit: configuration, data version."""

    def export(self, place: Path) -> None:
        """Write weights to use, as a bundle."""

    def preview(self, folder: Path, moment: Moment) -> dict[str, float]:
        """Write what a person can listen to, and return its measures. May do nothing."""

    def failures(self) -> dict[str, str]:
        """Items that could not be loaded so far, with the reason."""
