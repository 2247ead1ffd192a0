"""CTC alignment: when each phone is spoken, given what a content encoder heard; and plain reading.

Knows log-probabilities over symbol ids, the blank, and which symbols make no sound. Does not know
waves or networks (`listener.py` joins them).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gsv.errors import DataError, InputError
from gsv.text.symbols import PUNCTUATION, UNKNOWN, SymbolTable

SILENT = frozenset([*PUNCTUATION, UNKNOWN, "_", "SP", "SP2", "SP3", "[", "]", "停", "空"])
"""Symbols that are never heard: marks, pauses, pitch signs. The phone head is trained without them."""

PAUSES = frozenset([*PUNCTUATION, "SP", "SP2", "SP3", "停", "空"])
"""Silent symbols that stand for the silence at their place, where there is some."""

FRAME_SECONDS = 0.02
_TAIL_FRAMES = 4
"""Frames around its peaks that a phone still owns: CTC marks a phone by a peak inside of it."""


@dataclass(frozen=True)
class Alignment:
    """Best path of a token sequence: token i is emitted in frames `first[i]` to before `end[i]`.

    `token_scores` are mean log-probabilities a frame, `[N]`; `score` is that of the whole path.
    """

    first: np.ndarray
    end: np.ndarray
    token_scores: np.ndarray
    score: float


@dataclass(frozen=True)
class AlignedPhone:
    """A phone with its time in seconds; `score` is a mean log-probability, None for what is not heard."""

    phone: str
    start: float
    end: float
    score: float | None = None


def frames_needed(ids: Sequence[int]) -> int:
    """Fewest frames that can emit these tokens: one each, and a blank between equal neighbours."""
    return len(ids) + sum(first == second for first, second in itertools.pairwise(ids))


def align(log_probs: np.ndarray, ids: Sequence[int], blank: int) -> Alignment:
    """Most likely CTC path (Viterbi) of the tokens `ids` through `log_probs` `[T, V]`.

    Raises InputError for an id outside the classes or equal to the blank, DataError where the frames are
    too few or the tokens impossible.
    """
    log_probs = np.asarray(log_probs, dtype=np.float64)
    frames, classes = log_probs.shape
    if not 0 <= blank < classes or any(not 0 <= token < classes or token == blank for token in ids):
        raise InputError("a token is no class of the phone head", f"{classes} classes, blank {blank}")
    if frames < max(1, frames_needed(ids)):
        why = f"{len(ids)} phones in {frames} frames of {FRAME_SECONDS:g} s"
        raise DataError("the text is longer than the recording", why, "Check that they belong together.")
    states = np.full(2 * len(ids) + 1, blank)
    states[1::2] = ids
    back, total, last = _search(log_probs[:, states], _may_skip(states))
    if not np.isfinite(total):
        raise DataError(
            "the text cannot be aligned with the recording", "a phone has no probability anywhere"
        )
    path = np.empty(frames, dtype=np.int64)
    path[-1] = last
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = path[frame] - back[frame, path[frame]]
    return _described(path, log_probs, ids, float(total))


def _may_skip(states: np.ndarray) -> np.ndarray:
    """Which states may be entered from two before: tokens that differ from the token before them."""
    skips = np.zeros(len(states), dtype=bool)
    skips[3::2] = states[3::2] != states[1:-2:2]
    return skips


def _search(emissions: np.ndarray, skips: np.ndarray) -> tuple[np.ndarray, float, int]:
    """Steps back `[T, S]` of the best paths through `emissions` `[T, S]`, the best total and its last state."""
    frames, count = emissions.shape
    back = np.zeros((frames, count), dtype=np.int8)
    best = np.full(count, -np.inf)
    best[:2] = emissions[0, :2]
    candidates = np.full((3, count), -np.inf)
    for frame in range(1, frames):
        candidates[0] = best
        candidates[1, 1:] = best[:-1]
        candidates[2, 2:] = np.where(skips[2:], best[:-2], -np.inf)
        # The first of equals: a path stays where it is as long as that costs nothing.
        back[frame] = candidates.argmax(axis=0)
        best = candidates.max(axis=0) + emissions[frame]
    last = count - 1 if count == 1 or best[-1] >= best[-2] else count - 2
    return back, float(best[last]), last


def _described(path: np.ndarray, log_probs: np.ndarray, ids: Sequence[int], total: float) -> Alignment:
    tokens = np.arange(len(ids))
    emitting = path % 2 == 1
    owners = path[emitting] // 2
    places = np.flatnonzero(emitting)
    # Owners never decrease along a path, and every token has a frame.
    first = places[np.searchsorted(owners, tokens, side="left")]
    end = places[np.searchsorted(owners, tokens, side="right") - 1] + 1
    values = log_probs[places, np.asarray(ids, dtype=np.int64)[owners]]
    sums = np.bincount(owners, weights=values, minlength=len(ids))
    return Alignment(first, end, sums / np.maximum(end - first, 1), total)


def align_phones(
    log_probs: np.ndarray,
    phones: Sequence[str],
    table: SymbolTable,
    *,
    blank: int | None = None,
    frame_seconds: float = FRAME_SECONDS,
) -> list[AlignedPhone]:
    """Times of all `phones`, in order, from `log_probs` `[T, V]` over `table` and the blank (the last class).

    Times never run backwards and stay inside the recording. A mark or pause gets the silence at its
    place, without one no time at all, as pitch signs always do. Raises as `align`.
    """
    frames = len(log_probs)
    heard = [phone for phone in phones if phone not in SILENT]
    found = align(log_probs, table.ids(heard), len(table) if blank is None else blank)
    starts, ends = _borders(found, frames, _paused(phones))
    aligned: list[AlignedPhone] = []
    index, clock = 0, 0
    for position, phone in enumerate(phones):
        if phone in SILENT:
            until = _pause_end(phones, position, clock, starts, index, frames)
            aligned.append(AlignedPhone(phone, clock * frame_seconds, until * frame_seconds))
            clock = until
            continue
        times = starts[index] * frame_seconds, ends[index] * frame_seconds
        aligned.append(AlignedPhone(phone, *times, float(found.token_scores[index])))
        clock, index = int(ends[index]), index + 1
    return aligned


def _pause_end(
    phones: Sequence[str], position: int, clock: int, starts: np.ndarray, index: int, frames: int
) -> int:
    """Where the silence at a silent symbol ends: the first pause of a group takes all of it."""
    group = []
    back = position
    while back > 0 and phones[back - 1] in SILENT:
        back -= 1
        group.append(phones[back])
    if phones[position] not in PAUSES or any(phone in PAUSES for phone in group):
        return clock
    return int(starts[index]) if index < len(starts) else frames


def _paused(phones: Sequence[str]) -> list[bool]:
    """For each gap before, between and after the heard phones: whether a pause symbol stands in it."""
    gaps = [False]
    for phone in phones:
        if phone in PAUSES:
            gaps[-1] = True
        elif phone not in SILENT:
            gaps.append(False)
    return gaps


def _borders(found: Alignment, frames: int, paused: Sequence[bool]) -> tuple[np.ndarray, np.ndarray]:
    """First frame and end of each token, widened into the blanks around its peaks.

    A gap with a pause symbol, or a long one, leaves its middle to silence; any other is cut in halves.
    """
    starts, ends = found.first.copy(), found.end.copy()
    if not len(starts):
        return starts, ends
    starts[0] = max(0, starts[0] - _TAIL_FRAMES)
    ends[-1] = min(frames, ends[-1] + _TAIL_FRAMES)
    for index in range(1, len(starts)):
        gap = int(found.first[index] - found.end[index - 1])
        half = gap // 2
        share = min(half, _TAIL_FRAMES) if paused[index] or gap > 4 * _TAIL_FRAMES else half
        starts[index] = found.first[index] - share
        ends[index - 1] = found.end[index - 1] + share
        if share == half:
            ends[index - 1] = starts[index]
    return starts, ends


def greedy_ids(log_probs: np.ndarray, blank: int) -> list[int]:
    """Tokens read from `log_probs` `[T, V]`: the best class a frame, repeats joined, blanks dropped."""
    return [token for token, _, _ in _runs(log_probs, blank)]


def _runs(log_probs: np.ndarray, blank: int) -> list[tuple[int, int, int]]:
    if not len(log_probs):
        return []
    best = np.asarray(log_probs).argmax(axis=-1)
    cuts = [0, *(np.flatnonzero(np.diff(best)) + 1).tolist(), len(best)]
    return [(int(best[a]), a, b) for a, b in itertools.pairwise(cuts) if best[a] != blank]


def read_phones(
    log_probs: np.ndarray,
    table: SymbolTable,
    *,
    blank: int | None = None,
    frame_seconds: float = FRAME_SECONDS,
) -> list[AlignedPhone]:
    """Phones heard in `log_probs` `[T, V]`, without any text; times are those of the peaks."""
    log_probs = np.asarray(log_probs)
    return [
        AlignedPhone(
            table.names[token],
            first * frame_seconds,
            end * frame_seconds,
            float(log_probs[first:end, token].mean()),
        )
        for token, first, end in _runs(log_probs, len(table) if blank is None else blank)
    ]
