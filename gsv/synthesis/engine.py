"""The engine: a text and a voice in, speech out, sentence by sentence.

Knows which networks are loaded and which prompts were made. Each request brings its own options, seed and
randomness; the networks and prompts that requests share are never changed, so threads may share one engine.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch

from gsv.audio import write
from gsv.errors import InputError
from gsv.events import Events
from gsv.features.bert import bert_identity
from gsv.files import sha256
from gsv.listening.recognition import Recogniser
from gsv.settings import Workspace, choose_device, default_workspace
from gsv.synthesis.assembly import pauses_before, silence
from gsv.synthesis.networks import Networks, load_networks
from gsv.synthesis.options import LARGEST_SEED, SpeakOptions, resolved
from gsv.synthesis.precision import check_kind
from gsv.synthesis.prompts import Prompt, ReferenceChoice, make_prompt, reference_said
from gsv.synthesis.prosody import PLAINER, Prosody, any_mandarin
from gsv.synthesis.sentences import SentenceReport, SentenceSpeaker, SpokenSentence
from gsv.synthesis.voice import Voice
from gsv.text.lexicon import Lexicon
from gsv.text.plan import Plan, Utterance, plan
from gsv.text.pronunciations import lexicon_files, pronunciations
from gsv.weights.catalogue import find

logger = logging.getLogger(__name__)

Kept = TypeVar("Kept")

TAGS = {"comment": "synthetic", "software": "gsv text to speech"}
"""Marks every file as made by a machine."""
LEAST_PHONES = 6
"""Utterances of fewer phones begin with a stop: published models swallow very short ones."""


@dataclass(frozen=True)
class Speech:
    """A spoken text: its wave `[T]`, and what became of every sentence."""

    samples: np.ndarray
    rate: int
    sentences: tuple[SentenceReport, ...]
    seed: int
    reference: ReferenceChoice
    warnings: tuple[str, ...] = ()
    precision: str = "float32"
    """In what the GPT computed."""

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return len(self.samples) / self.rate

    @property
    def passed(self) -> bool:
        """Whether every sentence passed every check that could be made."""
        return all(sentence.passed for sentence in self.sentences)

    def as_dict(self) -> dict[str, Any]:
        """The report, ready for JSON."""
        fields = {
            name: getattr(self, name)
            for name in ("rate", "seed", "seconds", "passed", "warnings", "precision")
        }
        return fields | {
            "reference": asdict(self.reference),
            "sentences": [asdict(sentence) for sentence in self.sentences],
        }

    def save(self, path: Path) -> None:
        """Write the wave (.wav or .flac, 16 bits) with tags that say it is synthetic."""
        write(path, self.samples, self.rate, tags=TAGS | {"title": f"seed {self.seed}"})


@dataclass(frozen=True)
class Piece:
    """The next part of a recording: silence, and the sentence after it (None at the end of the text)."""

    silence: np.ndarray
    sentence: SpokenSentence | None


@dataclass
class Request:
    """A text that is about to be spoken: everything is read, nothing is said yet."""

    plan: Plan
    options: SpeakOptions
    seed: int
    networks: Networks
    prompt: Prompt
    events: Events = field(default_factory=Events)
    takes: dict[int, int] = field(default_factory=dict)
    """How often a person had a sentence redone, by its number: each time it is said another way."""
    recogniser: Recogniser | None = None
    prosody: Prosody | None = None

    @property
    def rate(self) -> int:
        """Samples a second of the output."""
        return self.networks.config.sample_rate

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about text and reference."""
        notes = [PLAINER] if self._plainer else []
        return (*self.plan.warnings, *self.prompt.choice.notes, *notes)

    @property
    def _plainer(self) -> bool:
        """Whether features are missing that the network was trained with."""
        hears = self.networks.gpt.config.bert_dimension > 0
        there = self.prosody is not None and self.prosody.available
        return hears and not there and any_mandarin(self.plan.utterances)

    def speak(self, numbered: Sequence[tuple[int, Utterance]]) -> list[SpokenSentence]:
        """Some sentences, each by its number in the text."""
        speaker = SentenceSpeaker(
            self.networks, self.prompt, self.options, self.seed, self.takes, self.recogniser, self.prosody
        )
        return speaker.speak(numbered, self.events)

    def pieces(
        self, ready: Callable[[int, Utterance], SpokenSentence | None] | None = None
    ) -> Iterator[Piece]:
        """The recording in parts, `batch_size` sentences at a time; memory does not grow with the text.

        `ready` may give a sentence that was spoken before. Raises Cancelled on request.
        """
        total, done = len(self.plan.utterances), 0
        waiting: list[tuple[float, int, Utterance]] = []
        for number, (pause, utterance) in enumerate(pauses_before(self.plan.items, self.options.pause)):
            if utterance is not None:
                waiting.append((pause, number, utterance))
            if waiting and (utterance is None or len(waiting) == self.options.batch_size):
                for piece in self._batch(waiting, ready):
                    done += 1
                    self.events.progress(done, total, "sentences")
                    yield piece
                waiting = []
            if utterance is None:
                yield Piece(silence(pause, self.rate), None)

    def _batch(
        self,
        waiting: Sequence[tuple[float, int, Utterance]],
        ready: Callable[[int, Utterance], SpokenSentence | None] | None,
    ) -> Iterator[Piece]:
        self.events.check_stop()
        known = {number: ready(number, item) if ready else None for _, number, item in waiting}
        missing = [(number, item) for _, number, item in waiting if known[number] is None]
        if missing:
            known |= dict(zip([number for number, _ in missing], self.speak(missing), strict=True))
        for pause, number, _ in waiting:
            sentence = known[number]
            assert sentence is not None
            yield Piece(silence(pause, self.rate), sentence)


