"""Prepared arrays: a whole corpus as flat memory maps, for training from nothing.

Knows the folder's layout and how to read it with numpy alone, so that a training script runs on any
machine that has torch, numpy, safetensors and transformers. Knows no audio format and no language: the
folder is filled by `tools/prepare_arrays.py`.

A folder holds `items.json` (a list, a row a clip), `wave16.i16` and `wave32.i16` (all clips one after the
other, little-endian 16-bit), and later `codes.json` (semantic codes under the version of what made them).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from gsv.errors import DataError

ITEMS_FILE = "items.json"
CODES_FILE = "codes.json"
READ_FILE = "read_phones.json"
ALIGNED_FILE = "aligned_phones.json"
WAVE_FILES = {16000: "wave16.i16", 32000: "wave32.i16"}
FULL_SCALE = 32768.0


@dataclass(frozen=True)
class ArrayItem:
    """One clip of prepared arrays; offsets and lengths are samples in the flat files."""

    name: str
    speaker: str
    language: str
    text: str
    phones: list[int]
    """Symbol ids of table v2, punctuation included."""
    spoken: list[int]
    """Those of them that are heard: what the CTC head is taught."""
    part: str
    """`train`, `held` (unheard voice or sentence) or `unused` (a held sentence in another voice)."""
    offset16: int
    length16: int
    offset32: int
    length32: int
    source_rate: int
    """Sample rate of the recording in Hz: nothing exists above half of it."""

    @property
    def seconds(self) -> float:
        """Length of the clip in seconds."""
        return self.length16 / 16000


@dataclass
class PreparedArrays:
    """A folder of prepared arrays, opened for reading."""

    folder: Path
    items: list[ArrayItem] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path) -> PreparedArrays:
        """Read the table and check that the flat files are as long as it says.

        Raises DataError if a file is missing or too short.
        """
        folder = Path(folder)
        remedy = "make the folder again with tools/prepare_arrays.py"
        table = folder / ITEMS_FILE
        if not table.is_file():
            raise DataError(f"{folder} holds no prepared arrays", f"{ITEMS_FILE} is missing", remedy)
        items = [ArrayItem(**row) for row in json.loads(table.read_text(encoding="utf-8"))]
        for rate, (offset, length) in {
            16000: ("offset16", "length16"),
            32000: ("offset32", "length32"),
        }.items():
            path = folder / WAVE_FILES[rate]
            needed = max((getattr(item, offset) + getattr(item, length) for item in items), default=0)
            if items and (not path.is_file() or path.stat().st_size < 2 * needed):
                raise DataError(f"{path} is incomplete", f"{items[-1].name} lies beyond its end", remedy)
        return cls(folder, items)

    @cached_property
    def _waves(self) -> dict[int, np.ndarray]:
        return {
            rate: np.memmap(self.folder / name, dtype="<i2", mode="r") for rate, name in WAVE_FILES.items()
        }

    def wave(self, item: ArrayItem, rate: int) -> np.ndarray:
        """Samples `[T]` of a clip at 16 000 or 32 000 Hz, float32 within ±1."""
        offset, length = (item.offset16, item.length16) if rate == 16000 else (item.offset32, item.length32)
        return self._waves[rate][offset : offset + length].astype(np.float32) / FULL_SCALE

    def part(self, name: str, languages: tuple[str, ...] = ()) -> list[ArrayItem]:
        """The items of one part, in table order."""
        return [i for i in self.items if i.part == name and (not languages or i.language in languages)]

    def codes(self) -> tuple[str, dict[str, list[int]]]:
        """Version of the quantizer and the codes (25 a second) of every item by name.

        Raises DataError if they were not made yet.
        """
        path = self.folder / CODES_FILE
        if not path.is_file():
            raise DataError(
                f"{self.folder} holds no codes", f"{CODES_FILE} is missing", "run tools/pretrain_content.py"
            )
        table = json.loads(path.read_text(encoding="utf-8"))
        return table["version"], table["codes"]

    def aligned(self) -> dict[str, list[int]]:
        """First frame (50 a second) of each phone of every item by name.

        Raises DataError if they were not placed yet.
        """
        path = self.folder / ALIGNED_FILE
        if not path.is_file():
            raise DataError(
                f"{self.folder} holds no places of phones",
                f"{ALIGNED_FILE} is missing",
                "run tools/pretrain_content.py quantizer or codes",
            )
        places: dict[str, list[int]] = json.loads(path.read_text(encoding="utf-8"))
        return places
