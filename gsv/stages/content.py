"""The content stage: recordings to `5-wav32k` and `4-cnhubert`.

Knows recordings, batches and the files of both folders. Does not know text, nor the encoder's inside.
"""

from __future__ import annotations

import hashlib
import io
import logging
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch

from gsv.audio import read
from gsv.corpus.annotation import AnnotationList, length_fault
from gsv.corpus.experiment import Experiment
from gsv.corpus.journal import Entry, item_key
from gsv.corpus.tables import tensor_bytes
from gsv.errors import GsvError
from gsv.events import Counts, Events
from gsv.features.codes import SemanticCoder, load_coder
from gsv.features.content import (
    WAVE_RATE,
    ContentExtractor,
    content_wave,
    encoder_identity,
    level_wave,
    plan_batches,
    self_test,
)
from gsv.files import write_bytes
from gsv.models.content import ContentEncoder
from gsv.settings import choose_device, choose_precision
from gsv.stages.run import StageRun, audio_hashes, begin, clean
from gsv.stages.workers import Outcome, worker_count

logger = logging.getLogger(__name__)

CPU_BATCH_SECONDS, DEVICE_BATCH_SECONDS = 12.0, 160.0
"""Padded audio in a batch: a CPU gains nothing from large ones, an accelerator does."""

LARGE_ENCODER = 50_000_000
"""Parameters from which a reduced precision is worth a self-test on the CPU."""


@dataclass(frozen=True)
class ContentTask:
    """One clip; with `write` off it only fills its batch, so that a resumed batch computes the same."""

    name: str
    path: Path
    audio: str
    write: bool = True


@dataclass(frozen=True)
class ContentWork:
    """Loads the encoder and turns batches of clips into files below an experiment's folder."""

    folder: Path
    encoder: Path
    device: str
    precision: str

    def __call__(self) -> Callable[[Sequence[ContentTask]], list[Outcome]]:
        device = choose_device(self.device)
        dtype = choose_precision(self.precision, device)
        extractor = ContentExtractor(ContentEncoder.load(self.encoder), device, dtype)
        experiment = Experiment.open(self.folder)
        return lambda tasks: _work(tasks, extractor, experiment)


@dataclass
class _Clip:
    task: ContentTask
    wave16: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    wave32: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int16))
    reason: str = ""


def _work(tasks: Sequence[ContentTask], extractor: ContentExtractor, experiment: Experiment) -> list[Outcome]:
    clips = [_read(task) for task in tasks]
    usable = [clip for clip in clips if not clip.reason]
    contents = extractor.features([clip.wave16 for clip in usable]) if usable else []
    outcomes = [Outcome(clip.task.name, reason=clip.reason) for clip in clips if clip.reason]
    for clip, content in zip(usable, contents, strict=True):
        if isinstance(content, GsvError):
            outcomes.append(Outcome(clip.task.name, reason=str(content)))
        elif clip.task.write:
            packed, sound = tensor_bytes(content), riff(clip.wave32)
            write_bytes(experiment.wave_path(clip.task.name), sound)
            write_bytes(experiment.content_path(clip.task.name), packed)
            record = {
                "audio": clip.task.audio,
                "frames": int(content.shape[-1]),
                "wave_bytes": len(sound),
                "content_bytes": len(packed),
                "content_sha256": sha256_of(packed),
            }
            outcomes.append(Outcome(clip.task.name, record))
    wanted = {task.name for task in tasks if task.write}
    return [outcome for outcome in outcomes if outcome.name in wanted]


def _read(task: ContentTask) -> _Clip:

    try:
        audio = read(task.path, WAVE_RATE)
        fault = length_fault(audio.seconds)
        if fault:
            return _Clip(task, reason=fault)
        return _Clip(task, content_wave(audio.samples), level_wave(audio.samples))
    except (GsvError, OSError) as error:
        return _Clip(task, reason=str(error))


