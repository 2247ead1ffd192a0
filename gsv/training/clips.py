"""Where SoVITS training takes its clips from: an experiment's folder, or prepared arrays.

Knows: how to give one clip's wave, content, phones and speaker vector. Does not know: random choices,
batches, losses.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from gsv import files
from gsv.errors import DataError
from gsv.families import FamilyConfig
from gsv.training.arrays import ALIGNED_FILE, READ_FILE, ArrayItem, PreparedArrays

if TYPE_CHECKING:
    from gsv.corpus.items import TrainingItem

SPEAKER_VECTORS_FILE = "speaker_vectors.safetensors"


@dataclass(frozen=True)
class Content:
    """What is said, as the network takes it: one of the two is there."""

    features: np.ndarray | None = None
    """float32 `[C, frames]`, 50 a second."""
    codes: np.ndarray | None = None
    """int64 `[frames // 2]`, 25 a second."""


@dataclass(frozen=True)
class PhonePlaces:
    """Where the phones of a clip are, in frames of 1/50 s."""

    aligned: Sequence[int]
    """First frame of each phone of its text."""
    read: Sequence[Sequence[int]]
    """`[symbol id, first frame]` of each phone that a recogniser read."""


class Clips(Protocol):
    """A set of clips of several speakers. Frames are 1/50 s; methods may be called from any thread."""

    @property
    def names(self) -> Sequence[str]:
        """Item names, all different."""

    @property
    def speakers(self) -> Sequence[str]:
        """Who speaks, by item; empty where it is not known."""

    @property
    def frames(self) -> Sequence[int]:
        """Length of each item."""

    @property
    def languages(self) -> Sequence[str]:
        """Language code of each item; empty where it is not known."""

    def wave(self, index: int) -> np.ndarray:
        """Samples `[T]`, float32 within ±1, at the family's rate."""

    def content(self, index: int) -> Content:
        """Features or codes of the whole clip, of exactly `frames[index]` frames."""

    def phones(self, index: int, start: int, frames: int) -> list[int]:
        """Phone ids said between two frames; the whole clip's where nothing finer is known."""

    def read_phones(self, index: int, start: int, frames: int) -> list[int]:
        """The same as a recogniser read it from the audio; equal to `phones` where none did."""

    def places(self, index: int, read: bool) -> Sequence[Sequence[int]] | None:
        """`(symbol id, first frame)` of each phone of the clip, of its text or as read; None if not known."""

    def speaker_vector(self, index: int) -> np.ndarray | None:
        """float32 `[D]` of a pretrained speaker network, or None where the family needs none."""

    def bandwidth(self, index: int) -> float:
        """Hertz above which the recording holds nothing."""

    def identity(self) -> dict[str, str]:
        """What has to be the same for a checkpoint to fit this data."""


