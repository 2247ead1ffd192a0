"""One SoVITS batch from clips: crops, references, text choices and noise, each from its item's own seed.

Knows: clips, the recipe's item settings, padding. Does not know: networks, devices, losses. Everything here
is numpy until the last line, because it runs in loader threads beside the training step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch

from gsv.families import FamilyConfig
from gsv.training.clips import Clips, Content, window
from gsv.training.recipes import ItemConfig
from gsv.training.sampler import Draw

SPARE_FRAMES = 2
"""Frames of room behind the longest wave of a batch, for its mirror image."""


@dataclass(frozen=True)
class Item:
    """One clip as this step sees it. Lengths in frames of `hop_length` samples."""

    name: str
    wave: np.ndarray
    """float32 `[T]`, the crop; a part of a frame may follow the last one."""
    frames: int
    content: Content
    phones: list[int]
    phone_places: np.ndarray
    """int64 `[frames]`, which of the phones each frame says; -1 where that is not known."""
    told: bool
    """Whether the network is told these places."""
    reference: np.ndarray | None
    """float32 `[R]`, or None where the target itself is the reference."""
    reference_limit: float
    """Hertz above which the reference is cut off."""
    speaker_vector: np.ndarray | None
    slice_start: int
    noise: np.ndarray
    """float32 `[latent, frames]`, standard normal."""
    bandwidth: float


class ItemMaker:
    """Makes items from draws; the same draw always gives the same item."""

    def __init__(self, clips: Clips, settings: ItemConfig, config: FamilyConfig) -> None:
        self.clips, self.settings, self.config = clips, settings, config
        self._others: dict[str, list[int]] = {}
        for index, speaker in enumerate(clips.speakers):
            self._others.setdefault(speaker, []).append(index)

    def lengths(self) -> list[int]:
        """Frames of each item as it enters a batch."""
        crop = self.settings.crop_frames
        return [min(frames, crop) if crop else frames for frames in self.clips.frames]

    def make(self, draw: Draw) -> Item:
        """Read and cut one clip.

        Raises:
            GsvError, OSError: the clip or its features cannot be read.
        """
        random = np.random.default_rng(draw.seed)
        settings, index = self.settings, draw.index
        hop, total = self.config.hop_length, self.clips.frames[index]
        frames = min(total, settings.crop_frames) if settings.crop_frames else total
        start = self._crop_start(random, total, frames)
        wave = self.clips.wave(index)
        # A crop ends at its last frame; a whole clip keeps what follows it, for the last frame's window.
        target = wave[start * hop :] if frames == total else wave[start * hop : (start + frames) * hop]
        other, reference, limit = self._reference(random, index, wave)
        phones, places, read = self._phones(random, index, start, frames)
        spare = max(frames - self.config.segment_frames, 0)
        content = self._cut(self.clips.content(index), start, frames)
        # Whoever tells frames their phone vouches for it, and that holds for a text only: what was read from the
        # audio is wrong in places where the codes may be right.
        told = self.settings.told_places > 0 and random.random() < self.settings.told_places and not read
        return Item(
            name=self.clips.names[index],
            wave=target,
            frames=frames,
            content=self._spoilt(random, content) if told and places.max() >= 0 else content,
            phones=phones,
            phone_places=places,
            told=told,
            reference=reference,
            reference_limit=limit,
            speaker_vector=self.clips.speaker_vector(other),
            slice_start=int(random.random() * (spare + 1)),
            noise=random.standard_normal((self.config.latent, frames), dtype=np.float32),
            bandwidth=self.clips.bandwidth(index),
        )

    def _crop_start(self, random: np.random.Generator, total: int, frames: int) -> int:
        """A start on a code's border, so that the codes of a crop are those of the clip."""
        per_code = self.config.quantizer.frames_per_code
        return per_code * int(random.integers((total - frames) // per_code + 1))

    def _cut(self, content: Content, start: int, frames: int) -> Content:
        if content.codes is not None:
            per_code = self.config.quantizer.frames_per_code
            first, count = start // per_code, -(-frames // per_code)
            return Content(codes=content.codes[first : first + count])
        assert content.features is not None
        return Content(features=content.features[:, start : start + frames])

    def _spoilt(self, random: np.random.Generator, content: Content) -> Content:
        """Codes with stretches said wrongly, as a GPT may: of another place of the crop, or any at all.

        None to twice the mean share of them: what holds with many wrong ones must not harm where all are right.
        """
        share, (least, most) = self.settings.wrong_codes, self.settings.wrong_stretch
        if content.codes is None or not share:
            return content
        share *= 2 * random.random()
        codes, size = content.codes.copy(), len(content.codes)
        for _ in range(random.poisson(share * size / ((least + most) / 2))):
            length = min(int(random.integers(least, most + 1)), size)
            place, source = (int(at) for at in random.integers(size - length + 1, size=2))
            drawn = random.integers(self.config.quantizer.codes, size=length)
            elsewhere = content.codes[source : source + length]
            codes[place : place + length] = elsewhere if random.random() < 0.5 else drawn
        return Content(codes=codes)

    def _phones(
        self, random: np.random.Generator, index: int, start: int, frames: int
    ) -> tuple[list[int], np.ndarray, bool]:
        """Phones of the crop or of the whole clip, which of them each frame says, and whether they were read."""
        choice = random.random()
        unknown = np.full(frames, -1, dtype=np.int64)
        nothing = [self.config.blank_phone], unknown, False
        whole = self.settings.whole_text > 0 and random.random() < self.settings.whole_text
        if choice < self.settings.drop_text:
            return nothing
        read = choice < self.settings.drop_text + self.settings.read_text
        pairs = self.clips.places(index, read)
        if pairs is None:
            source = self.clips.read_phones if read else self.clips.phones
            return source(index, start, frames) or nothing[0], unknown, read
        first, end = (0, len(pairs)) if whole else window(pairs, start, frames)
        if first == end:
            return nothing
        at = np.asarray([pair[1] for pair in pairs])
        under_way = np.searchsorted(at, start + np.arange(frames), side="right") - 1
        places = np.clip(under_way - first, 0, end - first - 1).astype(np.int64)
        return [pair[0] for pair in pairs[first:end]], places, read

    def _reference(
        self, random: np.random.Generator, index: int, own: np.ndarray
    ) -> tuple[int, np.ndarray | None, float]:
        """A stretch of another clip of the speaker, or of this one, with its index; None for the target
        itself.
        """
        settings, hop = self.settings, self.config.hop_length
        if settings.other_reference == 0.0 and settings.band_limit == 0.0:
            return index, None, np.inf
        others = [other for other in self._others[self.clips.speakers[index]] if other != index]
        another = bool(others) and random.random() < settings.other_reference
        chosen = others[int(random.integers(len(others)))] if another else index
        wave = self.clips.wave(chosen) if another else own
        low, high = settings.reference_frames
        frames = min(int(random.integers(low, high + 1)), len(wave) // hop)
        start = int(random.integers(len(wave) // hop - frames + 1))
        gain = 10 ** (settings.reference_gain * random.uniform(-1.0, 1.0) / 20)
        limited = random.random() < settings.band_limit
        limit = float(random.choice(settings.band_limits)) if limited else np.inf
        return chosen, wave[start * hop : (start + frames) * hop] * np.float32(gain), limit


@dataclass
class SovitsBatch:
    """Padded tensors of one batch; shapes as in `gsv.models.sovits.training_pass.TrainingBatch`.

    Waves are `SPARE_FRAMES` longer than the longest target; behind its end each wave is continued by its
    mirror image, so that a spectrogram of the whole batch gives every item the frames it would have alone.
    """

    waves: torch.Tensor
    lengths: torch.Tensor
    phones: torch.Tensor
    phone_lengths: torch.Tensor
    phone_places: torch.Tensor
    """`[B, frames]`, -1 where it is not known."""
    told: torch.Tensor
    """Items whose places the network is told, `[B]`."""
    slice_starts: torch.Tensor
    noise: torch.Tensor
    bandwidths: torch.Tensor
    content: torch.Tensor | None
    codes: torch.Tensor | None
    references: torch.Tensor | None
    reference_lengths: torch.Tensor | None
    reference_limits: torch.Tensor | None
    speaker_vectors: torch.Tensor | None
    names: list[str]
    share: float = 1.0
    """This process's part of the joined batch."""

    def to(self, device: torch.device) -> SovitsBatch:
        """The same batch on a device."""
        tensors: dict[str, Any] = {
            field.name: value.to(device, non_blocking=True)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), torch.Tensor)
        }
        return replace(self, **tensors)


def collate(items: Sequence[Item], config: FamilyConfig, share: float = 1.0) -> SovitsBatch:
    """Pad items to one batch."""
    hop, per_code = config.hop_length, config.quantizer.frames_per_code
    longest = max(max(item.frames for item in items), config.segment_frames)
    frames = per_code * -(-longest // per_code)
    mirror = (config.spectrogram.n_fft - hop) // 2
    features = [item.content.features for item in items]
    codes = [item.content.codes for item in items]
    references = [item.reference for item in items]
    vectors = [item.speaker_vector for item in items]
    return SovitsBatch(
        waves=mirrored([item.wave for item in items], (frames + SPARE_FRAMES) * hop, mirror),
        lengths=torch.tensor([item.frames for item in items]),
        phones=_rows([np.asarray(item.phones, dtype=np.int64) for item in items]),
        phone_lengths=torch.tensor([len(item.phones) for item in items]),
        phone_places=_rows([item.phone_places for item in items], frames, -1),
        told=torch.tensor([item.told for item in items]),
        slice_starts=torch.tensor([item.slice_start for item in items]),
        noise=_columns([item.noise for item in items], frames),
        bandwidths=torch.tensor([item.bandwidth for item in items]),
        content=_columns([f for f in features if f is not None], frames) if features[0] is not None else None,
        codes=_rows([c for c in codes if c is not None], frames // per_code)
        if codes[0] is not None
        else None,
        references=_references([r for r in references if r is not None], hop, mirror),
        reference_lengths=_lengths([r for r in references if r is not None], hop),
        reference_limits=torch.tensor([item.reference_limit for item in items]),
        speaker_vectors=_stack([v for v in vectors if v is not None]),
        names=[item.name for item in items],
        share=share,
    )


def mirrored(waves: Sequence[np.ndarray], length: int, mirror: int) -> torch.Tensor:
    """Waves `[T_i]` in one tensor `[B, length]`, each followed by up to `mirror` samples of its mirror
    image.
    """
    rows = np.zeros((len(waves), length), dtype=np.float32)
    for row, wave in zip(rows, waves, strict=True):
        size = min(len(wave), length)
        row[:size] = wave[:size]
        tail = wave[:-1][::-1][: min(mirror, length - size)] if size == len(wave) else wave[:0]
        row[size : size + len(tail)] = tail
    return torch.from_numpy(rows)


def _references(waves: list[np.ndarray], hop: int, mirror: int) -> torch.Tensor | None:
    if not waves:
        return None
    longest = max(len(wave) // hop for wave in waves)
    return mirrored(waves, (longest + SPARE_FRAMES) * hop, mirror)


def _lengths(waves: list[np.ndarray], hop: int) -> torch.Tensor | None:
    return torch.tensor([max(len(wave) // hop, 1) for wave in waves]) if waves else None


def _stack(vectors: list[np.ndarray]) -> torch.Tensor | None:
    return torch.from_numpy(np.stack(vectors)) if vectors else None


def _rows(rows: Sequence[np.ndarray], length: int = 0, padding: int = 0) -> torch.Tensor:
    length = max(length, max(len(row) for row in rows))
    padded = np.full((len(rows), length), padding, dtype=np.int64)
    for place, row in zip(padded, rows, strict=True):
        place[: len(row)] = row
    return torch.from_numpy(padded)


def _columns(blocks: Sequence[np.ndarray], frames: int) -> torch.Tensor:
    padded = np.zeros((len(blocks), blocks[0].shape[0], frames), dtype=np.float32)
    for place, block in zip(padded, blocks, strict=True):
        place[:, : block.shape[1]] = block[:, :frames]
    return torch.from_numpy(padded)
