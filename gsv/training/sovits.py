"""SoVITS as a task for the trainer core: networks, optimisers, and one adversarial step.

Knows: the synthesizer, discriminators, recipe and clips. Does not know: order, saving, time (the core),
or how previews are made (a `Previewer` from outside).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from gsv.audio.spectrogram import linear, linear_to_mel, mel
from gsv.errors import DataError, GsvError
from gsv.families import FamilyConfig
from gsv.models.discriminator import Verdicts
from gsv.models.sovits.segments import cut_segments
from gsv.models.sovits.synthesizer import Synthesizer
from gsv.models.sovits.training_pass import PriorPass, TrainingBatch, TrainingPass
from gsv.training import losses
from gsv.training.averages import WeightAverage
from gsv.training.clips import Clips
from gsv.training.ranks import Ranks
from gsv.training.recipes import Recipe
from gsv.training.sampler import Batch
from gsv.training.sovits_batch import ItemMaker, SovitsBatch, collate
from gsv.training.spectral import SpectralLoss, limit_band
from gsv.training.task import Moment
from gsv.training.updates import Updates, adamw

TEXT_MODULES = ("enc_p.text_embedding.", "enc_p.encoder_text.", "enc_p.mrte.")


class Previewer(Protocol):
    """Makes files to listen to; filled by `gsv.workflows`."""

    def __call__(self, network: Synthesizer, clips: Clips, folder: Path, step: int) -> dict[str, float]:
        """Write previews of a network in evaluation mode into `folder`; returns their measures by name."""


class Exporter(Protocol):
    """Writes networks' states as bundles; the caller knows licence and provenance."""

    def __call__(
        self, path: Path, state: Mapping[str, Tensor], judges: Mapping[str, Tensor], steps: int
    ) -> None:
        """Write the generator's `state` to `path`, and perhaps the discriminators' beside it."""


@dataclass
class Networks:
    """What is trained."""

    generator: Synthesizer
    discriminator: nn.Module
    taught: bool = False
    """Whether the discriminator has learnt before."""


