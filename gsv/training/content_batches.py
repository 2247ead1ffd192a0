"""What the content encoder is taught with: its settings, batches of clips in two voices, guesses of their phones.

Knows prepared arrays and how a batch follows from its number. Knows no network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from gsv.errors import InputError
from gsv.families import QuantizerConfig
from gsv.models.content import SAMPLE_RATE
from gsv.text.symbols import table
from gsv.training.arrays import ArrayItem, PreparedArrays
from gsv.training.perturbation import PerturbationRange, perturb
from gsv.training.precision import Precision
from gsv.training.teacher import TeacherFeatures, frame_count

NOBODY = -100
"""Label of frames that no guess is made for; cross-entropy leaves them out."""
FRAME_SAMPLES, FRAME_HOP = 400, 320
"""Samples under one frame of the encoder, and from one to the next, at 16 kHz."""
FRAMES_PER_CODE = QuantizerConfig().frames_per_code


class ContentTraining(BaseModel):
    """Settings of a content encoder's training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = 9000
    paired: bool = True
    """Every clip twice in a batch, as recorded and with the speaker changed; else once, and every second one changed.
    Pairs are what the consistency loss needs; single clips show twice the words in the same time."""
    batch_seconds: float = 30.0
    """Seconds of recorded speech a batch; pairs add as much again with the speaker changed."""
    learning_rate: float = 1e-3
    final_learning_rate: float = 2e-5
    warmup_steps: int = 400
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    mel_steps: int = 600
    """Steps in which the convolutions also learn the log-mel spectrum, so that CTC leaves the all-blank valley."""
    flat_steps: int = 700
    """Steps in which frames are also told an evenly paced guess of their phones, fading out: the flat start that
    breaks the tie between all the alignments that CTC finds equally likely at first."""
    middle_layer: int = 4
    middle_weight: float = 0.3
    consistency_layers: tuple[int, ...] = (4, 5)
    consistency_weight: float = 0.5
    consistency_from: int = 1500
    """Step at which it begins, rising over as many again. Before the phones are found, features that are the same
    everywhere please it best, and nothing is learned."""
    teacher: bool = False
    """Learn also from the features beside the arrays; see `teacher.py`."""
    teacher_layer: int = 5
    teacher_weight: float = 4.0
    """Of drawing a layer's features, through a linear map, to a teacher's; only where the arrays have them."""
    anchor_weight: float = 0.0
    """Of keeping the codes that a quantizer gives; see `anchor.py`. The arrays have to hold them."""
    placed: bool = False
    """Teach the middle layer which phone is said in each frame, by the places beside the arrays, instead of CTC."""
    shares: dict[str, float] = {}
    """Share of a language's clips that an epoch takes, drawn anew for each; 1 where a language is not named."""
    still_convolutions: int = 0
    """How many of the convolutions, from the first on, stay as they are. A run that starts from a trained encoder
    need not teach them all again, and the first ones cost most."""
    mask_starts: float = 0.05
    mask_frames: int = 5
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Of hidden units. A short training from nothing ends long before it could overfit: take none there. One that goes
    on with a trained encoder may need it, once that reads the clips it learnt from much better than others."""
    phone_classes: int = 733
    seed: int = 1
    save_minutes: float = 10.0
    evaluation_clips: int = 40
    """Held-out clips a language that each save is measured on."""
    precision: Precision = "auto"


GOING_ON = {"mel_steps": 0, "flat_steps": 0, "warmup_steps": 150, "still_convolutions": 7}
"""Settings of a run that starts from a trained encoder, as an update of others."""


@dataclass(frozen=True)
class ContentBatch:
    """`N` waves: the first `clean` as recorded, the others with the speaker changed; of pairs, the same clips."""

    waves: Tensor
    """[N, T] float32."""
    lengths: Tensor
    """[N] samples."""
    phones: Tensor
    """[sum of phone_lengths] symbol ids."""
    phone_lengths: Tensor
    """[N]."""
    guesses: Tensor
    """[N, F] evenly paced symbol ids, -100 where nobody speaks."""
    clean: int
    mask_seed: int
    teacher: Tensor | None = None
    """[N, F, C] a teacher's features, stretched onto the frames of changed copies; None without a teacher."""
    taught: Tensor | None = None
    """[N] frames that the teacher speaks of; 0 for a clip that it did not hear."""
    codes: Tensor | None = None
    """[N, S] semantic codes of the recorded clips, stretched onto changed copies, -100 behind their end."""

    def to(self, device: torch.device) -> ContentBatch:
        """The same batch on another device."""
        return ContentBatch(
            self.waves.to(device),
            self.lengths.to(device),
            self.phones.to(device),
            self.phone_lengths.to(device),
            self.guesses.to(device),
            self.clean,
            self.mask_seed,
            None if self.teacher is None else self.teacher.to(device),
            None if self.taught is None else self.taught.to(device),
            None if self.codes is None else self.codes.to(device),
        )


