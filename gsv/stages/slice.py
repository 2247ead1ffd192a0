"""The slice stage: long recordings to clips of a few seconds.

Knows files, clip names and what was sliced before. Where to cut is decided by `gsv.audio.slicing`. A
recording of any length passes in bounded memory: once for its levels, once for its clips.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gsv.audio import Writer, blocks, probe, resample_stream
from gsv.audio.slicing import Levels, SliceSettings, cut, measure, slice_level
from gsv.errors import DataError, GsvError, InputError
from gsv.events import Counts, Events
from gsv.files import MAX_NAME_BYTES, safe_name, sha256
from gsv.listening.activity import CHUNK, SAMPLE_RATE, SpeechActivity, without_blips
from gsv.stages.separate import JOURNAL as SEPARATED
from gsv.stages.sound_files import FolderRun, folder_apart, origins
from gsv.stages.sounds import recordings
from gsv.stages.workers import Outcome

RATE = 32000
JOURNAL = "slices.jsonl"
_SAME_SECONDS = 0.2
_BLOCK_HOPS = 1000
_NUMBERS = "_0000000000_0000000000.wav"
SPEECH_SILENCE = 220.0
"""Milliseconds that are kept around speech where the activity of speech is known: it knows the borders well."""
_SPEECH = 0.75
"""Half would be enough in silence; noise and music are taken for speech up to here (docs/design.md)."""


@dataclass(frozen=True)
class SliceOptions:
    """How clips are cut and written."""

    cutting: SliceSettings = field(default_factory=SliceSettings)
    maximum: float = 0.9
    """Peak that the levelled part of a clip is brought to."""
    alpha: float = 0.25
    """Share of the levelled part in a clip, 0 to 1."""
    as_float: bool = False
    """Write float samples, untouched where alpha is 0, instead of 16-bit ones."""
    speech_activity: bool = False
    """Take for silence what is no speech, instead of what is soft."""

    def __post_init__(self) -> None:
        """Raises InputError for a level outside of its range."""
        if not 0 <= self.alpha <= 1 or not 0 < self.maximum <= 1:
            raise InputError("the level cannot be used", "alpha is from 0 to 1, the maximum above 0 up to 1")


@dataclass(frozen=True)
class SliceTask:
    """One recording; its clips are called `prefix_START_END.wav`, in samples at 32 kHz."""

    name: str
    path: Path
    prefix: str
    heard: Path
    """Where speech is listened for: the recording itself, or the one that its voice was separated from. What is
    left of music in a separated voice sounds more like speech than the music did."""


@dataclass(frozen=True)
class SliceWork:
    """Cuts recordings into a folder."""

    output: Path
    options: SliceOptions

    def __call__(self) -> Callable[[Sequence[SliceTask]], list[Outcome]]:
        activity = SpeechActivity() if self.options.speech_activity else None

        def one(task: SliceTask) -> Outcome:
            try:
                return Outcome(task.name, slice_recording(task, self.output, self.options, activity))
            except GsvError as error:
                return Outcome(task.name, reason=str(error))

        return lambda tasks: [one(task) for task in tasks]


def slice_recording(
    task: SliceTask, output: Path, options: SliceOptions, activity: SpeechActivity | None = None
) -> dict[str, Any]:
    """Write the clips of one recording; returns their names and how much was kept.

    Raises InputError and DataError for a recording that cannot be read, DataError for one without sound.
    """
    settings = options.cutting
    block_seconds = _BLOCK_HOPS * settings.hop_samples(RATE) / RATE
    levels = measure(blocks(task.path, RATE, block_seconds), RATE, settings)
    speech = None if activity is None else _speech_levels(task.heard, levels, settings, activity)
    clips = cut(levels, RATE, settings, speech)
    if not clips:
        why = "no speech was found" if activity else f"nothing is louder than {settings.threshold_db:g} dB"
        raise DataError(f"{task.path.name} holds nothing to cut out", why, "Lower the threshold.")
    _remove_clips(output, task.prefix)
    names = [f"{task.prefix}_{start:010d}_{end:010d}.wav" for start, end in clips]
    pieces = _pieces(blocks(task.path, RATE, block_seconds), clips)
    for name, (start, end) in zip(names, clips, strict=True):
        _write_clip(output / name, next(pieces), levels.peak(start, end), options)
    kept = sum(end - start for start, end in clips)
    return {"files": names, "seconds": round(kept / RATE, 3), "of_seconds": round(levels.samples / RATE, 3)}


def _write_clip(path: Path, parts: Iterator[np.ndarray], peak: float, options: SliceOptions) -> None:
    untouched = options.as_float and options.alpha == 0
    with Writer(path, RATE, "FLOAT" if options.as_float else "PCM_16") as writer:
        for part in parts:
            writer.append(part if untouched else slice_level(part, peak, options.maximum, options.alpha))


def _pieces(stream: Iterator[np.ndarray], clips: Sequence[tuple[int, int]]) -> Iterator[Iterator[np.ndarray]]:
    """For each clip its samples, as parts of the stream that passes once; take them in order."""
    block, position = np.zeros(0, np.float32), 0

    def parts(start: int, end: int) -> Iterator[np.ndarray]:
        nonlocal block, position
        while start < end:
            while position + len(block) <= start:
                position += len(block)
                block = next(stream)
            part = block[start - position : end - position]
            yield part
            start += len(part)

    for start, end in clips:
        yield parts(start, end)


def _speech_levels(
    path: Path, levels: Levels, settings: SliceSettings, activity: SpeechActivity
) -> np.ndarray:
    """Levels whose silent frames are those without speech; the quietest frames stay where they are."""
    seconds = CHUNK * 32 / SAMPLE_RATE
    stream = resample_stream(blocks(path, RATE, seconds), RATE, SAMPLE_RATE)
    chances = activity.probabilities(stream)
    centres = np.arange(len(levels.rms)) * levels.hop * SAMPLE_RATE // (RATE * CHUNK)
    speaks = without_blips(chances >= _SPEECH)[np.minimum(centres, len(chances) - 1)]
    below = np.nextafter(settings.threshold, 0)
    return np.where(speaks, np.maximum(levels.rms, settings.threshold), np.minimum(levels.rms, below))


def _remove_clips(output: Path, prefix: str) -> None:
    """Remove what an earlier slicing of the same recording left."""
    mine = re.compile(re.escape(prefix) + r"_\d{10}_\d{10}\.wav")
    for path in output.iterdir():
        if mine.fullmatch(path.name):
            path.unlink()


def slice_recordings(
    source: Path,
    output: Path,
    options: SliceOptions | None = None,
    *,
    workers: int = 0,
    events: Events | None = None,
) -> Counts:
    """Slice a recording, or all recordings below a folder, into clips in the folder `output`.

    What was sliced with the same options is skipped. Raises InputError for a missing or empty source,
    DependencyError where the speech activity is not installed, DataError where no recording is usable,
    Cancelled; a bad recording only counts.
    """
    events, options = events or Events(), options or SliceOptions()
    output = folder_apart(source, output)
    output.mkdir(parents=True, exist_ok=True)
    if options.speech_activity:
        SpeechActivity()
    run = FolderRun("slice", Path(source), output, JOURNAL, events)
    files = recordings(Path(source), besides=output)
    keys = run.keyed(files, {"options": asdict(options), "rule": 4})
    before = origins(Path(source), SEPARATED) if options.speech_activity else {}
    taken: set[str] = set()
    tasks = [
        SliceTask(name, files[name], _prefix(files[name].name, taken), _heard(files[name], before))
        for name in keys
    ]
    if any(task.heard != task.path for task in tasks):
        events.message("Speech is listened for in the recordings that the voices were separated from.")
    # The clips' names are part of what was made: a namesake that is added or removed may change them.
    keys = {task.name: f"{keys[task.name]}-{task.prefix}" for task in tasks}
    keys |= {
        task.name: f"{keys[task.name]}-{sha256(task.heard)}" for task in tasks if task.heard != task.path
    }
    run.work(tasks, keys, SliceWork(output, options), workers=workers, say=_in_words)
    return run.counts


def _heard(path: Path, before: Mapping[Path, Path]) -> Path:
    """The recording that a voice was separated from, if it is as long as the voice; else the voice itself."""
    original = before.get(path.resolve())
    if original is None:
        return path
    try:
        own, other = probe(path).seconds, probe(original).seconds
    except GsvError:
        return path  # what cannot be read is listed when it is sliced
    return original if own and other and abs(own - other) < _SAME_SECONDS else path


def _in_words(record: Mapping[str, Any]) -> str:
    return f"{len(record['files'])} clips, {record['seconds']:.0f} of {record['of_seconds']:.0f} s"


def _prefix(name: str, taken: set[str]) -> str:
    """The source's name, short enough for the numbers behind it, distinct without case."""
    room = MAX_NAME_BYTES - len(_NUMBERS)
    stem, dot, ending = name.rpartition(".")
    while len(safe_name(name).encode()) > room and stem:
        stem = stem[:-1]
        name = f"{stem}{dot}{ending}"
    prefix = safe_name(name, taken)
    taken.add(prefix)
    return prefix
