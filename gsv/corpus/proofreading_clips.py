"""New clips for a list that is being proofread: a clip cut in two, clips put together; how a clip looks.

Knows audio files. The recordings that it reads are never written to.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from gsv import audio, files
from gsv.audio.writing import Subtype
from gsv.corpus.proofreading_rows import Part
from gsv.errors import InputError

SHORTEST = 0.05
"""Seconds that each half of a cut must have."""
LONGEST_PAUSE = 2.0
_STEM_LENGTH = 60
_PEAK_RATE = 8000


def cut(source: Path, seconds: float, folder: Path) -> tuple[Path, Path, float]:
    """Write both sides of the point as new files into `folder`; returns them and the clip's length in seconds.

    Together they hold each sample of the source (mono) once, and exactly where it is 16 or 24 bit. Raises
    InputError for a point outside the clip, and as `audio.read`.
    """
    clip = audio.read(source)
    place = round(seconds * clip.rate)
    least = round(SHORTEST * clip.rate)
    if not least <= place <= len(clip.samples) - least:
        why = f"the clip lasts {clip.seconds:.2f} s, the point is at {seconds:.2f} s"
        raise InputError("the clip cannot be cut there", why, "Choose a point inside it.")
    subtype = _subtype([source])
    ends = (f"0-{_milliseconds(seconds)}", f"{_milliseconds(seconds)}-{_milliseconds(clip.seconds)}")
    halves = (clip.samples[:place], clip.samples[place:])
    paths = []
    for name, samples in zip(ends, halves, strict=True):
        path = _free(folder, f"{source.stem[:_STEM_LENGTH]} {name}")
        audio.write(path, samples, clip.rate, subtype)
        paths.append(path)
    return paths[0], paths[1], clip.seconds


def join(sources: Sequence[Path], pause: float, folder: Path, longest: float) -> tuple[Path, list[float]]:
    """Write the clips one after the other, `pause` seconds of silence between them, as one new file.

    The rate is the highest of theirs. Returns the file and where each clip begins in it, in seconds, with
    its length behind them. Raises InputError for a pause outside 0-2 s or a clip longer than `longest`.
    """
    if not 0 <= pause <= LONGEST_PAUSE:
        raise InputError(f"a pause of {pause:g} s cannot be put in", f"0 to {LONGEST_PAUSE:g} s are possible")
    rate = max(audio.probe(source).rate for source in sources)
    clips = [audio.read(source, rate).samples for source in sources]
    silence = np.zeros(round(pause * rate), dtype=np.float32)
    pieces, starts, length = [], [], 0
    for number, samples in enumerate(clips):
        if number:
            pieces.append(silence)
            length += len(silence)
        starts.append(length / rate)
        pieces.append(samples)
        length += len(samples)
    if length / rate >= longest:
        why = f"together they last {length / rate:.1f} s; less than {longest:g} s are read in a preparation"
        raise InputError("the clips are too long to be one", why, "Leave them apart.")
    path = _free(folder, f"{sources[0].stem[:_STEM_LENGTH]} +{len(sources) - 1}")
    audio.write(path, np.concatenate(pieces), rate, _subtype(sources))
    return path, [*starts, length / rate]


def cut_parts(parts: Sequence[Part], seconds: float) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """What lies on either side of the point."""
    left, right = [], []
    for part in parts:
        end = part.at + part.end - part.start
        if part.at < seconds:
            left.append(Part(part.path, part.start, part.start + min(end, seconds) - part.at, part.at))
        if end > seconds:
            begin = max(part.at, seconds)
            right.append(Part(part.path, part.start + begin - part.at, part.end, begin - seconds))
    return tuple(left), tuple(right)


def moved(parts: Sequence[Part], seconds: float) -> tuple[Part, ...]:
    """The same stretches, so many seconds later in the clip."""
    return tuple(Part(part.path, part.start, part.end, part.at + seconds) for part in parts)


def peaks(path: Path, count: int) -> tuple[list[int], float]:
    """How loud a clip is in `count` equal stretches (0-100 of its loudest), and its length in seconds.

    Raises as `audio.read`.
    """
    samples = np.abs(audio.read(path, _PEAK_RATE).samples)
    edges = np.linspace(0, len(samples), count + 1).astype(int)[:-1]
    loud = np.maximum.reduceat(samples, np.minimum(edges, len(samples) - 1))
    top = max(float(loud.max()), 1e-4)
    seconds = audio.probe(path).seconds
    return [round(100 * float(value) / top) for value in loud], seconds or len(samples) / _PEAK_RATE


def _subtype(sources: Sequence[Path]) -> Subtype:
    """A sample format that loses nothing of the sources."""
    found = set()
    for source in sources:
        try:
            found.add(soundfile.info(source).subtype)
        except soundfile.SoundFileError:
            found.add("")
    if found <= {"PCM_16", "PCM_S8", "PCM_U8"}:
        return "PCM_16"
    return "PCM_24" if found <= {"PCM_16", "PCM_24", "PCM_S8", "PCM_U8"} else "FLOAT"


def _free(folder: Path, stem: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / files.safe_name(f"{stem}.wav", [path.name for path in folder.iterdir()])


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)