def batches_of(
    items: list[ArrayItem], seconds: float, seed: int, shortest_first: bool = False
) -> list[list[int]]:
    """One epoch of batches of like lengths, about `seconds` each, in a random order fixed by `seed`.

    `shortest_first`, for the first epoch: few phones leave few wrong ways to align them."""
    draw = np.random.default_rng(seed)
    jitter = draw.normal(0, 0.3, len(items))
    order = sorted(range(len(items)), key=lambda i: items[i].seconds + jitter[i])
    batches: list[list[int]] = []
    current: list[int] = []
    for index in order:
        if current and (len(current) + 1) * max(items[index].seconds, items[current[-1]].seconds) > seconds:
            batches.append(current)
            current = []
        current.append(index)
    if current:
        batches.append(current)
    if shortest_first:
        return batches
    return [batches[i] for i in draw.permutation(len(batches))]


def even_pace(wave: Tensor, spoken: list[int]) -> Tensor:
    """A guess of each frame's phone `[F]`: the phones one after the other at an even pace, vowels half as long
    again, from the first loud frame of `wave` `[T]` to the last; NOBODY outside."""
    frames = (len(wave) - FRAME_SAMPLES) // FRAME_HOP + 1
    level = wave[: frames * FRAME_HOP].view(frames, FRAME_HOP).square().mean(1).sqrt()
    loud = (level > 0.05 * level.max()).nonzero()[:, 0]
    guess = torch.full((frames,), NOBODY)
    if len(loud) and spoken:
        first, last = int(loud[0]), int(loud[-1]) + 1
        vowels = vowel_symbols()
        ends = torch.tensor([1.5 if phone in vowels else 1.0 for phone in spoken]).cumsum(0)
        place = (torch.arange(last - first) + 0.5) / (last - first) * ends[-1]
        guess[first:last] = torch.tensor(spoken)[torch.searchsorted(ends, place).clamp(max=len(spoken) - 1)]
    return guess


def phones_in_places(starts: list[int], item: ArrayItem, frames: int) -> Tensor:
    """The phone of each frame `[F]` from the first frames of an item's phones, which may lie in a clip of other
    length; NOBODY before the first and where a mark is that nobody speaks."""
    spoken = set(item.spoken)
    whole = torch.full((frame_count(item.length16),), NOBODY)
    ends = [*starts[1:], len(whole)]
    for phone, start, end in zip(item.phones, starts, ends, strict=True):
        whole[start:end] = phone if phone in spoken else NOBODY
    return stretched(whole, frames)


def stretched(values: Tensor, count: int) -> Tensor:
    """`values` `[F]` onto `count` places, each from the nearest in time."""
    if len(values) == 0:
        return values.new_full((count,), NOBODY)
    place = (torch.arange(count) + 0.5) * (len(values) / max(1, count))
    return values[place.long().clamp(max=len(values) - 1)]


@cache
def vowel_symbols() -> frozenset[int]:
    """Ids of table v2 that are vowels or finals."""
    names = table("v2").names
    return frozenset(i for i, name in enumerate(names) if name[-1].isdigit() or name in set("aiueo"))


