"""What is wrong with a clip of a data set, judged by its record and by those of the other clips.

Knows limits, some fixed and some set by what is usual in the data set itself. Does not know files or networks, nor
the words in which a problem is told. The limits were set with natural clips and faults made from them
(`tools/measure_dataset_check.py`, docs/design.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from gsv.audio.fingerprint import from_text, unit_rows
from gsv.audio.measures import Measures

Severity = Literal["bad", "doubtful", "note"]
"""`bad` spoils a voice and is left out by a repair; `doubtful` should be listened to; `note` does no harm."""
ORDER: tuple[Severity, ...] = ("bad", "doubtful", "note")
MISLABELLED = frozenset({"other_text", "more_said", "less_said", "other_voice", "wrong_language"})

FLAT_BAD, FLAT_DOUBTFUL, CROWDED_DOUBTFUL = 3e-3, 3e-4, 1.5e-3
NOISE_BAD_DB, NOISE_DOUBTFUL_DB = 12.0, 20.0
QUIET_DB, UNEVEN_DB = -45.0, 10.0
EDGE_NOTE, EDGE_DOUBTFUL, PAUSE, MOSTLY_SILENT = 1.0, 2.0, 1.5, 0.6
TELEPHONE_HZ, UPSAMPLED_SHARE, DULL_SHARE = 5000.0, 0.72, 0.75
SHORT, LONG = 1.0, 15.0
PHONES_A_SECOND = (3.0, 25.0)
"""What published trainers keep."""
COPY_LIKENESS, COPY_SECONDS = 0.95, 0.03
SCORE, EXTRA, MISSING = (0.40, 0.70), (10.0, 20.0), (32.0, 55.0)
"""Least and greatest limit of how badly a text may fit; between them decides what is usual."""
MORE_SAID, MORE_EXTRA, LESS_SAID = 1.3, 12.0, 0.72
HOPELESS_SCORE = 1.1
LIKENESS = (0.65, 0.85)
FEWEST_VOICES, LEAST_VOICE_SECONDS = 5, 1.2
USUAL = 4 * 1.4826
"""Deviations from the median, as a normal distribution has them, that are still usual."""
_FEWEST_USUAL = 12


@dataclass(frozen=True)
class Problem:
    """Something about a clip; `values` fill the words, `fix` names the repair that mends it."""

    kind: str
    severity: Severity
    values: dict[str, Any] = field(default_factory=dict)
    fix: str = ""


@dataclass
class Clip:
    """A row of the list with its record; `measures` is None for a row that could not be read."""

    number: int
    path: str
    speaker: str
    language: str
    text: str
    seconds: float
    audio: str = ""
    """SHA-256 of the file."""
    record: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def measures(self) -> Measures | None:
        return Measures(**self.record["measures"]) if self.record else None

    @property
    def seconds_of_sound(self) -> float:
        """Length without silences."""
        found = self.record["measures"]
        return float(found["seconds"]) * (1 - float(found["silent_share"]))

    @property
    def severity(self) -> Severity | None:
        """The worst of the problems."""
        return next((level for level in ORDER if any(p.severity == level for p in self.problems)), None)

    def add(self, kind: str, severity: Severity, fix: str = "", **values: Any) -> None:
        """Note a problem."""
        self.problems.append(Problem(kind, severity, values, fix))


def judge(clips: Sequence[Clip]) -> None:
    """Note the problems of all clips; those that could not be read keep what they have."""
    read = [(clip, measures) for clip in clips if (measures := clip.measures) is not None]
    sounding = [(clip, measures) for clip, measures in read if not measures.silent]
    for clip, measures in read:
        if measures.silent:
            clip.add("silent", "bad", "drop")
    for clip, measures in sounding:
        _judge_sound(clip, measures)
        _judge_text(clip, measures)
    _judge_levels(sounding)
    _judge_bandwidth(sounding)
    _judge_copies([clip for clip, _ in read])
    _judge_fit([clip for clip, _ in sounding])
    _judge_voices(sounding)
    for clip in clips:
        clip.problems.sort(key=lambda problem: ORDER.index(problem.severity))


def _judge_sound(clip: Clip, found: Measures) -> None:
    if found.clipped >= FLAT_DOUBTFUL or found.crowded >= CROWDED_DOUBTFUL:
        severity: Severity = "bad" if found.clipped >= FLAT_BAD else "doubtful"
        share = 100 * max(found.clipped, found.crowded)
        clip.add("clipped", severity, "drop" if severity == "bad" else "", percent=round(share, 2))
    if found.snr_db < NOISE_DOUBTFUL_DB:
        severity = "bad" if found.snr_db < NOISE_BAD_DB else "doubtful"
        clip.add("noisy", severity, "drop" if severity == "bad" else "", decibels=round(found.snr_db))
    edge = max(found.before, found.after)
    if edge >= EDGE_NOTE:
        severity = "doubtful" if edge >= EDGE_DOUBTFUL else "note"
        clip.add("silent_edge", severity, "trim", seconds=round(edge, 1))
    if found.inner >= PAUSE:
        clip.add("pause", "doubtful", seconds=round(found.inner, 1))
    if found.silent_share >= MOSTLY_SILENT and edge < EDGE_NOTE and found.inner < PAUSE:
        clip.add("mostly_silent", "doubtful", percent=round(100 * found.silent_share))
    if found.seconds < SHORT:
        clip.add("short", "note", seconds=round(found.seconds, 2))
    if found.seconds > LONG:
        clip.add("long", "note", seconds=round(found.seconds, 1))


def _judge_levels(clips: Sequence[tuple[Clip, Measures]]) -> None:
    if not clips:
        return
    usual = float(np.median([found.level_db for _, found in clips]))
    for clip, found in clips:
        if found.level_db < QUIET_DB:
            clip.add("quiet", "doubtful", "level", decibels=round(found.level_db))
        elif abs(found.level_db - usual) > UNEVEN_DB:
            kind = "louder" if found.level_db > usual else "quieter"
            clip.add(kind, "note", "level", decibels=round(abs(found.level_db - usual)))


def _judge_bandwidth(clips: Sequence[tuple[Clip, Measures]]) -> None:
    """Dull against the other clips, or against what the file's rate promises."""
    if not clips:
        return
    usual = float(np.median([found.bandwidth for _, found in clips]))
    for clip, found in clips:
        kilohertz = round(found.bandwidth / 1000, 1)
        if found.bandwidth < TELEPHONE_HZ <= usual:
            clip.add("telephone", "doubtful", kilohertz=kilohertz)
        elif found.bandwidth < DULL_SHARE * usual:
            clip.add("duller", "doubtful", kilohertz=kilohertz, usual=round(usual / 1000, 1))
        elif found.bandwidth < UPSAMPLED_SHARE * min(found.rate / 2, 11_000):
            clip.add("upsampled", "note", kilohertz=kilohertz, rate=round(found.rate / 1000, 1))


