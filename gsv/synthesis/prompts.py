"""From the reference clips of a voice to what the networks imitate: timbre, codes and phones of the best seconds.

Knows how a long clip is cut so that its text still fits, and when a clip gives its timbre only. Does not know
the text to be said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from torch import Tensor

from gsv.audio import read
from gsv.errors import DataError, InputError
from gsv.listening.alignment import PAUSES, AlignedPhone
from gsv.models.content import SAMPLE_RATE
from gsv.synthesis.networks import Networks
from gsv.synthesis.prosody import Prosody
from gsv.synthesis.references import speaker_of
from gsv.synthesis.stretches import LONGEST, SHORTEST, Stretch, Track, best_stretch, pauses, track_of
from gsv.synthesis.voice import Reference
from gsv.text import symbols
from gsv.text.lexicon import Lexicon
from gsv.text.plan import Utterance, plan
from gsv.text.reading import NATURAL, Manner
from gsv.text.splitting import only_marks

LEAST_SECONDS = 0.5
_LEAST_FIT = 0.2
"""Mean probability of the phones of a text below which it is probably not what the clip says."""
_LEAST_PAUSE = 0.1
_LEAST_PHONES = 4
_ENDS = "。！？!?.…"


@dataclass(frozen=True)
class ReferenceChoice:
    """What was taken of the leading reference, for a person to see."""

    path: str
    start: float
    end: float
    speech: float
    clipped: float
    phones: tuple[str, ...] = ()
    """Phones of the prompt; empty in reference-free mode."""
    fit: float | None = None
    """How well the text matches what is heard, 0 to 1, where that could be judged."""
    notes: tuple[str, ...] = ()

    def describe(self) -> str:
        """One line for a person: the seconds that were taken, and for what."""
        use = f"timbre and manner, {len(self.phones)} phones" if self.phones else "timbre only"
        fit = "" if self.fit is None else f", text fits {self.fit:.0%}"
        return (
            f"{self.start:.1f} to {self.end:.1f} s of {Path(self.path).name} ({use}, "
            f"{self.speech:.0%} speech, {self.clipped:.1%} clipped{fit})"
        )


@dataclass(frozen=True)
class Prompt:
    """What the networks imitate. Shared between requests; nobody changes it."""

    speaker: Tensor
    """`[1, G, 1]`."""
    codes: Tensor | None
    """`[P]`, None in reference-free mode."""
    phones: tuple[int, ...]
    choice: ReferenceChoice
    bert: Tensor | None = None
    """BERT features `[D, len(phones)]`; None stands for zeros."""


@dataclass
class _Taken:
    """A stretch under work, with the phones in it and remarks."""

    stretch: Stretch
    phones: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    """Where each of them stands among the phones of the whole text."""
    fit: float | None = None
    notes: list[str] = field(default_factory=list)


def make_prompt(
    networks: Networks,
    references: Sequence[Reference],
    said: Sequence[Utterance] | None,
    prompt_silence: float,
    prosody: Prosody | None = None,
) -> Prompt:
    """The prompt of some clips: the first leads, the timbre is that of all.

    `said` is the text of the first (`reference_said`), None in reference-free mode. `prompt_silence` seconds of
    silence are put behind that clip. `prosody` makes the features of a Mandarin text. Raises InputError without
    a reference and for one under half a second, DataError for a silent or broken file.
    """
    if not references:
        raise InputError("No reference was given", "", "Give a recording of the target voice.")
    leading = references[0]
    wave = read(leading.path, SAMPLE_RATE).samples
    if len(wave) < LEAST_SECONDS * SAMPLE_RATE:
        why = f"{len(wave) / SAMPLE_RATE:.2f} s of at least {LEAST_SECONDS}"
        raise InputError("The reference is too short", why, "Choose 3 to 10 seconds of the target voice.")
    track = track_of(wave, SAMPLE_RATE)
    phones = [phone for utterance in said or () for phone in utterance.phones.phones]
    taken = _taken(networks, wave, track, phones)
    if track.seconds < SHORTEST:
        taken.notes.append(
            f"the reference has {track.seconds:.1f} s; {SHORTEST:g} to {LONGEST:g} s are better"
        )
    if not phones and said is not None:
        taken.notes.append("no text of the reference: only its timbre is used")
    speaker = speaker_of(
        networks.generator, [item.path for item in references], networks.embedder, networks.device
    )
    codes = _codes(networks, wave, taken.stretch, prompt_silence) if taken.phones else None
    ids = symbols.table(networks.config.symbols).ids(taken.phones)
    bert = None
    if prosody is not None and taken.phones:
        bert = prosody.features(said or (), networks.gpt.config.bert_dimension)
        bert = None if bert is None else bert[:, taken.places]
    return Prompt(speaker, codes, tuple(ids), _choice(str(leading.path), taken), bert)


def reference_said(
    text: str, language: str, version: str, lexicon: Lexicon | None = None, manner: Manner = NATURAL
) -> tuple[Utterance, ...]:
    """A reference's text as it is read, with a closing mark; nothing for an empty text. Errors as `plan`."""
    if only_marks(text):
        return ()
    closed = text.strip()
    if closed[-1] not in _ENDS:
        closed += "." if closed[-1].isascii() else "。"
    return plan(closed, language or "auto", version, "cut0", lexicon, manner=manner).utterances


