"""The denoise stage: clips and recordings without their noise, at their own rate and length.

Knows files, the choice of a denoiser, and the level of noise before and after. How noise is told from
speech is `gsv.audio.rnnoise`'s and the models' business. A recording of any length passes in bounded memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gsv.audio import blocks, probe, resample_stream
from gsv.audio.encoding import open_writer
from gsv.audio.rnnoise import RnNoise
from gsv.errors import InputError
from gsv.events import Counts, Events
from gsv.listening.deepfilter import DeepFilter
from gsv.stages.gaps import GapLevels, Pauses, aligned
from gsv.stages.sound_files import MirroredStage, SoundTask, below

BUILT_IN = "rnnoise"
DEEP = "deepfilternet3"
MODELS = (BUILT_IN, DEEP)
JOURNAL = "denoised.jsonl"
_RATE = 48_000
_BLOCK_SECONDS = 4.0
_LEAST_PAUSE_SECONDS = 0.2


class Denoiser(Protocol):
    """What takes noise out of a mono stream at 48 kHz."""

    def stream(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """As many samples as come in, none of them late."""
        ...


@dataclass(frozen=True)
class DenoiseOptions:
    """How noise is taken out and written."""

    model: str = BUILT_IN
    """`rnnoise`, which is built in, or `deepfilternet3`, which is downloaded."""
    strength: float = 0.7
    """Share of the cleaned sound, 0 to 1; the rest stays as it was. At 1 a recogniser hears worse than before
    where a separation went before (docs/design.md)."""
    ending: str = "wav"

    def __post_init__(self) -> None:
        """Raises InputError for an unknown model and a strength outside of its range."""
        if self.model not in MODELS:
            raise InputError(f"there is no denoiser {self.model!r}", "", f"Choose {' or '.join(MODELS)}.")
        if not 0 < self.strength <= 1:
            raise InputError(f"a strength of {self.strength:g} cannot be used", "it is above 0, up to 1")


def denoise_recordings(
    source: Path,
    output: Path,
    options: DenoiseOptions | None = None,
    *,
    models: Path | None = None,
    workers: int = 0,
    events: Events | None = None,
) -> Counts:
    """Take the noise out of a recording, or of all below a folder; each result has its recording's name.

    `output` is a folder, or a file where `source` is one; `models` the folder of downloaded models. What
    was done in the same way is skipped. Raises InputError for a bad path or ending, DependencyError and
    WeightsError for a denoiser that cannot run, DataError where no recording is usable, Cancelled.
    """
    events, options = events or Events(), options or DenoiseOptions()
    load = _loader(options.model, models)
    load()  # what is missing is said before the work begins
    stage = MirroredStage(
        "denoise",
        JOURNAL,
        {"model": options.model, "strength": options.strength, "rule": 1},
        lambda folder: partial(_worker, load, folder, options.strength),
        in_words,
    )
    counts, records = stage.run(source, output, options.ending, workers=workers, events=events)
    _summarise(records, events)
    return counts


def _loader(model: str, models: Path | None) -> Callable[[], Denoiser]:
    """Picklable maker of the chosen denoiser."""
    return RnNoise if model == BUILT_IN else partial(DeepFilter, models)


def _worker(
    load: Callable[[], Denoiser], folder: Path, strength: float
) -> Callable[[SoundTask], dict[str, Any]]:
    denoiser, pauses = load(), Pauses()
    return lambda task: denoise_recording(task, folder, denoiser, pauses, strength)


def denoise_recording(
    task: SoundTask, folder: Path, denoiser: Denoiser, pauses: Pauses, strength: float
) -> dict[str, Any]:
    """Write one recording without its noise; returns its file below `folder`, its length and its noise.

    Raises InputError and DataError for a recording that cannot be read.
    """
    rate = probe(task.path).rate
    levels = GapLevels(rate)
    original = levels.before(blocks(task.path, rate, _BLOCK_SECONDS))
    with open_writer(task.target, rate) as writer:
        cleaned = denoiser.stream(resample_stream(blocks(task.path, rate, _BLOCK_SECONDS), rate, _RATE))
        for clean, whole in aligned(resample_stream(cleaned, _RATE, rate), original):
            writer.append(levels.after(strength * clean + (1.0 - strength) * whole))
    speech = pauses.probabilities(resample_stream(blocks(task.path, rate, _BLOCK_SECONDS), rate, pauses.rate))
    return {
        "files": [below(task.target, folder)],
        "seconds": round(levels.seconds, 3),
        **levels.result(speech, _LEAST_PAUSE_SECONDS),
    }


def in_words(record: Mapping[str, Any]) -> str:
    """What was measured, for people."""
    if record.get("before") is None or record.get("after") is None:
        return f"{record['seconds']:.1f} s; no pauses to measure the noise in"
    return (
        f"{record['seconds']:.1f} s; noise {record['before']:.0f} dB before, {record['after']:.0f} dB after"
    )


def _summarise(records: Mapping[str, Mapping[str, Any]], events: Events) -> None:
    """Say how loud the noise was and is, over all recordings in which it could be measured."""
    pairs = [(record["before"], record["after"]) for record in records.values()]
    known = np.array([pair for pair in pairs if None not in pair], np.float64).reshape(-1, 2)
    if len(known):
        before, after = np.median(known, axis=0)
        events.message(f"Noise between the words: {before:.0f} dB before, {after:.0f} dB after (median)")
