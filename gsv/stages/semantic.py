"""The semantic stage: `4-cnhubert` to `6-name2semantic.tsv`, with the codebook of a base.

Knows content files and the table of codes. Does not know recordings or text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gsv.corpus.experiment import Experiment
from gsv.corpus.journal import item_key
from gsv.corpus.tables import load_content, names_in, write_semantic_table
from gsv.errors import DataError, GsvError
from gsv.events import Counts, Events
from gsv.features.codes import load_coder
from gsv.files import sha256
from gsv.settings import choose_device
from gsv.stages.run import StageRun, clean
from gsv.stages.workers import Outcome, worker_count

_BATCH = 16


@dataclass(frozen=True)
class SemanticTask:
    """Content of one clip, and the hash of its file."""

    name: str
    path: Path
    content_sha256: str


@dataclass(frozen=True)
class SemanticWork:
    """Loads projection and codebook of a base and reads codes, one clip at a time and in float32."""

    base: Path
    device: str

    def __call__(self) -> Callable[[Sequence[SemanticTask]], list[Outcome]]:
        coder, _ = load_coder(self.base)
        coder.to(choose_device(self.device))

        def one(task: SemanticTask) -> Outcome:
            try:
                codes = coder.codes(load_content(task.path))
            except (GsvError, OSError) as error:
                return Outcome(task.name, reason=str(error))
            return Outcome(task.name, {"content_sha256": task.content_sha256, "codes": codes})

        return lambda tasks: [one(task) for task in tasks]


def extract_semantic(
    folder: Path,
    base: Path,
    *,
    family: str = "tiny",
    device: str = "auto",
    workers: int = 0,
    events: Events | None = None,
) -> Counts:
    """Codes of every item with content features into `6-name2semantic.tsv` of the experiment `folder`.

    `base` is a SoVITS file, ours or published. An item is done again when its content or the codebook
    changed. Raises InputError and WeightsError for a bad base, DataError for another family or another
    codebook than the experiment's, and where no item is usable; Cancelled on a stop request.
    """
    events = events or Events()
    coder, identity = load_coder(base)
    if coder.config.name != family:
        raise DataError(
            f"the base {identity.name} is of family {coder.config.name}",
            f"the experiment is of family {family}, and the two cannot be mixed",
            f"Name a base of family {family}, or make another experiment.",
        )
    run = StageRun("semantic", Experiment.open_or_create(folder, family), events)
    run.experiment.check_base(identity)
    clean([run.experiment.folder])
    tasks = _tasks(run)
    keys = {task.name: item_key(content=task.content_sha256, codes=identity.version) for task in tasks}
    journal = run.experiment.journal("semantic")
    pending = [task for task in tasks if journal.done(task.name, keys[task.name]) is None]
    run.counts.skipped += len(tasks) - len(pending)
    batches = [pending[start : start + _BATCH] for start in range(0, len(pending), _BATCH)]
    run.work(
        batches,
        SemanticWork(base, str(choose_device(device))),
        keys,
        # Reading a code is quicker than starting a process.
        workers=worker_count(workers or 1, len(batches)),
        total=len(pending),
    )
    _write_table(run, keys)
    return run.close()


def _tasks(run: StageRun) -> list[SemanticTask]:
    """Items of the list, or in a folder that came without experiment.json every content file, in order."""
    items = run.experiment.record.items
    names = list(items) or sorted(names_in(run.experiment.content_folder, ".pt"))
    run.row_numbers = {name: item.row for name, item in items.items()}
    run.counts.read = len(names)
    tasks = []
    for name in names:
        path = run.experiment.content_path(name)
        try:
            tasks.append(SemanticTask(name, path, sha256(path)))
        except FileNotFoundError:
            run.fail(name, "no content features")
        except OSError as error:
            run.fail(name, f"unreadable: {error.strerror or error}")
    return tasks


def _write_table(run: StageRun, keys: dict[str, str]) -> None:
    journal = run.experiment.journal("semantic")
    entries = {name: journal.done(name, key) for name, key in keys.items()}
    rows = {name: entry["codes"] for name, entry in entries.items() if entry is not None}
    write_semantic_table(run.experiment.semantic_table, rows)
