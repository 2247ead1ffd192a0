"""The experiment folder: the published layout, and `experiment.json` that says what belongs together.

Knows names, paths and identities (family, content encoder, base), and refuses to mix them. Does not
know how any file in the folder is made.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gsv.corpus.annotation import AnnotationRow, real_path
from gsv.corpus.journal import Journal
from gsv.errors import DataError, InputError, ResourceError
from gsv.families import FamilyConfig, family
from gsv.files import read_text, safe_name, write_json, write_text

RECORD_FILE = "experiment.json"
REJECTED_FILE = "rejected.tsv"
LIST_STAGE = "list"
"""Stage name, in rejected.tsv, of rows that were refused before any work."""

StageName = Literal["text", "bert", "content", "semantic", "speaker"]
_LOCK_SECONDS = 60.0


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ModelIdentity(_Strict):
    """A model that features were made with: its name, the version that must match, the file's hash."""

    name: str
    version: str
    sha256: str = ""

    def describe(self) -> str:
        """Name and version for a message."""
        return f"{self.name} ({self.version})" if self.version != self.name else self.name


class ItemRecord(_Strict):
    """A clip of the experiment: the person's own path and the row it came from."""

    source: str
    row: int = Field(ge=1)
    speaker: str = ""
    language: str = ""


class ExperimentRecord(_Strict):
    """The content of experiment.json."""

    format: Literal[1] = 1
    name: str
    family: str
    symbols_sha256: str = ""
    content: ModelIdentity | None = Field(default=None, description="encoder of 4-cnhubert")
    base: ModelIdentity | None = Field(
        default=None, description="whose projection and codebook made the codes"
    )
    quantizer: str = Field(default="", description="code version of 6-name2semantic.tsv")
    precision: str = Field(default="", description="floating-point type the content was extracted in")
    items: dict[str, ItemRecord] = Field(default_factory=dict, description="item name to its clip")
    jobs: list[str] = Field(default_factory=list, description="ids of the jobs that worked here")


class Experiment:
    """An experiment folder on the disk; `record` is what experiment.json said when it was last read."""

    def __init__(self, folder: Path, record: ExperimentRecord) -> None:
        self.folder = Path(folder)
        self.record = record

    @property
    def family(self) -> FamilyConfig:
        """Configuration of the experiment's family."""
        return family(self.record.family)

    @property
    def text_table(self) -> Path:
        """`name<TAB>phones<TAB>word2ph<TAB>normalised text`, no header."""
        return self.folder / "2-name2text.txt"

    @property
    def bert_folder(self) -> Path:
        """`NAME.pt`, `[1024, phones]`, Mandarin rows only."""
        return self.folder / "3-bert"

    @property
    def content_folder(self) -> Path:
        """`NAME.pt`, `[1, C, T]` at 50 Hz."""
        return self.folder / "4-cnhubert"

    @property
    def wave_folder(self) -> Path:
        """`NAME`, 16-bit mono RIFF at 32 kHz, whatever the name ends in."""
        return self.folder / "5-wav32k"

    @property
    def semantic_table(self) -> Path:
        """`item_name<TAB>semantic_audio`, then a row an item with its codes at 25 Hz."""
        return self.folder / "6-name2semantic.tsv"

    @property
    def speaker_folder(self) -> Path:
        """`NAME.pt`: `[1, 20480]` for the Pro families, `[1, 256]` for tiny."""
        return self.folder / "7-sv_cn"

    @property
    def checkpoints(self) -> Path:
        """Generations of the trainers."""
        return self.folder / "checkpoints"

    @property
    def metrics(self) -> Path:
        """JSON lines of the trainers."""
        return self.folder / "metrics"

    @property
    def previews(self) -> Path:
        """Sound files of the trainers."""
        return self.folder / "previews"

    @property
    def weights(self) -> Path:
        """Exported weights."""
        return self.folder / "weights"

    def wave_path(self, name: str) -> Path:
        """The 32 kHz wave of an item."""
        return self.wave_folder / name

    def content_path(self, name: str) -> Path:
        """The content features of an item."""
        return self.content_folder / f"{name}.pt"

    def speaker_path(self, name: str) -> Path:
        """The speaker vector of an item."""
        return self.speaker_folder / f"{name}.pt"

    def journal(self, stage: StageName) -> Journal:
        """What a stage has finished here."""
        return Journal(self.folder / "state" / f"{stage}.jsonl")

    @classmethod
    def open(cls, folder: Path) -> Experiment:
        """An existing experiment.

        Raises InputError where the folder or its record is missing, DataError where the record is broken.
        """
        folder = Path(folder)
        path = folder / RECORD_FILE
        if not path.is_file():
            why = f"{folder} has no {RECORD_FILE}" if folder.is_dir() else "the folder does not exist"
            raise InputError(f"there is no experiment {folder.name}", why, "Prepare it: tools/prepare.py.")
        return cls(folder, _parse(path))

    @classmethod
    def create(cls, folder: Path, family_name: str) -> Experiment:
        """Begin an experiment, or take over a published folder that has no experiment.json yet.

        Raises InputError if it has one, or for an unknown family.
        """
        folder = Path(folder)
        family(family_name)
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            if (folder / RECORD_FILE).exists():
                raise InputError(f"the experiment {folder.name} exists", remedy="Choose another name.")
            record = ExperimentRecord(name=folder.name, family=family_name)
            _save(folder, record)
        return cls(folder, record)

    @classmethod
    def open_or_create(cls, folder: Path, family_name: str) -> Experiment:
        """An experiment of this family. Raises DataError naming both if it is of another one."""
        if not (Path(folder) / RECORD_FILE).is_file():
            return cls.create(folder, family_name)
        experiment = cls.open(folder)
        if experiment.record.family != family_name:
            raise DataError(
                f"the experiment {experiment.record.name} is of family {experiment.record.family}",
                f"family {family_name} was asked for, and features of two families cannot be mixed",
                "Use another experiment name for the other family.",
            )
        return experiment

    @contextmanager
    def updating(self) -> Iterator[ExperimentRecord]:
        """Change the record: yields the one on the disk, locked, and saves it at the end.

        A stage and the job runner may both do this at the same time. On an exception nothing is saved.
        """
        with _locked(self.folder):
            record = _parse(self.folder / RECORD_FILE)
            yield record
            _save(self.folder, record)
        self.record = record

    def add_job(self, job: str) -> None:
        """Note the id of a job that works on this experiment."""
        with self.updating() as record:
            if job not in record.jobs:
                record.jobs.append(job)

    def check_content(self, identity: ModelIdentity) -> None:
        """Record the content encoder; DataError naming both if the features here are another's."""
        self._claim("content", identity, "content encoder")

    def check_base(self, identity: ModelIdentity) -> None:
        """Record the base model; DataError naming both if the codes here are another's."""
        self._claim("base", identity, "base model")

    def _claim(self, place: Literal["content", "base"], identity: ModelIdentity, role: str) -> None:
        known = getattr(self.record, place)
        if known is not None and known.version != identity.version:
            raise DataError(
                f"the experiment {self.record.name} was prepared with the {role} {known.describe()}",
                f"{identity.describe()} was asked for, and their features cannot be mixed",
                f"Name the first one, or use another experiment name for {identity.name}.",
            )
        if known == identity:
            return
        with self.updating() as record:
            setattr(record, place, identity)
            if place == "base":
                record.quantizer = identity.version

    def claim_items(self, rows: Sequence[AnnotationRow]) -> dict[str, AnnotationRow]:
        """Give every row an item name, keep the names in the record, and return name to row in list order.

        A clip keeps the name it has; names of clips that left the list are free again.
        """
        with self.updating() as record:
            names = assign_names(record.items, rows)
            record.items = {
                name: ItemRecord(
                    source=real_path(row.path), row=row.number, speaker=row.speaker, language=row.language
                )
                for name, row in names.items()
            }
        return names

    def write_rejected(self, reasons: Mapping[str, Mapping[int, str]]) -> None:
        """Replace the lines of the given stages in rejected.tsv; a stage maps row numbers to reasons."""
        with _locked(self.folder):
            kept = [line for line in self.read_rejected() if line[1] not in reasons]
            new = [
                (row, stage, " ".join(reason.split()))
                for stage, rows in reasons.items()
                for row, reason in rows.items()
            ]
            lines = sorted({*kept, *new})
            text = "".join(f"{row}\t{stage}\t{reason}\n" for row, stage, reason in lines)
            write_text(self.folder / REJECTED_FILE, "row\tstage\treason\n" + text)

    def read_rejected(self) -> list[tuple[int, str, str]]:
        """Rows of rejected.tsv: row number (0: no row of a list), stage, reason."""
        path = self.folder / REJECTED_FILE
        if not path.is_file():
            return []
        cells = [line.split("\t", 2) for line in read_text(path).split("\n")[1:]]
        return [(int(row[0]), row[1], row[2]) for row in cells if len(row) == 3 and row[0].isdigit()]