def _judge_text(clip: Clip, found: Measures) -> None:
    other = written_in(clip.text, clip.language)
    if other:
        clip.add("wrong_language", "doubtful", written=other, code=clip.language)
    if clip.record["unread"]:
        clip.add("unread", "note", characters=" ".join(clip.record["unread"][:8]))
    fit = clip.record["fit"]
    if "phones" not in fit and fit.get("reason"):
        clip.add("nothing_to_say", "bad", "drop", detail=fit["reason"])
        return
    spoken = clip.seconds_of_sound
    if fit.get("phones") and spoken > 0:
        speed = fit["phones"] / spoken
        if not PHONES_A_SECOND[0] <= speed <= PHONES_A_SECOND[1]:
            clip.add(
                "too_fast" if speed > PHONES_A_SECOND[1] else "too_slow", "doubtful", speed=round(speed, 1)
            )


def written_in(text: str, code: str) -> str:
    """The language that the letters of a text give away where it is not `code`; else empty.

    Kana are Japanese, hangul is Korean; Latin letters alone are neither of the Asian languages, and Chinese
    characters or other letters are no English.
    """
    kana = sum("\u3041" <= sign <= "\u30ff" for sign in text)
    hangul = sum("\uac00" <= sign <= "\ud7a3" or "\u1100" <= sign <= "\u11ff" for sign in text)
    han = sum("\u4e00" <= sign <= "\u9fff" or "\u3400" <= sign <= "\u4dbf" for sign in text)
    latin = sum(sign.isascii() and sign.isalpha() for sign in text)
    total = kana + hangul + han + latin
    if not total:
        return ""
    if hangul > total / 2:
        return "" if code == "ko" else "ko"
    if kana and kana + han > total / 2 and kana >= 0.1 * (kana + han):
        return "" if code == "ja" else "ja"
    if latin == total:
        return "" if code == "en" or latin < 4 else "en"
    if han > total / 2:
        return "" if code in ("zh", "yue", "ja") else "zh"
    return ""


def _judge_copies(clips: Sequence[Clip]) -> None:
    """Copies of an earlier clip: the same samples, or the same recording in another format."""
    first: dict[str, Clip] = {}
    left = []
    for clip in clips:
        twin = first.setdefault(clip.record["samples"], clip)
        if twin is clip:
            left.append(clip)
        else:
            clip.add("copy", "bad", "drop", row=twin.number)
    prints = [from_text(clip.record["print"], np.int8) for clip in left]
    kept = [place for place, one in enumerate(prints) if one.any()]
    if len(kept) > 1:
        copies = likenesses([left[p].seconds_of_sound for p in kept], np.stack([prints[p] for p in kept]))
        for later, earlier in copies.items():
            left[kept[later]].add("re_encoded", "bad", "drop", row=left[kept[earlier]].number)


