"""The one reader of recordings: any file to float32 mono, whole or in blocks.

Knows: soundfile first, ffmpeg for the rest, limits that hold before anything is decoded.
Does not know what the audio is for. Channels are averaged, rates changed with soxr.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile

from gsv.audio import ffmpeg
from gsv.audio.resampling import HIGHEST_RATE, LOWEST_RATE, check_rate, resample, resample_stream
from gsv.errors import DataError, InputError

log = logging.getLogger(__name__)

_FORMATS = {"WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF"}
"""What soundfile may open. Its other formats are recognised so loosely that text files pass for audio."""

_CHUNK_FRAMES = 1 << 17
_FEWEST_SAMPLES = 1


@dataclass(frozen=True)
class Audio:
    """A mono recording: `samples` `[T]` float32 with full scale 1, `rate` in hertz."""

    samples: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


@dataclass(frozen=True)
class Limits:
    """What a file may be before it is decoded."""

    bytes: int
    seconds: float
    channels: int = 64


CLIP_LIMITS = Limits(bytes=4 << 30, seconds=600.0)
LONG_LIMITS = Limits(bytes=64 << 30, seconds=48 * 3600.0)


@dataclass(frozen=True)
class Info:
    """Header of a recording; `seconds` is None where the container does not say."""

    rate: int
    channels: int
    seconds: float | None
    bytes: int
    decoder: Literal["soundfile", "ffmpeg"]


def probe(path: Path | str, limits: Limits = LONG_LIMITS) -> Info:
    """Header of `path`, without decoding it.

    Raises InputError for a missing, empty or oversized file, DataError for one that is no recording.
    """
    path = Path(path)
    size = _size(path, limits)
    try:
        with soundfile.SoundFile(path) as file:
            if file.format in _FORMATS and file.channels > 0:
                seconds = file.frames / file.samplerate if 0 <= file.frames < 1 << 50 else None
                info = Info(file.samplerate, file.channels, seconds, size, "soundfile")
                return _within(path, info, limits)
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        log.debug("soundfile does not open %s: %s", path, error)
    stream = ffmpeg.describe(path.absolute())
    return _within(path, Info(stream.rate, stream.channels, stream.seconds, size, "ffmpeg"), limits)


def read(path: Path | str, rate: int | None = None, limits: Limits = CLIP_LIMITS) -> Audio:
    """A clip of up to ten minutes as float32 mono, at its own rate or at `rate` Hz.

    Raises InputError for a missing file and one past the limits, DataError for one that cannot be decoded,
    holds no sample or holds values that are not numbers. A recording that stops early gives what is there.
    """
    path = Path(path)
    if rate is not None:
        check_rate(rate)
    info = probe(path, limits)
    samples = np.concatenate([np.zeros(0, dtype=np.float32), *_mono(path, info, limits)])
    return Audio(resample(samples, info.rate, rate or info.rate), rate or info.rate)


def blocks(path: Path | str, rate: int, seconds: float, limits: Limits = LONG_LIMITS) -> Iterator[np.ndarray]:
    """A recording of any length as mono blocks `[seconds * rate]` float32; the last one may be shorter.

    Memory stays that of one block. Raises as `read`, possibly after the first blocks were given.
    """
    path = Path(path)
    check_rate(rate)
    length = round(seconds * rate)
    if length < 1:
        raise InputError("A block must hold at least one sample", f"{seconds} s at {rate} Hz were asked for")
    info = probe(path, limits)
    return _regroup(resample_stream(_mono(path, info, limits), info.rate, rate), length)


def _regroup(chunks: Iterator[np.ndarray], length: int) -> Iterator[np.ndarray]:
    held: list[np.ndarray] = []
    count = 0
    for chunk in chunks:
        while count + len(chunk) >= length:
            take = length - count
            yield np.concatenate([*held, chunk[:take]])
            held, count, chunk = [], 0, chunk[take:]
        held.append(chunk)
        count += len(chunk)
    if count:
        yield np.concatenate(held)


def _mono(path: Path, info: Info, limits: Limits) -> Iterator[np.ndarray]:
    """Checked chunks `[t]` at the file's own rate."""
    chunks = (
        _soundfile(path)
        if info.decoder == "soundfile"
        else ffmpeg.decode(path.absolute(), info.rate, info.channels)
    )
    count = 0
    for chunk in chunks:
        mono = chunk[:, 0] if chunk.shape[1] == 1 else chunk.mean(axis=1, dtype=np.float32)
        if not np.isfinite(mono).all():
            raise DataError(
                f"{path.name} holds values that are not numbers",
                f"near second {count / info.rate:.1f}",
                "Export it again.",
            )
        count += len(mono)
        # A header may say less than the stream holds, or nothing.
        if count > (limits.seconds + 1) * info.rate:
            raise _too_long(path, count / info.rate, limits)
        yield mono
    if count < _FEWEST_SAMPLES:
        raise DataError(f"{path.name} holds no audio", "", "Record or export it again.")
    if info.seconds is not None and count < 0.98 * info.seconds * info.rate - info.rate:
        log.warning("%s ends early: %.1f of %.1f s could be read", path.name, count / info.rate, info.seconds)


def _soundfile(path: Path) -> Iterator[np.ndarray]:
    try:
        with soundfile.SoundFile(path) as file:
            while True:
                chunk = file.read(max(1, _CHUNK_FRAMES // file.channels), dtype="float32", always_2d=True)
                if not len(chunk):
                    return
                yield chunk
    except soundfile.SoundFileError as error:
        raise DataError(f"{path.name} cannot be decoded", str(error), "Export it again.") from error


def _size(path: Path, limits: Limits) -> int:
    try:
        if not path.is_file():
            reason = "it is a folder" if path.is_dir() else "there is no such file"
            raise InputError(f"{path} cannot be read", reason, "Check the path.")
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read", str(error), "Check the path and its permissions."
        ) from error
    if size == 0:
        raise DataError(f"{path.name} is empty", "it has a size of 0 bytes", "Copy or record it again.")
    if size > limits.bytes:
        raise InputError(
            f"{path.name} is too large", f"{size / 2**30:.1f} GiB of at most {limits.bytes / 2**30:.1f}"
        )
    return size


def _within(path: Path, info: Info, limits: Limits) -> Info:
    if info.channels > limits.channels:
        raise InputError(f"{path.name} has {info.channels} channels", f"at most {limits.channels} are read")
    if not LOWEST_RATE <= info.rate <= HIGHEST_RATE:
        raise DataError(
            f"{path.name} says that its rate is {info.rate} Hz", "no recording has that", "Export it again."
        )
    if info.seconds is not None and info.seconds > limits.seconds:
        raise _too_long(path, info.seconds, limits)
    return info


def _too_long(path: Path, seconds: float, limits: Limits) -> InputError:
    return InputError(
        f"{path.name} is too long",
        f"{seconds / 60:.1f} minutes of at most {limits.seconds / 60:.0f}",
        "Slice it into shorter clips first.",
    )