def name_key(name: str) -> str:
    """What two item names share when some file system would take them for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).upper().casefold())


def assign_names(known: Mapping[str, ItemRecord], rows: Sequence[AnnotationRow]) -> dict[str, AnnotationRow]:
    """Distinct item names for rows of distinct files, in the order of `rows`.

    Names come from the base names; `known` names of the same file are kept.
    """
    by_source = {item.source: name for name, item in known.items()}
    sources = {row.number: real_path(row.path) for row in rows}
    kept = {row.number: by_source[sources[row.number]] for row in rows if sources[row.number] in by_source}
    taken = {name_key(name) for name in kept.values()}
    rivals: dict[str, list[str]] = {}
    names: dict[str, AnnotationRow] = {}
    for row in rows:
        name = kept.get(row.number) or _free_name(row.path.name, taken, rivals)
        taken.add(name_key(name))
        names[name] = row
    return names


def _free_name(base: str, taken: set[str], rivals: dict[str, list[str]]) -> str:
    # safe_name compares with every name it is given, so it is given only those of the same base.
    plain = safe_name(base)
    same = rivals.setdefault(name_key(plain), [])
    name = safe_name(base, same)
    while name_key(name) in taken:
        same.append(name)
        name = safe_name(base, same)
    same.append(name)
    return name


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = FileLock(str(folder / ".experiment.lock"), timeout=_LOCK_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        what, why = f"{folder / RECORD_FILE} cannot be changed", "another program keeps it locked"
        raise ResourceError(what, why, "Wait for it, then retry.") from error
    try:
        yield
    finally:
        lock.release()


def _save(folder: Path, record: ExperimentRecord) -> None:
    write_json(folder / RECORD_FILE, record.model_dump(mode="json"))


def _parse(path: Path) -> ExperimentRecord:
    try:
        return ExperimentRecord.model_validate_json(read_text(path))
    except ValidationError as error:
        first = error.errors()[0]
        why = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
        raise DataError(f"{path} is damaged", why, "Restore it, or prepare again.") from error
