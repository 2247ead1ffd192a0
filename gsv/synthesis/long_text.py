"""A text of any length into a file: one file a sentence, resume, constant memory.

Knows the folder of parts. Does not know how a sentence is spoken. A part counts as done while everything that
shaped it is the same: the sentence with its phones, voice, reference, settings and seed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import TypeAdapter, ValidationError

from gsv.audio import Writer, read, write
from gsv.errors import GsvError, InputError
from gsv.events import Counts, Events
from gsv.files import read_text, sha256, write_json
from gsv.synthesis.engine import TAGS, Request, Synthesizer
from gsv.synthesis.options import SpeakOptions
from gsv.synthesis.prompts import ReferenceChoice
from gsv.synthesis.sentences import SentenceReport, SpokenSentence
from gsv.synthesis.subtitles import check_subtitles_path, save_subtitles
from gsv.synthesis.voice import Voice
from gsv.text.plan import Plan, Utterance

STATE_FILE = "speech.json"
_SHAPING = {"batch_size", "pause", "seed", "language", "cut", "longest", "breath"}
"""Settings that say nothing about how one given sentence sounds."""


@dataclass(frozen=True)
class FileReport:
    """What became of a text: seconds of the file, counts, and the report of every sentence."""

    output: Path
    seconds: float
    seed: int
    sentences: tuple[SentenceReport, ...]
    reused: int
    warnings: tuple[str, ...]
    precision: str = "float32"
    """In what the GPT computed."""
    reference: ReferenceChoice | None = None
    """What was taken of the leading reference."""

    @property
    def failed(self) -> list[SentenceReport]:
        """Sentences with a check that did not pass."""
        return [sentence for sentence in self.sentences if not sentence.passed]


class Parts:
    """The folder of a text's sentences: `NNNN.flac` in 24 bits, and `NNNN.json` that says what it is."""

    def __init__(self, folder: Path, request: Request, voice: Voice) -> None:
        self.folder = Path(folder)
        self.found: set[int] = set()
        """Numbers of the sentences that were there."""
        self._request = request
        settings = request.options.model_dump(exclude=_SHAPING)
        clips = [(sha256(item.path), item.text, item.language) for item in voice.references]
        weights = [sha256(path) for path in (voice.sovits, voice.gpt)]
        shaping: list[Any] = [settings, clips, weights, request.seed, request.prompt.choice.phones]
        if request.networks.precision != "float32":
            shaping.append(request.networks.precision)
        if request.prosody is not None and request.networks.gpt.config.bert_dimension:
            shaping.append(request.prosody.mark())
        self._identity = json.dumps(shaping, sort_keys=True)

    def _key(self, number: int, utterance: Utterance) -> str:
        take = self._request.takes.get(number, 0)
        said = json.dumps([number, take, utterance.text, utterance.phones.phones, utterance.rate])
        return hashlib.sha256((self._identity + said).encode()).hexdigest()

    def ready(self, number: int, utterance: Utterance) -> SpokenSentence | None:
        """The sentence if it is there, complete and still the same."""
        base = self.folder / f"{number + 1:04}"
        try:
            record = json.loads(read_text(base.with_suffix(".json")))
            if not isinstance(record, dict) or record.get("key") != self._key(number, utterance):
                return None
            if record.get("sha256") != sha256(base.with_suffix(".flac")):
                return None
            report = TypeAdapter(SentenceReport).validate_python(record["report"])
            audio = read(base.with_suffix(".flac"))
        except (GsvError, OSError, ValueError, KeyError, ValidationError):
            return None  # whatever is wrong with a part, it is made again
        self.found.add(number)
        return SpokenSentence(audio.samples, audio.rate, (), report)

    def keep(self, sentence: SpokenSentence, utterance: Utterance) -> None:
        """Write a sentence: the sound first, so that its description never stands alone."""
        base = self.folder / f"{sentence.report.index + 1:04}"
        sound = base.with_suffix(".flac")
        write(sound, sentence.samples, sentence.rate, "PCM_24", TAGS)
        record = {
            "key": self._key(sentence.report.index, utterance),
            "sha256": sha256(sound),
            "report": asdict(sentence.report),
        }
        write_json(base.with_suffix(".json"), record)