def likenesses(seconds: Sequence[float], prints: np.ndarray) -> dict[int, int]:
    """For each clip that is a copy of an earlier one, that one; `seconds` `[N]` of sound, `prints` `[N, 384]`.

    Only clips of nearly the same length are compared, so that ten thousand take seconds.
    """
    order = np.argsort(seconds, kind="stable")
    sorted_seconds = np.asarray(seconds)[order]
    rows = unit_rows(prints)[order]
    ends = np.searchsorted(sorted_seconds, sorted_seconds * (1 + COPY_SECONDS) + 0.05, side="right")
    found: dict[int, int] = {}
    for place in range(len(rows)):
        block = rows[place + 1 : ends[place]]
        if not len(block):
            continue
        for near in np.flatnonzero(block @ rows[place] >= COPY_LIKENESS):
            pair = sorted((int(order[place]), int(order[place + 1 + near])))
            found[pair[1]] = min(pair[0], found.get(pair[1], pair[0]))
    return found


def usual_limit(values: Iterable[float], bounds: tuple[float, float]) -> float:
    """What is still usual among `values`, upwards, but within `bounds`; the middle of these where there are few."""
    array = np.array(list(values))
    if len(array) < _FEWEST_USUAL:
        return (bounds[0] + bounds[1]) / 2
    middle = float(np.median(array))
    spread = float(np.median(np.abs(array - middle)))
    return float(np.clip(middle + USUAL * spread, *bounds))


def _judge_fit(clips: Sequence[Clip]) -> None:
    """Texts that do not belong to their recordings, by what is usual in their language."""
    groups: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if "ratio" in clip.record["fit"]:
            groups[clip.language].append(clip)
    for group in groups.values():
        fits = [clip.record["fit"] for clip in group if "score" in clip.record["fit"]]
        limits = {
            name: usual_limit((fit[name] for fit in fits), bounds)
            for name, bounds in (("score", SCORE), ("extra", EXTRA), ("missing", MISSING))
        }
        for clip in group:
            _judge_one_fit(clip, clip.record["fit"], limits)


def _judge_one_fit(clip: Clip, fit: dict[str, Any], limits: dict[str, float]) -> None:
    ratio = fit["ratio"]
    values = {"ratio": round(100 * ratio)}
    if fit.get("apart"):
        clip.add("less_said" if ratio < LESS_SAID else "other_text", "bad", "drop", **values)
        return
    more = fit["extra"] > limits["extra"] or (fit["extra"] > MORE_EXTRA and ratio > MORE_SAID)
    less = fit["missing"] > limits["missing"]
    wrong = fit["score"] > limits["score"]
    if not (more or less or wrong):
        return
    severity: Severity = "bad" if fit["score"] > max(HOPELESS_SCORE, limits["score"]) else "doubtful"
    fix = "drop" if severity == "bad" else ""
    if ratio > MORE_SAID and more:
        clip.add("more_said", severity, fix, **values)
    elif ratio < LESS_SAID:
        clip.add("less_said", severity, fix, **values)
    elif wrong:
        clip.add("other_text", severity, fix, **values)
    else:
        clip.add("partly_other", "doubtful", **values)


def _judge_voices(clips: Sequence[tuple[Clip, Measures]]) -> None:
    """Clips whose voice is unlike that of the others under the same name."""
    groups: dict[str, list[Clip]] = defaultdict(list)
    for clip, _ in clips:
        # Noise and overdrive change what the network takes for a voice; the clip is told of these already.
        spoilt = any(problem.kind in ("noisy", "clipped") for problem in clip.problems)
        if clip.record["voice"] and not spoilt and clip.seconds_of_sound >= LEAST_VOICE_SECONDS:
            groups[clip.speaker].append(clip)
    for group in groups.values():
        if len(group) < FEWEST_VOICES:
            continue
        alike = voice_likeness(np.stack([voice_of(clip) for clip in group]))
        limit = -usual_limit(-alike, (-LIKENESS[1], -LIKENESS[0]))
        for clip, value in zip(group, alike.tolist(), strict=True):
            if value < limit:
                clip.add("other_voice", "doubtful", likeness=round(value, 2), limit=round(limit, 2))


def voice_of(clip: Clip) -> np.ndarray:
    """Unit vector `[256]` of the clip's voice."""
    return from_text(clip.record["voice"], np.float16).astype(np.float32)


def voice_likeness(vectors: np.ndarray) -> np.ndarray:
    """Cosine `[N]` of each of `vectors` `[N, 256]` with the mean of the most central others."""
    centre = np.median(vectors, axis=0)
    order = np.argsort(-(vectors @ centre), kind="stable")
    central = order[: max(2, round(0.7 * len(vectors)))]
    total = vectors[central].sum(axis=0)
    sums = np.repeat(total[None], len(vectors), axis=0)
    sums[central] -= vectors[central]
    sums /= np.linalg.norm(sums, axis=1, keepdims=True) + 1e-9
    return np.asarray((vectors * sums).sum(axis=1))
