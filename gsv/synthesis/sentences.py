"""One sentence or a few together: phones to codes to a checked wave, said again with another seed where it fails.

Knows one attempt and how attempts are compared. Does not know how sentences become a text's recording.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from gsv.audio import resample
from gsv.errors import GsvError
from gsv.events import Events
from gsv.listening.alignment import SILENT, AlignedPhone
from gsv.listening.recognition import Recogniser
from gsv.models.content import SAMPLE_RATE
from gsv.models.gpt.generation import MOST_CODES, Generated, Request, generate
from gsv.synthesis import assembly, checking
from gsv.synthesis.checking import Check
from gsv.synthesis.networks import Networks
from gsv.synthesis.options import SpeakOptions
from gsv.synthesis.prompts import Prompt
from gsv.synthesis.prosody import Prosody
from gsv.synthesis.words import WordTime, timed_words, words_of
from gsv.text import symbols
from gsv.text.plan import Utterance

_MOST_SECONDS_PER_PHONE, _FREE_SECONDS = 0.45, 3.0
"""What a checked sentence may take at most before it is called endless."""


@dataclass(frozen=True)
class SentenceReport:
    """What became of one sentence; everything a person may want to know, nothing hidden."""

    index: int
    text: str
    language: str
    phones: tuple[str, ...]
    seed: int
    """That of the attempt that was kept."""
    attempts: int
    seconds: float
    codes: int
    passed: bool
    checks: tuple[Check, ...]
    start: float = 0.0
    """Where it begins in the whole recording, in seconds."""
    gain: float = 0.0
    """dB that it was raised or lowered."""
    words: tuple[WordTime, ...] = ()
    """Word times, from the beginning of the sentence."""

    @property
    def failures(self) -> list[str]:
        """Names of the checks that did not pass."""
        return checking.failed(self.checks)


@dataclass(frozen=True)
class SpokenSentence:
    """A sentence's wave `[T]`, its codes and its report."""

    samples: np.ndarray
    rate: int
    codes: tuple[int, ...]
    report: SentenceReport


@dataclass
class _Attempt:
    seed: int
    wave: np.ndarray
    codes: list[int]
    checks: list[Check] = field(default_factory=list)
    badness: float = 0.0

    @property
    def rank(self) -> tuple[bool, float]:
        """Less is better: what passes all checks, then whose phones are heard best."""
        return bool(checking.failed(self.checks)), self.badness


def seed_of(seed: int, index: int, attempt: int, take: int = 0) -> int:
    """The seed of one attempt at one sentence, from the request's; `take` counts how often a person had it redone."""
    state = np.random.SeedSequence([seed, index, attempt, *([take] if take else [])]).generate_state(
        1, np.uint64
    )
    return int(state[0]) >> 2