class SovitsTask:
    """Trains a synthesizer against its discriminators; fills `gsv.training.task.Task`."""

    def __init__(
        self,
        networks: Networks,
        clips: Clips,
        recipe: Recipe,
        device: torch.device,
        export: Exporter,
        previewer: Previewer | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        self.config: FamilyConfig = networks.generator.config
        self.networks, self.clips, self.recipe, self.device = networks, clips, recipe, device
        self.ranks = ranks if ranks is not None else Ranks()
        self.maker = ItemMaker(clips, recipe.items, self.config)
        self.lengths: Sequence[int] = self.maker.lengths()
        self.drawn_length = None
        self.repeats = recipe.items.repeats(len(self.lengths))
        settings = recipe.losses
        alone = settings.text_first + settings.prior_first
        starts = {0, settings.text_first, alone, settings.discriminator_from, settings.adversarial_from}
        self.phases: Sequence[int] = sorted(starts)
        self.generator = networks.generator.to(device).train()
        self.discriminator = networks.discriminator.to(device).train()
        self.optimizers = {
            "generator": adamw(_generator_groups(self.generator, recipe), recipe.rates),
            "discriminator": adamw(
                [{"params": list(self.discriminator.parameters()), "share": 1.0}], recipe.rates
            ),
        }
        self.average = WeightAverage(self.generator, recipe.average) if recipe.average else None
        self.spectral = SpectralLoss(
            self.config.sample_rate, recipe.losses.resolutions, recipe.losses.above_bandwidth
        )
        self._export, self._previewer = export, previewer
        self._failures: dict[str, str] = {}
        self._failures_lock = threading.Lock()
        self._steps = 0

    # --- data

    def load(self, batch: Batch) -> SovitsBatch:
        """Read and collate this process's part of a batch; an item that fails is noted and left out.

        Raises:
            DataError: no item of the batch can be read.
        """
        draws, share = self.ranks.share(batch.draws)
        items = []
        reason = ""
        for draw in draws:
            try:
                items.append(self.maker.make(draw))
            except (GsvError, OSError, ValueError, RuntimeError) as error:
                reason = str(error)
                with self._failures_lock:
                    self._failures[self.clips.names[draw.index]] = reason
        if not items:
            names = ", ".join(self.clips.names[draw.index] for draw in draws)
            raise DataError(
                f"no clip of a batch can be read ({names})", reason, "prepare the experiment again"
            )
        return collate(items, self.config, share)

    def failures(self) -> dict[str, str]:
        """Items that could not be loaded so far, with the reason."""
        with self._failures_lock:
            return dict(self._failures)

    # --- one step

    def step(
        self, data: SovitsBatch, moment: Moment, updates: Updates, generator: torch.Generator
    ) -> dict[str, float | Tensor]:
        """One batch: the discriminators where it is their turn, then the generator."""
        batch = data.to(self.device)
        rate = self._set_rates(moment)
        settings = self.recipe.losses
        inputs = self._inputs(batch, moment)
        if moment.step < settings.text_first:
            return {**self._text_step(batch, inputs, moment, updates), "rate": rate}
        if moment.step < settings.text_first + settings.prior_first:
            return {**self._prior_step(batch, inputs, moment, updates, generator), "rate": rate}
        with updates.autocast():
            passed = self.generator(inputs, generator)
        hop, size = self.config.hop_length, self.config.segment_frames
        target = cut_segments(batch.waves, passed.segment_starts * hop, size * hop).unsqueeze(1)
        judged = target[:: settings.judged_every]
        values: dict[str, float | Tensor] = {}
        norms: dict[str, float] = {}
        learns = moment.step >= settings.discriminator_from
        if learns and moment.step % settings.discriminator_every == 0:
            loss = self._discriminator_loss(judged, passed, updates)
            values["discriminator"] = loss.detach()
            name = "discriminator"
            norms["norm_discriminator"] = updates.apply(name, loss * batch.share, self.optimizers[name])
        parts = self._spectral_losses(batch, inputs.spectrogram, target, passed, moment)
        if moment.step >= settings.adversarial_from:
            parts |= self._adversarial_losses(judged, passed, updates)
        parts["commitment"] = passed.commitment_loss
        if passed.text_attention is not None:
            looked = losses.text_alignment_loss(passed.text_attention, batch.phone_places)
            parts["text_alignment"] = settings.text_alignment * looked
        divergence = self._divergence(passed, batch)
        weighted = sum(parts.values(), start=divergence.new_zeros(())) * batch.share
        weighted = weighted + settings.kl_at(moment.step) * divergence
        norms["norm_generator"] = updates.apply(
            "generator", weighted, self.optimizers["generator"], self.recipe.clip_norm
        )
        self._learnt(moment, updates)
        report = self._joined(
            {**values, **{name: part.detach() for name, part in parts.items()}}, batch.share
        )
        report["kl"] = float(self.ranks.sum(divergence))
        report["loss"] = float(self.ranks.sum(weighted))
        return {**report, **norms, "rate": rate}

    def _text_step(
        self, batch: SovitsBatch, inputs: TrainingBatch, moment: Moment, updates: Updates
    ) -> dict[str, float | Tensor]:
        """One batch for the head that looks at the text, before anything else learns."""
        with updates.autocast():
            attention = self.generator.text_attention(inputs)
        looked = losses.text_alignment_loss(attention, batch.phone_places)
        weighted = self.recipe.losses.text_alignment * looked * batch.share
        norm = updates.apply("generator", weighted, self.optimizers["generator"], self.recipe.clip_norm)
        self._learnt(moment, updates)
        total = float(self.ranks.sum(weighted.detach()))
        return {"text_alignment": total, "loss": total, "norm_generator": norm}

    def _prior_step(
        self,
        batch: SovitsBatch,
        inputs: TrainingBatch,
        moment: Moment,
        updates: Updates,
        generator: torch.Generator,
    ) -> dict[str, float | Tensor]:
        """One batch for the prior alone: to expect what the posterior hears, and to look at the text."""
        settings = self.recipe.losses
        with updates.autocast():
            passed = self.generator.prior_pass(inputs, generator)
        divergence = self._divergence(passed, batch)
        looked = divergence.new_zeros(())
        if passed.text_attention is not None:
            looked = settings.text_alignment * losses.text_alignment_loss(
                passed.text_attention, batch.phone_places
            )
        weighted = settings.kl_at(moment.step) * divergence + looked * batch.share
        norm = updates.apply("generator", weighted, self.optimizers["generator"], self.recipe.clip_norm)
        self._learnt(moment, updates)
        parts = {"text_alignment": looked * batch.share, "kl": divergence, "loss": weighted}
        report = {name: float(self.ranks.sum(part.detach())) for name, part in parts.items()}
        return {**report, "norm_generator": norm}

    def _learnt(self, moment: Moment, updates: Updates) -> None:
        """Count a step and let the exported mean follow."""
        if not updates.dry:
            self._steps = moment.step + 1
            if self.average is not None:
                self.average.follow(self.generator)

    def _inputs(self, batch: SovitsBatch, moment: Moment) -> TrainingBatch:
        framing = self.config.spectrogram
        frames = batch.noise.shape[2]
        spectrogram = linear(batch.waves, framing.n_fft, framing.hop_length, framing.win_length)[
            :, :, :frames
        ]
        reference = None
        if batch.references is not None and batch.reference_limits is not None:
            reference = linear(batch.references, framing.n_fft, framing.hop_length, framing.win_length)
            reference = limit_band(reference, batch.reference_limits, self.config.sample_rate)
        return TrainingBatch(
            spectrogram=spectrogram,
            lengths=batch.lengths,
            phones=batch.phones,
            phone_lengths=batch.phone_lengths,
            content=batch.content,
            codes=batch.codes,
            reference=reference,
            reference_lengths=batch.reference_lengths,
            speaker_embedding=batch.speaker_vectors,
            segment_starts=batch.slice_starts,
            posterior_noise=batch.noise,
            decode_prior=self.recipe.losses.prior_mel_at(moment.step) > 0,
            phone_places=batch.phone_places.where(batch.told.unsqueeze(1), -1) if batch.told.any() else None,
            watch_text=self.recipe.losses.text_alignment > 0,
        )

    def _spectral_losses(
        self, batch: SovitsBatch, spectrogram: Tensor, target: Tensor, passed: TrainingPass, moment: Moment
    ) -> dict[str, Tensor]:
        """Mel losses of the slices, weighted: the published one, or several resolutions and both paths."""
        settings, config = self.recipe.losses, self.config
        framing = config.spectrogram
        if not settings.resolutions:
            whole = linear_to_mel(spectrogram, config.sample_rate, framing.n_mels)
            wanted = cut_segments(whole, passed.segment_starts, config.segment_frames)
            wave = passed.audio.squeeze(1).float()
            sizes = (framing.n_fft, framing.hop_length, framing.win_length, framing.n_mels)
            return {"mel": settings.mel * losses.mel_loss(wanted, mel(wave, config.sample_rate, *sizes))}
        parts: dict[str, Tensor] = {}
        for name, audio, weight in (
            ("", passed.audio, 1.0),
            ("prior_", passed.prior_audio, settings.prior_mel_at(moment.step)),
        ):
            if audio is not None:
                pair = self.spectral(target.squeeze(1), audio.squeeze(1).float(), batch.bandwidths)
                parts[f"{name}mel"] = settings.mel * weight * pair[0]
                parts[f"{name}linear"] = settings.linear * weight * pair[1]
        return parts

    def _divergence(self, passed: TrainingPass | PriorPass, batch: SovitsBatch) -> Tensor:
        """Divergence of posterior and prior, as this process's part of the joined batch's."""
        counted = passed.mask * float(batch.share > 0)
        total, frames = losses.kl_terms(passed.z_p, passed.logs_q, passed.m_p, passed.logs_p, counted)
        return total / self.ranks.sum(frames)

    def _heard(self, passed: TrainingPass) -> Tensor:
        """What the discriminators hear of the generator: slices of the posterior, the prior, or both."""
        judged, every = self.recipe.losses.judged, self.recipe.losses.judged_every
        audio, prior = passed.audio[::every], passed.prior_audio
        if judged == "posterior" or prior is None:
            return audio
        return prior[::every] if judged == "prior" else torch.cat((audio, prior[::every]))

    def _discriminator_loss(self, target: Tensor, passed: TrainingPass, updates: Updates) -> Tensor:
        with updates.autocast():
            real: Verdicts = self.discriminator(target)
            fake: Verdicts = self.discriminator(self._heard(passed).detach())
        hinge = self.recipe.losses.hinge
        measure = losses.hinge_discriminator_loss if hinge else losses.discriminator_loss
        return measure(real.logits, fake.logits)

    def _adversarial_losses(
        self, target: Tensor, passed: TrainingPass, updates: Updates
    ) -> dict[str, Tensor]:
        settings = self.recipe.losses
        self.discriminator.requires_grad_(False)
        try:
            heard = self._heard(passed)
            with updates.autocast():
                with torch.no_grad():
                    real: Verdicts = self.discriminator(target)
                fake: Verdicts = self.discriminator(heard)
        finally:
            self.discriminator.requires_grad_(True)
        times = len(heard) // len(target)
        wanted = [
            [feature.repeat(times, *[1] * (feature.dim() - 1)) for feature in part] for part in real.features
        ]
        measure = losses.hinge_generator_loss if settings.hinge else losses.generator_loss
        return {
            "adversarial": settings.adversarial * measure(fake.logits),
            "features": settings.feature_matching * losses.feature_matching_loss(wanted, fake.features),
        }

    def _joined(self, values: Mapping[str, float | Tensor], share: float) -> dict[str, float | Tensor]:
        """The joined batch's values from every process's own."""
        stacked = torch.stack([torch.as_tensor(value, device=self.device) for value in values.values()])
        return dict(zip(values, self.ranks.sum(stacked * share).tolist(), strict=True))

    def _set_rates(self, moment: Moment) -> float:
        rate = self.recipe.rates.rate(moment.step, moment.epoch)
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate * group["share"]
        return rate

    # --- saving

    def state(self) -> dict[str, object]:
        """Both networks, both optimisers, the average."""
        parts: dict[str, object] = {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
        }
        for name, optimizer in self.optimizers.items():
            parts[f"optimizer_{name}"] = optimizer.state_dict()
        if self.average is not None:
            parts["average"] = self.average.state()
        return parts

    def load_state(self, parts: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        self.generator.load_state_dict(parts["generator"])
        self.discriminator.load_state_dict(parts["discriminator"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(parts[f"optimizer_{name}"])
        if self.average is not None:
            self.average.load_state(parts["average"])

    def identity(self) -> dict[str, Any]:
        """The network's configuration and the version of its content."""
        return {"configuration": self.config.model_dump(mode="json"), **self.clips.identity()}

    def export(self, place: Path) -> None:
        """Write the averaged generator as a bundle."""
        state = self.generator.state_dict()
        if self.average is not None:
            state = {**state, **self.average.values}
        self._export(place, state, self.discriminator.state_dict(), self._steps)

    def preview(self, folder: Path, moment: Moment) -> dict[str, float]:
        """Have previews made with the averaged generator in evaluation mode."""
        if self._previewer is None:
            return {}
        self.generator.eval()
        try:
            if self.average is None:
                return self._previewer(self.generator, self.clips, folder, moment.step)
            with self.average.applied(self.generator):
                return self._previewer(self.generator, self.clips, folder, moment.step)
        finally:
            self.generator.train()


def _generator_groups(network: Synthesizer, recipe: Recipe) -> list[dict[str, Any]]:
    """Optimiser groups: everything else at the full rate, each text module at its share."""
    named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    rest = [p for name, p in named if not name.startswith(TEXT_MODULES)]
    text = [[p for name, p in named if name.startswith(prefix)] for prefix in TEXT_MODULES]
    share = recipe.rates.text_share
    return [{"params": rest, "share": 1.0}, *({"params": group, "share": share} for group in text)]
