"""What soundfile cannot open (m4a, video, ...), decoded by the ffmpeg binary of imageio-ffmpeg.

Knows: argument lists, time limits, which containers are let in. Does not know limits of size or length:
`reading` applies those. No shell is involved and no network protocol is allowed.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from gsv.errors import DataError, import_optional

CHUNK_SECONDS = 10
STALL_SECONDS = 60.0
"""A decoder that gives nothing for this long is ended."""

# Playlists and concatenation scripts are left out: they name other files.
_CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,eac3,flac,flv,latm,m4v,matroska,mov,mp3,mpc,mpc8,mpeg,"
    "mpegts,ogg,tak,tta,voc,w64,wav,wv"
)
_DURATION = re.compile(r"Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)")
_STREAM = re.compile(r"Stream #\S+.*?: Audio: .*?(\d+) Hz, ([^,\n]+)")
_LAYOUTS = {"mono": 1, "stereo": 2, "quad": 4, "downmix": 2, "hexagonal": 6, "octagonal": 8}


@dataclass(frozen=True)
class Stream:
    """First audio stream of a container, as its header describes it."""

    rate: int
    channels: int
    seconds: float | None


def describe(path: Path) -> Stream:
    """Header of the first audio stream; raises DataError when there is none that ffmpeg knows."""
    try:
        # Without an output ffmpeg prints what it found and exits with 1; that is the only report there is.
        done = subprocess.run(
            [*_opening(path), "-hide_banner"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=STALL_SECONDS,
            creationflags=creation_flags(),
        )
    except subprocess.TimeoutExpired:
        raise DataError(f"{path.name} cannot be read", "its header takes too long to decode") from None
    report = done.stderr.decode("utf-8", "replace")
    stream = _STREAM.search(report)
    if stream is None:
        raise DataError(
            f"{path.name} is not a recording that can be read",
            "no audio stream was found in it",
            "Export it as WAV, FLAC, MP3, OGG or M4A.",
        )
    length = _DURATION.search(report)
    seconds = None
    if length is not None:
        seconds = int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3])
    return Stream(rate=int(stream[1]), channels=_channels(stream[2]), seconds=seconds)


def decode(path: Path, rate: int, channels: int) -> Iterator[np.ndarray]:
    """Chunks `[t, channels]` float32 at `rate` Hz; raises DataError when the decoder fails or stalls."""
    command = [*_opening(path), "-v", "error", "-map", "0:a:0", "-vn", "-sn", "-dn"]
    command += ["-ar", str(rate), "-ac", str(channels), "-f", "f32le", "pipe:1"]
    with tempfile.TemporaryFile() as report:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=report,
            creationflags=creation_flags(),
        )
        try:
            assert process.stdout is not None
            size = rate * CHUNK_SECONDS * channels * 4
            while chunk := _read_in_time(process, process.stdout, size, path):
                whole = len(chunk) - len(chunk) % (channels * 4)
                yield np.frombuffer(chunk[:whole], dtype="<f4").reshape(-1, channels)
            code = process.wait(STALL_SECONDS)
            report.seek(0)
            said = report.read(4_000).decode("utf-8", "replace").strip().splitlines()
            if code != 0:
                raise DataError(
                    f"{path.name} cannot be decoded", said[-1] if said else f"ffmpeg ended with {code}"
                )
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def binary() -> str:
    """Path of the ffmpeg program. Raises DependencyError where imageio-ffmpeg is not installed."""
    return str(import_optional("imageio_ffmpeg", "pip install imageio-ffmpeg").get_ffmpeg_exe())


def _opening(path: Path) -> list[str]:
    # The prefix keeps names such as "-y.wav" and "http:x" from being read as anything but a file.
    return [
        binary(),
        "-nostdin",
        "-format_whitelist",
        _CONTAINERS,
        "-protocol_whitelist",
        "file",
        "-i",
        f"file:{path}",
    ]


def _read_in_time(process: subprocess.Popen[bytes], pipe: IO[bytes], size: int, path: Path) -> bytes:
    stalled = threading.Event()

    def end() -> None:
        stalled.set()
        process.kill()

    timer = threading.Timer(STALL_SECONDS, end)
    timer.daemon = True
    timer.start()
    try:
        chunk = pipe.read(size)
    finally:
        timer.cancel()
    if stalled.is_set():
        raise DataError(
            f"{path.name} cannot be decoded", f"the decoder gave nothing for {STALL_SECONDS:.0f} s"
        )
    return chunk


def _channels(layout: str) -> int:
    words = layout.strip().split()
    if len(words) > 1 and words[1].startswith("channel") and words[0].isdigit():
        return int(words[0])
    name = words[0].split("(")[0] if words else ""
    if name in _LAYOUTS:
        return _LAYOUTS[name]
    parts = name.split(".")
    # "5.1" and "7.1.2" add up to their channels; an unknown name counts as stereo.
    return sum(int(part) for part in parts) if all(part.isdigit() for part in parts) and name else 2


def creation_flags() -> int:
    """Flags of a child process that opens no window on Windows."""
    return int(getattr(subprocess, "CREATE_NO_WINDOW", 0)) if os.name == "nt" else 0
