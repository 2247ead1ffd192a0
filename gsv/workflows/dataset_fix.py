"""A new list without what spoils a data set: clips left out, edges trimmed, levels evened; sources stay as they are.

Knows judged clips and writes new recordings beside the new list. Does not judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gsv.audio import read, write
from gsv.audio.measures import sound_span
from gsv.corpus.annotation import MINIMUM_SECONDS, AnnotationRow, write_annotations
from gsv.corpus.journal import Journal, item_key
from gsv.errors import DataError, GsvError, InputError
from gsv.events import Events
from gsv.files import safe_name
from gsv.workflows.dataset_judge import Clip

REPAIRS = ("drop", "trim", "level")
CLEAN_LIST, CLIPS_FOLDER = "clean.list", "clips"
_JOURNAL = "repairs.jsonl"
_RULE = 1
_KEPT_SILENCE = 0.2
_MOST_PEAK = 0.95


@dataclass(frozen=True)
class Repairs:
    """What is repaired; `doubtful` also leaves out the clips that should be listened to."""

    drop: bool = False
    trim: bool = False
    level: bool = False
    doubtful: bool = False

    def __bool__(self) -> bool:
        return self.drop or self.trim or self.level or self.doubtful

    @classmethod
    def of(cls, names: Sequence[str], doubtful: bool = False) -> Repairs:
        """Repairs by name. Raises InputError for one that there is not."""
        unknown = sorted(set(names) - set(REPAIRS))
        if unknown:
            raise InputError(
                f"there is no repair {', '.join(unknown)}", remedy=f"Choose of {', '.join(REPAIRS)}."
            )
        return cls(**{name: name in names for name in REPAIRS}, doubtful=doubtful)


@dataclass(frozen=True)
class _Change:
    """How one clip is changed: silence kept at the edges (None: not trimmed), and a target level."""

    trim: float | None = None
    level_db: float | None = None


def write_clean(clips: Sequence[Clip], output: Path, repairs: Repairs, events: Events) -> dict[str, Any]:
    """Write `clean.list` and the changed clips into the folder `output`; returns what was done, JSON-ready.

    Untouched clips keep their place; changed ones are new 16-bit WAV files in `clips/`. A clip that fails is left
    out with its reason. Raises DataError where no clip is left, Cancelled.
    """
    kept = [clip for clip in clips if clip.record and not _dropped(clip, repairs)]
    levels = [clip.record["measures"]["level_db"] for clip in kept]
    usual = float(np.median(levels)) if levels else 0.0
    journal = Journal(output / _JOURNAL)
    rows: list[AnnotationRow] = []
    taken: set[str] = set()
    failed: dict[str, str] = {}
    changed = 0
    with journal:
        for done, clip in enumerate(kept, start=1):
            events.check_stop()
            change = _change(clip, repairs, usual)
            path = Path(clip.path)
            if change != _Change():
                name = safe_name(f"{path.stem}.wav", taken)
                taken.add(name)
                try:
                    path = _changed(clip, change, output / CLIPS_FOLDER / name, journal)
                    changed += 1
                except GsvError as error:
                    failed[f"row {clip.number}"] = str(error)
                    events.item(f"row {clip.number}", "failed", str(error))
                    continue
            rows.append(AnnotationRow(clip.number, path, clip.speaker, clip.language, clip.text))
            events.progress(done, len(kept), "repair")
    journal.compact()
    if not rows:
        raise DataError("no clip is left for the clean list", f"{len(clips)} were looked at", "Repair less.")
    write_annotations(output / CLEAN_LIST, rows, relative_to=output)
    return {
        "list": str(output / CLEAN_LIST),
        "kept": len(rows),
        "left_out": len(clips) - len(rows),
        "changed": changed,
        "failed": failed,
    }


def _dropped(clip: Clip, repairs: Repairs) -> bool:
    severity = clip.severity
    if severity == "bad":
        return repairs.drop or repairs.doubtful
    if severity != "doubtful" or not repairs.doubtful:
        return False
    # What is mended needs not be left out.
    doubts = [problem for problem in clip.problems if problem.severity == "doubtful"]
    return not all(problem.fix and getattr(repairs, problem.fix) for problem in doubts)


def _change(clip: Clip, repairs: Repairs, usual: float) -> _Change:
    wanted = {problem.fix for problem in clip.problems}
    return _Change(
        trim=_KEPT_SILENCE if repairs.trim and "trim" in wanted else None,
        level_db=round(usual, 1) if repairs.level and "level" in wanted else None,
    )


def _changed(clip: Clip, change: _Change, target: Path, journal: Journal) -> Path:
    """The changed clip's file; what an earlier run made of the same sound in the same way is kept."""
    key = item_key(audio=clip.audio, rule=_RULE, **asdict(change))
    if journal.done(target.name, key) is not None and target.is_file():
        return target
    audio = read(Path(clip.path))
    samples = audio.samples
    if change.trim is not None:
        first, end = sound_span(samples, audio.rate)
        margin = round(change.trim * audio.rate)
        samples = samples[max(0, first - margin) : end + margin]
    if len(samples) <= MINIMUM_SECONDS * audio.rate:
        raise DataError("too little sound is left", f"{len(samples) / audio.rate:.2f} s without the edges")
    if change.level_db is not None:
        gain = 10 ** ((change.level_db - float(clip.record["measures"]["level_db"])) / 20)
        peak = float(np.abs(samples).max(initial=0.0))
        samples = samples * min(gain, _MOST_PEAK / peak if peak > 0 else 1.0)
    write(target, samples.astype(np.float32), audio.rate)
    journal.add(target.name, key)
    return target
