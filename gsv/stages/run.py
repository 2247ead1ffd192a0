"""What every stage over an experiment does alike: the list, its bad rows, the journal, the account.

Knows rows, item names, counts and events. Does not know what a stage makes of an item.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gsv.corpus.annotation import AnnotationList, AnnotationRow, read_annotations
from gsv.corpus.experiment import LIST_STAGE, Experiment, StageName
from gsv.errors import Cancelled
from gsv.events import Counts, Events
from gsv.families import FamilyConfig
from gsv.files import remove_leftovers, sha256
from gsv.stages.workers import Factory, Outcome, Task, run_batches
from gsv.text import LANGUAGES

FIRST_TABLE_LANGUAGES = ("zh", "en", "ja")


@dataclass
class StageRun:
    """One run of one stage: who is worked on, and what became of them."""

    stage: StageName
    experiment: Experiment
    events: Events
    rows: dict[str, AnnotationRow] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    row_numbers: dict[str, int] = field(default_factory=dict)
    _rejected: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    _ended: int = 0

    def fail(self, name: str, reason: str) -> None:
        """An item cannot be used; it stays out of the stage's results and goes into rejected.tsv."""
        self.counts.fail(name, reason)
        number = self.row_numbers.get(name, 0)
        known = self._rejected[self.stage].get(number)
        # Items that no list row stands behind share the number 0.
        line = reason if number else f"{name}: {reason}"
        self._rejected[self.stage][number] = f"{known}; {line}" if known else line
        self.events.item(name, "failed", reason)

    def work(
        self,
        batches: Sequence[Sequence[Task]],
        factory: Factory,
        keys: Mapping[str, str],
        *,
        workers: int,
        total: int,
    ) -> None:
        """Work through the batches; an outcome whose name has a key goes into the journal.

        `total` counts the items that are expected to end, for the progress. Raises Cancelled on a stop
        request: what had ended is kept.
        """
        self.events.progress(0, total, self.stage)
        try:
            self._work(batches, factory, keys, workers, total)
        except Cancelled:
            self._account()
            raise

    def _work(
        self,
        batches: Sequence[Sequence[Task]],
        factory: Factory,
        keys: Mapping[str, str],
        workers: int,
        total: int,
    ) -> None:
        with self.experiment.journal(self.stage) as journal:
            for outcomes in run_batches(batches, factory, workers=workers, events=self.events):
                for outcome in outcomes:
                    if outcome.name in keys:
                        self._take(outcome, journal.add, keys[outcome.name], total)

    def _take(self, outcome: Outcome, add: Callable[..., None], key: str, total: int) -> None:
        if outcome.reason:
            self.fail(outcome.name, outcome.reason)
        else:
            add(outcome.name, key, **outcome.record)
            self.counts.done += 1
            self.events.item(outcome.name, "done", "; ".join(outcome.record.get("warnings", [])))
        self._ended += 1
        self.events.progress(self._ended, total, self.stage)

    def close(self) -> Counts:
        """Write rejected.tsv and the counts. Raises DataError where no item is left."""
        self._account()
        self.experiment.journal(self.stage).compact()
        self.counts.require_some(f"extract_{self.stage}")
        return self.counts

    def _account(self) -> None:
        self.experiment.write_rejected({self.stage: {}, **self._rejected})
        self.events.counts(self.counts)

    def refuse(self, found: AnnotationList) -> None:
        """Count the list's bad rows and put them into rejected.tsv."""
        for bad in found.bad:
            self._rejected[LIST_STAGE][bad.number] = (
                f"{bad.source}: {bad.reason}" if bad.source else bad.reason
            )
            self.counts.fail(f"row {bad.number}", bad.reason)
        self.experiment.write_rejected({LIST_STAGE: self._rejected[LIST_STAGE], self.stage: {}})


def announce(found: AnnotationList, events: Events) -> None:
    """Name every bad row at once, before the work begins."""
    for bad in found.bad:
        events.item(f"row {bad.number}", "failed", bad.reason)
    if found.bad:
        total = len(found.bad) + len(found.rows)
        events.message(
            f"{len(found.bad)} of {total} rows cannot be used; they are in rejected.tsv", "warning"
        )


def languages_of(family: FamilyConfig) -> Sequence[str]:
    """Languages that the family's symbol table can write."""
    return FIRST_TABLE_LANGUAGES if family.symbols == "v1" else LANGUAGES


def begin(
    stage: StageName,
    folder: Path,
    list_path: Path,
    *,
    family: str,
    audio_folder: Path | None,
    events: Events,
    annotations: AnnotationList | None = None,
) -> StageRun:
    """Open the experiment, read and check the list, name the items.

    `annotations` is the list where a caller has read and announced it already. Raises InputError for a
    bad list, DataError for another family, and where not one row can be used.
    """
    experiment = Experiment.open_or_create(folder, family)
    languages = languages_of(experiment.family)
    found = annotations or read_annotations(list_path, audio_folder, languages=languages, events=events)
    if annotations is None:
        announce(found, events)
    run = StageRun(stage, experiment, events)
    run.counts.read = len(found.rows) + len(found.bad)
    run.refuse(found)
    if not found.rows:
        run.close()
    run.rows = experiment.claim_items(found.rows)
    run.row_numbers = {name: row.number for name, row in run.rows.items()}
    return run


def audio_hashes(run: StageRun) -> dict[str, str]:
    """SHA-256 of each item's recording; an item that cannot be read is failed and left out."""
    hashes: dict[str, str] = {}
    for name, row in list(run.rows.items()):
        run.events.check_stop()
        try:
            hashes[name] = sha256(row.path)
        except OSError as error:
            run.fail(name, f"unreadable: {error.strerror or error}")
            del run.rows[name]
    return hashes


def clean(folders: Iterable[Path]) -> None:
    """Remove what killed runs left half-written in folders of the experiment."""
    for folder in folders:
        if folder.is_dir():
            remove_leftovers(folder)
