"""What a trained recogniser hears in every clip: targets that a content encoder can learn frame by frame.

Knows the encoder half of a Whisper model in CTranslate2's format, how clips share its window of 30 seconds,
and the file that the features lie in. Does not know the network that learns from them.

CTC says which phones were spoken and leaves the encoder to find out where; a teacher says something of every
frame, which a small corpus repays. The features are only ever a target: nothing of the teacher ships.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gsv.errors import DataError, InputError, import_optional
from gsv.events import Events
from gsv.files import write_json
from gsv.training.arrays import ArrayItem, PreparedArrays

RATE = 16_000
HOP, CENTRE = 320, 200
"""Samples from one frame to the next, and where the content encoder's first frame is centred."""
WINDOW_SECONDS = 30.0
GAP_SECONDS = 0.4
"""Silence between two clips in one window."""
CLIP = 4.0
"""Standard deviations at which a stored feature ends; ±CLIP is ±127."""
TABLE_FILE, FEATURE_FILE = "teacher.json", "teacher.i8"


@dataclass(frozen=True)
class TeacherFeatures:
    """Features beside prepared arrays: `[F, C]` a clip, 50 frames a second, each channel standardised."""

    folder: Path
    name: str
    channels: int
    places: dict[str, tuple[int, int]]
    """First frame and number of frames by clip name."""

    @classmethod
    def open(cls, folder: Path) -> TeacherFeatures:
        """Raises DataError if there are none or the file is shorter than its table says."""
        remedy = "run tools/pretrain_content.py teacher"
        table = Path(folder) / TABLE_FILE
        if not table.is_file():
            raise DataError(f"{folder} holds no teacher features", f"{TABLE_FILE} is missing", remedy)
        row = json.loads(table.read_text(encoding="utf-8"))
        places = {name: (int(first), int(count)) for name, (first, count) in row["places"].items()}
        needed = max((first + count for first, count in places.values()), default=0) * row["channels"]
        path = Path(folder) / FEATURE_FILE
        if not path.is_file() or path.stat().st_size < needed:
            raise DataError(f"{path} is incomplete", f"{needed} bytes are needed", remedy)
        return cls(Path(folder), row["name"], row["channels"], places)

    @cached_property
    def _frames(self) -> np.ndarray:
        return np.memmap(self.folder / FEATURE_FILE, dtype=np.int8, mode="r")

    def of(self, item: ArrayItem) -> np.ndarray | None:
        """Features `[F, C]` float32 of one clip, None where there are none."""
        if item.name not in self.places:
            return None
        first, count = self.places[item.name]
        flat = self._frames[first * self.channels : (first + count) * self.channels]
        return flat.reshape(count, self.channels).astype(np.float32) * (CLIP / 127)


class WhisperEncoder:
    """The encoder of a Whisper model: `[F, C]` features of up to 30 seconds, 50 frames a second."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Raises InputError if the folder holds no such model, DependencyError if faster-whisper is missing."""
        if not (Path(folder) / "model.bin").is_file():
            raise InputError(
                f"{folder} is no folder of a Whisper model",
                "model.bin is not in it",
                "Choose a folder made for faster-whisper (model.bin, config.json, tokenizer.json).",
            )
        package = import_optional("faster_whisper", "pip install faster-whisper")
        self._model: Any = package.WhisperModel(
            str(folder), device="cpu", compute_type="float32", cpu_threads=threads, local_files_only=True
        )
        self.name = f"encoder of {Path(folder).name}"

    def __call__(self, wave: np.ndarray) -> np.ndarray:
        mel = self._model.feature_extractor(wave, padding=int(WINDOW_SECONDS * RATE))
        frames = int(WINDOW_SECONDS * RATE / 160)
        encoded = self._model.encode(np.ascontiguousarray(mel[:, :frames]))
        return np.asarray(encoded, dtype=np.float32)[0]