def riff(samples: np.ndarray, rate: int = 32000) -> bytes:
    """A 16-bit mono RIFF file of samples `[T]` int16; the same samples give the same bytes."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def sha256_of(data: bytes) -> str:
    """SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def extract_content(
    folder: Path,
    list_path: Path,
    encoder: Path,
    *,
    family: str = "tiny",
    audio_folder: Path | None = None,
    base: Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    workers: int = 0,
    events: Events | None = None,
    annotations: AnnotationList | None = None,
) -> Counts:
    """Levelled 32 kHz waves and content features of every row of a list, in the experiment `folder`.

    `encoder` is a transformers HuBERT folder, ours or published. A clip is done again when its recording,
    the encoder or the precision changed. `precision` auto takes a reduced type only if a self-test with
    the codes of `base` passes. Raises InputError, DataError (another family or encoder; no usable row),
    WeightsError, ResourceError (full disk) and Cancelled; bad rows only count.
    """
    events = events or Events()
    identity = encoder_identity(encoder)
    run = begin(
        "content", folder, list_path, family=family, audio_folder=audio_folder, events=events,
        annotations=annotations,
    )  # fmt: skip
    experiment = run.experiment
    experiment.check_content(identity)
    clean([experiment.wave_folder, experiment.content_folder, experiment.folder])
    hashes = audio_hashes(run)
    chosen = str(choose_device(device))
    kind = _precision(run, encoder, base, chosen, precision)
    keys = {
        name: item_key(audio=digest, encoder=identity.sha256, precision=kind, rule=1)
        for name, digest in hashes.items()
    }
    batches, pending = _batches(run, hashes, keys, chosen)
    run.counts.skipped += len(run.rows) - pending
    run.work(
        batches, ContentWork(experiment.folder, encoder, chosen, kind), keys,
        workers=worker_count(workers, len(batches), chosen), total=pending,
    )  # fmt: skip
    _drop_outdated(run, keys)
    return run.close()


def _batches(
    run: StageRun, hashes: dict[str, str], keys: dict[str, str], device: str
) -> tuple[list[list[ContentTask]], int]:
    """Batches that hold a clip still to be done, planned over all clips, and how many that are."""
    journal = run.experiment.journal("content")
    names = sorted(run.rows)
    todo = {name for name in names if not _valid(run.experiment, name, journal.done(name, keys[name]))}
    seconds = [run.rows[name].seconds for name in names]
    budget = CPU_BATCH_SECONDS if device == "cpu" else DEVICE_BATCH_SECONDS
    plan = plan_batches(seconds, names, budget_seconds=budget)
    batches = [
        [ContentTask(names[i], run.rows[names[i]].path, hashes[names[i]], names[i] in todo) for i in batch]
        for batch in plan
        if any(names[i] in todo for i in batch)
    ]
    return batches, len(todo)


def _valid(experiment: Experiment, name: str, entry: Entry | None) -> bool:
    """Whether the files of a finished clip are still there, whole."""
    if entry is None:
        return False
    sizes = (
        (experiment.wave_path(name), entry.get("wave_bytes")),
        (experiment.content_path(name), entry.get("content_bytes")),
    )
    return all(path.is_file() and path.stat().st_size == size for path, size in sizes)


def _drop_outdated(run: StageRun, keys: dict[str, str]) -> None:
    """Remove features of listed clips that failed now: they belong to an earlier recording of that name."""
    journal = run.experiment.journal("content")
    for name in run.row_numbers:
        if name in run.counts.reasons and (name not in keys or journal.done(name, keys[name]) is None):
            run.experiment.wave_path(name).unlink(missing_ok=True)
            run.experiment.content_path(name).unlink(missing_ok=True)


def _precision(run: StageRun, encoder: Path, base: Path | None, device: str, asked: str) -> str:
    """The floating-point type by name. An automatic choice is kept with the experiment, so that a resumed
    run goes on in the same one."""
    target = choose_device(device)
    if asked != "auto":
        return str(choose_precision(asked, target)).removeprefix("torch.")
    if run.experiment.record.precision:
        return run.experiment.record.precision
    kind = "float32"
    network = ContentEncoder.load(encoder) if base is not None else None
    if network is not None and base is not None and _worth_testing(network, target.type):
        waves = [content_wave(samples) for samples in _samples(run)]
        coder, _ = load_coder(base)
        passes = partial(_passes, network, target, waves, coder)
        kind = str(choose_precision("auto", target, passes)).removeprefix("torch.")
        run.events.message(f"content is extracted in {kind}")
    with run.experiment.updating() as record:
        record.precision = kind
    return kind


def _passes(
    network: ContentEncoder,
    device: torch.device,
    waves: Sequence[np.ndarray],
    coder: SemanticCoder,
    dtype: torch.dtype,
) -> bool:
    return self_test(network, device, dtype, waves, coder.codes)


def _worth_testing(network: ContentEncoder, device: str) -> bool:
    return device != "cpu" or sum(value.numel() for value in network.parameters()) >= LARGE_ENCODER


def _samples(run: StageRun) -> list[np.ndarray]:
    """The first four readable clips at 32 kHz."""
    found = []
    for name in sorted(run.rows):
        try:
            found.append(read(run.rows[name].path, WAVE_RATE).samples)
        except (GsvError, OSError) as error:
            logger.debug("%s is no clip for the self-test: %s", name, error)
        if len(found) == 4:
            break
    return found
