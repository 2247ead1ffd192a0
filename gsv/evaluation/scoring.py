"""Scores of clips: what a recogniser hears, whose voice it is, how it sounds, each beside its ceiling.

Knows the rows of an evaluation and the listeners that score them; a listener that is absent leaves its
figure out. Does not know how the clips were made. The ceiling of a figure is what a real clip reaches: the
source clip, or for the likeness to the target one half of the reference against the other.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gsv.audio import Audio, read, resample
from gsv.errors import DataError, GsvError, InputError
from gsv.evaluation.rates import ErrorRate, error_rate, phone_error_rate
from gsv.events import Events
from gsv.files import read_text
from gsv.listening.quality import QualityScorer
from gsv.listening.recognition import Recogniser
from gsv.listening.similarity import SpeakerEncoder, similarity
from gsv.listening.voice_statistics import VoiceStatistics
from gsv.models.content import SAMPLE_RATE, ContentEncoder
from gsv.text import language_code, phones_of, symbols

log = logging.getLogger(__name__)


class Row(BaseModel):
    """One clip to score; paths may be relative to the table's folder."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    wav: Path
    text: str = Field(default="", description="what should be heard")
    lang: str = Field(default="", description="language code of the text")
    reference: Path | None = Field(default=None, description="a clip of the voice that it should have")
    source: Path | None = Field(default=None, description="the clip that was converted: gives the ceilings")
    speaker: str = Field(default="", description="whose voice the reference is; empty: nobody else's here")
    groups: tuple[str, ...] = Field(default=(), description="names of parts that are summed up on their own")


@dataclass
class Score:
    """Figures of one row. `ceilings` has the same keys where a real clip gives one."""

    name: str
    language: str
    figures: dict[str, float] = field(default_factory=dict)
    ceilings: dict[str, float] = field(default_factory=dict)
    counts: dict[str, ErrorRate] = field(default_factory=dict)
    heard: str = ""
    text: str = ""
    groups: tuple[str, ...] = ()
    vector: np.ndarray | None = None
    """Of the voice heard in the clip, unit length."""
    reason: str = ""
    """Why the row could not be scored; empty where it was."""


@dataclass
class Listeners:
    """Who listens; None leaves a figure out."""

    recogniser: Recogniser | None = None
    encoder: ContentEncoder | None = None
    speaker: SpeakerEncoder | None = None
    quality: QualityScorer | None = None
    second: Recogniser | None = None
    """Another recogniser of English, for networks that the first one had a part in."""
    second_speaker: VoiceStatistics | None = None
    """Another judge of voices, for networks that the first one had a part in."""


def read_rows(path: Path) -> list[Row]:
    """Rows of a JSON-lines table, their paths made absolute.

    Raises InputError that lists every bad line at once, and for a table without rows.
    """
    rows, bad = [], []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = Row.model_validate(json.loads(line))
            if row.text:
                language_code(row.lang)
        except (ValidationError, json.JSONDecodeError, GsvError) as error:
            first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            bad.append(f"line {number}: {first}")
            continue
        folder = path.absolute().parent
        paths = {
            key: folder / value for key in ("wav", "reference", "source") if (value := getattr(row, key))
        }
        rows.append(row.model_copy(update=paths))
    if bad:
        raise InputError(
            f"{path.name} has {len(bad)} bad lines", "; ".join(bad[:20]), "Mend them and start again."
        )
    if not rows:
        raise InputError(f"{path.name} has no rows")
    return rows


