"""The separate stage: recordings with music to their voice alone.

Knows files, the choice between the built-in method and downloaded models, and how to say how much music is
left. How the built-in method works is `gsv.audio.separation`. A recording of any length passes in bounded
memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gsv.audio import blocks, probe, resample_stream
from gsv.audio.encoding import open_writer
from gsv.audio.separation import voice_stream
from gsv.errors import DataError, import_optional
from gsv.events import Counts, Events
from gsv.stages import separation_models
from gsv.stages.gaps import GapLevels, Pauses, aligned
from gsv.stages.separation_models import RECOMMENDED
from gsv.stages.sound_files import MirroredStage, SoundTask, below
from gsv.weights.catalogue import COMMAND

BUILT_IN = "built-in"
JOURNAL = "separated.jsonl"
INSTALL = 'pip install "audio-separator[cpu]"'
WEAK_DECIBELS = 6.0
"""Music between the words that sank by less than this was hardly separated."""
_UNHEARD_DECIBELS = 30.0
_BLOCK_SECONDS = 4.0
_LEAST_PAUSE_SECONDS = 0.5


class Separator(Protocol):
    """What takes the voice out of a recording."""

    def voice(self, path: Path, rate: int) -> Iterator[np.ndarray]:
        """The voice in blocks `[t]` of mono samples at `rate` Hz, in place in time. Raises GsvError."""
        ...


class BuiltIn:
    """Running medians over spectra: needs no download, and leaves some of the music."""

    def voice(self, path: Path, rate: int) -> Iterator[np.ndarray]:
        """As `Separator.voice`."""
        return voice_stream(blocks(path, rate, _BLOCK_SECONDS), rate)


class AudioSeparator:
    """A UVR, MDX or RoFormer model, run by the optional package audio-separator.

    `model` is a file; whatever belongs to it lies beside it. Raises DependencyError without the package,
    WeightsError for a model that is missing or, once it is used, does not load.
    """

    _RATE = 44_100
    _PIECE_SECONDS = 300.0
    _OVERLAP_SECONDS = 4.0

    def __init__(self, model: Path) -> None:
        self._package: Any = import_optional("audio_separator.separator", INSTALL)
        separation_models.check_present(model)
        self._model = model

    def voice(self, path: Path, rate: int) -> Iterator[np.ndarray]:
        """As `Separator.voice`; the package works on a copy of the sound, a few minutes at a time."""
        with tempfile.TemporaryDirectory(prefix="gsv-separate-") as name:
            yield from resample_stream(self._pieces(path, Path(name)), self._RATE, rate)

    def _pieces(self, path: Path, folder: Path) -> Iterator[np.ndarray]:
        """Voices of pieces that lie over one another a little: a model hears badly at the ends of what it gets."""
        worker = self._worker(folder)
        overlap = round(self._OVERLAP_SECONDS * self._RATE)
        share = np.clip(2 * np.arange(overlap, dtype=np.float32) / overlap - 0.5, 0, 1)
        before = after = np.zeros(0, np.float32)
        for block in blocks(path, self._RATE, self._PIECE_SECONDS):
            sound = np.concatenate([before, block])
            voice = self._voice(worker, sound, folder, path.name)
            if len(after):
                voice[:overlap] = (1 - share) * after + share * voice[:overlap]
            yield voice[:-overlap]
            before, after = sound[-overlap:], voice[-overlap:]
        yield after

    def _voice(self, worker: Any, sound: np.ndarray, folder: Path, name: str) -> np.ndarray:
        """The voice in one piece, as long as the piece."""
        # With MDX models the package multiplies the voice by the loudest sample: that is to be 1, therefore.
        # The package's own division of long recordings would do it anew for every part.
        loudest = float(np.abs(sound).max(initial=0.0))
        voice = np.zeros_like(sound)
        if loudest == 0.0:
            return voice
        # The package would hand the person's own file name to other programs.
        source = folder / "sound.wav"
        with open_writer(source, self._RATE, "FLOAT") as writer:
            writer.append(sound / loudest)
        made = worker.separate(str(source))
        found = folder / str(made[0]) if made else folder
        if not found.is_file():
            raise DataError(f"no voice came out of {name}", f"{self._model.name} gave none")
        given = 0
        for block in blocks(found, self._RATE, _BLOCK_SECONDS):
            part = block[: len(sound) - given]
            voice[given : given + len(part)] = loudest * part
            given += len(part)
        found.unlink()
        return voice

    def _worker(self, folder: Path) -> Any:
        home = str(separation_models.laid_out(self._model, folder / "model"))
        worker = separation_models.without_ffmpeg(self._package.Separator)(
            model_file_dir=home,
            output_dir=str(folder),
            output_single_stem="Vocals",
            normalization_threshold=1.0,
            use_soundfile=True,
        )
        # The package prefers a folder that its environment variable names, and would download there.
        worker.model_file_dir = home
        try:
            worker.load_model(self._model.name)
        except Exception as error:  # of many kinds, from the network to the network's weights
            raise separation_models.does_not_load(self._model, str(error)) from error
        return worker


@dataclass(frozen=True)
class SeparateOptions:
    """How voices are taken out and written."""

    model: str = BUILT_IN
    """`built-in`, a model of the catalogue, or a model's file: a path or a name in `pretrained_models/separation`."""
    ending: str = "wav"
    keep_rest: bool = False
    """Write what was taken out as well, as NAME.music.ENDING beside the voice."""


