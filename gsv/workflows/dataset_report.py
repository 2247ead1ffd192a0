"""The report of a check: a row a clip with its reasons, the data set as a whole, and a verdict.

Knows judged clips. Does not know how they were listened to, and writes no file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gsv.workflows import dataset_words as words
from gsv.workflows.dataset_judge import (
    MISLABELLED,
    TELEPHONE_HZ,
    Clip,
    Problem,
    voice_of,
)
from gsv.workflows.dataset_listen import HEARD_LANGUAGES

FORMAT = 1
LITTLE_SECONDS, ENOUGH_SECONDS, PLENTY_SECONDS = 60.0, 300.0, 3600.0
_DULL_SET_HZ = 8500.0
_COPIES = ("copy", "re_encoded")
_TWO_VOICES_ALIKE, _TWO_VOICES_SHARE, _FEWEST_FOR_TWO = 0.75, 0.15, 10


@dataclass(frozen=True)
class Finding:
    """Something about the data set as a whole; words as `dataset_words.FINDINGS` has them."""

    kind: str
    values: dict[str, Any]


def report(clips: Sequence[Clip], *, listened: bool) -> dict[str, Any]:
    """The report as a JSON-ready dictionary. `listened`: a content encoder compared texts with their sound."""
    clean = [clip for clip in clips if clip.record and clip.severity in (None, "note")]
    clean_seconds = sum(clip.seconds for clip in clean)
    findings = _findings(clips, listened)
    kind = verdict_kind(clean_seconds)
    return {
        "format": FORMAT,
        "rows": len(clips),
        "readable": sum(bool(clip.record) for clip in clips),
        "seconds": round(sum(clip.seconds for clip in clips), 2),
        "clean_clips": len(clean),
        "clean_seconds": round(clean_seconds, 2),
        "verdict": {
            "kind": kind,
            "start": {code: verdict(kind, clean_seconds, (), code) for code in words.LANGUAGES},
            **{code: verdict(kind, clean_seconds, findings, code) for code in words.LANGUAGES},
        },
        "findings": [{**asdict(found), **_told(words.FINDINGS, found)} for found in findings],
        "problems": dict(_problem_counts(clips).most_common()),
        "languages": _shares(clips, "language"),
        "speakers": _shares(clips, "speaker"),
        "rates": {str(rate): n for rate, n in sorted(_rates(clips).items())},
        "clips": [row_of(clip) for clip in clips],
    }


def verdict_kind(clean_seconds: float) -> str:
    """Which verdict so much clean speech gets."""
    if clean_seconds <= 0:
        return "nothing"
    limits = ((LITTLE_SECONDS, "seconds"), (ENOUGH_SECONDS, "little"), (PLENTY_SECONDS, "enough"))
    return next((kind for limit, kind in limits if clean_seconds < limit), "plenty")


def verdict(kind: str, clean_seconds: float, findings: Iterable[Finding], language: str) -> str:
    """The verdict and what was found, as sentences for a person."""
    start = words.say(words.VERDICTS, kind, language, {"amount": words.amount(clean_seconds, language)})
    told = [words.say(words.FINDINGS, found.kind, language, found.values) for found in findings]
    return (" " if language == "en" else "").join([start, *told])


def row_of(clip: Clip) -> dict[str, Any]:
    """A clip's line of the report: who and what, its figures, and its problems in words."""
    found = clip.record.get("measures", {})
    figures = ("level_db", "snr_db", "bandwidth", "silent_share", "rate")
    fit = clip.record.get("fit", {})
    return {
        "row": clip.number,
        "path": clip.path,
        "speaker": clip.speaker,
        "language": clip.language,
        "text": clip.text,
        "seconds": round(clip.seconds, 3),
        "severity": clip.severity or "",
        "problems": [
            {
                "kind": p.kind,
                "severity": p.severity,
                "fix": p.fix,
                "values": p.values,
                **_told(words.PROBLEMS, p),
            }
            for p in clip.problems
        ],
        "figures": {name: round(float(found[name]), 3) for name in figures if name in found},
        "fit": fit,
    }


