"""What is found out about one clip of a data set: its figures, its fingerprint, its voice, how its text fits.

Knows recordings and the listening networks. Does not judge: what it finds is a record that is kept by the
content of the clip and its text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gsv.audio import read, resample
from gsv.audio.fingerprint import fingerprint, to_text
from gsv.audio.measures import measure
from gsv.corpus.journal import item_key
from gsv.errors import DataError, GsvError
from gsv.files import sha256
from gsv.stages.workers import Outcome

if TYPE_CHECKING:
    from gsv.listening.listener import PhoneListener
    from gsv.listening.similarity import SpeakerEncoder

RULE = 1
"""Counts up when the meaning of a record changes: kept ones are made anew then."""
RATE = 16_000
HEARD_LANGUAGES = ("zh", "en", "ja")
"""What the phone head of our content encoder has learnt."""
_LEAST_PHONES = 3


@dataclass(frozen=True)
class ClipTask:
    """A clip with its text; `name` says which record is wanted: equal only for equal sound and text."""

    name: str
    path: Path
    language: str
    text: str


@dataclass(frozen=True)
class Ears:
    """Which networks listen: a content encoder with a phone head and a speaker network; None leaves one out."""

    content: Path | None
    speaker: Path | None
    device: str = "cpu"

    def key(self) -> str:
        """What a kept record depends on besides the clip."""
        weights = [_version(self.content and self.content / "model.safetensors"), _version(self.speaker)]
        return item_key(rule=RULE, weights=weights)


def _version(file: Path | None) -> str:
    return "" if file is None else sha256(file)


def record_name(audio: str, language: str, text: str) -> str:
    """Name of the record of a clip whose file has the SHA-256 `audio`."""
    return item_key(audio=audio, language=language, text=text)


@dataclass(frozen=True)
class ListenWork:
    """Makes the function that listens to a batch of clips; loads the networks once a process."""

    ears: Ears

    def __call__(self) -> Callable[[Sequence[ClipTask]], list[Outcome]]:
        listener, speaker = self._load()

        def work(batch: Sequence[ClipTask]) -> list[Outcome]:
            return [_outcome(task, listener, speaker) for task in batch]

        return work

    def _load(self) -> tuple[PhoneListener | None, SpeakerEncoder | None]:
        listener = speaker = None
        if self.ears.content is not None:
            from gsv.listening.listener import PhoneListener
            from gsv.models.content import ContentEncoder

            listener = PhoneListener(ContentEncoder.load(self.ears.content).to(self.ears.device))
        if self.ears.speaker is not None:
            from gsv.listening.similarity import SpeakerEncoder

            speaker = SpeakerEncoder.load(self.ears.speaker).to(self.ears.device)
        return listener, speaker


def _outcome(task: ClipTask, listener: PhoneListener | None, speaker: SpeakerEncoder | None) -> Outcome:
    try:
        return Outcome(task.name, listen(task, listener, speaker))
    except GsvError as error:
        return Outcome(task.name, reason=str(error))


def listen(task: ClipTask, listener: PhoneListener | None, speaker: SpeakerEncoder | None) -> dict[str, Any]:
    """The record of a clip, JSON-ready: `measures`, `samples`, `print`, `voice`, `fit`, `unread`.

    Raises GsvError for a recording that cannot be read.
    """
    clip = read(task.path)
    measures = measure(clip.samples, clip.rate)
    wave = resample(clip.samples, clip.rate, RATE)
    record: dict[str, Any] = {
        "measures": asdict(measures),
        "samples": _samples_hash(clip.samples),
        "print": to_text(fingerprint(wave)),
        "voice": "",
        "fit": {},
        "unread": [],
    }
    if measures.silent:
        return record
    if speaker is not None:
        try:
            record["voice"] = to_text(speaker.embed(clip.samples, clip.rate).astype(np.float16))
        except DataError:
            record["voice"] = ""  # too little sound for a voice; the length says so
    record["fit"], record["unread"] = _fit(task, wave, listener)
    return record


def _samples_hash(samples: np.ndarray) -> str:
    """What two files share that decode to the same 16-bit samples."""
    pcm = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype("<i2")
    return hashlib.sha256(pcm.tobytes()).hexdigest()[:24]


def _fit(
    task: ClipTask, wave: np.ndarray, listener: PhoneListener | None
) -> tuple[dict[str, Any], list[str]]:
    """How the phones of the text fit what is heard, and the characters that have no reading."""
    from gsv.text import phones_of
    from gsv.text.plan import plan

    try:
        phones = phones_of(task.text, task.language, "v2").phones
        unread = sorted({item.character for item in plan(task.text, task.language, method="cut0").unread})
    except GsvError as error:
        return {"reason": str(error)}, []
    return fit_of(phones, wave, listener if task.language in HEARD_LANGUAGES else None), unread


def fit_of(phones: Sequence[str], wave: np.ndarray, listener: PhoneListener | None) -> dict[str, Any]:
    """Number of spoken `phones` and, with a listener, how they fit a 16 kHz `wave` `[T]`.

    `score` is the mean disagreement a frame, `missing` and `extra` the largest over a window (see
    `gsv.synthesis.checking.hear`), `ratio` the phones heard over those expected. `apart` says that the
    text cannot be in the recording at all.
    """
    from gsv.listening.alignment import SILENT

    spoken = [phone for phone in phones if phone not in SILENT]
    found: dict[str, Any] = {"phones": len(spoken)}
    if listener is None or len(spoken) < _LEAST_PHONES:
        return found
    from gsv.listening.alignment import greedy_ids
    from gsv.synthesis.checking import hear, without_tones

    try:
        heard, groups = without_tones(listener.log_probs(wave), listener.table)
    except DataError as error:
        return {**found, "reason": str(error)}
    ids = groups[listener.table.ids(listener.table.known(spoken))].tolist()
    found["ratio"] = round(len(greedy_ids(heard, heard.shape[1] - 1)) / len(ids), 4)
    try:
        hearing = hear(heard, ids)
    except DataError as error:
        return {**found, "apart": True, "reason": str(error)}
    found.update(score=hearing.score, missing=hearing.missing, extra=hearing.extra, heard=hearing.heard)
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in found.items()}