def separate_recordings(
    source: Path,
    output: Path,
    options: SeparateOptions | None = None,
    *,
    models: Path | None = None,
    workers: int = 0,
    events: Events | None = None,
) -> Counts:
    """Take the voice out of a recording, or of all below a folder; each result has its recording's name.

    `output` is a folder, or a file where `source` is one; `models` the folder of downloaded models. What
    was separated in the same way is skipped. Raises InputError for a bad path or ending, DependencyError and
    WeightsError for a model that cannot run, DataError where no recording is usable, Cancelled.
    """
    events, options = events or Events(), options or SeparateOptions()
    load = _loader(options.model, models)
    load()  # what is missing is said before the work begins
    stage = MirroredStage(
        "separate",
        JOURNAL,
        {
            "model": separation_models.file_name(options.model),
            "rest": options.keep_rest,
            # Models once gave the voice at a wrong level: what they made then is made again.
            "rule": 1 if options.model == BUILT_IN else 3,
        },
        lambda folder: partial(_worker, load, folder, options.keep_rest),
        in_words,
    )
    counts, records = stage.run(source, output, options.ending, workers=workers, events=events)
    _judge(options.model, records, events)
    return counts


def _loader(model: str, models: Path | None) -> Callable[[], Separator]:
    """Picklable maker of the chosen separator. Raises InputError for a model that cannot be found."""
    if model == BUILT_IN:
        return BuiltIn
    return partial(AudioSeparator, separation_models.located(model, models))


def _worker(
    load: Callable[[], Separator], folder: Path, keep_rest: bool
) -> Callable[[SoundTask], dict[str, Any]]:
    separator, pauses = load(), Pauses()
    return lambda task: separate_recording(task, folder, separator, pauses, keep_rest=keep_rest)


def separate_recording(
    task: SoundTask, folder: Path, separator: Separator, pauses: Pauses, *, keep_rest: bool = False
) -> dict[str, Any]:
    """Write the voice of one recording; returns its files below `folder`, its length and what was measured.

    Raises InputError and DataError for a recording that cannot be read.
    """
    rate = probe(task.path).rate
    rest = task.target.with_name(f"{task.target.stem}.music{task.target.suffix}") if keep_rest else None
    levels = GapLevels(rate)
    original = levels.before(blocks(task.path, rate, _BLOCK_SECONDS))
    with open_writer(task.target, rate) as writer:
        if rest is None:
            for voice, _ in aligned(separator.voice(task.path, rate), original):
                writer.append(levels.after(voice))
        else:
            with open_writer(rest, rate) as other:
                for voice, whole in aligned(separator.voice(task.path, rate), original):
                    writer.append(levels.after(voice))
                    other.append(whole - voice)
    speech = pauses.probabilities(resample_stream(blocks(task.path, rate, _BLOCK_SECONDS), rate, pauses.rate))
    made = [path for path in (task.target, rest) if path is not None]
    return {
        "files": [below(path, folder) for path in made],
        "seconds": round(levels.seconds, 3),
        **levels.result(speech, _LEAST_PAUSE_SECONDS),
    }


def in_words(record: Mapping[str, Any]) -> str:
    """What was measured, for people."""
    if record.get("before") is None or record.get("after") is None:
        return f"{record['seconds']:.0f} s; no pauses to measure the music in"
    return (
        f"{record['seconds']:.0f} s; between the words {record['before']:.0f} dB before, "
        f"{record['after']:.0f} dB after"
    )


def is_weak(record: Mapping[str, Any]) -> bool:
    """Whether music that can be heard between the words was lowered by little."""
    before, after, speech = (record.get(name) for name in ("before", "after", "speech"))
    if before is None or after is None or speech is None:
        return False
    return bool(speech - after < _UNHEARD_DECIBELS and before - after < WEAK_DECIBELS)


def _judge(model: str, records: Mapping[str, Mapping[str, Any]], events: Events) -> None:
    """Say where the separation was weak, and what does it better."""
    weak = sorted(name for name, record in records.items() if is_weak(record))
    if not weak:
        return
    shown = ", ".join(weak[:3]) + (" …" if len(weak) > 3 else "")
    steps = f"{INSTALL}, then {COMMAND} download {RECOMMENDED}, then --model {RECOMMENDED}"
    better = f" A model does better: {steps}." if model == BUILT_IN else ""
    events.message(
        f"The separation is weak in {len(weak)} of {len(records)} recordings ({shown}): music is left.{better}",
        "warning",
    )