def _told(table: Mapping[str, tuple[str, str]], found: Problem | Finding) -> dict[str, str]:
    return {code: words.say(table, found.kind, code, found.values) for code in words.LANGUAGES}


def _problem_counts(clips: Iterable[Clip]) -> Counter[str]:
    return Counter(kind for clip in clips for kind in {problem.kind for problem in clip.problems})


def _rates(clips: Iterable[Clip]) -> Counter[int]:
    return Counter(int(clip.record["measures"]["rate"]) for clip in clips if clip.record)


def _shares(clips: Iterable[Clip], name: str) -> dict[str, dict[str, float]]:
    table: dict[str, dict[str, float]] = defaultdict(lambda: {"clips": 0, "seconds": 0.0})
    for clip in clips:
        if clip.record:
            row = table[getattr(clip, name)]
            row["clips"] += 1
            row["seconds"] = round(row["seconds"] + clip.seconds, 2)
    return dict(sorted(table.items(), key=lambda item: -item[1]["seconds"]))


def _findings(clips: Sequence[Clip], listened: bool) -> list[Finding]:
    read = [clip for clip in clips if clip.record]
    counts = _problem_counts(clips)
    found: list[Finding] = []

    def count(kind: str, number: int) -> None:
        if number:
            found.append(Finding(kind, {"n": number}))

    count("mislabelled", sum(any(p.kind in MISLABELLED for p in clip.problems) for clip in clips))
    count("copies", sum(any(p.kind in _COPIES for p in clip.problems) for clip in clips))
    count("clipped", counts["clipped"])
    count("noisy", counts["noisy"])
    count("bad", sum(clip.severity == "bad" for clip in clips))
    count("doubtful", sum(clip.severity == "doubtful" for clip in clips))
    if not found:
        found.append(Finding("fine", {}))
    if read:
        usual = float(np.median([clip.record["measures"]["bandwidth"] for clip in read]))
        if 0 < usual < max(_DULL_SET_HZ, TELEPHONE_HZ):
            found.append(Finding("telephone_set", {"kilohertz": round(usual / 1000, 1)}))
    rates = sorted(_rates(clips))
    if len(rates) > 1:
        found.append(Finding("rates", {"rates": ", ".join(map(str, rates))}))
    speakers = {clip.speaker for clip in read}
    if len(speakers) > 1:
        found.append(Finding("speakers", {"n": len(speakers)}))
    found += [
        Finding("two_voices", {"speaker": name}) for name in sorted(speakers) if _two_voices(read, name)
    ]
    unheard = sorted({clip.language for clip in read} - set(HEARD_LANGUAGES))
    if not listened and read:
        found.append(Finding("deaf", {}))
    elif unheard:
        found.append(Finding("unheard", {"languages": ", ".join(unheard)}))
    return found


def _two_voices(clips: Sequence[Clip], speaker: str) -> bool:
    """Whether a speaker's clips fall into two groups of voices, neither of them a handful of outliers."""
    own = [clip for clip in clips if clip.speaker == speaker and clip.severity != "bad"]
    vectors = [voice_of(clip) for clip in own if clip.record["voice"]]
    if len(vectors) < _FEWEST_FOR_TWO:
        return False
    rows = np.stack(vectors)
    first = rows[int((rows @ rows.mean(axis=0)).argmin())]
    centres = np.stack([first, rows[int((rows @ first).argmin())]])
    nearest = np.zeros(len(rows), dtype=np.int64)
    for _ in range(10):
        nearest = (rows @ centres.T).argmax(axis=1)
        if not 0 < nearest.sum() < len(rows):
            return False
        means = np.stack([rows[nearest == side].mean(axis=0) for side in (0, 1)])
        centres = means / (np.linalg.norm(means, axis=1, keepdims=True) + 1e-9)
    smaller = min(nearest.mean(), 1 - nearest.mean())
    return bool(smaller >= _TWO_VOICES_SHARE and centres[0] @ centres[1] < _TWO_VOICES_ALIKE)
