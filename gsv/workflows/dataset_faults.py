"""How well the check of a data set finds faults: a list of natural clips, some of them with something wrong.

Knows how a row is spoilt, its sound or its text. `tools/measure_dataset_check.py` prints the table.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gsv.audio import Audio, read, resample, write
from gsv.audio.measures import measure
from gsv.corpus.annotation import AnnotationRow, write_annotations
from gsv.corpus.lists import read_table
from gsv.corpus.splits import CorpusRow, parts_of
from gsv.errors import GsvError, InputError
from gsv.events import Events
from gsv.files import read_text, safe_name, write_json
from gsv.workflows.dataset_check import CheckOptions, check_dataset

UNTOUCHED = "untouched"
SOUND_FAULTS = ("clipped", "noisy", "half a band", "silence", "half the sound", "copy", "copy in ogg")
TEXT_FAULTS = ("half the text", "another text", "wrong language")
OTHER_SPEAKER = "another speaker"
FAULTS = (*SOUND_FAULTS, *TEXT_FAULTS, OTHER_SPEAKER)
_OVERDRIVE, _NOISE_DB, _LEAST_WORDS = 3.0, 10.0, 4
_OTHER_CODE = {"en": "zh", "zh": "en", "ja": "en"}


@dataclass
class Tally:
    """How many rows of a kind were checked and flagged (as bad or doubtful), and as what."""

    checked: int = 0
    flagged: int = 0
    kinds: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SpoilPlan:
    """Which clips are taken: all of `speaker`, `each` of them spoilt in each way."""

    table: Path
    speaker: str
    each: int
    limit: int
    seed: int


def measure_dataset_check(
    plan: SpoilPlan, output: Path, events: Events, workers: int = 0
) -> dict[str, Tally]:
    """Write a spoilt list into `output`, check it, and count what was flagged; writes `faults.json` too.

    Raises InputError where the speaker has too few clips.
    """
    random = np.random.default_rng(plan.seed)
    truth = _write_spoilt(plan, output, random, events)
    made = check_dataset(
        output / "spoilt.list", output / "check", CheckOptions(workers=workers), events=events
    )
    tallies: dict[str, Tally] = defaultdict(Tally)
    for clip in made["clips"]:
        tally = tallies[truth[clip["row"]]]
        tally.checked += 1
        tally.flagged += clip["severity"] in ("bad", "doubtful")
        kinds = {p["kind"] for p in clip["problems"] if p["severity"] != "note"}
        tally.kinds = dict(Counter(tally.kinds) + Counter(kinds))
    for kind in (UNTOUCHED, *FAULTS):
        tally = tallies[kind]
        told = ", ".join(f"{name} {n}" for name, n in sorted(tally.kinds.items(), key=lambda item: -item[1]))
        events.message(f"{kind}: {tally.flagged} of {tally.checked} flagged ({told or 'nothing'})")
    write_json(output / "faults.json", {kind: asdict(tally) for kind, tally in tallies.items()})
    return dict(tallies)


def _write_spoilt(
    plan: SpoilPlan, output: Path, random: np.random.Generator, events: Events
) -> dict[int, str]:
    """Write the list and its recordings; returns the fault of each line."""
    rows = read_table(plan.table)
    own = [row for row in rows if row.speaker == plan.speaker][: plan.limit]
    needed = plan.each * (len(SOUND_FAULTS) + len(TEXT_FAULTS))
    if len(own) < 2 * needed:
        raise InputError(
            f"{plan.speaker} has {len(own)} clips", f"{2 * needed} are needed to spoil half of them"
        )
    order = random.permutation(len(own)).tolist()
    fault_of: dict[int, str] = {}
    for kind in (*SOUND_FAULTS, *TEXT_FAULTS):
        for place in _fitting(order, own, kind, plan.each, fault_of):
            fault_of[place] = kind
    written: list[AnnotationRow] = []
    truth: dict[int, str] = {}

    def add(row: AnnotationRow, kind: str) -> None:
        written.append(row)
        truth[len(written)] = kind

    taken: set[str] = set()
    for place, row in enumerate(own):
        events.check_stop()
        kind = fault_of.get(place, UNTOUCHED)
        plain = AnnotationRow(0, Path(row.file), row.speaker, row.language, row.text)
        if kind.startswith("copy"):
            add(plain, UNTOUCHED)
        name = safe_name(f"{place:04d} {kind}.{'ogg' if kind == 'copy in ogg' else 'wav'}", taken)
        taken.add(name)
        add(_spoilt(plain, kind, output / "sound" / name, own[(place + 7) % len(own)].text, random), kind)
        events.progress(place + 1, len(own), "spoiling")
    for row in _strangers(rows, plan, random):
        add(AnnotationRow(0, Path(row.file), plan.speaker, row.language, row.text), OTHER_SPEAKER)
    write_annotations(output / "spoilt.list", written)
    return truth


def _fitting(
    order: Sequence[int], rows: Sequence[CorpusRow], kind: str, count: int, used: dict[int, str]
) -> list[int]:
    """Places of so many rows that the fault can be made of."""
    wordy = kind in TEXT_FAULTS or kind == "half the sound"
    free = [place for place in order if place not in used]
    return [place for place in free if not wordy or len(_units(rows[place])) >= _LEAST_WORDS][:count]


def _units(row: CorpusRow) -> list[str]:
    return row.text.split() if row.language == "en" else list(row.text)


def _strangers(rows: Sequence[CorpusRow], plan: SpoilPlan, random: np.random.Generator) -> list[CorpusRow]:
    """Clips of other speakers in the same language; none that shares a base voice with the own one."""
    languages = {row.language for row in rows if row.speaker == plan.speaker}
    mixes_file = plan.table.parent / "mixes.json"
    mixes = json.loads(read_text(mixes_file)) if mixes_file.is_file() else {}
    parts = parts_of(plan.speaker, mixes)
    others = [
        row
        for row in rows
        if not parts & parts_of(row.speaker, mixes)
        and row.language in languages
        and len(_units(row)) > _LEAST_WORDS
    ]
    return [others[place] for place in random.permutation(len(others))[: plan.each].tolist()]


def _spoilt(
    row: AnnotationRow, kind: str, target: Path, other_text: str, random: np.random.Generator
) -> AnnotationRow:
    """The row with its fault; sound that is changed is written to `target`."""

    def changed(**values: Any) -> AnnotationRow:
        return AnnotationRow(**{**asdict(row), **values})

    if kind == UNTOUCHED:
        return row
    if kind == "another text":
        return changed(text=other_text)
    if kind == "wrong language":
        return changed(language=_OTHER_CODE[row.language])
    if kind == "half the text":
        units = row.text.split() if row.language == "en" else list(row.text)
        return changed(text=(" " if row.language == "en" else "").join(units[: len(units) // 2]))
    clip = read(row.path)
    write(target, spoilt_sound(clip, kind, random), clip.rate)
    return changed(path=target)


def spoilt_sound(clip: Audio, kind: str, random: np.random.Generator) -> np.ndarray:
    """The samples of a clip `[T]` with a fault of `SOUND_FAULTS`. Raises GsvError for another one."""
    samples = clip.samples
    if kind == "clipped":
        return np.clip(samples * (_OVERDRIVE / max(1e-6, float(np.abs(samples).max()))), -1.0, 1.0)
    if kind == "noisy":
        level = 10 ** ((measure(samples, clip.rate).level_db - _NOISE_DB) / 20)
        noisy = samples + random.standard_normal(len(samples)).astype(np.float32) * level
        return np.asarray(noisy * min(1.0, 0.99 / float(np.abs(noisy).max())))
    if kind == "half a band":
        low = 16_000 if clip.rate > 16_000 else clip.rate // 2
        return resample(resample(samples, clip.rate, low), low, clip.rate)[: len(samples)]
    if kind == "silence":
        return (random.standard_normal(len(samples)) * 1e-5).astype(np.float32)
    if kind == "half the sound":
        return samples[: len(samples) // 2]
    if kind.startswith("copy"):
        return samples
    raise GsvError(f"there is no fault called {kind}")