class Synthesizer:
    """Speaks with any voice of a workspace; keeps the networks and prompts that were used last."""

    def __init__(
        self,
        workspace: Workspace | None = None,
        device: str = "auto",
        most_voices: int = 2,
        most_prompts: int = 32,
        recogniser: Recogniser | None = None,
        precision: str = "auto",
        bert: Path | None = None,
    ) -> None:
        """`device` as `gsv.settings.choose_device`; at most so many voices and prompts stay in memory.

        A `recogniser` listens to every checked sentence too. `precision` is that of the GPT: auto, float32,
        bfloat16 or int8. `bert` is the folder of the text encoder for Mandarin, by default where it is fetched
        to. Raises InputError for an unknown precision, WeightsError for a folder that was named and is none.
        """
        self._precision = check_kind(precision)
        self._recogniser = recogniser
        self.workspace = workspace or default_workspace()
        self.device: torch.device = choose_device(device)
        self._networks: _Kept[Networks] = _Kept(most_voices)
        self._prompts: _Kept[Prompt] = _Kept(most_prompts)
        if bert is not None:
            bert_identity(bert)
        published = find("roberta")
        fetched = published.place(published.files[0], self.workspace.pretrained).parent
        self._prosody = Prosody(bert or fetched, self.device)
        self._text_lock = threading.Lock()
        self._manner = pronunciations(self.workspace).manner
        self._lexicons: dict[tuple[Path, ...], Lexicon] = {}

    def networks(self, voice: Voice) -> Networks:
        """The networks of a voice, loaded at the first call. Raises as `load_networks`."""
        return self._networks.get(
            _networks_key(voice),
            lambda: load_networks(self.workspace, voice, self.device, self._precision),
        )

    def options(self, voice: Voice, options: SpeakOptions | None = None) -> SpeakOptions:
        """What a request would be spoken with: its settings over the voice's, the family's, the published ones."""
        return resolved({**self.networks(voice).defaults, **voice.defaults}, options)

    def read(self, text: str, voice: Voice, options: SpeakOptions | None = None) -> Plan:
        """Sentences with their phones, as they would be said; they may be changed and given to `speak`.

        Raises InputError where the text has nothing to say.
        """
        settings = self.options(voice, options)
        version = self.networks(voice).config.symbols
        lexicon = self._lexicon(voice)
        with self._text_lock:  # the analysers of some languages are not made for threads
            return plan(
                text,
                settings.language,
                version,
                settings.cut,
                lexicon,
                settings.longest,
                least=LEAST_PHONES,
                breath=settings.breath,
                manner=self._manner,
            )

    def begin(
        self,
        text: str | Plan,
        voice: Voice,
        options: SpeakOptions | None = None,
        events: Events | None = None,
    ) -> Request:
        """Read the text and hear the reference; raises InputError, DataError, WeightsError before anything is said."""
        settings = self.options(voice, options)
        networks = self.networks(voice)
        script = self.read(text, voice, options) if isinstance(text, str) else text
        if not script.utterances:
            raise InputError("the text has nothing to say", "", "write some words")
        seed = settings.seed if settings.seed >= 0 else secrets.randbelow(LARGEST_SEED)
        prompt = self._prompt(networks, voice, settings)
        request = Request(
            script, settings, seed, networks, prompt, events or Events(), recogniser=self._recogniser,
            prosody=self._prosody,
        )  # fmt: skip
        for note in networks.notes:
            request.events.message(note)
        return request

    def speak(
        self,
        text: str | Plan,
        voice: Voice,
        options: SpeakOptions | None = None,
        events: Events | None = None,
    ) -> Speech:
        """Say a whole text. The same seed, text, voice and options give the same speech on one machine.

        Raises InputError where there is nothing to say, typed errors of files and weights, Cancelled on request.
        """
        request = self.begin(text, voice, options, events)
        waves, reports, place = [], [], 0
        for piece in request.pieces():
            waves.append(piece.silence)
            place += len(piece.silence)
            if piece.sentence is not None:
                waves.append(piece.sentence.samples)
                reports.append(replace(piece.sentence.report, start=place / request.rate))
                place += len(piece.sentence.samples)
        return Speech(
            samples=np.concatenate(waves),
            rate=request.rate,
            sentences=tuple(reports),
            seed=request.seed,
            reference=request.prompt.choice,
            warnings=request.warnings,
            precision=request.networks.precision,
        )

    def forget(self) -> None:
        """Let go of all networks and prompts, for whoever needs the device."""
        self._networks.clear()
        self._prompts.clear()
        self._prosody.forget()

    def _lexicon(self, voice: Voice) -> Lexicon:
        files = lexicon_files(self.workspace, voice.sovits, voice.gpt)
        return self._lexicons.setdefault(files, Lexicon(*files))

    def _prompt(self, networks: Networks, voice: Voice, settings: SpeakOptions) -> Prompt:
        clips = tuple(sha256(item.path) if Path(item.path).is_file() else "" for item in voice.references)
        said = None if settings.ref_free else self._said(networks, voice)
        # The reading is part of it: a lexicon may have changed since.
        reading = None if said is None else tuple((p.phones.normalized, *p.phones.phones) for p in said)
        prosody = self._prosody if self._prosody.available else None
        key = (_networks_key(voice), clips, reading, settings.prompt_silence, prosody is None)
        return self._prompts.get(
            key, lambda: make_prompt(networks, voice.references, said, settings.prompt_silence, prosody)
        )

    def _said(self, networks: Networks, voice: Voice) -> tuple[Utterance, ...]:
        """What the leading reference says, read as the text will be."""
        if not voice.references:
            return ()
        leading, lexicon = voice.references[0], self._lexicon(voice)
        with self._text_lock:
            return reference_said(
                leading.text, leading.language, networks.config.symbols, lexicon, self._manner
            )


def _networks_key(voice: Voice) -> Hashable:
    """Changes when a file of the voice's weights does."""
    states = []
    for path in (voice.sovits, voice.gpt):
        file = Path(path)
        state = file.stat() if file.is_file() else None
        states.append((str(file), state and (state.st_mtime_ns, state.st_size)))
    return (*states, str(voice.content))


class _Kept(Generic[Kept]):
    """What was asked for last, by key; each thing is made once, however many ask."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._things: OrderedDict[Hashable, Kept] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        with self._lock:
            if key not in self._things:
                self._things[key] = make()
            self._things.move_to_end(key)
            while len(self._things) > self._most:
                self._things.popitem(last=False)
            return self._things[key]

    def clear(self) -> None:
        with self._lock:
            self._things.clear()
