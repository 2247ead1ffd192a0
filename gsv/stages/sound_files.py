"""Stages over a folder of recordings: tasks, resume, one account at the end.

Knows files, their names and what was made of them before. Does not know what a stage makes of a
recording. `slice` makes many files of one; `mirrored` names one file for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from gsv.audio.encoding import ENDINGS
from gsv.corpus.journal import Entry, Journal, item_key
from gsv.errors import Cancelled, GsvError, InputError
from gsv.events import Counts, Events
from gsv.files import sha256
from gsv.stages.sounds import recordings
from gsv.stages.workers import Factory, Outcome, run_batches, worker_count


@dataclass(frozen=True)
class SoundTask:
    """One recording, and the file that is made of it."""

    name: str
    path: Path
    target: Path


@dataclass(frozen=True)
class Place:
    """Where results go: a folder, and the one file in it where a single file was asked for."""

    folder: Path
    file: Path | None = None


@dataclass
class FolderRun:
    """One run of a stage over recordings: what is pending, and what became of it.

    `source` is the recording or the folder of them; `output` holds the journal and all that the stage makes.
    What was made of a recording that is gone, or is called otherwise now, goes: the next step would take
    it for a result.
    """

    stage: str
    source: Path
    output: Path
    journal_name: str
    events: Events
    counts: Counts = field(default_factory=Counts)
    _names: frozenset[str] = frozenset()

    def keyed(self, files: Mapping[str, Path], key: Mapping[str, Any]) -> dict[str, str]:
        """Keys of all files that can be read, from their contents and `key`; others are counted as failed."""
        self.counts.read, self._names = len(files), frozenset(files)
        keys: dict[str, str] = {}
        for name, path in files.items():
            self.events.check_stop()
            try:
                keys[name] = item_key(audio=sha256(path), **key)
            except OSError as error:
                self._fail(name, f"unreadable: {error.strerror or error}")
        return keys

    def work(
        self,
        tasks: Sequence[Any],
        keys: Mapping[str, str],
        factory: Factory,
        *,
        workers: int,
        say: Callable[[Mapping[str, Any]], str],
    ) -> dict[str, Entry]:
        """Work through the tasks that are not done yet; returns the journal's records of all that are.

        A record's `files` are paths below `output`; `say` puts a record into words. Raises DataError where
        not one recording could be used, Cancelled on a stop request.
        """
        journal = Journal(self.output / self.journal_name)
        pending = [task for task in tasks if not self._done(journal.done(task.name, keys[task.name]))]
        self.counts.skipped += len(tasks) - len(pending)
        batches = [[task] for task in pending]
        workers = worker_count(workers, len(batches))
        try:
            with journal:
                self.events.progress(0, len(batches), self.stage)
                done = run_batches(batches, factory, workers=workers, events=self.events)
                for ended, outcomes in enumerate(done, start=1):
                    for outcome in outcomes:
                        self._take(outcome, keys[outcome.name], journal, say)
                    self.events.progress(ended, len(batches), self.stage)
        except Cancelled:
            self.events.counts(self.counts)
            raise
        self._forget(journal)
        journal.compact()
        self.events.counts(self.counts)
        self.counts.require_some(self.stage)
        return {name: entry for name in keys if (entry := journal.done(name, keys[name])) is not None}

    def _take(
        self, outcome: Outcome, key: str, journal: Journal, say: Callable[[Mapping[str, Any]], str]
    ) -> None:
        if outcome.reason:
            self._fail(outcome.name, outcome.reason)
            return
        before = self._made(journal.entries.get(outcome.name))
        journal.add(outcome.name, key, source=self._origin, **outcome.record)
        self._remove(before, journal)
        self.counts.done += 1
        self.events.item(outcome.name, "done", say(outcome.record))

    @property
    def _origin(self) -> str:
        return str(Path(self.source).resolve())

    def _made(self, entry: Entry | None) -> set[str]:
        """Files of a record, if it was made of this very folder; single files are a person's own business."""
        mine = entry is not None and Path(self.source).is_dir() and entry.get("source") == self._origin
        return set(entry["files"]) if entry is not None and mine else set()

    def _forget(self, journal: Journal) -> None:
        """Drop what was made of recordings that are no longer there."""
        gone = {name: self._made(entry) for name, entry in journal.entries.items() if name not in self._names}
        for name, made in gone.items():
            if made:
                del journal.entries[name]
                self._remove(made, journal)

    def _remove(self, made: set[str], journal: Journal) -> None:
        """Remove files that no record names any more."""
        for name in made.difference(*(entry["files"] for entry in journal.entries.values())):
            (self.output / name).unlink(missing_ok=True)

    def _fail(self, name: str, reason: str) -> None:
        self.counts.fail(name, reason)
        self.events.item(name, "failed", reason)

    def _done(self, entry: Entry | None) -> bool:
        return entry is not None and all((self.output / name).is_file() for name in entry["files"])


