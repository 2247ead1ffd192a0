"""Waves to files: 16-bit, 24-bit or float, never wrapped around, with tags, the same bytes every time.

Knows: WAV, FLAC and Ogg Vorbis through soundfile. Does not know what the tags mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np
import soundfile

from gsv.audio.resampling import check_rate
from gsv.errors import DataError, InputError
from gsv.files import writing

Subtype = Literal["PCM_16", "PCM_24", "FLOAT"]

TAG_NAMES = ("title", "artist", "album", "comment", "software", "copyright", "date", "genre", "license")
_FORMATS = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG"}


class Writer:
    """A file that grows by `append`; it appears under its name only when the `with` block ends well.

    `rate` in hertz; `tags` from TAG_NAMES. Raises InputError for an unknown suffix, subtype or tag and for
    FLOAT outside WAV, DataError for values that are not numbers.
    """

    def __init__(
        self, path: Path | str, rate: int, subtype: Subtype = "PCM_16", tags: Mapping[str, str] | None = None
    ) -> None:
        self.path, self.rate, self.subtype = Path(path), check_rate(rate), subtype
        self.tags = dict(tags or {})
        self.samples = 0
        self._format = _format(self.path, subtype)
        unknown = sorted(set(self.tags) - set(TAG_NAMES))
        if unknown:
            raise InputError(f"Unknown tags: {', '.join(unknown)}", f"known are {', '.join(TAG_NAMES)}")
        self._place: AbstractContextManager[Path] | None = None
        self._temporary = self.path
        self._file: soundfile.SoundFile | None = None

    def __enter__(self) -> Writer:
        self._place = writing(self.path)
        self._temporary = self._place.__enter__()
        subtype = "VORBIS" if self._format == "OGG" else self.subtype
        try:
            self._file = soundfile.SoundFile(
                self._temporary, "w", self.rate, 1, subtype=subtype, format=self._format
            )
            for name, value in self.tags.items():
                setattr(self._file, name, value)
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def append(self, samples: np.ndarray) -> None:
        """Add mono `samples` `[T]`, full scale 1; what exceeds it is held at full scale (kept in FLOAT)."""
        if self._file is None:
            raise ValueError("append() outside of the with block")
        if samples.ndim != 1:
            raise ValueError(f"a mono wave [T] was expected, not {samples.shape}")
        if not np.isfinite(samples).all():
            raise DataError(
                f"{self.path.name} was not written", "the audio holds values that are not numbers"
            )
        self._file.write(_quantised(samples, "FLOAT" if self._format == "OGG" else self.subtype))
        self.samples += len(samples)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            if kind is None and self._format == "WAV" and self.subtype == "FLOAT":
                _clear_peak_time(self._temporary)
        if self._place is not None:
            place, self._place = self._place, None
            place.__exit__(kind, error, trace)


def write(
    path: Path | str,
    samples: np.ndarray,
    rate: int,
    subtype: Subtype = "PCM_16",
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write a mono wave `samples` `[T]` at `rate` Hz in one go; raises as `Writer`."""
    with Writer(path, rate, subtype, tags) as writer:
        writer.append(np.asarray(samples))


def read_tags(path: Path | str) -> dict[str, str]:
    """Tags of a file that `Writer` can write; DataError when soundfile cannot open it."""
    try:
        with soundfile.SoundFile(Path(path)) as file:
            return {name: value for name in TAG_NAMES if (value := getattr(file, name))}
    except soundfile.SoundFileError as error:
        raise DataError(f"{Path(path).name} has no readable tags", str(error)) from error


def to_int16(samples: np.ndarray) -> np.ndarray:
    """`samples` `[T]`, full scale 1, as int16, rounded and held at the ends."""
    return np.clip(np.rint(samples.astype(np.float64) * 32768.0), -32768, 32767).astype(np.int16)


def _quantised(samples: np.ndarray, subtype: Subtype) -> np.ndarray:
    if subtype == "FLOAT":
        return samples.astype(np.float32)
    if subtype == "PCM_16":
        return to_int16(samples)
    scaled = np.clip(np.rint(samples.astype(np.float64) * 8388608.0), -8388608, 8388607).astype(np.int32)
    # soundfile keeps the upper three bytes of a 32-bit integer.
    return scaled << 8


def _format(path: Path, subtype: Subtype) -> str:
    name = _FORMATS.get(path.suffix.lower())
    if name is None:
        raise InputError(f"{path.name} has no suffix to write audio under", "", f"Use {', '.join(_FORMATS)}.")
    if subtype not in ("PCM_16", "PCM_24", "FLOAT"):
        raise InputError(f"Unknown sample format {subtype}", "PCM_16, PCM_24 and FLOAT are known")
    if subtype == "FLOAT" and name == "FLAC":
        raise InputError(
            f"{path.name} cannot hold float samples", "FLAC stores integers", "Use PCM_24 or WAV."
        )
    return name


def _clear_peak_time(path: Path) -> None:
    """Zero the clock reading that libsndfile puts into float WAV files: equal input must give equal files."""
    with path.open("r+b") as file:
        head = file.read(1 << 16)
        place = head.find(b"PEAK")
        if 0 < place < head.find(b"data"):
            file.seek(place + 12)
            file.write(bytes(4))
