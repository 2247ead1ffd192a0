"""Training a phone reader on a frozen content encoder: better read phones, the same content.

Knows what the layers hear, CTC, its schedule, and a folder of generations. The encoder's content is not changed by
it: quantizer, codes, generator and GPT that were made with it stay as they are.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from gsv.errors import InputError
from gsv.events import Events
from gsv.models.content import ContentEncoder
from gsv.models.phone_reader import PhoneReader, ReaderConfig
from gsv.training.arrays import ArrayItem, PreparedArrays
from gsv.training.averages import WeightAverage
from gsv.training.content_batches import batches_of
from gsv.training.generations import Generations
from gsv.training.heard_layers import HeardLayers, hear_layers
from gsv.training.phone_error import phone_edits, plain_symbols
from gsv.training.precision import Precision, autocasts


class ReaderTraining(BaseModel):
    """Settings of a reader's training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(default=6000, gt=0)
    copies: int = Field(default=1, ge=0, description="changed voices of each clip, beside it as recorded")
    batch_seconds: float = Field(default=40.0, gt=0)
    learning_rate: float = Field(default=1e-3, gt=0)
    final_share: float = Field(default=0.02, ge=0, le=1, description="of the rate, at the end of its cosine")
    warmup_steps: int = Field(default=200, ge=1)
    weight_decay: float = Field(default=0.02, ge=0)
    clip_norm: float = Field(default=1.0, gt=0)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    mask_starts: float = Field(default=0.02, ge=0, lt=1, description="share of frames where a gap begins")
    mask_frames: int = Field(default=7, ge=1, description="frames of such a gap; odd")
    layer_dropout: float = Field(
        default=0.1, ge=0, lt=1, description="how often a layer of a clip is not heard"
    )
    middle_weight: float = Field(default=0.3, ge=0, description="of CTC behind the first block")
    average: float = Field(default=0.998, gt=0, lt=1, description="decay of the mean of weights that is kept")
    blocks: int = Field(default=3, ge=1)
    filter: int = Field(default=640, ge=1)
    seed: int = 1
    save_minutes: float = Field(default=5.0, gt=0)
    evaluation_clips: int = Field(
        default=120, ge=1, description="held-out clips a language that are measured"
    )
    precision: Precision = "auto"

    def rate(self, step: int) -> float:
        """Linear warm-up, then a cosine to the final share."""
        turn = math.pi * min(1.0, step / self.steps)
        share = self.final_share + (1 - self.final_share) * 0.5 * (1 + math.cos(turn))
        return self.learning_rate * min(1.0, (step + 1) / self.warmup_steps) * share


def content_layers(encoder: ContentEncoder) -> int:
    """Outputs of the encoder down to its content, the input of its first layer included."""
    layers = int(encoder.hubert.config.num_hidden_layers)
    chosen = encoder.settings.feature_layer
    return 1 + (layers if chosen < 0 else chosen)


def with_reader(encoder: ContentEncoder, reader: PhoneReader) -> ContentEncoder:
    """The encoder with `reader` in place of its head, without the layers above its content.

    What was the content is then the network's own output, its last normalisation being a plain one, so that
    other programs find it as well. Raises InputError where the content is that of the last layer already.
    """
    count = content_layers(encoder) - 1
    if count >= int(encoder.hubert.config.num_hidden_layers):
        why = "its content is the output of its last layer"
        raise InputError("the encoder cannot take a reader", why, "choose a lower layer with freeze")
    config = type(encoder.hubert.config).from_dict(encoder.hubert.config.to_dict())
    config.num_hidden_layers = count
    settings = replace(encoder.settings, reader=replace(reader.config, dropout=0.0), feature_layer=count)
    made = ContentEncoder(config, settings)
    state = encoder.hubert.state_dict()
    state["encoder.layer_norm.weight"] = torch.ones(encoder.dimension)
    state["encoder.layer_norm.bias"] = torch.zeros(encoder.dimension)
    own = made.hubert.state_dict()
    made.hubert.load_state_dict({name: state[name] for name in own})
    assert made.reader is not None
    made.reader.load_state_dict(reader.state_dict())
    return made.float().eval()


