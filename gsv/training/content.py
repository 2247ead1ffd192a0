"""Training the content encoder: CTC on phones, the same features for the same words in any voice.

Knows prepared arrays, the encoder, its losses and its schedule. Knows no file but a folder of generations
and one for the result; the quantizer that comes after it is in `quantizer.py`.

A batch holds every clip twice: as recorded, and with the speaker changed. Both are taught their phones;
the features of the second are drawn to those of the first. A run may also go on without pairs, for speed.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.errors import InputError
from gsv.events import Events
from gsv.models.content import SAMPLE_RATE, ContentEncoder, ContentSettings, tiny_hubert_config
from gsv.training.anchor import CodeAnchor, anchored
from gsv.training.arrays import PreparedArrays
from gsv.training.content_batches import (
    FRAME_HOP,
    FRAME_SAMPLES,
    NOBODY,
    ContentBatch,
    ContentTraining,
    content_batches,
)
from gsv.training.generations import Generations
from gsv.training.phone_error import phone_error_rates
from gsv.training.precision import autocasts
from gsv.training.teacher import TeacherFeatures

MELS = 80
MEL_FFT = 512
"""Framing of the warm-up target: one frame for each of the encoder's (hop 320 at 16 kHz)."""


def learning_rate_at(step: int, settings: ContentTraining) -> float:
    """Linear warm-up, then a cosine down to the final rate."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    progress = min(1.0, (step - settings.warmup_steps) / max(1, settings.steps - settings.warmup_steps))
    low, high = settings.final_learning_rate, settings.learning_rate
    return low + 0.5 * (high - low) * (1 + math.cos(math.pi * progress))


def consistency_at(step: int, settings: ContentTraining) -> float:
    """Weight of the consistency loss at a step."""
    rise = (step - settings.consistency_from) / max(1, settings.consistency_from)
    return settings.consistency_weight * min(1.0, max(0.0, rise))


def log_mel(wave: Tensor, filters: Tensor) -> Tensor:
    """Log-mel spectrum `[B, F, M]` of `wave` `[B, T]`, a frame for each frame of the encoder."""
    padded = functional.pad(wave, ((MEL_FFT - FRAME_SAMPLES) // 2,) * 2)
    window = torch.hann_window(FRAME_SAMPLES, device=wave.device)
    spectrum = torch.stft(
        padded, MEL_FFT, FRAME_HOP, FRAME_SAMPLES, window=window, center=False, return_complex=True
    ).abs()
    return (filters @ spectrum).clamp(min=1e-4).log().transpose(1, 2)


def mel_filters() -> Tensor:
    """Triangular filters `[M, K]`, equally spaced on the mel scale of O'Shaughnessy (1987), 20 Hz to 8 kHz."""
    edges_mel = torch.linspace(_mel(20.0), _mel(SAMPLE_RATE / 2), MELS + 2)
    edges = 700 * (10 ** (edges_mel / 2595) - 1)
    frequency = torch.linspace(0, SAMPLE_RATE / 2, MEL_FFT // 2 + 1)
    rising = (frequency[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequency[None]) / (edges[2:] - edges[1:-1])[:, None]
    return torch.minimum(rising, falling).clamp(min=0)


def _mel(hertz: float) -> float:
    return 2595 * math.log10(1 + hertz / 700)


class ContentLearner(nn.Module):
    """The encoder and what only training needs: a middle CTC head and the warm-up's mel head."""

    filters: Tensor

    def __init__(
        self,
        encoder: ContentEncoder,
        settings: ContentTraining,
        teacher_channels: int = 0,
        anchor: CodeAnchor | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.dimension
        self.middle_head = nn.Linear(width, settings.phone_classes)
        self.mel_head = nn.Linear(int(encoder.hubert.config.conv_dim[-1]), MELS)
        if teacher_channels:
            self.teacher_head = nn.Linear(width, teacher_channels)
        self.register_buffer("filters", mel_filters(), persistent=False)
        self.settings = settings
        self.anchor = anchor

    def losses(self, batch: ContentBatch, step: int) -> dict[str, Tensor]:
        """The weighted losses of one batch by name; their sum is what is minimised."""
        settings = self.settings
        encoder = self.encoder
        convolved = encoder.convolved(batch.waves, settings.still_convolutions)
        count = encoder.frames(batch.lengths)
        mask = torch.arange(convolved.shape[1], device=convolved.device)[None, :] < count[:, None]
        hidden = encoder.hubert.feature_projection(convolved)
        hidden = hidden[0] if isinstance(hidden, tuple) else hidden
        hidden = hidden * self._kept(hidden.shape[:2], batch.clean, batch.mask_seed).to(hidden)[..., None]
        layers = encoder.transformed(hidden, mask)
        assert encoder.phone_head is not None
        logits = encoder.phone_head(layers[-1])
        losses = {"ctc": self._ctc(logits, batch, count)}
        middle = self.middle_head(layers[settings.middle_layer])
        if settings.placed:
            losses["placed"] = settings.middle_weight * self._flat(middle, batch.guesses)
        else:
            losses["ctc_middle"] = settings.middle_weight * self._ctc(middle, batch, count)
        if self.anchor is not None and batch.codes is not None:
            with torch.autocast(convolved.device.type, enabled=False):
                loss, self.codes_kept = self.anchor.loss(encoder.select(layers), batch.codes)
            losses["codes"] = settings.anchor_weight * loss
        if batch.teacher is not None and batch.taught is not None:
            losses["teacher"] = settings.teacher_weight * self._teacher(
                layers[settings.teacher_layer], batch.teacher, batch.taught
            )
        consistency = consistency_at(step, settings)
        if consistency and settings.paired:
            parts = [
                self._consistency(layers[layer], count, batch.clean) for layer in settings.consistency_layers
            ]
            losses["consistency"] = consistency * torch.stack(parts).mean()
        if step < settings.flat_steps:
            losses["flat_start"] = (1 - step / settings.flat_steps) * self._flat(logits, batch.guesses)
        if step < settings.mel_steps:
            with torch.autocast(convolved.device.type, enabled=False):
                target = log_mel(batch.waves, self.filters)[:, : convolved.shape[1]]
                difference = (
                    (self.mel_head(convolved.float()[:, : target.shape[1]]) - target).square().mean(-1)
                )
                losses["mel"] = 0.3 * (difference * mask[:, : target.shape[1]]).sum() / mask.sum()
        return losses

    def _kept(self, shape: torch.Size, clean: int, seed: int) -> Tensor:
        """1 where a frame is kept `[N, F]`; spans are hidden in the changed copies only."""
        generator = torch.Generator().manual_seed(seed)
        starts = (torch.rand(shape, generator=generator) < self.settings.mask_starts).float()
        hidden = functional.max_pool1d(
            starts[:, None], self.settings.mask_frames, 1, self.settings.mask_frames // 2
        )[:, 0]
        hidden[:clean] = 0
        return 1 - hidden[:, : shape[1]]

    def _ctc(self, logits: Tensor, batch: ContentBatch, count: Tensor) -> Tensor:
        with torch.autocast(logits.device.type, enabled=False):
            scores = logits.float().log_softmax(-1).transpose(0, 1)
            return functional.ctc_loss(
                scores,
                batch.phones,
                count,
                batch.phone_lengths,
                blank=self.settings.phone_classes - 1,
                zero_infinity=True,
            )

    def _teacher(self, layer: Tensor, target: Tensor, taught: Tensor) -> Tensor:
        """Mean square distance to the teacher's features, over the frames that it speaks of."""
        frames = min(layer.shape[1], target.shape[1])
        mask = torch.arange(frames, device=layer.device)[None, :] < taught[:, None]
        guess = self.teacher_head(layer[:, :frames])
        distance = (guess.float() - target[:, :frames]).square().mean(-1)
        return (distance * mask).sum() / mask.sum().clamp(min=1)

    @staticmethod
    def _flat(logits: Tensor, guesses: Tensor) -> Tensor:
        """Cross-entropy over the phones alone: how much is blank is for CTC to say."""
        frames = min(logits.shape[1], guesses.shape[1])
        with torch.autocast(logits.device.type, enabled=False):
            return functional.cross_entropy(
                logits[:, :frames, :-1].flatten(0, 1).float(),
                guesses[:, :frames].flatten(),
                ignore_index=NOBODY,
            )

    @staticmethod
    def _consistency(layer: Tensor, count: Tensor, half: int) -> Tensor:
        """How far the changed copies' features lie from the recorded ones', stretched onto their frames."""
        layer = functional.layer_norm(layer.float(), (layer.shape[-1],))
        parts = []
        for index in range(half):
            target = layer[index, : int(count[index])].detach()
            changed = layer[half + index, : int(count[half + index])].T[None]
            stretched = functional.interpolate(changed, target.shape[0], mode="linear", align_corners=False)[
                0
            ].T
            parts.append((stretched - target).square().mean())
        return torch.stack(parts).mean()


def evaluate(encoder: ContentEncoder, arrays: PreparedArrays, clips: int) -> dict[str, float]:
    """Phone error rate (without tone and stress) by language on the first `clips` held-out clips of each."""
    rates: dict[str, float] = {}
    for language in sorted({item.language for item in arrays.items}):
        items = [i for i in arrays.part("held", (language,)) if i.spoken]
        items = items[:: max(1, len(items) // clips)][:clips]
        if items:
            rates[f"phone_error_{language}"] = phone_error_rates(encoder, arrays, items)
    return rates


class ContentTrainer:
    """One training run: learner, optimiser, generations, and what was measured on the way."""

    def __init__(
        self,
        arrays: PreparedArrays,
        output: Path,
        settings: ContentTraining,
        events: Events,
        device: torch.device,
        initial: Path | None = None,
        anchor: Path | None = None,
    ) -> None:
        self.arrays, self.output, self.settings, self.events, self.device = (
            arrays,
            output,
            settings,
            events,
            device,
        )
        self.encoder = new_encoder(settings)
        if initial is not None:
            self.encoder.load_state_dict(ContentEncoder.load(initial).state_dict())
        channels = TeacherFeatures.open(arrays.folder).channels if settings.teacher else 0
        held = None
        if settings.anchor_weight:
            held, self.encoder.settings = anchored(anchor, initial, arrays, device)
        self.learner = ContentLearner(self.encoder, settings, channels, held).to(device)
        self.optimizer = torch.optim.AdamW(
            [
                {
                    "params": [p for p in self.learner.parameters() if p.ndim > 1],
                    "weight_decay": settings.weight_decay,
                },
                {"params": [p for p in self.learner.parameters() if p.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=settings.learning_rate,
            betas=(0.9, 0.98),
            fused=True,
        )
        self.generations = Generations(output / "generations", keep=2, events=events)
        self.reduced = autocasts(settings.precision, device)
        self.step = 0
        self._sums: dict[str, float] = {}
        self._shown_at = time.monotonic()

    def resume(self) -> None:
        """Go on from the newest generation, if there is one."""
        loaded = self.generations.load()
        if loaded is None:
            return
        self.step = loaded.step
        self.learner.load_state_dict(loaded.parts["learner"])
        self.optimizer.load_state_dict(loaded.parts["optimizer"])
        torch.set_rng_state(loaded.parts["random"])
        self.events.message(f"going on from step {self.step}")

    def save(self) -> None:
        """Write a generation."""
        parts = {
            "learner": self.learner.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
        }
        self.generations.save(self.step, parts, {"settings": self.settings.model_dump(mode="json")})
        self._shown_at = time.monotonic()

    def measure(self) -> dict[str, float]:
        """Phone error rates on held-out clips, also sent as a metric."""
        self.learner.eval()
        rates = evaluate(self.encoder, self.arrays, self.settings.evaluation_clips)
        self.learner.train()
        self.events.metric(self.step, rates)
        self._shown_at = time.monotonic()
        return rates

    def train_step(self, batch: ContentBatch) -> None:
        """One update; a gradient that is not finite leaves the step out and says so."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.step, self.settings)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.reduced):
            losses = self.learner.losses(batch.to(self.device), self.step)
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        norm = nn.utils.clip_grad_norm_(self.learner.parameters(), self.settings.clip_norm)
        if bool(torch.isfinite(norm)):
            self.optimizer.step()
        else:
            self.events.message(f"step {self.step}: gradient not finite, step left out", level="warning")
        self.step += 1
        shown = {name: float(value.detach()) for name, value in losses.items()}
        if "codes" in losses:
            shown["codes_kept"] = float(self.learner.codes_kept)
        self._show(shown, float(norm))

    def _show(self, losses: dict[str, float], norm: float, every: int = 20) -> None:
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value / every
        if self.step % every == 0:
            now = time.monotonic()
            self.events.metric(
                self.step,
                {**self._sums, "gradient_norm": norm, "seconds_per_step": (now - self._shown_at) / every},
            )
            self.events.progress(self.step, self.settings.steps, "content encoder")
            self._sums, self._shown_at = {}, now


def new_encoder(settings: ContentTraining) -> ContentEncoder:
    """An untrained encoder from `settings.seed`; ReLU and no dropout in attention, which cost much on a CPU."""
    torch.manual_seed(settings.seed)
    config = tiny_hubert_config(
        attention_dropout=0.0,
        activation_dropout=0.0,
        hidden_dropout=settings.dropout,
        hidden_act="relu",
        feat_extract_activation="relu",
    )
    return ContentEncoder(config, ContentSettings(phone_classes=settings.phone_classes))


def train_content(
    arrays: PreparedArrays,
    output: Path,
    settings: ContentTraining,
    events: Events,
    device: torch.device | None = None,
    workers: int = 1,
    initial: Path | None = None,
    anchor: Path | None = None,
) -> Path:
    """Train an encoder on the `train` part of `arrays`; the result is a new folder `output/content-STEPS`.

    Generations are kept in `output/generations` and the newest is gone on from; a stop request saves and
    raises Cancelled. `initial` is the folder of a saved encoder to start from, with a fresh optimiser. `anchor` is
    the file of a quantizer whose codes of the arrays are to stay; `initial` says which layer it reads.
    """
    trainer = ContentTrainer(arrays, output, settings, events, device or torch.device("cpu"), initial, anchor)
    trainer.resume()
    trainer.learner.train()
    saved_at = time.monotonic()
    for batch in content_batches(arrays, settings, trainer.step, workers):
        trainer.train_step(batch)
        if events.stop_requested():
            trainer.save()
            events.check_stop()
        if time.monotonic() - saved_at > settings.save_minutes * 60:
            trainer.save()
            trainer.measure()
            saved_at = time.monotonic()
    trainer.save()
    trainer.measure()
    trainer.learner.eval()
    target = output / f"content-{trainer.step:06d}"
    if not target.exists():
        trainer.encoder.save(target)
    return target


def freeze_content(source: Path, target: Path, version: str, feature_layer: int) -> ContentEncoder:
    """Write a trained encoder as it ships: rounded to float16, under a version, its features read from a layer.

    Returns the encoder as read back, so that what is trained on it hears the rounded weights.
    Raises InputError for an empty version or a layer that is not there.
    """
    encoder = ContentEncoder.load(source)
    layers = int(encoder.hubert.config.num_hidden_layers)
    if not version or not -1 <= feature_layer <= layers:
        raise InputError("the encoder was not frozen", f"it needs a version and a layer from 0 to {layers}")
    encoder.settings = replace(encoder.settings, version=version, feature_layer=feature_layer)
    encoder.save(target)
    return ContentEncoder.load(target)