class Evaluator:
    """Scores rows one after the other; clips that several rows share are scored once."""

    def __init__(self, listeners: Listeners) -> None:
        self.listeners = listeners
        self._vectors: dict[Path, np.ndarray] = {}
        self._ceilings: dict[tuple[Path, str, str], tuple[dict[str, float], dict[str, ErrorRate]]] = {}

    def run(self, rows: list[Row], events: Events) -> list[Score]:
        """A score for each row, in order; a row that fails has its reason. Raises DataError if all fail."""
        scores = []
        for number, row in enumerate(rows):
            events.check_stop()
            try:
                score = self.score(row)
                events.item(score.name, "done")
            except GsvError as error:
                score = Score(row.wav.name, row.lang, reason=str(error), text=row.text, groups=row.groups)
                events.item(score.name, "failed", str(error))
            scores.append(score)
            events.progress(number + 1, len(rows), "clips")
        if all(score.reason for score in scores):
            raise DataError("No clip could be scored", scores[0].reason)
        self._compare_speakers(rows, scores)
        return scores

    def score(self, row: Row) -> Score:
        """All figures of one row; raises the reader's and the listeners' typed errors."""
        clip = read(row.wav)
        language = language_code(row.lang) if row.lang else ""
        score = Score(row.wav.name, language, text=row.text, groups=row.groups)
        score.figures, score.counts, score.heard = self._spoken(clip, row.text, language)
        self._voice(score, clip, row)
        self._second_voice(score, clip, row)
        if row.source is not None:
            key = (row.source, row.text, language)
            if key not in self._ceilings:
                figures, counts, _ = self._spoken(read(row.source), row.text, language)
                self._ceilings[key] = (figures, counts)
            score.ceilings |= self._ceilings[key][0]
        return score

    def _spoken(
        self, clip: Audio, text: str, language: str
    ) -> tuple[dict[str, float], dict[str, ErrorRate], str]:
        """Figures that need one clip alone: errors of text and phones, quality."""
        listeners = self.listeners
        figures: dict[str, float] = {}
        counts: dict[str, ErrorRate] = {}
        heard = ""
        if text and listeners.recogniser is not None:
            heard = listeners.recogniser.transcribe(clip.samples, clip.rate, language).text
            counts["error_rate"] = error_rate(text, heard, language)
        if text and language == "en" and listeners.second is not None:
            other = listeners.second.transcribe(clip.samples, clip.rate, language).text
            counts["error_rate_second"] = error_rate(text, other, language)
        if text and listeners.encoder is not None and listeners.encoder.has_ctc:
            expected = phones_of(text, language).phones
            counts["phone_error_rate"] = phone_error_rate(expected, read_phones(listeners.encoder, clip))
        figures |= {name: count.rate for name, count in counts.items()}
        if listeners.quality is not None and clip.samples.any():
            figures["quality"] = listeners.quality.score(clip.samples, clip.rate).overall
        return figures, counts, heard

    def _voice(self, score: Score, clip: Audio, row: Row) -> None:
        """Likeness to the target and to the source."""
        speaker = self.listeners.speaker
        if speaker is None or (row.reference is None and row.source is None):
            return
        own = score.vector = speaker.embed(clip.samples, clip.rate)
        if row.reference is not None:
            score.figures["similarity_target"] = similarity(own, self._vector(speaker, row.reference))
            halves = self._halves(speaker, row.reference)
            if halves is not None:
                score.ceilings["similarity_target"] = halves
        if row.source is not None:
            source = self._vector(speaker, row.source)
            score.figures["similarity_source"] = similarity(own, source)
            if row.reference is not None:
                # Not a ceiling to reach but the floor to leave: how alike the two people are anyway.
                between = similarity(source, self._vector(speaker, row.reference))
                score.ceilings["similarity_source"] = between
                score.figures["margin"] = score.figures["similarity_target"] - similarity(own, source)
                if "similarity_target" in score.ceilings:
                    score.ceilings["margin"] = score.ceilings["similarity_target"] - between

    def _second_voice(self, score: Score, clip: Audio, row: Row) -> None:
        """The same by the second judge: likeness to the target, and how far it exceeds that to the source."""
        judge = self.listeners.second_speaker
        if judge is None or row.reference is None:
            return

        def vector(path: Path) -> np.ndarray:
            return self._once(path / "second", lambda heard: judge.embed(heard.samples, heard.rate), path)

        own, target = judge.embed(clip.samples, clip.rate), vector(row.reference)
        score.figures["second_similarity_target"] = similarity(own, target)
        if row.source is not None:
            score.figures["second_margin"] = similarity(own, target) - similarity(own, vector(row.source))
            score.ceilings["second_margin"] = 1 - similarity(vector(row.source), target)

    def _compare_speakers(self, rows: list[Row], scores: list[Score]) -> None:
        """How far each clip is nearer to its target than to the targets of the other rows, and how often it
        is nearest to it: a likeness alone says little where all voices are alike."""
        voices: dict[str, list[np.ndarray]] = {}
        for row in rows:
            if row.reference in self._vectors:
                voices.setdefault(_speaker_of(row), []).append(self._vectors[row.reference])
        if len(voices) < 2:
            return
        centres = {name: np.mean(vectors, axis=0) for name, vectors in voices.items()}
        for row, score in zip(rows, scores, strict=True):
            if score.vector is None or "similarity_target" not in score.figures:
                continue
            own = _speaker_of(row)
            likeness = {name: similarity(score.vector, centre) for name, centre in centres.items()}
            others = [value for name, value in likeness.items() if name != own]
            score.figures["margin_others"] = score.figures["similarity_target"] - float(np.mean(others))
            score.figures["nearest"] = float(likeness[own] > max(others))

    def _vector(self, speaker: SpeakerEncoder, path: Path) -> np.ndarray:
        return self._once(path, lambda clip: speaker.embed(clip.samples, clip.rate))

    def _halves(self, speaker: SpeakerEncoder, path: Path) -> float | None:
        def measure(clip: Audio) -> np.ndarray:
            middle = len(clip.samples) // 2
            try:
                parts = [
                    speaker.embed(part, clip.rate) for part in (clip.samples[:middle], clip.samples[middle:])
                ]
            except DataError:
                return np.zeros(0)
            return np.array([similarity(*parts)])

        found = self._once(path / "halves", measure, path)
        return float(found[0]) if len(found) else None

    def _once(
        self, key: Path, measure: Callable[[Audio], np.ndarray], path: Path | None = None
    ) -> np.ndarray:
        if key not in self._vectors:
            self._vectors[key] = measure(read(path or key))
        return self._vectors[key]


def _speaker_of(row: Row) -> str:
    return row.speaker or str(row.reference)


def read_phones(encoder: ContentEncoder, clip: Audio) -> list[str]:
    """Phones that the encoder's own head hears in a clip: best class a frame, repeats joined, no blanks."""
    wave = torch.from_numpy(resample(clip.samples, clip.rate, SAMPLE_RATE))
    logits = encoder.phone_logits(wave[None].to(next(encoder.parameters()).device))[0]
    best = torch.unique_consecutive(logits.argmax(dim=-1)).tolist()
    names = symbols.table("v2").names
    return [names[number] for number in best if number < len(names)]
