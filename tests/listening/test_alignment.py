"""CTC alignment against exhaustive search, and what its times promise."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsv.errors import DataError, InputError
from gsv.listening.alignment import (
    PAUSES,
    SILENT,
    align,
    align_phones,
    frames_needed,
    greedy_ids,
    read_phones,
)
from gsv.listening.phone_error import edit_distance, phone_error_rate
from gsv.text.symbols import table

BLANK = 3


def log_probs(seed: int, frames: int, classes: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(frames, classes)) * 2
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def tokens_of(path: tuple[int, ...]) -> list[int]:
    return [token for token, _ in groupby(path) if token != BLANK]


@given(st.integers(0, 999), st.integers(1, 6), st.lists(st.integers(0, 2), max_size=3))
def test_the_path_is_the_best_of_all(seed: int, frames: int, ids: list[int]) -> None:
    scores = log_probs(seed, frames, BLANK + 1)
    if frames < frames_needed(ids):
        with pytest.raises(DataError, match="longer than the recording"):
            align(scores, ids, BLANK)
        return
    paths = [path for path in product(range(BLANK + 1), repeat=frames) if tokens_of(path) == ids]
    best = max(sum(scores[frame, token] for frame, token in enumerate(path)) for path in paths)
    found = align(scores, ids, BLANK)
    assert found.score == pytest.approx(best)
    assert (found.end > found.first).all() and (found.first[1:] >= found.end[:-1]).all()
    inside = sum(scores[a:b, token].sum() for a, b, token in zip(found.first, found.end, ids, strict=True))
    assert inside == pytest.approx((found.token_scores * (found.end - found.first)).sum())


def test_a_repeated_token_needs_a_blank_between() -> None:
    assert frames_needed([1, 1]) == 3
    scores = np.log(np.full((3, BLANK + 1), 0.25))
    found = align(scores, [1, 1], BLANK)
    assert found.first.tolist() == [0, 2] and found.end.tolist() == [1, 3]


def test_bad_tokens_are_refused() -> None:
    scores = log_probs(1, 5, BLANK + 1)
    for ids in ([BLANK], [-1], [BLANK + 1]):
        with pytest.raises(InputError):
            align(scores, ids, BLANK)
    with pytest.raises(DataError):
        align(np.full((4, BLANK + 1), -np.inf), [1], BLANK)


def peaked(phones: list[str], starts: list[int], frames: int) -> np.ndarray:
    """Log-probabilities with a sharp peak of two frames at the start of each phone."""
    symbols = table("v2")
    scores = np.full((frames, len(symbols) + 1), -20.0)
    scores[:, -1] = -0.01
    for phone, start in zip(phones, starts, strict=True):
        scores[start : start + 2, symbols.index[phone]] = -0.001
        scores[start : start + 2, -1] = -9.0
    return scores


def test_marks_get_the_silence_and_pitch_signs_nothing() -> None:
    scores = peaked(["k", "o", "d", "e"], [10, 14, 60, 64], 100)
    aligned = align_phones(scores, ["k", "[", "o", ",", "d", "]", "e", "."], table("v2"))
    by = {phone.phone: phone for phone in aligned}
    assert by[","].start == pytest.approx(0.02 * 20) and by[","].end == pytest.approx(0.02 * 56)
    assert by["["].start == by["["].end == by["k"].end == by["o"].start
    assert by["."].start == pytest.approx(0.02 * 70) and by["."].end == pytest.approx(2.0)
    assert by["k"].start == pytest.approx(0.02 * 6) and by["k"].score is not None
    assert by[","].score is None


@given(st.integers(0, 999), st.lists(st.sampled_from(["a", "b", "k", ",", ".", "[", "SP"]), max_size=12))
def test_times_never_run_backwards(seed: int, phones: list[str]) -> None:
    frames = 40
    scores = log_probs(seed, frames, len(table("v2")) + 1)
    aligned = align_phones(scores, phones, table("v2"))
    assert [phone.phone for phone in aligned] == phones
    clock = 0.0
    for phone in aligned:
        assert clock - 1e-9 <= phone.start <= phone.end <= frames * 0.02 + 1e-9
        clock = phone.end
        if phone.phone not in SILENT:
            assert phone.end > phone.start
    assert all(phone.start == phone.end for phone in aligned if phone.phone in SILENT - PAUSES)


def test_reading_joins_repeats_and_drops_blanks() -> None:
    scores = peaked(["k", "o", "o"], [3, 8, 20], 40)
    heard = read_phones(scores, table("v2"))
    assert [phone.phone for phone in heard] == ["k", "o", "o"]
    assert heard[0].start == pytest.approx(0.06) and heard[0].end == pytest.approx(0.10)
    assert greedy_ids(scores, len(table("v2"))) == table("v2").ids(["k", "o", "o"])
    assert read_phones(scores[:0], table("v2")) == []


def levenshtein(first: list[int], second: list[int]) -> int:
    if not first or not second:
        return len(first) + len(second)
    same = levenshtein(first[1:], second[1:]) + (first[0] != second[0])
    return min(same, levenshtein(first[1:], second) + 1, levenshtein(first, second[1:]) + 1)


@given(st.lists(st.integers(0, 2), max_size=5), st.lists(st.integers(0, 2), max_size=5))
def test_edit_distance_is_the_recursive_one(first: list[int], second: list[int]) -> None:
    assert edit_distance(first, second) == levenshtein(first, second)


def test_phone_error_leaves_out_tones_and_marks() -> None:
    assert phone_error_rate(["n", "i3", ",", "AH0"], ["n", "i2", "AH1"]) == 0
    assert phone_error_rate(["n", "i3"], ["n", "i2"], ignore_tone=False) == 0.5
    assert phone_error_rate([], []) == 0 and phone_error_rate([","], ["a"]) == 1
