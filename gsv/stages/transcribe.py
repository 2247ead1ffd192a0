"""The transcribe stage: clips to an annotation list, with word times and confidence in a file beside it.

Knows files, the list, what was transcribed before, and which rows a person has corrected since. What is said
in a clip is the recogniser's business.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gsv.audio import Audio, read, resample
from gsv.corpus.annotation import length_fault, real_path
from gsv.corpus.fields import listed_path, one_line, path_fault, rejected_path, shown, write_rejected
from gsv.corpus.journal import Entry, Journal, item_key
from gsv.errors import Cancelled, GsvError, InputError, as_gsv_error
from gsv.events import Counts, Events
from gsv.files import read_text, sha256, write_text
from gsv.listening.activity import SAMPLE_RATE, SpeechActivity
from gsv.listening.engines import AUTOMATIC, EngineSettings, fingerprint, model_folder, open_recogniser
from gsv.listening.recognition import Recogniser, Recognition
from gsv.stages.sounds import recordings
from gsv.text import LANGUAGES, language_code

logger = logging.getLogger(__name__)

LIST_ENDING = ".list"
WORDS_ENDING = ".words.jsonl"
NOTHING_SAID = "no speech was recognised"
_SPEECH = 0.3
"""A clip in which no 32 ms are speech with this probability is not listened to: engines invent words there."""


@dataclass(frozen=True)
class TranscribeOptions:
    """How clips are transcribed; an empty `language` lets the engine find each clip's own."""

    language: str = ""
    model: str = AUTOMATIC
    speaker: str = ""
    engine: EngineSettings = field(default_factory=EngineSettings)
    overwrite: bool = False
    """Transcribe all again, and give up corrections in the list."""

    @property
    def code(self) -> str | None:
        """The language as our code, or None. Raises InputError for an unknown one."""
        asked = self.language.strip().lower()
        return None if asked in ("", AUTOMATIC) else language_code(asked)


@dataclass(frozen=True)
class ClipTask:
    """One clip: its name below the source, its file, the first field of its row, its fingerprints."""

    name: str
    path: Path
    listed_path: str
    audio: str
    key: str


def words_path(list_path: Path) -> Path:
    """The side file of a list: a JSON object a clip, with word times and confidence."""
    return Path(list_path).with_suffix(WORDS_ENDING)


def transcribe_recordings(
    source: Path,
    output: Path,
    models: Path,
    options: TranscribeOptions | None = None,
    *,
    recogniser: Recogniser | None = None,
    events: Events | None = None,
) -> Counts:
    """Transcribe a recording, or all below a folder, into the list `output`; `models` is where models lie.

    A `recogniser` of the caller's own takes the place of the model that the options name.

    Beside it stand `NAME.words.jsonl` (language, confidence and word times of each clip) and, where a clip
    could not be used, `NAME.rejected.tsv`. What was transcribed in the same way is skipped, rows that were
    corrected or removed by hand stay so. Raises InputError for a missing source, an unknown language or
    model, or a list of other origin; WeightsError and DependencyError naming the command; DataError where
    nothing was recognised; Cancelled. A bad clip only counts.
    """
    events, options, output = events or Events(), options or TranscribeOptions(), Path(output)
    if output.suffix.lower() != LIST_ENDING:
        raise InputError(
            f"{output.name} is no annotation list", "", f"Name a file that ends in {LIST_ENDING}."
        )
    code = options.code
    folder = None if recogniser else model_folder(options.model, models)
    _check_output(output, options)
    model = recogniser.name if recogniser else fingerprint(folder) if folder else ""
    how = {"language": code, "model": model, "beam": options.engine.beam_size, "rule": 1}
    stage = _Stage(output, options, events)
    tasks = stage.tasks(Path(source), how)
    pending = [task for task in tasks if options.overwrite or not stage.journal.done(task.name, task.key)]
    stage.skip(tasks, pending)
    if pending:
        engine = recogniser or open_recogniser(str(folder), models, options.engine)
        stage.work(pending, _Ear(engine, SpeechActivity(), code))
    return stage.close(tasks, Path(source))


