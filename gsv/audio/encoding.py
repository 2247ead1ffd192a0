"""Waves to MP3 and M4A, through the ffmpeg binary of imageio-ffmpeg; other endings go to `writing`.

Knows encoders and their pipe. Does not know what the sound is for; a file appears only when all is written.
"""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol

import numpy as np

from gsv.audio import ffmpeg
from gsv.audio.resampling import check_rate
from gsv.audio.writing import Subtype, Writer
from gsv.errors import DataError, ResourceError
from gsv.files import writing

ENDINGS = ("wav", "flac", "mp3", "m4a")
"""Endings, without the dot, that a person may ask for."""
_ENCODERS = {".mp3": ("libmp3lame", "mp3"), ".m4a": ("aac", "ipod")}
_BITS = "192k"


class SoundWriter(Protocol):
    """What `open_writer` gives: a context manager that takes mono samples `[T]`, full scale 1."""

    def __enter__(self) -> SoundWriter: ...

    def append(self, samples: np.ndarray) -> None:
        """Add samples."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_writer(path: Path, rate: int, subtype: Subtype = "PCM_16") -> SoundWriter:
    """A writer for the path's ending; `subtype` counts for wav and flac. Raises InputError for others."""
    if path.suffix.lower() in _ENCODERS:
        return Encoder(path, rate)
    return Writer(path, rate, subtype)


class Encoder:
    """An MP3 or M4A file that grows by `append`, at `rate` Hz and 192 kbit/s.

    Raises DependencyError without imageio-ffmpeg, ResourceError where the encoder does not end well.
    """

    def __init__(self, path: Path, rate: int) -> None:
        self.path, self.rate = Path(path), check_rate(rate)
        self._codec, self._format = _ENCODERS[self.path.suffix.lower()]
        self._place: AbstractContextManager[Path] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._report: IO[bytes] | None = None

    def __enter__(self) -> Encoder:
        self._place = writing(self.path)
        target = self._place.__enter__()
        command = [ffmpeg.binary(), "-nostdin", "-v", "error", "-y", "-f", "f32le", "-ar", str(self.rate)]
        command += ["-ac", "1", "-i", "pipe:0", "-c:a", self._codec, "-b:a", _BITS, "-bitexact"]
        command += ["-f", self._format, f"file:{target.absolute()}"]
        self._report = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._report,
                creationflags=ffmpeg.creation_flags(),
            )
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def append(self, samples: np.ndarray) -> None:
        """Add mono `samples` `[T]`; what exceeds full scale is held there."""
        if not np.isfinite(samples).all():
            raise DataError(
                f"{self.path.name} was not written", "the audio holds values that are not numbers"
            )
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(np.clip(samples, -1.0, 1.0).astype("<f4").tobytes())
        except OSError:
            raise self._failure() from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failure: BaseException | None = error
        if self._process is not None:
            failure = self._finish(kind is None) or error
        if self._report is not None:
            self._report.close()
        if self._place is not None:
            place, self._place = self._place, None
            if failure is not None and error is None:
                place.__exit__(type(failure), failure, failure.__traceback__)
                raise failure
            place.__exit__(kind, error, trace)

    def _finish(self, well: bool) -> ResourceError | None:
        """End the encoder; an error where it did not finish although all went well here."""
        assert self._process is not None and self._process.stdin is not None
        process = self._process
        try:
            if not well:
                process.kill()
            assert process.stdin is not None
            process.stdin.close()
            code = process.wait(ffmpeg.STALL_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            process.kill()
            code = process.wait() or 1
        return self._failure() if well and code != 0 else None

    def _failure(self) -> ResourceError:
        said: list[str] = []
        if self._report is not None and not self._report.closed:
            self._report.seek(0)
            said = self._report.read(4_000).decode("utf-8", "replace").strip().splitlines()
        return ResourceError(f"{self.path.name} cannot be encoded", said[-1] if said else "the encoder ended")
