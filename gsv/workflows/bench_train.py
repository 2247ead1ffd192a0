"""What a training step costs: the whole step of the trainer, with discriminators and optimisers, on noise.

Knows the task and its recipes. The sides are two families with the same clips, so only their times compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gsv.families import FamilyConfig, family, miniature
from gsv.models.discriminator import new_discriminator
from gsv.models.sovits.synthesizer import new_synthesizer
from gsv.training.clips import Content
from gsv.training.recipes import Recipe, published_recipe, tiny_recipe
from gsv.training.sampler import Batch, Draw
from gsv.training.sovits import Networks, SovitsTask
from gsv.training.task import Moment
from gsv.training.updates import Updates
from gsv.workflows.bench_measure import BenchSettings, Case

_CLIPS, _SECONDS = 2, 3.0
_PHONES = 36


def train_cases(settings: BenchSettings) -> Iterator[Case]:
    """A step of v2 with the published recipe, and one of tiny with its own."""
    seconds = 1.0 if settings.small else _SECONDS
    old = _step("v2", published_recipe(), seconds, settings.small)
    new = _step("tiny", tiny_recipe(), seconds, settings.small)
    yield Case(
        f"training step, tiny, {_CLIPS} x {seconds:g} s", "a step of v2", old, new, _CLIPS * seconds,
        alike=False,
    )  # fmt: skip


def _step(name: str, recipe: Recipe, seconds: float, small: bool) -> Callable[[], Sequence[Tensor]]:
    """One step after the other of a new network of a family; each call gives the loss `[1]`."""
    config = miniature(name) if small else family(name)
    device = torch.device("cpu")
    networks = Networks(new_synthesizer(config, 0), new_discriminator(config.discriminator, 1))
    task = SovitsTask(networks, _NoiseClips(config, seconds), recipe, device, _kept)
    data = task.load(Batch(0, 0, tuple(Draw(index, index) for index in range(_CLIPS))))
    updates, generator = Updates(device), torch.Generator().manual_seed(0)
    # Beyond the steps at which the parts of the recipe begin, and one in which the discriminators learn too.
    every = recipe.losses.discriminator_every
    moment = Moment((max(task.phases) // every + 1) * every, 0, 0, 1)

    def step() -> list[Tensor]:
        return [torch.tensor([float(task.step(data, moment, updates, generator)["loss"])])]

    return step


def _kept(path: Path, state: Mapping[str, Tensor], judges: Mapping[str, Tensor], steps: int) -> None:
    """Nothing is exported."""


class _NoiseClips:
    """Clips of noise; fills `gsv.training.clips.Clips`."""

    def __init__(self, config: FamilyConfig, seconds: float) -> None:
        self._config = config
        frames = round(seconds * config.content_rate) // 2 * 2
        self.names = [f"noise{index}" for index in range(_CLIPS)]
        self.speakers, self.languages = ["nobody"] * _CLIPS, ["en"] * _CLIPS
        self.frames: Sequence[int] = [frames] * _CLIPS

    def wave(self, index: int) -> np.ndarray:
        """Samples `[T]`."""
        count = self.frames[index] * self._config.hop_length
        return (0.1 * np.random.default_rng(index).standard_normal(count)).astype(np.float32)

    def content(self, index: int) -> Content:
        """Features of noise."""
        shape = (self._config.content_dimension, self.frames[index])
        return Content(features=np.random.default_rng(index).standard_normal(shape).astype(np.float32))

    def phones(self, index: int, start: int, frames: int) -> list[int]:
        """Some phones."""
        return [10 + number % 80 for number in range(_PHONES)]

    read_phones = phones

    def places(self, index: int, read: bool) -> None:
        return None

    def speaker_vector(self, index: int) -> np.ndarray | None:
        """Noise, as long as the family's; None where it takes none."""
        wanted = self._config.speaker_input
        if wanted is None:
            return None
        return np.random.default_rng(index).standard_normal(wanted.dimension).astype(np.float32)

    def bandwidth(self, index: int) -> float:
        """Everything is there."""
        return self._config.sample_rate / 2

    def identity(self) -> dict[str, str]:
        """Noise is noise."""
        return {"clips": "noise"}
