"""One batch for the semantic decoder: pairs of clips, noise and worse versions, each from its item's own seed.

Knows: clips, the recipe's item settings, padding. Does not know: networks, devices, losses. Everything is
numpy until the last line, because it runs in loader threads beside the training step.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch

from gsv.gpt_families import GptConfig
from gsv.models.gpt.decoder import GptBatch
from gsv.training.gpt_clips import GptClips
from gsv.training.gpt_recipes import GptItemConfig
from gsv.training.sampler import Draw


@dataclass(frozen=True)
class GptItem:
    """One sequence as this step sees it."""

    phones: np.ndarray
    """int64 `[N]`."""
    codes: np.ndarray
    """int64 `[M]`, what has to be said."""
    heard: np.ndarray
    """int64 `[M]`, what the network hears of it."""
    phone_of_code: np.ndarray
    """int64 `[M]`, -1 where it is not known."""
    bert: np.ndarray | None
    """float32 `[D, N]`."""
    worse: np.ndarray | None
    """The codes with a stretch repeated or lost."""


class GptItemMaker:
    """Makes items from draws; the same draw always gives the same item."""

    def __init__(self, clips: GptClips, settings: GptItemConfig, config: GptConfig, with_worse: bool) -> None:
        self.clips, self.settings, self.config, self.with_worse = clips, settings, config, with_worse
        self._lengths = [len(clips.codes(index)) for index in range(len(clips.names))]
        self._phone_counts = [len(clips.phones(index)) for index in range(len(clips.names))]
        self._by_speaker: dict[str, list[tuple[float, int]]] = {}
        for index, speaker in enumerate(clips.speakers):
            if speaker:
                self._by_speaker.setdefault(speaker, []).append((self._lengths[index], index))
        for rows in self._by_speaker.values():
            rows.sort()

    def lengths(self) -> list[int]:
        """Places that each item takes in a batch when it stands alone."""
        return [self._places_of([index]) for index in range(len(self._lengths))]

    def drawn_length(self, draw: Draw) -> int:
        """Places that a draw takes, with the second clip that it will have."""
        return self._places_of(self._indices(np.random.default_rng(draw.seed), draw.index))

    def _places_of(self, indices: Sequence[int]) -> int:
        places = sum(self._phone_counts[index] + self._lengths[index] for index in indices)
        return max(1, 2 * places if self.with_worse else places)

    def make(self, draw: Draw) -> GptItem:
        """Read one clip, and perhaps a second one of the same speaker.

        Raises:
            GsvError, OSError: features cannot be read.
        """
        random = np.random.default_rng(draw.seed)
        indices = self._indices(random, draw.index)
        phones = [self.clips.phones(index) for index in indices]
        codes = np.concatenate([self.clips.codes(index) for index in indices])
        heard = codes
        if self.settings.noise:
            drawn = random.integers(self.config.codes, size=len(codes))
            heard = np.where(random.random(len(codes)) < self.settings.noise, drawn, codes)
        ids, places, bert = np.concatenate(phones), self._places(indices, phones), self._bert(indices, phones)
        if self._untold(random):
            ids, places, bert = np.full_like(ids, self.config.no_text), np.full_like(places, -1), None
        return GptItem(
            phones=ids,
            codes=codes,
            heard=heard,
            phone_of_code=places,
            bert=bert,
            worse=worse_version(codes, random) if self.with_worse else None,
        )

    def _untold(self, random: np.random.Generator) -> bool:
        """Whether this item is without its text."""
        share = self.settings.untold
        return bool(share and self.config.no_text is not None and random.random() < share)

    def _indices(self, random: np.random.Generator, index: int) -> list[int]:
        """The clip, and perhaps a second one before or behind it; the first thing that is drawn of an item."""
        indices = [index]
        if self.settings.pair and random.random() < self.settings.pair:
            second = self._second(random, index)
            if second is not None:
                indices.insert(int(random.integers(2)), second)
        return indices

    def _second(self, random: np.random.Generator, index: int) -> int | None:
        """Another clip of the speaker, of comparable length."""
        rows = self._by_speaker.get(self.clips.speakers[index], [])
        shortest, longest = (share * self._lengths[index] for share in self.settings.pair_lengths)
        first = bisect_left(rows, (shortest, -1))
        last = bisect_right(rows, (longest, len(self._lengths)))
        own = bisect_left(rows, (self._lengths[index], index))
        inside = first <= own < last
        if last - first - inside <= 0:
            return None
        place = first + int(random.integers(last - first - inside))
        return rows[place + (inside and place >= own)][1]

    def _places(self, indices: Sequence[int], phones: Sequence[np.ndarray]) -> np.ndarray:
        """The phone of each code, counted through the joined phones."""
        parts, before = [], 0
        for index, ids in zip(indices, phones, strict=True):
            known = self.clips.phone_of_code(index)
            parts.append(np.full(self._lengths[index], -1) if known is None else known + before)
            before += len(ids)
        return np.concatenate(parts)

    def _bert(self, indices: Sequence[int], phones: Sequence[np.ndarray]) -> np.ndarray | None:
        features = [self.clips.bert(index) for index in indices]
        if all(part is None for part in features):
            return None
        empty = [np.zeros((self.config.bert_dimension, len(ids)), dtype=np.float32) for ids in phones]
        parts = [zeros if part is None else part for part, zeros in zip(features, empty, strict=True)]
        return np.concatenate(parts, axis=1)


def worse_version(codes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The codes `[M]` with one stretch said twice or, as likely, left out; never empty, never the same."""
    first = int(random.integers(len(codes)))
    last = int(random.integers(first + 1, len(codes) + 1))
    if random.random() < 0.5 or last - first == len(codes):
        return np.concatenate([codes[:last], codes[first:last], codes[last:]])
    return np.concatenate([codes[:first], codes[last:]])


