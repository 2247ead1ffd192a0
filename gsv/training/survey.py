"""One pass of a trained content encoder over prepared arrays: features for the quantizer, phones for the others.

Knows the encoder, prepared arrays and the CTC alignment. Writes what later training reads: a memory map of
features, the phones that the encoder reads with their places, and the places of the phones of the text.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from gsv.errors import DataError
from gsv.events import Events
from gsv.files import write_json, writing
from gsv.listening.alignment import align
from gsv.models.content import SAMPLE_RATE, ContentEncoder
from gsv.training.arrays import ALIGNED_FILE, READ_FILE, ArrayItem, PreparedArrays

LEAD_FRAMES = 4
"""Frames of 1/50 s that a first phone has begun before its peak."""

BATCH = 8
"""Clips of like length in one pass."""


class FeatureCache:
    """Content features of every item as one float16 memory map."""

    def __init__(self, folder: Path, dimension: int, table: dict[str, tuple[int, int]]) -> None:
        self.dimension = dimension
        self.table = table
        self._values = np.memmap(folder / "features.f16", dtype=np.float16, mode="r").reshape(-1, dimension)

    def features(self, name: str) -> Tensor:
        """Features `[F, C]` of one item, float32."""
        offset, count = self.table[name]
        return torch.from_numpy(self._values[offset : offset + count].astype(np.float32))

    @classmethod
    def open(cls, folder: Path, encoder: ContentEncoder) -> FeatureCache | None:
        """The cache that this very encoder version left in `folder`, or None."""
        note = folder / "features.json"
        if not note.is_file():
            return None
        known = json.loads(note.read_text(encoding="utf-8"))
        if known["version"] != encoder.version or known["layer"] != encoder.settings.feature_layer:
            return None
        return cls(
            folder,
            encoder.dimension,
            {name: (start, count) for name, (start, count) in known["items"].items()},
        )


def survey(encoder: ContentEncoder, arrays: PreparedArrays, folder: Path, events: Events) -> FeatureCache:
    """Compute features into `folder` and phone places into the arrays' folder; what is there is used again.

    Raises DataError if the encoder has no version: what it leaves could not be told from another's.
    """
    if not encoder.version:
        raise DataError(
            "the encoder has no version", "its codes could not be told from others", "name one in gsv.json"
        )
    known = FeatureCache.open(folder, encoder)
    if known is not None:
        return known
    folder.mkdir(parents=True, exist_ok=True)
    table: dict[str, tuple[int, int]] = {}
    read: dict[str, list[list[int]]] = {}
    aligned: dict[str, list[int]] = {}
    position = 0
    with writing(folder / "features.f16") as temporary, temporary.open("wb") as out:
        for done, (item, features, scores) in enumerate(_passes(encoder, arrays, events)):
            out.write(features.to(torch.float16).numpy().tobytes())
            table[item.name] = (position, len(features))
            position += len(features)
            if scores is not None:
                read[item.name] = read_places(scores)
                aligned[item.name] = aligned_places(scores, item.phones, item.spoken)
            if done % 50 == 0:
                events.progress(done, len(arrays.items), "content features")
    if read:
        write_json(arrays.folder / READ_FILE, read)
        write_json(arrays.folder / ALIGNED_FILE, aligned)
    write_json(
        folder / "features.json",
        {"version": encoder.version, "layer": encoder.settings.feature_layer, "items": table},
    )
    return FeatureCache(folder, encoder.dimension, table)


@torch.inference_mode()
def _passes(
    encoder: ContentEncoder, arrays: PreparedArrays, events: Events
) -> Iterator[tuple[ArrayItem, Tensor, Tensor | None]]:
    """Each item with its features `[F, C]` and log-probabilities `[F, classes]` (None without a head)."""
    order = sorted(arrays.items, key=lambda item: item.length16)
    for start in range(0, len(order), BATCH):
        events.check_stop()
        group = order[start : start + BATCH]
        waves = [torch.from_numpy(arrays.wave(item, SAMPLE_RATE)) for item in group]
        lengths = torch.tensor([len(wave) for wave in waves])
        layers, counts = encoder.layers(nn.utils.rnn.pad_sequence(waves, batch_first=True), lengths)
        features = encoder.select(layers)
        scores = encoder.read(layers).log_softmax(-1) if encoder.has_ctc else None
        for index, item in enumerate(group):
            count = int(counts[index])
            yield item, features[index, :count], None if scores is None else scores[index, :count]


def read_places(scores: Tensor) -> list[list[int]]:
    """Greedy reading of log-probabilities `[F, classes]`: `[symbol id, first frame]` of each phone."""
    values, counts = torch.unique_consecutive(scores.argmax(-1), return_counts=True)
    starts = counts.cumsum(0) - counts
    blank = scores.shape[-1] - 1
    pairs = [(int(v), int(s)) for v, s in zip(values, starts, strict=True) if int(v) != blank]
    begins = begins_of([peak for _, peak in pairs])
    return [[phone, begin] for (phone, _), begin in zip(pairs, begins, strict=True)]


def begins_of(peaks: Sequence[int]) -> list[int]:
    """Where phones begin, as frames, from the frames of their peaks: CTC marks a phone somewhere inside of it.

    Halfway from the peak before; the first one four frames before its own.
    """
    halves = [(before + peak + 1) // 2 for before, peak in itertools.pairwise(peaks)]
    return [max(0, peaks[0] - LEAD_FRAMES), *halves] if len(peaks) else []


def aligned_places(scores: Tensor, phones: Sequence[int], spoken: Sequence[int]) -> list[int]:
    """First frame of each of `phones`, of which `spoken` are heard; the others take the place of the next that is.

    `scores` are log-probabilities `[F, classes]`, blank last.
    """
    try:
        frames = begins_of(align(scores.numpy(), spoken, scores.shape[-1] - 1).first.tolist())
    except DataError:  # more phones than frames can hold: an even pace is the best guess
        frames = np.linspace(0, len(scores), len(spoken), endpoint=False).astype(int).tolist()
    places: list[int] = []
    upcoming = len(spoken)
    following = len(scores)
    for phone in reversed(phones):
        if upcoming and phone == spoken[upcoming - 1]:
            upcoming -= 1
            following = int(frames[upcoming])
        places.append(following)
    return places[::-1]
