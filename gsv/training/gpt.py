"""The semantic decoder as a task for the trainer core: network, optimiser, losses of one batch.

Knows: the decoder, recipe and clips. Does not know: order, saving, time (the core), or how previews are made.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from gsv.errors import DataError, GsvError
from gsv.models.gpt.decoder import GptPass, SemanticDecoder
from gsv.training.averages import WeightAverage
from gsv.training.gpt_batch import GptData, GptItemMaker, collate
from gsv.training.gpt_clips import GptClips
from gsv.training.gpt_losses import (
    alignment_terms,
    preference_loss,
    sequence_scores,
    targets_of,
    token_losses,
    top_hits,
)
from gsv.training.gpt_recipes import GptRecipe
from gsv.training.ranks import Ranks
from gsv.training.sampler import Batch
from gsv.training.scaled_adam import ScaledAdam
from gsv.training.task import Moment
from gsv.training.updates import Updates


class GptPreviewer(Protocol):
    """Measures and shows a network in evaluation mode; filled by `gsv.workflows`."""

    def __call__(self, network: SemanticDecoder, folder: Path, step: int) -> dict[str, float]:
        """Write previews into `folder`; returns measures by name."""


class GptExporter(Protocol):
    """Writes a network's state as a bundle; the caller knows licence and provenance."""

    def __call__(self, path: Path, state: Mapping[str, Tensor], steps: int) -> None:
        """Write `state` to `path`."""


