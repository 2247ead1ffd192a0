"""The BERT stage: Mandarin rows of `2-name2text.txt` to `3-bert/NAME.pt`.

Knows the text table and the folder of features. Does not know recordings, nor the encoder's inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from gsv.corpus.experiment import Experiment
from gsv.corpus.journal import item_key
from gsv.corpus.tables import TextRow, read_text_table, tensor_bytes
from gsv.errors import DataError
from gsv.events import Counts, Events
from gsv.features.bert import BertEncoder, bert_identity, missing_from, spread
from gsv.files import write_bytes
from gsv.gpt_families import GPT_FAMILY_NAMES, gpt_family
from gsv.settings import choose_device
from gsv.stages.run import StageRun, clean
from gsv.stages.workers import Outcome

_BATCH = 32
PLAINER = (
    "Mandarin goes without BERT features, which makes its prosody plainer; "
    "python tools/models.py download roberta brings what makes them"
)


@dataclass(frozen=True)
class BertTask:
    """What is said in a Mandarin clip: its characters, and how many phones each has."""

    name: str
    text: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class BertWork:
    """Loads the encoder and writes the features of batches of rows."""

    folder: Path
    encoder: Path
    version: str
    device: str

    def __call__(self) -> Callable[[Sequence[BertTask]], list[Outcome]]:
        encoder = BertEncoder.load(self.encoder, choose_device(self.device))
        experiment = Experiment.open(self.folder)

        def work(tasks: Sequence[BertTask]) -> list[Outcome]:
            outcomes = []
            for task, vectors in zip(tasks, encoder.features([task.text for task in tasks]), strict=True):
                features = spread(vectors, task.counts)
                if not torch.isfinite(features).all():
                    outcomes.append(Outcome(task.name, reason="the BERT features are not numbers"))
                    continue
                packed = tensor_bytes(features)
                write_bytes(experiment.bert_folder / f"{task.name}.pt", packed)
                said = item_key(text=task.text, counts=task.counts)
                record = {"said": said, "encoder": self.version, "bytes": len(packed)}
                outcomes.append(Outcome(task.name, record))
            return outcomes

        return work


def hears_bert(family: str) -> bool:
    """Whether the semantic decoder of a family takes BERT features."""
    used = {"v2Pro": "v2", "v2ProPlus": "v2"}.get(family, family)
    return used in GPT_FAMILY_NAMES and gpt_family(used).bert_dimension > 0


def extract_bert(
    folder: Path, encoder: Path | None, *, device: str = "auto", events: Events | None = None
) -> Counts:
    """BERT features `[D, phones]` of every Mandarin row of the text table into `3-bert`.

    `encoder` is a folder such as chinese-roberta-wwm-ext-large. Without one nothing is made, which stands for
    zeros, and features of rows that changed are removed. A row is done again when its text or the encoder
    changed. Raises WeightsError for a folder that is no encoder, DataError without a text table; Cancelled on a
    stop request. A row that fails only counts.
    """
    events = events or Events()
    identity = bert_identity(encoder) if encoder is not None else None
    run = StageRun("bert", Experiment.open(folder), events)
    clean([run.experiment.bert_folder])
    tasks = _tasks(run)
    version = identity.sha256 if identity is not None else ""
    said = {task.name: item_key(text=task.text, counts=task.counts) for task in tasks}
    _drop_outdated(run, said, version)
    if encoder is None:
        there = sum((run.experiment.bert_folder / f"{name}.pt").is_file() for name in said)
        run.counts.skipped += there
        if there < run.counts.read:
            events.message(PLAINER if not there else f"{run.counts.read - there} rows: {PLAINER}")
        return run.counts
    keys = {name: item_key(said=value, encoder=version, rule=1) for name, value in said.items()}
    pending = [task for task in tasks if not _done(run, task.name, keys[task.name])]
    run.counts.skipped += len(tasks) - len(pending)
    # Sentences of one length share a batch without padding.
    pending.sort(key=lambda task: (len(task.text), task.name))
    batches = [pending[start : start + _BATCH] for start in range(0, len(pending), _BATCH)]
    work = BertWork(run.experiment.folder, encoder, version, str(choose_device(device)))
    # One process: torch itself uses the processors.
    run.work(batches, work, keys, workers=1, total=len(pending))
    if run.counts.read:
        return run.close()
    events.message("there are no Mandarin rows: no BERT features are needed")
    return run.counts


def chosen_encoder(default: Path, family: str, asked: Path | None) -> Path | None:
    """The folder that was asked for, or the default one where it is there and the family hears such features.

    Raises WeightsError where the folder that was asked for is no encoder.
    """
    if asked is not None:
        bert_identity(asked)
        return asked
    return default if hears_bert(family) and not missing_from(default) else None


def _tasks(run: StageRun) -> list[BertTask]:
    """Mandarin rows in the order of the table; a row that cannot be matched with its characters is failed."""
    experiment, items = run.experiment, run.experiment.record.items
    if not experiment.text_table.is_file():
        raise DataError(
            f"{experiment.record.name} has no {experiment.text_table.name}", "", "Run extract_text first."
        )
    run.row_numbers = {name: item.row for name, item in items.items()}
    tasks = []
    for name, row in read_text_table(experiment.text_table).items():
        language = items[name].language if name in items else ("zh" if row.word2ph else "")
        if language != "zh":
            continue
        run.counts.read += 1
        counts = row.word2ph or ()
        if _fits(row):
            tasks.append(BertTask(name, row.normalized, counts))
        else:
            run.fail(name, "its phones cannot be told apart by characters: no BERT features")
    return tasks


def _fits(row: TextRow) -> bool:
    counts = row.word2ph or ()
    return len(counts) == len(row.normalized) and sum(counts) == len(row.phones)


def _done(run: StageRun, name: str, key: str) -> bool:
    entry = run.experiment.journal("bert").done(name, key)
    path = run.experiment.bert_folder / f"{name}.pt"
    return entry is not None and path.is_file() and path.stat().st_size == entry.get("bytes")


def _drop_outdated(run: StageRun, said: Mapping[str, str], encoder: str) -> None:
    """Remove what was made here of another text, or by another encoder where one is at hand.

    Features of two encoders must never meet in one training, not even after a stop.
    """
    entries = run.experiment.journal("bert").entries
    for name, entry in entries.items():
        stale = entry.get("said") != said.get(name) or (encoder and entry.get("encoder") != encoder)
        if stale:
            (run.experiment.bert_folder / f"{name}.pt").unlink(missing_ok=True)