def _check_output(output: Path, options: TranscribeOptions) -> None:
    if output.is_dir():
        raise InputError(f"{output} is a folder", "", "Name the file of the list.")
    if output.exists() and not options.overwrite and not words_path(output).is_file():
        why = f"it was not made by transcribing: {words_path(output).name} is not beside it"
        raise InputError(f"{output} exists already", why, "Name another list, or give --overwrite.")


@dataclass(frozen=True)
class _Ear:
    recogniser: Recogniser
    activity: SpeechActivity
    language: str | None

    def hear(self, clip: Audio) -> Recognition:
        """What is said in a clip; empty where nobody speaks."""
        wave = resample(clip.samples, clip.rate, SAMPLE_RATE)
        if not np.any(self.activity.probabilities([np.clip(wave, -1, 1)]) >= _SPEECH):
            return Recognition("", self.language or "", 0.0)
        return self.recogniser.transcribe(clip.samples, clip.rate, self.language)


class _Stage:
    """One run: the journal, the counts, and what was newly transcribed."""

    def __init__(self, output: Path, options: TranscribeOptions, events: Events) -> None:
        self.output, self.options, self.events = output, options, events
        self.journal = Journal(words_path(output))
        self.before: dict[str, Entry] = dict(self.journal.entries)
        self.counts = Counts()
        self.fresh: set[str] = set()

    def tasks(self, source: Path, how: dict[str, Any]) -> list[ClipTask]:
        """Clips in sorted order; one that cannot be listed or read is counted as failed."""
        found: list[ClipTask] = []
        first: dict[str, str] = {}
        files = recordings(source)
        self.counts.read = len(files)
        for name, path in files.items():
            self.events.check_stop()
            listed = listed_path(path, self.output)
            same = first.setdefault(real_path(path), name)
            fault = path_fault(listed) or ("" if same == name else f"the same file as {same}")
            try:
                digest = "" if fault else sha256(path)
            except OSError as error:
                fault = f"unreadable: {error.strerror or error}"
            if fault:
                self.fail(name, fault)
                continue
            found.append(ClipTask(name, path, listed, digest, item_key(audio=digest, **how)))
        return found

    def fail(self, name: str, reason: str) -> None:
        """Count a clip that is not in the list, and say why."""
        self.counts.fail(shown(name), reason)
        self.events.item(shown(name), "failed", reason)

    def skip(self, tasks: list[ClipTask], pending: list[ClipTask]) -> None:
        """Count what an earlier run has done; where it heard nothing, that is said again."""
        left = {task.name for task in pending}
        for task in tasks:
            if task.name not in left:
                if self.journal.entries[task.name]["text"]:
                    self.counts.skipped += 1
                else:
                    self.fail(task.name, NOTHING_SAID)

    def work(self, pending: list[ClipTask], ear: _Ear) -> None:
        """Listen to clip after clip; each one is on the disk before the next begins."""
        try:
            with self.journal:
                for done, task in enumerate(pending, start=1):
                    self.events.check_stop()
                    self._one(task, ear)
                    self.events.progress(done, len(pending), "transcribe")
        except Cancelled:
            self.events.counts(self.counts)
            raise

    def _one(self, task: ClipTask, ear: _Ear) -> None:
        try:
            clip = read(task.path)
            heard = ear.hear(clip)
        except GsvError as error:
            self.fail(task.name, str(error))
            return
        except Exception as error:  # an engine may raise anything, and other clips can still be heard
            logger.exception("%s cannot be transcribed", shown(task.name))
            self.fail(task.name, str(as_gsv_error(error)))
            return
        if heard.language and heard.language not in LANGUAGES:
            sure = f"{heard.language} ({heard.language_probability:.0%})"
            why = f"none of {', '.join(LANGUAGES)}; give the language if it is not so"
            self.fail(task.name, f"the language seems to be {sure}, {why}")
            return
        record = _record(task, heard, clip.seconds)
        self.journal.add(task.name, task.key, **record)
        self.fresh.add(task.name)
        if not record["text"]:
            self.fail(task.name, NOTHING_SAID)
            return
        self.counts.done += 1
        self.events.item(task.name, "done", length_fault(clip.seconds))

    def close(self, tasks: list[ClipTask], source: Path) -> Counts:
        """Write the list, the side file and the table of failures; returns the counts."""
        rows = self._rows(tasks, source)
        lines = self._merged(rows)
        if lines:
            write_text(self.output, "".join(line + "\n" for line in lines))
        for name, entry in self.journal.entries.items():
            entry["listed"] = name in rows or bool(entry.get("listed"))
        if self.journal.entries:
            self.journal.compact()
        failed = self.counts.reasons.items()
        write_rejected(rejected_path(self.output), ("clip", "reason"), failed)
        self.events.counts(self.counts)
        self._warn(tasks)
        self.counts.require_some("transcribe")
        return self.counts

    def _rows(self, tasks: list[ClipTask], source: Path) -> dict[str, str]:
        """Name to row of every clip in which something was said."""
        folder = source.absolute() if source.is_dir() else source.absolute().parent
        speaker = one_line(shown(self.options.speaker or folder.name)) or "speaker"
        found = {}
        for task in tasks:
            entry = self.journal.done(task.name, task.key)
            if entry is not None and entry["text"]:
                found[task.name] = "|".join((task.listed_path, speaker, entry["language"], entry["text"]))
        return found

    def _merged(self, rows: dict[str, str]) -> list[str]:
        """The rows of the list in its order, then new ones; what a person wrote there stays."""
        old = [] if self.options.overwrite or not self.output.exists() else read_text(self.output).split("\n")
        lines = [line for line in old if line.strip()]
        place = {line.split("|")[0]: index for index, line in enumerate(lines)}
        kept = 0
        for name, row in rows.items():
            index, before = place.get(row.split("|")[0]), self.before.get(name)
            if index is None:
                if name in self.fresh or not (lines and before and before.get("listed")):
                    lines.append(row)
                continue
            if name not in self.fresh or lines[index] == row:
                continue
            if before and _corrected(lines[index], before) and before.get("audio") == self._audio(name):
                kept += 1
            else:
                lines[index] = row
        if kept:
            self.events.message(f"{kept} rows that were corrected by hand stay as they are")
        return lines

    def _audio(self, name: str) -> str:
        return str(self.journal.entries[name]["audio"])

    def _warn(self, tasks: list[ClipTask]) -> None:
        entries = [entry for task in tasks if (entry := self.journal.done(task.name, task.key))]
        long = sum(bool(length_fault(entry["seconds"])) for entry in entries)
        if long:
            text = f"{long} clips are too short or too long for training, which will leave them out"
            self.events.message(text, "warning")


def _corrected(line: str, before: Entry) -> bool:
    """Whether a row says something else than what was heard when it was written."""
    return line.split("|")[2:] != [before["language"], before["text"]]


def _record(task: ClipTask, heard: Recognition, seconds: float) -> dict[str, Any]:
    """The side file's entry of a clip; text without a letter or digit counts as nothing said."""
    text = one_line(heard.text)
    if not any(sign.isalnum() for sign in text):
        text = ""
    return {
        "path": task.listed_path,
        "audio": task.audio,
        "language": heard.language,
        "language_probability": _plain(heard.language_probability),
        "text": text,
        "confidence": _plain(heard.confidence) if text else 0.0,
        "seconds": round(seconds, 3),
        "words": [
            {
                "text": one_line(word.text),
                "start": round(word.start, 3),
                "end": round(word.end, 3),
                "confidence": _plain(word.probability),
            }
            for word in heard.words
        ],
    }


def _plain(value: float) -> float | None:
    """A number that JSON can hold: what an engine does not say is null."""
    return round(value, 4) if math.isfinite(value) else None