class ContentBatches(Dataset[ContentBatch]):
    """Batches by step number: the n-th is the same whoever makes it and whenever."""

    def __init__(
        self, arrays: PreparedArrays, settings: ContentTraining, limits: PerturbationRange, start: int
    ) -> None:
        self.arrays, self.settings, self.limits, self.start = arrays, settings, limits, start
        self.teacher = TeacherFeatures.open(arrays.folder) if settings.teacher else None
        self.places = arrays.aligned() if settings.placed else None
        self.codes = arrays.codes()[1] if settings.anchor_weight else None
        self.items = [i for i in arrays.part("train") if i.spoken]
        self._check_shares()
        self.per_epoch = len(batches_of(self._drawn(0), settings.batch_seconds, 0))
        self._epoch: tuple[int, list[ArrayItem], list[list[int]]] = (-1, [], [])

    def __len__(self) -> int:
        return max(0, self.settings.steps - self.start)

    def __getitem__(self, index: int) -> ContentBatch:
        step = self.start + index
        generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + step)
        chosen = self._indices(step)
        items = chosen + chosen if self.settings.paired else chosen[::2] + chosen[1::2]
        half = len(chosen) if self.settings.paired else len(chosen[::2])
        waves = [torch.from_numpy(self.arrays.wave(item, SAMPLE_RATE)) for item in items]
        waves[half:] = [perturb(wave, SAMPLE_RATE, self.limits, generator)[0] for wave in waves[half:]]
        guesses = [self._guess(wave, item) for wave, item in zip(waves, items, strict=True)]
        return ContentBatch(
            waves=nn.utils.rnn.pad_sequence(waves, batch_first=True),
            guesses=nn.utils.rnn.pad_sequence(guesses, batch_first=True, padding_value=NOBODY),
            lengths=torch.tensor([len(wave) for wave in waves]),
            phones=torch.tensor([phone for item in items for phone in item.spoken]),
            phone_lengths=torch.tensor([len(item.spoken) for item in items]),
            clean=half,
            mask_seed=step,
            **self._taught(items, waves),
            codes=self._codes_of(items, waves),
        )

    def _guess(self, wave: Tensor, item: ArrayItem) -> Tensor:
        if self.places is None:
            return even_pace(wave, item.spoken)
        return phones_in_places(self.places[item.name], item, frame_count(len(wave)))

    def _codes_of(self, items: list[ArrayItem], waves: list[Tensor]) -> Tensor | None:
        if self.codes is None:
            return None
        rows = [
            stretched(torch.tensor(self.codes[item.name]), frame_count(len(wave)) // FRAMES_PER_CODE)
            for item, wave in zip(items, waves, strict=True)
        ]
        return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=NOBODY)

    def _taught(self, items: list[ArrayItem], waves: list[Tensor]) -> dict[str, Tensor]:
        if self.teacher is None:
            return {}
        counts = [frame_count(len(wave)) for wave in waves]
        targets = torch.zeros(len(items), max(counts), self.teacher.channels)
        taught = torch.zeros(len(items), dtype=torch.long)
        for index, (item, count) in enumerate(zip(items, counts, strict=True)):
            features = self.teacher.of(item)
            if features is not None:
                stretched = functional.interpolate(torch.from_numpy(features).T[None], count, mode="linear")
                targets[index, :count] = stretched[0].T
                taught[index] = count
        return {"teacher": targets, "taught": taught}

    def _check_shares(self) -> None:
        """Raises InputError where a share is of no language here, or nothing is left to learn from."""
        languages = {item.language for item in self.items}
        remedy = f"the clips here speak {', '.join(sorted(languages)) or 'no language'}"
        for language, share in self.settings.shares.items():
            if language not in languages or not 0 <= share <= 1:
                raise InputError(
                    f"{share:g} is no share of {language}",
                    "it is a part, 0 to 1, of a language's clips",
                    remedy,
                )
        if not self._drawn(0):
            raise InputError("there is nothing to learn from", "no clip is left of any language", remedy)

    def _drawn(self, epoch: int) -> list[ArrayItem]:
        """The clips of an epoch: of each language its share."""
        shares = self.settings.shares
        if not shares:
            return self.items
        draw = np.random.default_rng((self.settings.seed, epoch)).random(len(self.items))
        return [i for i, chance in zip(self.items, draw, strict=True) if chance < shares.get(i.language, 1.0)]

    def _indices(self, step: int) -> list[ArrayItem]:
        # Epochs differ a little in their number of batches; a fixed count keeps the step-to-batch rule simple.
        epoch, position = divmod(step, self.per_epoch)
        if self._epoch[0] != epoch:
            settings = self.settings
            items = self._drawn(epoch)
            # The first epoch of a new encoder only: with few phones there are few wrong ways to align them.
            first = epoch == 0 and settings.flat_steps > 0
            batches = batches_of(items, settings.batch_seconds, settings.seed + epoch, shortest_first=first)
            self._epoch = (epoch, items, batches)
        _, items, batches = self._epoch
        return [items[i] for i in batches[position % len(batches)]]


def content_batches(
    arrays: PreparedArrays, settings: ContentTraining, start: int, workers: int
) -> Iterator[ContentBatch]:
    dataset = ContentBatches(arrays, settings, PerturbationRange(), start)
    options: dict[str, Any] = {"multiprocessing_context": "spawn", "prefetch_factor": 4} if workers else {}
    # A generator of its own: making a loader must not move the random state that a resumed run restores.
    return iter(
        DataLoader(dataset, batch_size=None, num_workers=workers, generator=torch.Generator(), **options)
    )
