"""Was a sentence really said? Checks of one spoken sentence: numbers, codes, lengths, silences, and every phone.

Knows a wave, its codes and the phones that should be in it. Does not know how it was made or what is done about
a failure. The limits were set with natural clips and faults made from them (docs/design.md, Verification).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gsv.audio import resample
from gsv.errors import DataError, InputError
from gsv.listening.alignment import SILENT, align
from gsv.listening.listener import PhoneListener
from gsv.listening.phone_error import phone_error_rate, plain_phone
from gsv.listening.recognition import Recogniser
from gsv.models.content import SAMPLE_RATE
from gsv.text import phones_of
from gsv.text.symbols import SymbolTable

SECONDS_PER_PHONE = (0.03, 0.30)
"""Plausible speech, pauses left out; a few phones may take half a second more."""
_EXTRA_SECONDS = 0.6
LONGEST_SILENCE = 1.2
LONGEST_EDGE = 2.0
"""Seconds of silence inside a sentence and around it."""
MOST_CLIPPED = 0.002
_QUIET_DB = 40.0
_FRAME = 0.01

REPEAT_SECONDS = 1.6
"""Codes that repeat in one pattern for so long are stuck."""
_LONGEST_PATTERN = 12

MISSING_WINDOW, EXTRA_WINDOW = 15, 40
"""Frames, 0.3 s and 0.8 s, over which the ear's disagreement is summed."""
MOST_MISSING, MOST_EXTRA = 24.0, 4.6
"""Nats by which what is heard in a window may be likelier than the phones, and than nothing between them."""
_MOST_A_FRAME = 12.0
MOST_MISHEARD = 0.4
"""Phone errors of what a recogniser heard over the phones, without tone and stress."""
LEAST_HEARD = 0.4
"""Share of the phones that must be heard about where they belong."""


@dataclass(frozen=True)
class Check:
    """One question about a sentence. `passed` is None where it could not be asked."""

    name: str
    passed: bool | None
    value: float | None = None
    limit: float | None = None
    note: str = ""


def failed(checks: Sequence[Check]) -> list[str]:
    """Names of the checks that did not pass."""
    return [check.name for check in checks if check.passed is not None and not check.passed]


def check_numbers(wave: np.ndarray) -> list[Check]:
    """Finite, not silent, and not overdriven: the wave `[T]` as the decoder gave it."""
    finite = bool(np.isfinite(wave).all()) and len(wave) > 0
    if not finite:
        return [Check("finite", False, note="the wave is empty or holds values that are not numbers")]
    peak, clipped = float(np.abs(wave).max()), float((np.abs(wave) > 1).mean())
    return [
        Check("finite", True),
        Check("audible", peak > 1e-3, peak, 1e-3),
        Check("unclipped", clipped <= MOST_CLIPPED, clipped, MOST_CLIPPED),
    ]


def check_ending(reason: str) -> Check:
    """Whether the text came to its end rather than to the limit of codes."""
    return Check("ended", reason == "end", note="" if reason == "end" else "no end within the limit")


def check_repeats(codes: Sequence[int], code_rate: float) -> Check:
    """Whether codes are stuck: one short pattern again and again."""
    longest = longest_repeat(np.asarray(codes)) / code_rate
    return Check("no endless repeat", longest < REPEAT_SECONDS, longest, REPEAT_SECONDS)