class GptTask:
    """Trains a semantic decoder; fills `gsv.training.task.Task`."""

    def __init__(
        self,
        network: SemanticDecoder,
        clips: GptClips,
        recipe: GptRecipe,
        device: torch.device,
        export: GptExporter,
        previewer: GptPreviewer | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        self.config, self.clips, self.recipe, self.device = network.config, clips, recipe, device
        self.ranks = ranks if ranks is not None else Ranks()
        self.maker = GptItemMaker(clips, recipe.items, self.config, recipe.preference > 0)
        self.lengths: Sequence[int] = self.maker.lengths()
        self.drawn_length = self.maker.drawn_length
        self.repeats = recipe.items.repeats(len(self.lengths))
        self.phases: Sequence[int] = [0]  # every step costs the same
        self.network = network.to(device).train()
        self.optimizer = optimizer_of(self.network, recipe)
        self.average = WeightAverage(self.network, recipe.average) if recipe.average else None
        self._export, self._previewer = export, previewer
        self._failures: dict[str, str] = {}
        self._failures_lock = threading.Lock()
        self._steps = 0

    # --- data

    def load(self, batch: Batch) -> GptData:
        """Read and collate this process's part of a batch; an item that fails is noted and left out.

        Raises:
            DataError: no item of the batch can be read.
        """
        draws, share = self.ranks.share(batch.draws)
        items, reason = [], ""
        for draw in draws:
            try:
                items.append(self.maker.make(draw))
            except (GsvError, OSError, ValueError, RuntimeError) as error:
                reason = str(error)
                with self._failures_lock:
                    self._failures[self.clips.names[draw.index]] = reason
        if not items:
            names = ", ".join(self.clips.names[draw.index] for draw in draws)
            what = f"no clip of a batch can be read ({names})"
            raise DataError(what, reason, "prepare the experiment again")
        return collate(items, self.config, share)

    def failures(self) -> dict[str, str]:
        """Items that could not be loaded so far, with the reason."""
        with self._failures_lock:
            return dict(self._failures)

    # --- one step

    def step(
        self, data: GptData, moment: Moment, updates: Updates, generator: torch.Generator
    ) -> dict[str, float | Tensor]:
        """One batch: forward, backward, update."""
        data = data.to(self.device)
        rate = self.recipe.rates.rate(moment.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with updates.autocast():
            passed: GptPass = self.network(data.inputs())
        targets, valid = targets_of(data.codes, data.code_lengths, self.config.end)
        valid = valid & (data.share > 0)
        count = self.ranks.sum(valid.sum())
        spoken = (token_losses(passed.logits, targets, self.recipe.smoothing) * valid).sum()
        loss, values = spoken, {"loss": self.ranks.sum(spoken) / count}
        if self.recipe.preference:
            preference = self._preference(data, passed, targets, valid, updates) * data.share
            values["preference"] = self.ranks.sum(preference)
            loss = loss + self.recipe.preference * preference
        if self.recipe.reduction == "mean":
            loss = loss / count
        led, weight = self._alignment(data, passed), self.recipe.alignment_at(moment.step)
        if led is not None and weight:
            values["alignment"] = self.ranks.sum(led)
            loss = loss + weight * led
        hits, codes = top_hits(passed.logits.detach(), targets, valid, self.config.end)
        values["top3"] = self.ranks.sum(hits) / self.ranks.sum(codes).clamp(min=1)
        norm = updates.apply("gpt", loss, self.optimizer, self.recipe.clip_norm)
        if not updates.dry:
            self._steps = moment.step + 1
            if self.average is not None:
                self.average.follow(self.network)
        return {**values, "norm": norm, "rate": rate}

    def _preference(
        self, data: GptData, passed: GptPass, targets: Tensor, valid: Tensor, updates: Updates
    ) -> Tensor:
        """How little the sequences are preferred to the same with a stretch repeated or lost."""
        assert data.worse is not None and data.worse_lengths is not None
        with updates.autocast():
            other: GptPass = self.network(data.worse_inputs())
        worse_targets, worse_valid = targets_of(data.worse, data.worse_lengths, self.config.end)
        chosen = sequence_scores(passed.logits, targets, valid)
        rejected = sequence_scores(other.logits, worse_targets, worse_valid)
        return preference_loss(chosen, rejected, self.recipe.preference_beta)

    def _alignment(self, data: GptData, passed: GptPass) -> Tensor | None:
        """The alignment heads' loss, as this process's part of the joined batch's."""
        if not passed.attention or not any(self.recipe.alignment):
            return None
        total, terms = alignment_terms(passed.attention, data.phone_of_code, data.code_lengths)
        active = float(data.share > 0)
        return total * active / self.ranks.sum(terms * active).clamp(min=1)

    # --- saving

    def state(self) -> dict[str, object]:
        """The network, the optimiser, the average."""
        parts: dict[str, object] = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        if self.average is not None:
            parts["average"] = self.average.state()
        return parts

    def load_state(self, parts: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        self.network.load_state_dict(parts["network"])
        self.optimizer.load_state_dict(parts["optimizer"])
        if self.average is not None:
            self.average.load_state(parts["average"])

    def identity(self) -> dict[str, Any]:
        """The network's configuration, the optimiser, and the version of the codes."""
        known = {"configuration": self.config.model_dump(mode="json"), "optimizer": self.recipe.optimizer}
        return {**known, **self.clips.identity()}

    def export(self, place: Path) -> None:
        """Write the averaged network as a bundle."""
        state = self.network.state_dict()
        if self.average is not None:
            state = {**state, **self.average.values}
        self._export(place, state, self._steps)

    def preview(self, folder: Path, moment: Moment) -> dict[str, float]:
        """Have previews made with the averaged network in evaluation mode."""
        if self._previewer is None:
            return {}
        self.network.eval()
        try:
            if self.average is None:
                return self._previewer(self.network, folder, moment.step)
            with self.average.applied(self.network):
                return self._previewer(self.network, folder, moment.step)
        finally:
            self.network.train()


def optimizer_of(network: SemanticDecoder, recipe: GptRecipe) -> torch.optim.Optimizer:
    """The recipe's optimiser; with AdamW only matrices decay, embeddings do not."""
    rate = recipe.rates.learning_rate
    if recipe.optimizer == "scaled_adam":
        return ScaledAdam(network.parameters(), lr=rate, betas=recipe.betas)
    named = list(network.named_parameters())
    matrices = [p for name, p in named if p.dim() > 1 and "embedding" not in name]
    rest = [p for name, p in named if p.dim() <= 1 or "embedding" in name]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    one_kernel = matrices[0].device.type in ("cpu", "cuda")
    return torch.optim.AdamW(groups, lr=rate, betas=recipe.betas, fused=one_kernel, foreach=not one_kernel)
