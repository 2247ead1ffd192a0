"""How well the checks of spoken sentences find faults: natural clips, and the same clips with something wrong.

Knows how a clip is spoilt: a word removed or repeated, half of it cut off, silence put in, another sentence, speech of
another clip in front. Does not know how sentences are made. `tools/measure_checks.py` prints the table.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from gsv.audio import read
from gsv.corpus.lists import read_table
from gsv.corpus.splits import held_out
from gsv.errors import GsvError
from gsv.events import Events
from gsv.files import read_text, write_json
from gsv.listening.listener import PhoneListener
from gsv.models.content import SAMPLE_RATE, ContentEncoder
from gsv.synthesis.checking import Check, check_numbers, check_phones, check_times, failed
from gsv.synthesis.words import words_of
from gsv.text.plan import Utterance, plan

logger = logging.getLogger(__name__)

FAULTS = (
    "word removed",
    "word repeated",
    "cut in half",
    "3 s of silence",
    "another sentence",
    "leading speech",
)
UNTOUCHED = "untouched"
_FADE = 80
_LEAST_WORD = 3
_LEADING_SECONDS = 1.5


@dataclass(frozen=True)
class Clip:
    """A natural recording and what it says."""

    path: Path
    text: str
    language: str


@dataclass
class Found:
    """How many of a kind were checked and how many were flagged, with the values of the checks."""

    checked: int = 0
    flagged: int = 0
    values: dict[str, list[float]] = field(default_factory=dict)

    @property
    def share(self) -> float:
        return self.flagged / max(1, self.checked)


def measure_checks(
    listener: PhoneListener, clips: Sequence[Clip], events: Events, seed: int = 0
) -> dict[str, Found]:
    """Flags of every kind of fault over `clips`; a clip that cannot be read is told and left out."""
    random = np.random.default_rng(seed)
    table = {kind: Found() for kind in (UNTOUCHED, *FAULTS)}
    other = np.zeros(0, dtype=np.float32)
    for number, clip in enumerate(clips):
        events.check_stop()
        try:
            wave = read(clip.path, SAMPLE_RATE).samples
            utterances = plan(clip.text, clip.language, method="cut0").utterances
        except GsvError as error:
            events.message(f"{clip.path.name}: {error}", "warning")
            continue
        for kind, spoilt in faults(listener, wave, utterances[0], other, random).items():
            _count(table[kind], spoken_checks(listener, spoilt, utterances[0].phones.phones))
        other = wave
        events.progress(number + 1, len(clips), "clips")
    return table


def spoken_checks(listener: PhoneListener, wave: np.ndarray, phones: Sequence[str]) -> list[Check]:
    """The checks that a wave at 16 kHz can be put to without the codes it came from."""
    checks = [*check_numbers(wave), *check_times(wave, SAMPLE_RATE, phones, 1.0)]
    return [*checks, *check_phones(listener, wave, SAMPLE_RATE, phones)[0]]


def _count(found: Found, checks: Sequence[Check]) -> None:
    found.checked += 1
    found.flagged += bool(failed(checks))
    for check in checks:
        if check.value is not None:
            found.values.setdefault(check.name, []).append(check.value)


def faults(
    listener: PhoneListener,
    wave: np.ndarray,
    utterance: Utterance,
    other: np.ndarray,
    random: np.random.Generator,
) -> Mapping[str, np.ndarray]:
    """The clip `[T]` at 16 kHz, untouched and spoilt in every way that it allows; `other` is another clip."""
    made = {UNTOUCHED: wave, "cut in half": wave[: len(wave) // 2]}
    middle = len(wave) // 2
    silence = np.zeros(3 * SAMPLE_RATE, dtype=np.float32)
    made["3 s of silence"] = _joined(wave[:middle], silence, wave[middle:])
    if len(other):
        made["another sentence"] = other
        made["leading speech"] = _joined(other[-round(_LEADING_SECONDS * SAMPLE_RATE) :], wave)
    phones = listener.table.known(utterance.phones.phones)
    try:
        aligned = listener.align(wave, phones)
    except GsvError as error:
        logger.info("a clip has no words to spoil: %s", error)
        return made
    words = [span for span in words_of(utterance) if span.end - span.first >= _LEAST_WORD]
    if words:
        word = words[int(random.integers(len(words)))]
        start, end = (
            round(seconds * SAMPLE_RATE) for seconds in (aligned[word.first].start, aligned[word.end - 1].end)
        )
        made["word removed"] = _joined(wave[:start], wave[end:])
        made["word repeated"] = _joined(wave[:end], wave[start:])
    return made


def _joined(*parts: np.ndarray) -> np.ndarray:
    """Parts one after the other, faded at the joins so that no click gives them away."""
    rising = np.linspace(0, 1, _FADE, dtype=np.float32)
    whole = parts[0]
    for part in parts[1:]:
        if len(whole) < _FADE or len(part) < _FADE:
            whole = np.concatenate([whole, part])
            continue
        middle = whole[-_FADE:] * rising[::-1] + part[:_FADE] * rising
        whole = np.concatenate([whole[:-_FADE], middle, part[_FADE:]])
    return whole


def measure_table(
    table: Path, content: Path, each: int, seed: int, output: Path | None, events: Events
) -> dict[str, Found]:
    """Measure with `each` held-out clips a language of `table`; writes JSON to `output` where one is named.

    Raises InputError for a missing table, WeightsError for an encoder without a phone head.
    """
    listener = PhoneListener(ContentEncoder.load(content))
    rows = read_table(table)
    mixes_file = table.parent / "mixes.json"
    mixes = json.loads(read_text(mixes_file)) if mixes_file.is_file() else None
    held = held_out(rows, mixes)
    random = np.random.default_rng(seed)
    clips = []
    for language in sorted({row.language for row in rows}):
        files = [row for row in rows if row.language == language and row.file in held]
        for place in random.permutation(len(files))[:each].tolist():
            clips.append(Clip(table.parent / files[place].file, files[place].text, language))
    found = measure_checks(listener, clips, events, seed)
    for kind, one in found.items():
        events.message(f"{kind}: {one.flagged} of {one.checked} flagged ({one.share:.1%})")
    if output is not None:
        write_json(output, {kind: asdict(one) for kind, one in found.items()})
    return found
