"""English letters to phones for words that no dictionary has: the likeliest chain of letter-with-phones pairs.

Knows spelling only; not stress in sentences, and not which words are known. The counts were taken from the CMU
Pronouncing Dictionary; `spelling_training.py` makes them, and measures them on words that they were not taken of.
"""

from __future__ import annotations

import json
import lzma
from functools import cache
from importlib.resources import files

import numpy as np

ORDER = 5
EDGE = "#"
BEAM = 10
_DISCOUNT = 0.75


class Counts:
    """Numbers by key: sorted keys `[N]`, and for each its number; 0 for any other key."""

    def __init__(self, keys: np.ndarray, numbers: np.ndarray) -> None:
        self.keys, self.numbers = keys.astype(np.int64), numbers.astype(np.int64)

    def of(self, keys: np.ndarray) -> np.ndarray:
        """The numbers of any keys `[M]`."""
        places = np.searchsorted(self.keys, keys).clip(max=len(self.keys) - 1)
        return np.where(self.keys[places] == keys, self.numbers[places], 0)


class Model:
    """Counts of chains of up to `ORDER` pairs. A chain is a number in base `len(pairs)`, its last pair lowest.

    `pairs[i]` is a letter (or the edge of a word) and its phones, joined by spaces, empty where it is silent.
    """

    def __init__(self, pairs: list[tuple[str, str]], chains: list[Counts]) -> None:
        self.pairs, self.chains = pairs, chains
        self.base = len(pairs)
        self._totals, self._kinds = [], []
        for counts in chains:
            before = counts.keys // self.base
            first = np.flatnonzero(np.diff(before, prepend=-1))
            contexts = before[first]
            self._totals.append(Counts(contexts, np.add.reduceat(counts.numbers, first)))
            self._kinds.append(Counts(contexts, np.diff(first, append=len(before))))
        letters = np.array([letter for letter, _ in pairs])
        self._choices = {letter: np.flatnonzero(letters == letter) for letter in sorted(set(letters))}

    def costs(self, before: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        """Negative log probability `[B, P]` of each of `pairs` `[P]` after each of the chains `before` `[B]`.

        Shorter chains stand in where the longer ones were rarely seen.
        """
        probability = np.full((len(before), len(pairs)), 1 / self.base)
        for order, counts in enumerate(self.chains):
            context = before % self.base**order
            total = self._totals[order].of(context)[:, None]
            seen = counts.of(context[:, None] * self.base + pairs)
            left_over = _DISCOUNT * self._kinds[order].of(context)[:, None] * probability
            finer = ((seen - _DISCOUNT).clip(min=0) + left_over) / total.clip(min=1)
            probability = np.where(total > 0, finer, probability)
        return -np.log(probability)

    def phones(self, word: str) -> list[str]:
        """Phones of the likeliest chain over the letters a-z of `word`."""
        edge = int(self._choices[EDGE][0])
        chains = np.array([sum(edge * self.base**place for place in range(ORDER - 1))])
        so_far = np.zeros(1)
        taken: list[list[int]] = [[]]
        for letter in (*word, EDGE):
            pairs = self._choices[letter]
            totals = (so_far[:, None] + self.costs(chains, pairs)).ravel()
            after = ((chains[:, None] * self.base + pairs) % self.base ** (ORDER - 1)).ravel()
            best = np.argsort(totals, kind="stable")
            # Of several ways to the same chain only the likeliest goes on.
            _, first = np.unique(after[best], return_index=True)
            best = best[np.sort(first)[:BEAM]]
            taken = [[*taken[place // len(pairs)], int(pairs[place % len(pairs)])] for place in best]
            chains, so_far = after[best], totals[best]
        return [phone for pair in taken[0] for phone in self.pairs[pair][1].split()]


def pack(model: Model) -> bytes:
    """The model as one compressed file: a line of JSON, then sorted chains as differences, and their counts."""
    header = {"pairs": model.pairs, "sizes": [len(counts.keys) for counts in model.chains]}
    parts = [json.dumps(header, separators=(",", ":")).encode() + b"\n"]
    for counts in model.chains:
        numbers = counts.numbers.clip(max=65535).astype("<u2")
        steps = np.diff(counts.keys.astype("<i8"), prepend=0).view(np.uint8).reshape(-1, 8)
        # Bytes of equal weight stand together, which compresses better.
        planes = (steps.T, numbers.view(np.uint8).reshape(-1, 2).T)
        parts += [np.ascontiguousarray(plane).tobytes() for plane in planes]
    return lzma.compress(b"".join(parts), preset=9)


def unpack(packed: bytes) -> Model:
    """The model of a packed file."""
    header, _, body = lzma.decompress(packed).partition(b"\n")
    description = json.loads(header)
    chains: list[Counts] = []
    offset = 0
    for size in description["sizes"]:
        steps = np.frombuffer(body, np.uint8, 8 * size, offset).reshape(8, size).T
        numbers = np.frombuffer(body, np.uint8, 2 * size, offset + 8 * size).reshape(2, size).T
        keys = np.cumsum(np.ascontiguousarray(steps).view("<i8").ravel())
        chains.append(Counts(keys, np.ascontiguousarray(numbers).view("<u2").ravel()))
        offset += 10 * size
    return Model([(letter, phones) for letter, phones in description["pairs"]], chains)


@cache
def _model() -> Model:
    return unpack(files("gsv.text").joinpath("data", "spelling.xz").read_bytes())


def spell_out(word: str) -> list[str]:
    """Phones of a word of the letters a-z. Never empty for a word with a letter."""
    return _model().phones(word) or ["AH0"]
