"""Batches: complete, repeatable, savable at any position."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsv.errors import DataError, ResourceError
from gsv.training.sampler import Batch, BucketSampler, Draw, derive_seed

lengths = st.lists(st.integers(1, 3000), min_size=1, max_size=60)


def epoch_of(sampler: BucketSampler) -> list[Batch]:
    return list(sampler)


@settings(max_examples=60)
@given(lengths, st.integers(1, 4000), st.integers(0, 5), st.integers(1, 3))
def test_nothing_is_dropped_and_the_budget_holds(
    sizes: list[int], budget: int, seed: int, repeats: int
) -> None:
    sampler = BucketSampler(sizes, budget, seed, repeats=repeats)
    batches = epoch_of(sampler)
    found = Counter(draw.index for batch in batches for draw in batch.draws)
    assert found == Counter(dict.fromkeys(range(len(sizes)), repeats))
    for batch in batches:
        assert len(batch.draws) == 1 or sampler.padded_frames(batch) <= budget
    assert len({draw.seed for batch in batches for draw in batch.draws}) == len(sizes) * repeats


@settings(max_examples=30)
@given(lengths, st.integers(0, 40), st.integers(0, 3))
def test_a_saved_position_goes_on_the_same(sizes: list[int], steps: int, shrinks: int) -> None:
    one = BucketSampler(sizes, 600, 1)
    for number in range(steps):
        if number % 7 == 3 and shrinks:
            try:
                one.shrink(max(one.padded_frames(batch) for batch in one))
                shrinks -= 1
            except ResourceError:
                shrinks = 0
        one.advance()
    other = BucketSampler(sizes, 600, 99)
    other.load_state(one.state())
    for _ in range(2):
        assert epoch_of(other) == epoch_of(one)
        for sampler in (one, other):
            epoch = sampler.position.epoch
            while sampler.position.epoch == epoch:
                sampler.advance()


def test_epochs_differ_and_repeat() -> None:
    sampler = BucketSampler([50] * 20, 200, 1)
    first = epoch_of(sampler)
    for _ in first:
        sampler.advance()
    assert sampler.position.epoch == 1
    assert [b.draws for b in epoch_of(sampler)] != [b.draws for b in first]
    assert epoch_of(BucketSampler([50] * 20, 200, 1)) == first


def test_shrinking_keeps_the_rest_of_the_epoch() -> None:
    sampler = BucketSampler([100] * 16, 400, 1)
    done = [draw.index for draw in epoch_of(sampler)[0].draws]
    sampler.advance()
    assert sampler.shrink(400) == 200
    rest = epoch_of(sampler)
    assert all(len(batch.draws) == 2 for batch in rest)
    assert sorted(done + [draw.index for batch in rest for draw in batch.draws]) == list(range(16))
    sampler.shrink(200)
    with pytest.raises(ResourceError, match="single item"):
        sampler.shrink(100)


def test_other_data_are_refused() -> None:
    state = BucketSampler([10, 20], 100, 1).state()
    with pytest.raises(DataError, match="other data"):
        BucketSampler([10, 20, 30], 100, 1).load_state(state)
    with pytest.raises(DataError, match="nothing to train on"):
        BucketSampler([], 100, 1)


def test_seeds_depend_on_every_part() -> None:
    assert derive_seed(1, "a") == derive_seed(1, "a")
    assert len({derive_seed(1, 2, 3), derive_seed(1, 23), derive_seed(12, 3), derive_seed(1, "2", "4")}) == 4


def test_lengths_that_are_drawn_decide_the_batches() -> None:
    """An item takes 100 or 200 frames by chance: no batch is larger than the budget, and little of it is padding."""

    def drawn(draw: Draw) -> int:
        return 200 if draw.seed % 2 else 100

    sampler = BucketSampler([100] * 60, 800, 3, drawn_length=drawn)
    batches = list(sampler)
    assert sorted(draw.index for batch in batches for draw in batch.draws) == list(range(60))
    assert all(sampler.padded_frames(batch) <= 800 for batch in batches)
    real = sum(drawn(draw) for batch in batches for draw in batch.draws)
    assert real > 0.9 * sum(sampler.padded_frames(batch) for batch in batches)
    state = sampler.state()
    other = BucketSampler([100] * 60, 800, 99, drawn_length=drawn)
    other.load_state(state)
    assert list(other) == batches