class ArrayClips:
    """Clips of prepared arrays; content as codes."""

    def __init__(self, arrays: PreparedArrays, items: Sequence[ArrayItem], config: FamilyConfig) -> None:
        """`items`: those of `arrays` to train on.

        Raises:
            DataError: an item has no codes.
        """
        self._arrays, self._items = arrays, list(items)
        self.version, codes = arrays.codes()
        missing = [item.name for item in self._items if item.name not in codes]
        if missing:
            remedy = "make the codes again with tools/pretrain_content.py"
            raise DataError(f"{len(missing)} clips have no codes", f"the first is {missing[0]}", remedy)
        self._codes = [np.asarray(codes[item.name], dtype=np.int64) for item in self._items]
        self._aligned = _optional_table(arrays.folder / ALIGNED_FILE)
        self._read = _optional_table(arrays.folder / READ_FILE)
        self.names: Sequence[str] = [item.name for item in self._items]
        self.speakers: Sequence[str] = [item.speaker for item in self._items]
        self.languages: Sequence[str] = [item.language for item in self._items]
        self._speaker_vectors = _speaker_vectors(arrays.folder, config, self.names)
        hop, per_code = config.hop_length, config.quantizer.frames_per_code
        self.frames: Sequence[int] = [
            min(item.length32 // hop, per_code * len(codes))
            for item, codes in zip(self._items, self._codes, strict=True)
        ]

    def wave(self, index: int) -> np.ndarray:
        return self._arrays.wave(self._items[index], 32000)

    def content(self, index: int) -> Content:
        return Content(codes=self._codes[index])

    def phones(self, index: int, start: int, frames: int) -> list[int]:
        pairs = self.places(index, read=False)
        return list(self._items[index].phones) if pairs is None else _between(pairs, start, frames)

    def read_phones(self, index: int, start: int, frames: int) -> list[int]:
        pairs = self.places(index, read=True)
        return self.phones(index, start, frames) if pairs is None else _between(pairs, start, frames)

    def places(self, index: int, read: bool) -> Sequence[Sequence[int]] | None:
        item = self._items[index]
        if read:
            return self._read.get(item.name) or None
        starts = self._aligned.get(item.name)
        return list(zip(item.phones, starts, strict=True)) if starts else None

    def speaker_vector(self, index: int) -> np.ndarray | None:
        return self._speaker_vectors[self.names[index]] if self._speaker_vectors else None

    def bandwidth(self, index: int) -> float:
        return self._items[index].source_rate / 2

    def identity(self) -> dict[str, str]:
        return {"codes": self.version}


def _optional_table(path: Path) -> dict[str, list]:
    return json.loads(files.read_text(path)) if path.is_file() else {}


def _speaker_vectors(folder: Path, config: FamilyConfig, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Vectors by clip name where the family takes them, one tensor `[D]` a clip in one file."""
    if config.speaker_input is None:
        return {}
    from safetensors.numpy import load_file

    path = folder / SPEAKER_VECTORS_FILE
    vectors = load_file(path) if path.is_file() else {}
    missing = [name for name in names if name not in vectors]
    if missing and (vectors or config.speaker_input.required):
        what = f"{config.name} needs speaker vectors, and {len(missing)} clips have none"
        raise DataError(what, f"{SPEAKER_VECTORS_FILE} has nothing for {missing[0]}", "make the file again")
    return {name: vectors[name].reshape(-1).astype(np.float32) for name in names} if vectors else {}


def _between(pairs: Sequence[Sequence[int]], start: int, frames: int) -> list[int]:
    """Phones whose start lies in a window, with the one that is under way when it begins."""
    first, end = window(pairs, start, frames)
    return [phone for phone, _ in pairs[first:end]]


def window(pairs: Sequence[Sequence[int]], start: int, frames: int) -> tuple[int, int]:
    """First of the phones that `_between` takes, and the one behind the last."""
    at = [pair[1] for pair in pairs]
    return max(bisect_left(at, start) - 1, 0), bisect_left(at, start + frames)


class ExperimentClips:
    """Clips of an experiment's folder in the published layout; content as features."""

    def __init__(
        self,
        items: Sequence[TrainingItem],
        config: FamilyConfig,
        content_version: str = "",
        places: Mapping[str, PhonePlaces] | None = None,
    ) -> None:
        """`items`: as `gsv.corpus.items.training_items` gives them, checked and sorted; `places` by name where
        they are known.

        Raises:
            DataError: the family needs speaker vectors and items have none; all are counted, the first is
            named.
        """
        self._items = list(items)
        self._config = config
        self._version = content_version
        self._places = dict(places or {})
        if config.speaker_input is not None and config.speaker_input.required:
            missing = [item.name for item in self._items if item.speaker_vector_path is None]
            if missing:
                raise DataError(
                    f"{config.name} needs speaker vectors, and {len(missing)} clips have none",
                    f"there is no 7-sv_cn/{missing[0]}.pt",
                    "run tools/extract_speaker.py for this experiment",
                )
        self.names: Sequence[str] = [item.name for item in self._items]
        self.speakers: Sequence[str] = [item.speaker for item in self._items]
        self.languages: Sequence[str] = [item.language for item in self._items]
        self.frames: Sequence[int] = [
            round(item.seconds * config.sample_rate) // config.hop_length for item in self._items
        ]

    def wave(self, index: int) -> np.ndarray:
        from gsv import audio

        return audio.read(self._items[index].wave_path, self._config.sample_rate).samples

    def content(self, index: int) -> Content:
        from gsv.corpus.tables import load_content

        features = load_content(self._items[index].content_path)[0].float().numpy()
        if len(features) != self._config.content_dimension:
            raise DataError(
                f"4-cnhubert/{self.names[index]}.pt does not fit the family {self._config.name}",
                f"it has {len(features)} channels, the network reads {self._config.content_dimension}",
                "extract the content with the family's own encoder",
            )
        return Content(features=fit_frames(features, self.frames[index], self.names[index]))

    def phones(self, index: int, start: int, frames: int) -> list[int]:
        pairs = self.places(index, read=False)
        return list(self._items[index].phone_ids) if pairs is None else _between(pairs, start, frames)

    def read_phones(self, index: int, start: int, frames: int) -> list[int]:
        pairs = self.places(index, read=True)
        return self.phones(index, start, frames) if pairs is None else _between(pairs, start, frames)

    def places(self, index: int, read: bool) -> Sequence[Sequence[int]] | None:
        item = self._items[index]
        found = self._places.get(item.name)
        if found is None:
            return None
        return found.read if read else list(zip(item.phone_ids, found.aligned, strict=True))

    def speaker_vector(self, index: int) -> np.ndarray | None:
        path = self._items[index].speaker_vector_path
        if self._config.speaker_input is None or path is None:
            return None
        from gsv.corpus.tables import load_tensor

        return load_tensor(path, (1, None))[0].numpy()

    def bandwidth(self, index: int) -> float:
        return self._config.sample_rate / 2

    def identity(self) -> dict[str, str]:
        return {"content": self._version}


def fit_frames(features: np.ndarray, frames: int, name: str, tolerance: int = 3) -> np.ndarray:
    """Content features `[C, T]` brought to `frames`: the last one is repeated, or a surplus cut.

    Raises:
        DataError: they differ by more than `tolerance` frames, so they belong to another recording.
    """
    missing = frames - features.shape[1]
    if abs(missing) > tolerance or features.shape[1] == 0:
        raise DataError(
            f"{name} does not fit its content features",
            f"the wave has {frames} frames, the features {features.shape[1]}",
            "run tools/extract_content.py again for this experiment",
        )
    if missing <= 0:
        return features[:, :frames]
    return np.concatenate([features, np.repeat(features[:, -1:], missing, axis=1)], axis=1)