class ReaderTrainer:
    """One training run of a reader."""

    def __init__(
        self,
        encoder: ContentEncoder,
        arrays: PreparedArrays,
        heard: list[HeardLayers],
        output: Path,
        settings: ReaderTraining,
        events: Events,
    ) -> None:
        """`heard` is what the encoder heard: the clips as recorded, then their copies."""
        self.arrays, self.heard, self.settings, self.events = arrays, heard, settings, events
        torch.manual_seed(settings.seed)
        classes = encoder.settings.phone_classes
        config = ReaderConfig(
            inputs=content_layers(encoder),
            channels=encoder.dimension,
            classes=classes,
            blocks=settings.blocks,
            filter=settings.filter,
            dropout=settings.dropout,
        )
        self.learner = nn.ModuleDict(
            {"reader": PhoneReader(config), "middle": nn.Linear(config.width, classes)}
        )
        self.blank = classes - 1
        self.average = WeightAverage(self.reader, settings.average)
        rest = [p for p in self.learner.parameters() if p.ndim <= 1]
        matrices = [p for p in self.learner.parameters() if p.ndim > 1]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": settings.weight_decay},
                {"params": rest, "weight_decay": 0.0},
            ],
            lr=settings.learning_rate,
            betas=(0.9, 0.98),
            fused=True,
        )
        self.items = [item for item in arrays.part("train") if item.spoken]
        self.generations = Generations(output / "generations", keep=2, events=events)
        self.reduced = autocasts(settings.precision, torch.device("cpu"))
        self.step = 0
        self._epoch: tuple[int, list[list[int]]] = (-1, [])

    @property
    def reader(self) -> PhoneReader:
        """The network that is trained."""
        reader = self.learner["reader"]
        assert isinstance(reader, PhoneReader)
        return reader

    def resume(self) -> None:
        """Go on from the newest generation, if there is one."""
        loaded = self.generations.load()
        if loaded is None:
            return
        self.step = loaded.step
        self.learner.load_state_dict(loaded.parts["learner"])
        self.optimizer.load_state_dict(loaded.parts["optimizer"])
        self.average.load_state(loaded.parts["average"])
        torch.set_rng_state(loaded.parts["random"])
        self.events.message(f"going on from step {self.step}")

    def save(self) -> None:
        """Write a generation."""
        parts = {
            "learner": self.learner.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.state(),
            "random": torch.get_rng_state(),
        }
        self.generations.save(self.step, parts, {"settings": self.settings.model_dump(mode="json")})

    def group(self, step: int) -> list[ArrayItem]:
        """The clips of a step."""
        epoch, position = divmod(step, max(1, len(batches_of(self.items, self.settings.batch_seconds, 0))))
        if self._epoch[0] != epoch:
            batches = batches_of(self.items, self.settings.batch_seconds, self.settings.seed + epoch)
            self._epoch = (epoch, batches)
        batches = self._epoch[1]
        return [self.items[index] for index in batches[position % len(batches)]]

    def train_step(self) -> dict[str, float]:
        """One update; a gradient that is not finite leaves the step out and says so."""
        settings = self.settings
        random = np.random.default_rng([settings.seed, self.step])
        group = self.group(self.step)
        heard = [self.heard[int(random.integers(len(self.heard)))].of(item.name) for item in group]
        counts = torch.tensor([len(one) for one in heard])
        x = self._spoilt(nn.utils.rnn.pad_sequence(heard, batch_first=True))
        mask = torch.arange(x.shape[1])[None] < counts[:, None]
        with torch.autocast("cpu", torch.bfloat16, enabled=self.reduced):
            middle, top = self._both(x, mask)
        losses = {"ctc": self._ctc(top, group, counts)}
        losses["ctc_middle"] = settings.middle_weight * self._ctc(middle, group, counts)
        for parameters in self.optimizer.param_groups:
            parameters["lr"] = settings.rate(self.step)
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        norm = nn.utils.clip_grad_norm_(self.learner.parameters(), settings.clip_norm)
        if bool(torch.isfinite(norm)):
            self.optimizer.step()
            self.average.follow(self.reader)
        else:
            self.events.message(f"step {self.step}: gradient not finite, step left out", level="warning")
        self.step += 1
        return {name: float(value.detach()) for name, value in losses.items()}

    def _spoilt(self, heard: Tensor) -> Tensor:
        """`heard` `[B, F, L * C]` with gaps, and some clips without some of their layers."""
        settings, inputs = self.settings, self.reader.config.inputs
        starts = (torch.rand(heard.shape[:2]) < settings.mask_starts).float()
        gaps = functional.max_pool1d(starts[:, None], settings.mask_frames, 1, settings.mask_frames // 2)
        layers = (torch.rand(len(heard), 1, inputs, 1) >= settings.layer_dropout).float()
        kept = heard * (1 - gaps.transpose(1, 2)[:, : heard.shape[1]])
        return (kept.unflatten(-1, (inputs, -1)) * layers).flatten(-2)

    def _both(self, heard: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Logits behind the first block and at the end."""
        reader = self.reader
        x = reader.mix(heard)
        middle = x
        for number, block in enumerate(reader.blocks):
            x = block(x, mask)
            middle = x if number == 0 else middle
        return self.learner["middle"](middle), reader.head(reader.norm(x))

    def _ctc(self, logits: Tensor, group: list[ArrayItem], counts: Tensor) -> Tensor:
        return functional.ctc_loss(
            logits.float().log_softmax(-1).transpose(0, 1),
            torch.tensor([phone for item in group for phone in item.spoken]),
            counts,
            torch.tensor([len(item.spoken) for item in group]),
            blank=self.blank,
            zero_infinity=True,
        )

    @torch.inference_mode()
    def measure(self) -> dict[str, float]:
        """Phone error rates of the averaged reader on held-out clips, also sent as a metric."""
        plain, rates = plain_symbols(), {}
        self.reader.eval()
        with self.average.applied(self.reader):
            for language in sorted({item.language for item in self.arrays.items}):
                held = [item for item in self.arrays.part("held", (language,)) if item.spoken]
                every = max(1, len(held) // self.settings.evaluation_clips)
                chosen = held[::every][: self.settings.evaluation_clips]
                wrong = sum(
                    phone_edits(self.reader(self.heard[0].of(item.name)[None], None)[0], item.spoken, plain)
                    for item in chosen
                )
                if chosen:
                    total = sum(len(item.spoken) for item in chosen)
                    rates[f"phone_error_{language}"] = wrong / max(1, total)
        self.reader.train()
        self.events.metric(self.step, rates)
        return rates

    def averaged(self) -> PhoneReader:
        """The reader with the mean of its weights."""
        made = PhoneReader(self.reader.config)
        made.load_state_dict({**self.reader.state_dict(), **self.average.values})
        return made.eval()


def train_reader(
    content: Path, arrays: PreparedArrays, output: Path, settings: ReaderTraining, events: Events
) -> Path:
    """Train a reader for the frozen encoder in `content`; the result is a new folder `output/content-STEPS`.

    Generations are kept in `output/generations` and the newest is gone on from; a stop request saves and raises
    Cancelled. What the layers hear is kept in `output/heard`, 3 KB a frame for the encoder that ships.

    Raises:
        DataError: the encoder has no version.
        InputError: its content is that of its last layer.
    """
    encoder = ContentEncoder.load(content)
    layers = content_layers(encoder)
    heard = [
        hear_layers(encoder, arrays, layers, copy, output / "heard", events)
        for copy in range(settings.copies + 1)
    ]
    trainer = ReaderTrainer(encoder, arrays, heard, output, settings, events)
    trainer.resume()
    trainer.learner.train()
    saved_at, sums = time.monotonic(), dict[str, float]()
    while trainer.step < settings.steps:
        for name, value in trainer.train_step().items():
            sums[name] = sums.get(name, 0.0) + value / 50
        if trainer.step % 50 == 0:
            events.metric(trainer.step, sums)
            events.progress(trainer.step, settings.steps, "phone reader")
            sums = {}
        if events.stop_requested():
            trainer.save()
            events.check_stop()
        if time.monotonic() - saved_at > settings.save_minutes * 60:
            trainer.save()
            trainer.measure()
            saved_at = time.monotonic()
    trainer.save()
    trainer.measure()
    target = output / f"content-{trainer.step:06d}"
    if not target.exists():
        with_reader(encoder, trainer.averaged()).save(target)
    return target