def frame_count(samples: int) -> int:
    """Frames that the content encoder makes of so many samples."""
    return max(0, (samples - 400) // HOP + 1)


def windows_of(items: list[ArrayItem]) -> list[list[tuple[ArrayItem, int]]]:
    """Clips side by side in windows, each with the window's frame that its first frame falls on."""
    windows: list[list[tuple[ArrayItem, int]]] = []
    gap, limit = round(GAP_SECONDS * RATE / HOP), int(WINDOW_SECONDS * RATE / HOP)
    at = limit
    for item in items:
        frames = frame_count(item.length16)
        if frames + 2 > limit:
            continue
        if at + frames + 1 > limit:
            windows.append([])
            at = 1
        windows[-1].append((item, at))
        at += frames + gap
    return windows


def make_teacher_features(
    arrays: PreparedArrays,
    whisper: Path,
    events: Events,
    threads: int = 1,
    languages: tuple[str, ...] = (),
    survey: int = 24,
    every: int = 20,
) -> TeacherFeatures:
    """Write the features of every training clip beside the arrays; a second call goes on where the first ended.

    Clips come in a random order and the table grows every `every` windows, so that a training may begin
    before the end. The first `survey` windows give each channel's mean and deviation. Clips that do not fit a
    window have none, nor have those of other `languages` where some are named: name the same ones in each call.
    Raises InputError where no clip is left.
    """
    items = [item for item in arrays.part("train", languages) if item.spoken]
    items = [items[i] for i in np.random.default_rng(1).permutation(len(items))]
    windows = windows_of(items)
    if not windows:
        spoken = sorted({item.language for item in arrays.part("train")})
        raise InputError(
            "there is nothing for a teacher to hear",
            f"no training clip of {', '.join(languages) or 'any language'} fits its window",
            f"the clips here speak {', '.join(spoken) or 'no language'}",
        )
    teacher = WhisperEncoder(whisper, threads)
    table_path, path = arrays.folder / TABLE_FILE, arrays.folder / FEATURE_FILE
    if table_path.is_file():
        row = json.loads(table_path.read_text(encoding="utf-8"))
    else:
        seen = np.concatenate([f for w in windows[:survey] for _, f in _features(teacher, arrays, w)])
        row = {
            "name": teacher.name,
            "channels": int(seen.shape[1]),
            "mean": seen.mean(0).tolist(),
            "deviation": seen.std(0).clip(1e-4).tolist(),
            "windows": 0,
            "places": {},
        }
    mean, deviation = np.array(row["mean"], np.float32), np.array(row["deviation"], np.float32)
    end = max((first + count for first, count in row["places"].values()), default=0)
    with path.open("r+b" if path.is_file() else "w+b") as file:
        file.truncate(end * row["channels"])
        file.seek(0, 2)
        for index in range(row["windows"], len(windows)):
            events.check_stop()
            for item, features in _features(teacher, arrays, windows[index]):
                scaled = ((features - mean) / deviation * (127 / CLIP)).round().clip(-127, 127)
                file.write(scaled.astype(np.int8).tobytes())
                row["places"][item.name] = [end, len(features)]
                end += len(features)
            row["windows"] = index + 1
            if (index + 1) % every == 0 or index + 1 == len(windows):
                file.flush()
                write_json(table_path, row)
                events.progress(index + 1, len(windows), "teacher")
    return TeacherFeatures.open(arrays.folder)


def _features(
    teacher: WhisperEncoder, arrays: PreparedArrays, window: list[tuple[ArrayItem, int]]
) -> list[tuple[ArrayItem, np.ndarray]]:
    """The window's clips with their features; frame `k` of the teacher is centred on sample 320 k."""
    wave = np.zeros(int(WINDOW_SECONDS * RATE), np.float32)
    for item, at in window:
        start = at * HOP - CENTRE
        samples = arrays.wave(item, RATE)[: len(wave) - start]
        wave[start : start + len(samples)] = samples
    encoded = teacher(wave)
    return [(item, encoded[at : at + frame_count(item.length16)]) for item, at in window]