@dataclass
class GptData:
    """Padded tensors of one batch; shapes as in `gsv.models.gpt.decoder.GptBatch`."""

    phones: torch.Tensor
    phone_lengths: torch.Tensor
    codes: torch.Tensor
    heard: torch.Tensor
    code_lengths: torch.Tensor
    phone_of_code: torch.Tensor
    bert: torch.Tensor | None
    worse: torch.Tensor | None
    worse_lengths: torch.Tensor | None
    share: float = 1.0
    """This process's part of the joined batch."""

    def to(self, device: torch.device) -> GptData:
        """The same batch on a device."""
        tensors: dict[str, Any] = {
            field.name: value.to(device, non_blocking=True)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), torch.Tensor)
        }
        return replace(self, **tensors)

    def inputs(self) -> GptBatch:
        """What the network hears of it."""
        return GptBatch(self.phones, self.phone_lengths, self.heard, self.code_lengths, self.bert)

    def worse_inputs(self) -> GptBatch:
        """The worse versions as inputs."""
        assert self.worse is not None and self.worse_lengths is not None
        return GptBatch(self.phones, self.phone_lengths, self.worse, self.worse_lengths, self.bert)


def collate(items: Sequence[GptItem], config: GptConfig, share: float = 1.0) -> GptData:
    """Pad items to one batch."""
    worse = [item.worse for item in items if item.worse is not None]
    return GptData(
        phones=_rows([item.phones for item in items], 0),
        phone_lengths=torch.tensor([len(item.phones) for item in items]),
        codes=_rows([item.codes for item in items], config.end),
        heard=_rows([item.heard for item in items], config.end),
        code_lengths=torch.tensor([len(item.codes) for item in items]),
        phone_of_code=_rows([item.phone_of_code for item in items], -1),
        bert=_bert(items, config),
        worse=_rows(worse, config.end) if worse else None,
        worse_lengths=torch.tensor([len(codes) for codes in worse]) if worse else None,
        share=share,
    )


def _bert(items: Sequence[GptItem], config: GptConfig) -> torch.Tensor | None:
    if all(item.bert is None for item in items):
        return None
    longest = max(len(item.phones) for item in items)
    padded = np.zeros((len(items), config.bert_dimension, longest), dtype=np.float32)
    for place, item in zip(padded, items, strict=True):
        if item.bert is not None:
            place[:, : item.bert.shape[1]] = item.bert
    return torch.from_numpy(padded)


def _rows(rows: Sequence[np.ndarray], padding: int) -> torch.Tensor:
    padded = np.full((len(rows), max(len(row) for row in rows)), padding, dtype=np.int64)
    for place, row in zip(padded, rows, strict=True):
        place[: len(row)] = row
    return torch.from_numpy(padded)