def _codes(networks: Networks, wave: np.ndarray, stretch: Stretch, prompt_silence: float) -> Tensor:
    part = wave[round(stretch.start * SAMPLE_RATE) : round(stretch.end * SAMPLE_RATE)]
    silence = np.zeros(round(prompt_silence * SAMPLE_RATE), dtype=np.float32)
    return networks.codes(np.concatenate([part, silence]))


def _choice(path: str, taken: _Taken) -> ReferenceChoice:
    stretch = taken.stretch
    return ReferenceChoice(
        path=path,
        start=stretch.start,
        end=stretch.end,
        speech=stretch.speech,
        clipped=stretch.clipped,
        phones=tuple(taken.phones),
        fit=taken.fit,
        notes=tuple(taken.notes),
    )


def _taken(networks: Networks, wave: np.ndarray, track: Track, phones: list[str]) -> _Taken:
    """The best stretch, and the phones that are said in it."""
    if not phones:
        return _Taken(best_stretch(track, pauses(track)))
    aligned: list[AlignedPhone] = []
    note = "" if networks.listener else "nothing is at hand that could tell whether the text fits"
    if networks.listener is not None:
        known = networks.listener.table.known(phones)
        try:
            aligned = networks.listener.align(wave, known)
        except DataError as error:
            note = f"the text does not fit the reference: {error}"
    if not aligned:
        everything = list(range(len(phones)))
        taken = _Taken(best_stretch(track, pauses(track)), phones, everything, notes=[note])
        if track.seconds > LONGEST:
            # A part of the clip with the text of the whole would be said into every sentence.
            taken.phones = []
            taken.notes.append("which part of the text is in the chosen seconds is not known: timbre only")
        return taken
    return _aligned_stretch(track, phones, aligned)


def _aligned_stretch(track: Track, phones: list[str], aligned: list[AlignedPhone]) -> _Taken:
    def fit(start: float, end: float) -> float:
        scores = [
            np.exp(item.score)
            for item in aligned
            if item.score is not None and item.start >= start and item.end <= end
        ]
        return float(np.mean(scores)) if scores else 0.0

    cuts = [
        (item.start + item.end) / 2
        for item in aligned
        if item.phone in PAUSES and item.end - item.start >= _LEAST_PAUSE
    ]
    ends = [cut for cut in cuts if 0 < cut < track.seconds]
    stretch = best_stretch(track, [0.0, *ends, track.seconds], fit)
    inside = [
        place
        for place, item in enumerate(aligned)
        if stretch.start <= (item.start + item.end) / 2 <= stretch.end
    ]
    score = fit(stretch.start, stretch.end)
    taken = _Taken(replace(stretch), [phones[place] for place in inside], inside, score)
    if taken.fit is not None and taken.fit < _LEAST_FIT:
        taken.notes.append("the text is probably not what the reference says")
    if len(inside) < _LEAST_PHONES:
        taken.phones = []
        taken.notes.append("too little of the text is in the chosen seconds: timbre only")
    return taken
