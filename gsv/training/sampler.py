"""Which items form which batch, decided by (seed, epoch) alone, and a position that can be saved.

Knows: lengths in frames, length buckets, a budget of padded frames a batch, and how an epoch is cut anew
when the budget shrinks in its middle. Does not know: what an item is, processes, tensors.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gsv.errors import DataError, ResourceError


def derive_seed(*parts: int | str) -> int:
    """A 63-bit seed that depends on all parts and on nothing else; equal on every machine."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "big") >> 1


@dataclass(frozen=True)
class Draw:
    """One item of a batch: its index, and the seed of every random choice made for it."""

    index: int
    seed: int


@dataclass(frozen=True)
class Batch:
    """What one step takes: the epoch, its place in the epoch's plan, and the draws."""

    epoch: int
    number: int
    draws: tuple[Draw, ...]


@dataclass
class Position:
    """Where a sampler stands: batches done in this epoch, and the budgets it was cut with.

    `budgets` holds pairs (batches done when it was set, padded frames a batch); the first is (0, start
    value).
    """

    epoch: int = 0
    done: int = 0
    budgets: list[tuple[int, int]] = field(default_factory=list)

    def as_state(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {"epoch": self.epoch, "done": self.done, "budgets": [list(pair) for pair in self.budgets]}

    @staticmethod
    def from_state(state: dict[str, Any]) -> Position:
        """The inverse of `as_state`."""
        budgets = [(int(done), int(frames)) for done, frames in state["budgets"]]
        return Position(int(state["epoch"]), int(state["done"]), budgets)


class BucketSampler:
    """Batches of items of similar length, each of at most `budget` padded frames (but at least one item).

    Every item of a plan appears exactly `repeats` times an epoch, whatever its length: nothing is dropped.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        budget: int,
        seed: int,
        *,
        repeats: int = 1,
        growth: float = 1.2,
        drawn_length: Callable[[Draw], int] | None = None,
    ) -> None:
        """`lengths`: frames of each item. `growth`: ratio of one bucket's upper length to the next.

        `drawn_length`: frames that a draw really takes, where that depends on chance; None: those of its item.

        Raises:
            DataError: there is no item.
        """
        if not lengths:
            raise DataError(
                "there is nothing to train on", "no usable item was found", "prepare the data first"
            )
        if budget < 1 or repeats < 1 or growth <= 1.0:
            raise ValueError("budget and repeats start at 1, growth above 1")
        self.lengths = list(lengths)
        self.seed = seed
        self.repeats = repeats
        self.position = Position(budgets=[(0, budget)])
        # Lengths that depend on chance mix the batches anew by themselves, so their buckets may be narrow.
        self._growth = growth if drawn_length is None else 1 + (growth - 1) / 4
        self._drawn_length = drawn_length
        self._drawn: dict[tuple[int, int], int] = {}
        self._plan = self._build()

    @property
    def budget(self) -> int:
        """Padded frames a batch, as it stands now."""
        return self.position.budgets[-1][1]

    @property
    def batches_in_epoch(self) -> int:
        """Batches of the current epoch."""
        return len(self._plan)

    def __iter__(self) -> Iterator[Batch]:
        """The remaining batches of the current epoch; does not move the position."""
        # Fixed at the start: whoever reads ahead must not see a plan that changed meanwhile.
        epoch, plan = self.position.epoch, self._plan
        for number in range(self.position.done, len(plan)):
            yield Batch(epoch, number, tuple(self._draw(epoch, entry) for entry in plan[number]))

    def advance(self) -> None:
        """Count one batch as done; after the last one the next epoch begins."""
        self.position.done += 1
        if self.position.done >= len(self._plan):
            self.position = Position(self.position.epoch + 1, 0, [(0, self.budget)])
            self._plan = self._build()

    def shrink(self, frames_of_failed: int) -> int:
        """Halve the budget for what is left of the epoch and after it; return the new budget.

        Raises:
            ResourceError: the failed batch held one item already.
        """
        current = self._plan[self.position.done]
        if len(current) <= 1:
            raise ResourceError(
                "the memory does not hold a single item",
                f"its length is {max(self._length(entry) for entry in current)} frames",
                "cut long clips into shorter ones, or train on a device with more memory",
            )
        smaller = max(1, min(self.budget, frames_of_failed) // 2)
        self.position.budgets.append((self.position.done, smaller))
        self._plan = self._build()
        return smaller

    def padded_frames(self, batch: Batch) -> int:
        """Frames that a batch occupies once its items are padded to the longest."""
        return max(self._draw_length(draw) for draw in batch.draws) * len(batch.draws)

    def state(self) -> dict[str, Any]:
        """Position and a fingerprint of the items that it counts in."""
        return {"position": self.position.as_state(), "seed": self.seed, "items": self._fingerprint()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go to a saved position.

        Raises:
            DataError: the items are not those of the saved run.
        """
        if state["items"] != self._fingerprint():
            raise DataError(
                "the checkpoint belongs to other data",
                f"it counted {state['items'][0]} items, there are {len(self.lengths)} now or their lengths changed",
                "bring the data back, or start anew with --fresh",
            )
        self.seed = int(state["seed"])
        self.position = Position.from_state(state["position"])
        self._plan = self._build()

    def _fingerprint(self) -> list[Any]:
        digest = hashlib.blake2b(
            np.asarray(self.lengths, dtype=np.int64).tobytes(), digest_size=8
        ).hexdigest()
        return [len(self.lengths), digest, self.repeats]

    def _draw(self, epoch: int, entry: tuple[int, int]) -> Draw:
        index, repeat = entry
        return Draw(index, derive_seed(self.seed, epoch, index, repeat))

    def _draw_length(self, draw: Draw) -> int:
        return self.lengths[draw.index] if self._drawn_length is None else self._drawn_length(draw)

    def _length(self, entry: tuple[int, int]) -> int:
        return self._drawn.get(entry, self.lengths[entry[0]])

    def _build(self) -> list[list[tuple[int, int]]]:
        """The epoch's batches as lists of (item, repeat), cut again wherever the budget changed."""
        entries = [(index, repeat) for index in range(len(self.lengths)) for repeat in range(self.repeats)]
        if self._drawn_length is not None:
            draws = (self._draw(self.position.epoch, entry) for entry in entries)
            self._drawn = dict(zip(entries, map(self._drawn_length, draws), strict=True))
        plan: list[list[tuple[int, int]]] = []
        for number, (done, budget) in enumerate(self.position.budgets):
            left = entries if number == 0 else [entry for batch in plan[done:] for entry in batch]
            generator = np.random.default_rng([self.seed, self.position.epoch, number])
            plan = plan[:done] + self._cut(left, budget, generator)
        return plan

    def _cut(
        self, entries: list[tuple[int, int]], budget: int, generator: np.random.Generator
    ) -> list[list[tuple[int, int]]]:
        shuffled = [entries[place] for place in generator.permutation(len(entries))]
        bounds = _bounds(max(map(self._length, entries), default=1), self._growth)
        # Sorting is stable: inside a bucket the random order stays, and a short rest of one bucket
        # is filled up from the next, so that only one batch of an epoch is small.
        ordered = sorted(shuffled, key=lambda entry: bisect_left(bounds, self._length(entry)))
        batches: list[list[tuple[int, int]]] = []
        longest = 0
        for entry in ordered:
            longest = max(longest, self._length(entry))
            if not batches or longest * (len(batches[-1]) + 1) > budget:
                batches.append([])
                longest = self._length(entry)
            batches[-1].append(entry)
        return [batches[place] for place in generator.permutation(len(batches))]


def _bounds(longest: int, growth: float) -> list[int]:
    """Upper lengths of the buckets, growing by a constant ratio from 32 frames."""
    bounds = [32]
    while bounds[-1] < longest:
        bounds.append(max(bounds[-1] + 1, int(bounds[-1] * growth)))
    return bounds