def speak_to_file(
    engine: Synthesizer,
    text: str | Plan,
    voice: Voice,
    output: Path,
    options: SpeakOptions | None = None,
    *,
    subtitles: Sequence[Path] = (),
    parts: Path | None = None,
    redo: Sequence[int] = (),
    events: Events | None = None,
) -> FileReport:
    """Say `text` into `output` (.wav, .flac or .ogg); resident memory does not grow with the text.

    With a folder `parts` each sentence is kept there, and the same call goes on where it was stopped, with the
    same seed; the sentences `redo` (numbers from 1) are said another way. A sentence that fails a check is in the
    recording and is named by an event. The output appears when it is complete. Raises InputError, DataError,
    WeightsError and Cancelled.
    """
    events = events or Events()
    output = Path(output)
    for path in subtitles:
        check_subtitles_path(path)
    with ExitStack() as stack:
        folder = Path(parts) if parts else Path(stack.enter_context(TemporaryDirectory(prefix="gsv-")))
        request = engine.begin(text, voice, _with_seed(folder, options, engine, voice), events)
        _take_again(request, folder, redo)
        _remember(folder, request)
        events.message(f"reference: {request.prompt.choice.describe()}")
        for warning in request.warnings:
            events.message(warning, "warning")
        kept = Parts(folder, request, voice)
        writer = stack.enter_context(
            Writer(output, request.rate, tags=TAGS | {"title": f"seed {request.seed}"})
        )
        reports = list(_written(request, kept, writer, events, keep=parts is not None))
    _count(reports, kept.found, events)
    for path in subtitles:
        save_subtitles(path, reports)
    return FileReport(
        output, writer.samples / writer.rate, request.seed, tuple(reports), len(kept.found), request.warnings,
        request.networks.precision,
        request.prompt.choice,
    )  # fmt: skip


def _written(
    request: Request, kept: Parts, writer: Writer, events: Events, keep: bool
) -> Iterator[SentenceReport]:
    utterances = request.plan.utterances
    for piece in request.pieces(kept.ready if keep else None):
        writer.append(piece.silence)
        sentence = piece.sentence
        if sentence is None:
            continue
        report = replace(sentence.report, start=writer.samples / writer.rate)
        writer.append(sentence.samples)
        if keep and sentence.codes:
            kept.keep(sentence, utterances[report.index])
        reason = "" if report.passed else f"said, but: {', '.join(report.failures)}"
        events.item(f"{report.index + 1}: {report.text[:60]}", "done" if report.passed else "failed", reason)
        yield report


def _count(reports: list[SentenceReport], found: set[int], events: Events) -> None:
    """Each sentence once: flagged, else already there, else said."""
    counts = Counts(read=len(reports))
    for report in reports:
        if not report.passed:
            counts.fail(f"{report.index + 1}: {report.text[:60]}", ", ".join(report.failures))
        elif report.index in found:
            counts.skipped += 1
        else:
            counts.done += 1
    events.counts(counts)


def _with_seed(
    folder: Path, options: SpeakOptions | None, engine: Synthesizer, voice: Voice
) -> SpeakOptions | None:
    """The options, with the seed of an earlier call where they leave it open."""
    if engine.options(voice, options).seed >= 0:
        return options
    seed = _state(folder).get("seed")
    given = {} if options is None else options.model_dump(exclude_unset=True)
    return SpeakOptions(**{**given, "seed": seed}) if isinstance(seed, int) and seed >= 0 else options


def _state(folder: Path) -> dict[str, Any]:
    try:
        state = json.loads(read_text(folder / STATE_FILE))
    except (InputError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def _take_again(request: Request, folder: Path, redo: Sequence[int]) -> None:
    """Take over how often sentences were redone, and count those of `redo` once more."""
    count = len(request.plan.utterances)
    state = _state(folder)
    takes = state.get("takes", {}) if state.get("seed") == request.seed else {}
    if isinstance(takes, dict):
        request.takes |= {int(key): int(value) for key, value in takes.items() if str(key).isdigit()}
    for number in redo:
        if not 1 <= number <= count:
            raise InputError(f"there is no sentence {number}", f"the text has {count}", "Count from 1.")
        request.takes[number - 1] = request.takes.get(number - 1, 0) + 1


def _remember(folder: Path, request: Request) -> None:
    takes = {str(number): take for number, take in sorted(request.takes.items())}
    state = {"seed": request.seed, "sentences": len(request.plan.utterances), "takes": takes}
    write_json(folder / STATE_FILE, state)
