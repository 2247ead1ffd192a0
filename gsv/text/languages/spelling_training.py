"""How the letter-to-sound table of `spelling.py` was made from the CMU Pronouncing Dictionary.

`python -m gsv.text.languages.spelling_training cmudict.dict FOLDER` writes `cmudict.txt.xz` (first pronunciations)
and `spelling.txt.xz` (letters in context to phones). Deterministic; needs nothing outside the standard library.
"""

from __future__ import annotations

import lzma
import math
from collections import Counter, defaultdict
from pathlib import Path

from gsv.text.languages.spelling import CONTEXTS, context_key

Alignment = list[tuple[str, str]]  # per letter: the letter and its phones, joined by spaces ("" where silent)
LONGEST_CHUNK = 2


def read_dictionary(path: Path) -> dict[str, str]:
    """Word to its first pronunciation, phones joined by spaces."""
    words: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = line.split("#")[0].strip()
        if not entry:
            continue
        word, phones = entry.split(" ", 1)
        if not word.endswith(")"):
            words.setdefault(word, phones)
    return words


def align(
    word: str, phones: list[str], cost: dict[tuple[str, str], float], unseen: float
) -> Alignment | None:
    """Cheapest split of `phones` over the letters of `word`, or None where no split exists."""
    best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]
    for letter in word:
        reached: dict[int, tuple[float, int]] = {}
        for start, (so_far, _) in best[-1].items():
            for length in range(LONGEST_CHUNK + 1):
                end = start + length
                if end > len(phones):
                    break
                total = so_far + cost.get((letter, " ".join(phones[start:end])), unseen + length)
                if end not in reached or total < reached[end][0]:
                    reached[end] = (total, start)
        best.append(reached)
    if len(phones) not in best[-1]:
        return None
    pairs: Alignment = []
    end = len(phones)
    for position in range(len(word), 0, -1):
        start = best[position][end][1]
        pairs.append((word[position - 1], " ".join(phones[start:end])))
        end = start
    return pairs[::-1]


def _costs(counts: Counter[tuple[str, str]]) -> dict[tuple[str, str], float]:
    totals: Counter[str] = Counter()
    for (letter, _), count in counts.items():
        totals[letter] += count
    return {key: -math.log(count / totals[key[0]]) for key, count in counts.items()}


def _first_counts(entries: list[tuple[str, list[str]]]) -> Counter[tuple[str, str]]:
    """Counts from a diagonal guess: each letter may own the phones near its own share of the word."""
    counts: Counter[tuple[str, str]] = Counter()
    for word, phones in entries:
        for position, letter in enumerate(word):
            centre = position * len(phones) // len(word)
            for near in range(max(0, centre - 1), min(len(phones), centre + 2)):
                counts[(letter, phones[near])] += 1
            counts[(letter, "")] += 1
    return counts


def train(words: dict[str, str], rounds: int = 6) -> list[Alignment]:
    """Alignments of every plain word, after a few rounds of hard expectation and maximisation."""
    entries = [(word, phones.split()) for word, phones in words.items() if word.isalpha() and word.isascii()]
    entries = [entry for entry in entries if len(entry[0]) > 2]
    cost = _costs(_first_counts(entries[::4]))
    for _ in range(rounds):
        counts: Counter[tuple[str, str]] = Counter()
        for word, phones in entries[::4]:
            counts.update(align(word, phones, cost, 9.0) or [])
        cost = _costs(counts)
    aligned = (align(word, phones, cost, 9.0) for word, phones in entries)
    return [pairs for pairs in aligned if pairs]


def context_table(alignments: list[Alignment], least: int = 2) -> dict[str, str]:
    """For each context that changes the answer of the next smaller one: its most frequent phones."""
    table: dict[str, str] = {}
    previous: dict[int, list[str]] = {}
    for level in range(len(CONTEXTS)):
        tallies: dict[str, Counter[str]] = defaultdict(Counter)
        for pairs in alignments:
            word = "".join(letter for letter, _ in pairs)
            for position, (_, chunk) in enumerate(pairs):
                tallies[context_key(word, position, level)][chunk] += 1
        chosen = {
            key: max(tally.items(), key=lambda pair: (pair[1], pair[0]))[0]
            for key, tally in tallies.items()
            if sum(tally.values()) >= least
        }
        for number, pairs in enumerate(alignments):
            word = "".join(letter for letter, _ in pairs)
            answers = previous.setdefault(number, ["?"] * len(word))
            for position in range(len(word)):
                key = context_key(word, position, level)
                answer = chosen.get(key)
                if answer is not None and answer != answers[position]:
                    table[key] = answer
                    answers[position] = answer
    return table


def write_tables(dictionary: Path, folder: Path) -> None:
    """Write both data files into `folder`."""
    words = read_dictionary(dictionary)
    table = context_table(train(words))
    listing = "\n".join(f"{word} {phones}" for word, phones in words.items())
    rules = "\n".join(f"{key}\t{phones}" for key, phones in sorted(table.items()))
    for name, text in (("cmudict.txt.xz", listing), ("spelling.txt.xz", rules)):
        (folder / name).write_bytes(lzma.compress(text.encode(), preset=9))


if __name__ == "__main__":
    import sys

    write_tables(Path(sys.argv[1]), Path(sys.argv[2]))
