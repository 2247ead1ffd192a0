"""Which items of an experiment a trainer may use: the published filters, with a reason for every loss.

Knows the experiment folder. Does not know batches, repetition or shuffling: those are the trainer's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from gsv.audio import probe
from gsv.corpus.annotation import MAXIMUM_SECONDS, MINIMUM_SECONDS, length_fault
from gsv.corpus.experiment import Experiment
from gsv.corpus.journal import Entry
from gsv.corpus.tables import TextRow, names_in, read_semantic_table, read_text_table
from gsv.errors import DataError, GsvError
from gsv.text.symbols import SymbolTable, table

Row = TypeVar("Row")


@dataclass(frozen=True)
class TrainingItem:
    """A clip with everything a trainer reads.

    `wave_path` is 32 kHz mono, `content_path` a tensor `[1, C, T]` at 50 Hz, `codes` 25 a second.
    """

    name: str
    phones: tuple[str, ...]
    phone_ids: tuple[int, ...]
    wave_path: Path
    content_path: Path
    seconds: float
    language: str = ""
    speaker: str = ""
    speaker_vector_path: Path | None = None
    codes: tuple[int, ...] | None = None


@dataclass
class TrainingItems:
    """Items sorted by name, and what was left out: name to reason, and how many for each kind of reason."""

    items: list[TrainingItem] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


def training_items(
    experiment: Experiment,
    *,
    minimum_seconds: float = MINIMUM_SECONDS,
    maximum_seconds: float = MAXIMUM_SECONDS,
    need_codes: bool = False,
) -> TrainingItems:
    """Items that have text, content and wave (for tiny and Pro a speaker vector; with `need_codes`, codes).

    Nothing is repeated or shuffled. Raises DataError where no item is left, with the commonest reason.
    """
    shelf = _Shelf(experiment)
    found = TrainingItems()
    kinds: Counter[str] = Counter()
    for name in sorted(shelf.names()):
        item = _item(shelf, name, minimum_seconds, maximum_seconds, need_codes)
        if isinstance(item, TrainingItem):
            found.items.append(item)
        else:
            found.rejected[name] = item
            kinds[item.split(":")[0]] += 1
    found.counts = dict(kinds.most_common())
    if not found.items:
        worst = next(iter(found.counts.items()), ("nothing was prepared", 0))
        why = f"{worst[0]} ({worst[1]} of {len(found.rejected)} clips)" if worst[1] else worst[0]
        raise DataError(
            f"the experiment {experiment.record.name} has no item to train on", why, "Prepare it again."
        )
    return found


class _Shelf:
    """One reading of the folder, so that ten thousand items cost a handful of listings."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        family = experiment.family
        self.table: SymbolTable = table(family.symbols)
        self.needs_speaker = family.speaker_input is not None and family.speaker_input.required
        self.texts: Mapping[str, TextRow] = _if_there(experiment.text_table, read_text_table)
        self.codes: Mapping[str, tuple[int, ...]] = _if_there(experiment.semantic_table, read_semantic_table)
        self.content = set(names_in(experiment.content_folder, ".pt"))
        self.waves = set(names_in(experiment.wave_folder))
        self.speakers = set(names_in(experiment.speaker_folder, ".pt"))
        self.text_entries: Mapping[str, Entry] = experiment.journal("text").entries
        self.content_entries: Mapping[str, Entry] = experiment.journal("content").entries
        self.semantic_entries: Mapping[str, Entry] = experiment.journal("semantic").entries

    def names(self) -> set[str]:
        return {*self.texts, *self.content, *self.waves}

    def stale(self, name: str, need_codes: bool) -> str:
        """Features of one name that were made from different recordings; brought folders have no journals."""
        journals = (self.text_entries, self.content_entries, self.semantic_entries)
        text, content, codes = (entries.get(name, {}) for entries in journals)
        if text and content and text.get("audio") != content.get("audio"):
            return "outdated: text and content come from different recordings"
        if need_codes and codes and content and codes.get("content_sha256") != content.get("content_sha256"):
            return "outdated: the codes were made from earlier content"
        return ""


def _item(shelf: _Shelf, name: str, minimum: float, maximum: float, need_codes: bool) -> TrainingItem | str:
    """The item, or why it is left out; the words before a colon are the kind that is counted."""
    missing = _missing(shelf, name, need_codes) or shelf.stale(name, need_codes)
    if missing:
        return missing
    phones = shelf.texts[name].phones
    unknown = sorted({phone for phone in phones if phone not in shelf.table})
    if unknown or not phones:
        return f"unknown phone: {' '.join(unknown)}" if unknown else "no phones"
    wave = shelf.experiment.wave_path(name)
    try:
        seconds = probe(wave).seconds
    except GsvError as error:
        return f"unreadable wave: {error}"
    fault = "unreadable wave: no length" if seconds is None else length_fault(seconds, minimum, maximum)
    if fault or seconds is None:
        return fault
    record = shelf.experiment.record.items.get(name)
    return TrainingItem(
        name=name,
        phones=phones,
        phone_ids=tuple(shelf.table.ids(phones)),
        wave_path=wave,
        content_path=shelf.experiment.content_path(name),
        seconds=seconds,
        language=record.language if record else "",
        speaker=record.speaker if record else "",
        speaker_vector_path=shelf.experiment.speaker_path(name) if name in shelf.speakers else None,
        codes=shelf.codes.get(name),
    )


def _missing(shelf: _Shelf, name: str, need_codes: bool) -> str:
    if name not in shelf.texts:
        return "no text"
    if name not in shelf.content:
        return "no content features"
    if name not in shelf.waves:
        return "no 32 kHz wave"
    if shelf.needs_speaker and name not in shelf.speakers:
        return "no speaker vector"
    if need_codes and not shelf.codes.get(name):
        return "no semantic codes"
    return ""


def _if_there(path: Path, reader: Callable[[Path], dict[str, Row]]) -> dict[str, Row]:
    return reader(path) if path.is_file() else {}