def longest_repeat(codes: np.ndarray) -> int:
    """Length of the longest part of `codes` `[S]` that is a pattern of up to 12 codes, said at least three times."""
    longest = 0
    for period in range(1, min(_LONGEST_PATTERN, len(codes) // 3) + 1):
        same = np.concatenate(([False], codes[period:] == codes[:-period], [False])).astype(int)
        edges = np.flatnonzero(np.diff(same)).reshape(-1, 2)
        run = int((edges[:, 1] - edges[:, 0]).max(initial=0)) + period
        if run >= 3 * period:
            longest = max(longest, run)
    return longest


def sounding(wave: np.ndarray, rate: int) -> np.ndarray:
    """Which 10 ms frames of a wave `[T]` hold sound: `[F]`, by their distance to the loud ones."""
    size = max(1, round(rate * _FRAME))
    count = len(wave) // size
    if not count:
        return np.zeros(0, dtype=bool)
    energy = np.square(wave[: count * size].reshape(count, size), dtype=np.float64).mean(axis=1)
    level = 10 * np.log10(energy + 1e-12)
    return np.asarray(level > max(float(np.quantile(level, 0.95)) - _QUIET_DB, -70.0))


def silences(wave: np.ndarray, rate: int) -> tuple[float, float, float]:
    """Seconds of silence before, longest within, and after the sound of a wave `[T]`."""
    places = np.flatnonzero(sounding(wave, rate))
    if not len(places):
        return len(wave) / rate, 0.0, 0.0
    first, last = int(places[0]), int(places[-1])
    inner = (int(np.diff(places).max(initial=1)) - 1) * _FRAME
    return first * _FRAME, inner, len(wave) / rate - (last + 1) * _FRAME


def check_times(wave: np.ndarray, rate: int, phones: Sequence[str], speed: float) -> list[Check]:
    """Lengths: of the speech for its phones, and of the silences, at speed 1."""
    before, inner, after = (seconds * speed for seconds in silences(wave, rate))
    heard = sum(phone not in SILENT for phone in phones)
    spoken = float(sounding(wave, rate).sum()) * _FRAME * speed
    least, most = SECONDS_PER_PHONE[0] * heard, SECONDS_PER_PHONE[1] * heard + _EXTRA_SECONDS
    return [
        Check("not too short", spoken >= least, spoken, least),
        Check("not too long", spoken <= most, spoken, most),
        Check("no long silence", inner <= LONGEST_SILENCE, inner, LONGEST_SILENCE),
        Check("no silent edge", max(before, after) <= LONGEST_EDGE, max(before, after), LONGEST_EDGE),
    ]


@dataclass(frozen=True)
class Hearing:
    """What an ear says about a wave and the phones that should be in it."""

    missing: float
    """Most nats in a window by which something else is likelier where phones should be."""
    extra: float
    """Most nats in a window by which something is likelier than silence where no phone should be."""
    heard: float
    """Share of the phones that are likely where they were put."""
    score: float
    """Mean disagreement a frame: the lower, the better said."""


def without_tones(log_probs: np.ndarray, table: SymbolTable) -> tuple[np.ndarray, np.ndarray]:
    """`log_probs` `[F, V]` with the variants of a phone by tone and stress summed `[F, G]`, and the group of each id.

    The ear mistakes tones more often than speech does, so they are not asked for. The blank stays last.
    """
    places: dict[str, int] = {}
    groups = np.array([places.setdefault(plain_phone(name), len(places)) for name in (*table.names, "blank")])
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(len(places)))
    summed = np.add.reduceat(np.exp(log_probs.astype(np.float64))[:, order], starts, axis=1)
    return np.log(summed + 1e-30), groups


def hear(log_probs: np.ndarray, ids: Sequence[int]) -> Hearing:
    """Hold ids `[N]` against `log_probs` `[F, V]`, blank last. Raises DataError where they cannot fit."""
    blank = log_probs.shape[1] - 1
    found = align(log_probs, ids, blank)
    path = np.full(len(log_probs), blank)
    for token, first, end in zip(ids, found.first, found.end, strict=True):
        path[first:end] = token
    # Where the path says what the ear hears best, the difference is zero.
    lost = np.minimum(log_probs.max(axis=1) - log_probs[np.arange(len(path)), path], _MOST_A_FRAME)
    heard = np.exp(found.token_scores) > 0.05
    return Hearing(
        missing=_largest(np.where(path == blank, 0, lost), MISSING_WINDOW),
        extra=_largest(np.where(path == blank, lost, 0), EXTRA_WINDOW),
        heard=float(heard.mean()) if len(heard) else 1.0,
        score=float(lost.mean()),
    )


def _largest(values: np.ndarray, window: int) -> float:
    """Largest sum of `window` neighbours of `values` `[F]`."""
    sums = np.convolve(values, np.ones(min(window, len(values))), mode="valid")
    return float(sums.max(initial=0.0))


def check_phones(
    listener: PhoneListener | None, wave: np.ndarray, rate: int, phones: Sequence[str]
) -> tuple[list[Check], float]:
    """Whether all phones, and nothing else, are in a wave `[T]`; and how badly, to choose the best of bad ones."""
    if listener is None:
        note = "no content encoder with a phone head is at hand"
        return [Check("nothing missing", None, note=note), Check("nothing added", None, note=note)], 0.0
    ids = listener.table.ids(phone for phone in listener.table.known(phones) if phone not in SILENT)
    try:
        heard = listener.log_probs(resample(wave, rate, SAMPLE_RATE))
        log_probs, groups = without_tones(heard, listener.table)
        hearing = hear(log_probs, groups[ids].tolist())
    except DataError as error:
        return [Check("nothing missing", False, note=str(error))], 100.0
    return [
        Check("nothing missing", hearing.missing <= MOST_MISSING, hearing.missing, MOST_MISSING),
        Check("nothing added", hearing.extra <= MOST_EXTRA, hearing.extra, MOST_EXTRA),
        Check("every phone heard", hearing.heard >= LEAST_HEARD, hearing.heard, LEAST_HEARD),
    ], hearing.score


def check_recognised(
    recogniser: Recogniser, wave: np.ndarray, rate: int, phones: Sequence[str], language: str, version: str
) -> Check:
    """Whether a recogniser hears about these phones in a wave `[T]`."""
    heard = recogniser.transcribe(resample(wave, rate, SAMPLE_RATE), SAMPLE_RATE, language)
    try:
        found = phones_of(heard.text, language, version).phones
    except InputError:
        found = []  # nothing that could be read was heard
    error = phone_error_rate(phones, found)
    return Check("recognised", error <= MOST_MISHEARD, error, MOST_MISHEARD, f"heard: {heard.text.strip()}")