def place_of(source: Path, output: Path) -> Place:
    """What a person means by an output path: a file where the source is one and the output ends like one.

    Raises InputError as `folder_apart`, and for an ending that cannot be written.
    """
    source, output = Path(source), Path(output)
    if source.is_file() and output.suffix and not output.is_dir():
        check_ending(output.suffix[1:])
        return Place(output.parent, output)
    return Place(folder_apart(source, output))


def folder_apart(source: Path, output: Path) -> Path:
    """The output as a folder that is not the recordings' own. Raises InputError where it is one, or a file."""
    source, output = Path(source), Path(output)
    if source.is_dir() and source.resolve() == output.resolve():
        raise InputError(
            "the results cannot go into the folder of the recordings", remedy="Name another folder."
        )
    if output.is_file():
        raise InputError(f"{output} is a file", "the results go into a folder", "Name a folder.")
    return output


def check_ending(ending: str) -> str:
    """An ending that can be written, in small letters without a dot. Raises InputError for others."""
    plain = ending.lower().removeprefix(".")
    if plain not in ENDINGS:
        raise InputError(f"files cannot be written as {ending!r}", remedy=f"Choose {', '.join(ENDINGS)}.")
    return plain


def mirrored(source: Path, place: Place, ending: str) -> dict[str, SoundTask]:
    """One task a recording below `source`, by name: the same path below the output, ending in `ending`.

    Names that would meet there are numbered. Raises InputError for a missing or empty source, and where a
    result would take the place of a recording.
    """
    files = recordings(source, besides=place.folder)
    originals = {path.resolve() for path in files.values()}
    tasks, taken = {}, set[str]()
    for name, path in files.items():
        target = place.file or place.folder / _distinct(PurePosixPath(name), ending, taken)
        if target.resolve() in originals:
            raise InputError(
                f"{target.name} would take the place of a recording", remedy="Name another folder."
            )
        tasks[name] = SoundTask(name, path, target)
    return tasks


def below(path: Path, folder: Path) -> str:
    """A file's path below a folder, as records name it."""
    return path.relative_to(folder).as_posix()


@dataclass(frozen=True)
class MirroredStage:
    """A stage that makes one file of each recording, under its name: what it is called and how it works.

    `settings` are what a result depends on besides its recording; `worker` makes, for the output folder, the
    picklable maker of what works on one recording; `say` puts a record into words.
    """

    name: str
    journal_name: str
    settings: Mapping[str, Any]
    worker: Callable[[Path], Callable[[], Callable[[SoundTask], dict[str, Any]]]]
    say: Callable[[Mapping[str, Any]], str]

    def run(
        self, source: Path, output: Path, ending: str, *, workers: int, events: Events
    ) -> tuple[Counts, dict[str, Entry]]:
        """Work on `source`, a recording or a folder of them; returns the account and the records of all.

        `ending` counts where `output` does not name a file. Raises InputError for a bad path or ending,
        DataError where no recording is usable, Cancelled.
        """
        place = place_of(source, output)
        tasks = mirrored(Path(source), place, check_ending(place.file.suffix if place.file else ending))
        place.folder.mkdir(parents=True, exist_ok=True)
        run = FolderRun(self.name, Path(source), place.folder, self.journal_name, events)
        keys = run.keyed({name: task.path for name, task in tasks.items()}, self.settings)
        keys = {name: f"{key}-{below(tasks[name].target, place.folder)}" for name, key in keys.items()}
        factory = EachFile(self.worker(place.folder))
        records = run.work([tasks[name] for name in keys], keys, factory, workers=workers, say=self.say)
        return run.counts, records


def origins(made: Path, journal_name: str) -> dict[Path, Path]:
    """Results of an earlier stage below the folder `made`, or of a single one, to the recordings they came from.

    By the journal that the stage left there. What a stage writes beside its result (such as the music that it
    took out) has no origin here, and recordings that are gone are left out.
    """
    folder = made if made.is_dir() else made.parent
    found: dict[Path, Path] = {}
    for name, entry in Journal(folder / journal_name).entries.items():
        source = Path(entry.get("source", ""))
        recording = source / name if source.is_dir() else source
        if recording.is_file():
            found[(folder / entry["files"][0]).resolve()] = recording
    return found


def _distinct(name: PurePosixPath, ending: str, taken: set[str]) -> PurePosixPath:
    found, number = name.with_name(f"{name.stem}.{ending}"), 2
    while str(found).casefold() in taken:
        found, number = name.with_name(f"{name.stem}-{number}.{ending}"), number + 1
    taken.add(str(found).casefold())
    return found


@dataclass(frozen=True)
class EachFile:
    """Picklable factory of a worker: `load` once, then its function for each task; errors become reasons."""

    load: Callable[[], Callable[[SoundTask], dict[str, Any]]]

    def __call__(self) -> Callable[[Sequence[SoundTask]], list[Outcome]]:
        work = self.load()

        def one(task: SoundTask) -> Outcome:
            try:
                return Outcome(task.name, work(task))
            except GsvError as error:
                return Outcome(task.name, reason=str(error))

        return lambda tasks: [one(task) for task in tasks]
