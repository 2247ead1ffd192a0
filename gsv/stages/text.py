"""The text stage: an annotation list to `2-name2text.txt`.

Knows rows and the text front end's door. Does not know any language, nor the recordings but for their
identity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gsv
from gsv.corpus.annotation import AnnotationList
from gsv.corpus.journal import item_key
from gsv.corpus.tables import TextRow, write_text_table
from gsv.errors import GsvError
from gsv.events import Counts, Events
from gsv.settings import Workspace
from gsv.stages.run import StageRun, audio_hashes, begin, clean
from gsv.stages.workers import Outcome, worker_count
from gsv.text import language_code, phones_of
from gsv.text.pronunciations import Pronunciations, pronunciations
from gsv.text.symbols import table

_BATCH = 32


@dataclass(frozen=True)
class TextTask:
    """One sentence to read; `audio` identifies the recording that says it."""

    name: str
    text: str
    language: str
    audio: str


@dataclass(frozen=True)
class TextWork:
    """Reads sentences into phones of one symbol table."""

    symbols: str
    said: Pronunciations

    def __call__(self) -> Callable[[Sequence[TextTask]], list[Outcome]]:
        return lambda tasks: [self._one(task) for task in tasks]

    def _one(self, task: TextTask) -> Outcome:
        try:
            phones = phones_of(task.text, task.language, self.symbols, self.said.manner, self.said.lexicon)
        except GsvError as error:
            return Outcome(task.name, reason=str(error))
        record: dict[str, Any] = {
            "audio": task.audio,
            "phones": " ".join(phones.phones),
            "word2ph": phones.word2ph,
            "normalized": " ".join(phones.normalized.split()),
        }
        if phones.warnings:
            record["warnings"] = phones.warnings
        return Outcome(task.name, record)


def extract_text(
    folder: Path,
    list_path: Path,
    *,
    family: str = "tiny",
    audio_folder: Path | None = None,
    workers: int = 0,
    events: Events | None = None,
    annotations: AnnotationList | None = None,
) -> Counts:
    """Phones of every row of a list into `2-name2text.txt` of the experiment `folder`, in list order.

    A row is done again when its text, language or recording changed. `workers` 0 chooses. Raises
    InputError, DataError (another family; no usable row) and Cancelled; bad rows only count.
    """
    events = events or Events()
    run = begin(
        "text", folder, list_path, family=family, audio_folder=audio_folder, events=events,
        annotations=annotations,
    )  # fmt: skip
    clean([run.experiment.folder, run.experiment.folder / "state"])
    said = _said(run.experiment.folder)
    keys, tasks = _tasks(run, said)
    journal = run.experiment.journal("text")
    pending = [task for task in tasks if journal.done(task.name, keys[task.name]) is None]
    run.counts.skipped += len(tasks) - len(pending)
    batches = [pending[start : start + _BATCH] for start in range(0, len(pending), _BATCH)]
    run.work(
        batches, TextWork(run.experiment.family.symbols, said), keys,
        workers=worker_count(workers, len(batches)), total=len(pending),
    )  # fmt: skip
    _write_table(run, keys)
    return run.close()


def _said(folder: Path) -> Pronunciations:
    """Lexicons of the experiment and of the workspace that it lies in (`WORKSPACE/logs/NAME`)."""
    inside = folder.parent.name == "logs"
    return pronunciations(Workspace(folder.parent.parent if inside else folder.parent), folder)


def _tasks(run: StageRun, said: Pronunciations) -> tuple[dict[str, str], list[TextTask]]:
    symbols = table(run.experiment.family.symbols)
    hashes = audio_hashes(run)
    tasks = [TextTask(name, row.text, row.language, hashes[name]) for name, row in run.rows.items()]
    keys = {
        task.name: item_key(
            text=task.text,
            language=task.language,
            audio=task.audio,
            symbols=symbols.sha256,
            version=gsv.__version__,
            **_pronounced(task, said),
        )
        for task in tasks
    }
    return keys, tasks


def _pronounced(task: TextTask, said: Pronunciations) -> dict[str, Any]:
    """What of a lexicon or a model a row rests on; nothing for most, so that those are not read again."""
    words = said.lexicon.touching(task.text, language_code(task.language))
    model = task.language == "zh" and said.manner.polyphones is not None
    return {**({"lexicon": words} if words else {}), **({"polyphones": "g2pW"} if model else {})}


def _write_table(run: StageRun, keys: dict[str, str]) -> None:
    journal = run.experiment.journal("text")
    rows = {}
    for name in run.rows:
        entry = journal.done(name, keys[name])
        if entry is not None:
            counts = entry["word2ph"]
            rows[name] = TextRow(
                tuple(entry["phones"].split()), tuple(counts) if counts else None, entry["normalized"]
            )
    write_text_table(run.experiment.text_table, rows)
