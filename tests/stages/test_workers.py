"""The pool of workers: every item ends once, whatever happens to a process."""

from __future__ import annotations

import pytest

from gsv.errors import Cancelled, InputError, WeightsError
from gsv.events import Events
from gsv.stages.workers import Outcome, run_batches, worker_count
from tests.stages.worker_factories import Doubling, Number

BATCHES = [[Number(f"n{3 * row + i}", 3 * row + i) for i in range(3)] for row in range(4)]


def outcomes(factory: Doubling, workers: int) -> dict[str, Outcome]:
    found = [outcome for batch in run_batches(BATCHES, factory, workers=workers) for outcome in batch]
    assert len(found) == 12, "every item ends exactly once"
    return {outcome.name: outcome for outcome in found}


@pytest.mark.parametrize("workers", [1, 2])
def test_one_bad_item_costs_one_item(workers: int) -> None:
    found = outcomes(Doubling(raise_at=4), workers)
    assert found.pop("n4").reason.startswith("an unexpected error: ValueError: unlucky")
    assert all(outcome.record["value"] == 2 * int(name[1:]) for name, outcome in found.items())


def test_a_worker_that_dies_costs_one_item() -> None:
    found = outcomes(Doubling(crash_at=7), 2)
    assert found.pop("n7").reason == "the worker process ended with code 7"
    assert all(not outcome.reason for outcome in found.values())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_start_that_fails_fails_the_stage(workers: int) -> None:
    with pytest.raises(WeightsError, match="no network"):
        outcomes(Doubling(start_fails=True), workers)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_request_ends_the_work(workers: int) -> None:
    events = Events()
    events.request_stop()
    with pytest.raises(Cancelled):
        list(run_batches(BATCHES, Doubling(), workers=workers, events=events))


def test_the_number_of_workers() -> None:
    assert worker_count(3, 2) == 2 and worker_count(3, 0) == 1 and worker_count(0, 1) == 1
    assert worker_count(0, 100, "cuda:0") == 1 and worker_count(2, 100, "cuda:0") == 2
    with pytest.raises(InputError):
        worker_count(-1, 1)
    assert not list(run_batches([], Doubling(start_fails=True), workers=2))