class SentenceSpeaker:
    """Speaks sentences of one request; holds nothing of another."""

    def __init__(
        self,
        networks: Networks,
        prompt: Prompt,
        options: SpeakOptions,
        seed: int,
        takes: Mapping[int, int] | None = None,
        recogniser: Recogniser | None = None,
        prosody: Prosody | None = None,
    ) -> None:
        """`takes`: how often a person had a sentence redone, by its number; a `recogniser` listens too.

        `prosody` makes the features of Mandarin; without it they are zeros.
        """
        self._networks, self._prompt, self._options, self._seed = networks, prompt, options, seed
        self._takes, self._recogniser, self._prosody = dict(takes or {}), recogniser, prosody

    def speak(
        self, numbered: Sequence[tuple[int, Utterance]], events: Events | None = None
    ) -> list[SpokenSentence]:
        """The utterances, all candidates of all in one batch; those that fail are said again together.

        Raises Cancelled between attempts; a sentence that cannot be made at all raises its error.
        """
        best: dict[int, _Attempt] = {}
        tries = dict.fromkeys((index for index, _ in numbered), 0)
        waiting = list(numbered)
        for number in range(1 + (self._options.retries if self._options.verify else 0)):
            if events is not None:
                events.check_stop()
            said = [item for item in waiting for _ in range(self._candidates)]
            for (index, _), attempt in zip(said, self._attempts(said, number), strict=True):
                tries[index] += 1
                if index not in best or attempt.rank < best[index].rank:
                    best[index] = attempt
            waiting = [item for item in waiting if best[item[0]].rank[0]]
            if not waiting:
                break
        return [self._finished(index, item, best[index], tries[index]) for index, item in numbered]

    @property
    def _candidates(self) -> int:
        """Ways in which a sentence is said at once; without an ear there is nothing to choose them by."""
        ear = self._networks.listener is not None
        return self._options.candidates if self._options.verify and ear else 1

    def _attempts(self, numbered: Sequence[tuple[int, Utterance]], number: int) -> list[_Attempt]:
        """One attempt for each; an utterance that is there several times is said in as many ways."""
        places = [number * self._candidates + way % self._candidates for way in range(len(numbered))]
        seeds = [
            seed_of(self._seed, index, place, self._takes.get(index, 0))
            for (index, _), place in zip(numbered, places, strict=True)
        ]
        requests = [self._request(item, seed) for (_, item), seed in zip(numbered, seeds, strict=True)]
        made = generate(self._networks.gpt, requests)
        return [
            self._decoded(item, one, seed) for (_, item), one, seed in zip(numbered, made, seeds, strict=True)
        ]

    def _ids(self, utterance: Utterance) -> list[int]:
        return symbols.table(self._networks.config.symbols).ids(utterance.phones.phones)

    def _request(self, utterance: Utterance, seed: int) -> Request:
        prompt = self._prompt
        ids = [*prompt.phones, *self._ids(utterance)] if prompt.codes is not None else self._ids(utterance)
        return Request(
            phones=torch.tensor(ids, device=self._networks.device),
            prompt=prompt.codes,
            bert=self._bert(utterance),
            sampling=self._options.sampling,
            generator=torch.Generator().manual_seed(seed),
            limit=self._limit(utterance),
            guidance=self._options.guidance,
            ends_with_text=self._options.verify,
        )

    def _bert(self, utterance: Utterance) -> Tensor | None:
        """BERT features `[D, N]` of the prompt's phones and the sentence's; None where all are zeros."""
        dimension, prompt = self._networks.gpt.config.bert_dimension, self._prompt
        said = None if self._prosody is None else self._prosody.features([utterance], dimension)
        if prompt.codes is None:
            return said
        if said is None and prompt.bert is None:
            return None
        heard = torch.zeros(dimension, len(prompt.phones)) if prompt.bert is None else prompt.bert
        count = len(utterance.phones.phones)
        return torch.cat((heard, torch.zeros(dimension, count) if said is None else said), dim=1)

    def _limit(self, utterance: Utterance) -> int:
        if not self._options.verify:
            return MOST_CODES
        heard = sum(phone not in SILENT for phone in utterance.phones.phones)
        seconds = _FREE_SECONDS + _MOST_SECONDS_PER_PHONE * heard
        return min(MOST_CODES, math.ceil(seconds * self._networks.config.code_rate))

    @torch.inference_mode()
    def _decoded(self, utterance: Utterance, made: Generated, seed: int) -> _Attempt:
        networks, codes = self._networks, made.codes.to(self._networks.device)
        speed = self._options.speed * utterance.rate
        if not len(codes):
            return _Attempt(seed, np.zeros(0, np.float32), [], [checking.check_ending("nothing")], 1e3)
        wave = networks.generator.decode(
            codes[None, None],
            torch.tensor([self._ids(utterance)], device=networks.device),
            speaker=self._prompt.speaker,
            noise_scale=self._options.noise_scale,
            speed=speed,
            generator=torch.Generator().manual_seed(seed),
        )
        attempt = _Attempt(seed, wave.reshape(-1).float().cpu().numpy(), codes.tolist())
        if self._options.verify:
            self._check(attempt, utterance, made.reason, speed)
        else:
            # What is no number would end in the file; that is looked at in any case.
            attempt.checks = checking.check_numbers(attempt.wave)[:1]
        if not np.isfinite(attempt.wave).all():
            attempt.wave, attempt.badness = np.zeros(0, np.float32), 1e3
        return attempt

    def _check(self, attempt: _Attempt, utterance: Utterance, reason: str, speed: float) -> None:
        networks, phones = self._networks, utterance.phones.phones
        rate = networks.config.sample_rate
        attempt.checks = checking.check_numbers(attempt.wave)
        attempt.checks.append(checking.check_ending(reason))
        attempt.checks.append(checking.check_repeats(attempt.codes, networks.config.code_rate))
        if not attempt.checks[0].passed:
            return
        attempt.checks += checking.check_times(attempt.wave, rate, phones, speed)
        heard, attempt.badness = checking.check_phones(networks.listener, attempt.wave, rate, phones)
        attempt.checks += heard
        if self._recogniser is not None and len(utterance.segments) == 1:
            # A recogniser knows one language at a time: mixed sentences are left to the phones.
            language, version = utterance.segments[0].segment.language, networks.config.symbols
            attempt.checks.append(
                checking.check_recognised(self._recogniser, attempt.wave, rate, phones, language, version)
            )

    def _finished(self, index: int, utterance: Utterance, attempt: _Attempt, tries: int) -> SpokenSentence:
        rate = self._networks.config.sample_rate
        wave, gain = assembly.tamed(attempt.wave), 0.0
        if self._options.trim:
            wave = assembly.faded(assembly.trimmed(wave, rate), rate)
        if self._options.loudness is not None:
            wave, gain = assembly.levelled(wave, rate, self._options.loudness)
        wave = np.ascontiguousarray(wave, dtype=np.float32)
        report = SentenceReport(
            index=index,
            text=utterance.text.strip(),
            language=utterance.segments[0].segment.language,
            phones=tuple(utterance.phones.phones),
            seed=attempt.seed,
            attempts=tries,
            seconds=len(wave) / rate,
            codes=len(attempt.codes),
            passed=not checking.failed(attempt.checks),
            checks=tuple(attempt.checks),
            gain=gain,
            words=tuple(self._words(utterance, wave, rate)),
        )
        return SpokenSentence(wave, rate, tuple(attempt.codes), report)

    def _words(self, utterance: Utterance, wave: np.ndarray, rate: int) -> list[WordTime]:
        phones = utterance.phones.phones
        aligned: list[AlignedPhone] | None = None
        listener = self._networks.listener
        if listener is not None and len(wave):
            try:
                heard = resample(wave, rate, SAMPLE_RATE)
                aligned = listener.align(heard, listener.table.known(phones))
            except GsvError:
                aligned = None  # the times are then shares of the sentence, and say so
        return timed_words(words_of(utterance), aligned, len(wave) / rate, len(phones))
