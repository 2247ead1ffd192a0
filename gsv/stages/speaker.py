"""The speaker stage, for families that take a speaker vector: `5-wav32k` to `7-sv_cn`.

Knows the 32 kHz waves and the folder of vectors. Does not know the speaker network's inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gsv.audio import read
from gsv.corpus.experiment import Experiment
from gsv.corpus.journal import item_key
from gsv.corpus.tables import names_in, tensor_bytes
from gsv.errors import GsvError, InputError
from gsv.events import Counts, Events
from gsv.features.speaker import SpeakerExtractor
from gsv.files import sha256, write_bytes
from gsv.listening.similarity import SpeakerEncoder
from gsv.settings import choose_device
from gsv.stages.run import StageRun, clean
from gsv.stages.workers import Outcome, worker_count

WAVE_RATE = 32000


@dataclass(frozen=True)
class SpeakerTask:
    """The 32 kHz wave of one clip, and the hash of its file."""

    name: str
    path: Path
    wave_sha256: str


@dataclass(frozen=True)
class SpeakerWork:
    """Loads the speaker network and writes one vector a clip, in float32."""

    folder: Path
    network: Path
    device: str

    def __call__(self) -> Callable[[Sequence[SpeakerTask]], list[Outcome]]:
        vector_of = load_speaker(self.network, choose_device(self.device))
        experiment = Experiment.open(self.folder)

        def one(task: SpeakerTask) -> Outcome:
            try:
                vector = vector_of(read(task.path, WAVE_RATE).samples, WAVE_RATE)
            except GsvError as error:
                return Outcome(task.name, reason=str(error))
            write_bytes(experiment.speaker_path(task.name), tensor_bytes(vector))
            return Outcome(task.name, {"wave_sha256": task.wave_sha256})

        return lambda tasks: [one(task) for task in tasks]


def load_speaker(network: Path, device: torch.device) -> Callable[[np.ndarray, int], Tensor]:
    """What turns samples `[T]` at a rate into a vector `[1, D]`: the network that ships, or a published file.

    Raises WeightsError for any other file.
    """
    if network.suffix != ".safetensors":
        return SpeakerExtractor.load(network, device).vector
    shipped = SpeakerEncoder.load(network).to(device)
    return lambda samples, rate: torch.from_numpy(shipped.embed(samples, rate))[None]


def extract_speaker(
    folder: Path,
    network: Path,
    *,
    device: str = "auto",
    workers: int = 0,
    events: Events | None = None,
) -> Counts:
    """Speaker vectors `[1, D]` of every item with a 32 kHz wave into `7-sv_cn`; D is 20480, for tiny 256.

    Raises InputError for a family that takes none, WeightsError for another network's file, DataError
    where no item is usable; Cancelled on a stop request.
    """
    events = events or Events()
    experiment = Experiment.open(folder)
    if experiment.family.speaker_input is None:
        raise InputError(
            f"family {experiment.record.family} takes no speaker vectors", remedy="Skip this step."
        )
    run = StageRun("speaker", experiment, events)
    clean([experiment.speaker_folder])
    digest = sha256(network)
    tasks = _tasks(run)
    keys = {task.name: item_key(wave=task.wave_sha256, network=digest) for task in tasks}
    journal = experiment.journal("speaker")
    pending = [
        task
        for task in tasks
        if journal.done(task.name, keys[task.name]) is None
        or not experiment.speaker_path(task.name).is_file()
    ]
    run.counts.skipped += len(tasks) - len(pending)
    chosen = str(choose_device(device))
    run.work(
        [[task] for task in pending],
        SpeakerWork(experiment.folder, network, chosen),
        keys,
        workers=worker_count(workers, len(pending), chosen),
        total=len(pending),
    )
    return run.close()


def _tasks(run: StageRun) -> list[SpeakerTask]:
    items = run.experiment.record.items
    names = list(items) or sorted(names_in(run.experiment.wave_folder))
    run.row_numbers = {name: item.row for name, item in items.items()}
    run.counts.read = len(names)
    tasks = []
    for name in names:
        path = run.experiment.wave_path(name)
        try:
            tasks.append(SpeakerTask(name, path, sha256(path)))
        except FileNotFoundError:
            run.fail(name, "no 32 kHz wave")
        except OSError as error:
            run.fail(name, f"unreadable: {error.strerror or error}")
    return tasks
