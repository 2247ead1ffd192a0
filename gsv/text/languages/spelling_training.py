"""How the letter-to-sound counts of `spelling.py` were made from the CMU Pronouncing Dictionary.

`python -m gsv.text.languages.spelling_training cmudict.dict FOLDER` writes `cmudict.txt.xz` (first pronunciations)
and `spelling.xz` (chains of letters with phones); without arguments it measures: trained on 19 of 20 words of the
dictionary that ships, of the 5801 others 40.2 % get a phone wrong, 10.8 % of their phones. (The table of letters in
their context that stood here before had 58 % and 15 %.) Deterministic.
"""

from __future__ import annotations

import lzma
import math
import sys
import zlib
from collections import Counter
from importlib.resources import files
from pathlib import Path

import numpy as np

from gsv.text.languages.spelling import EDGE, ORDER, Counts, Model, pack

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


def count_chains(alignments: list[Alignment]) -> Model:
    """Chains of pairs with their counts. Words with a pair that is almost unique teach nothing."""
    seen = Counter(pair for pairs in alignments for pair in pairs)
    names = [(EDGE, ""), *sorted(pair for pair, count in seen.items() if count > 2)]
    numbers = {pair: number for number, pair in enumerate(names)}
    base = len(names)
    chains: list[Counter[int]] = [Counter() for _ in range(ORDER)]
    for pairs in alignments:
        if any(pair not in numbers for pair in pairs):
            continue
        row = [0] * (ORDER - 1) + [numbers[pair] for pair in pairs] + [0]
        for end in range(ORDER - 1, len(row)):
            for order in range(ORDER):
                chain = 0
                for number in row[end - order : end + 1]:
                    chain = chain * base + number
                chains[order][chain] += 1
    return Model(names, [_sorted(counts) for counts in chains])


def _sorted(counts: Counter[int]) -> Counts:
    keys = np.array(sorted(counts), dtype=np.int64)
    return Counts(keys, np.array([counts[int(key)] for key in keys], dtype=np.int64))


def write_tables(dictionary: Path, folder: Path) -> None:
    """Write both data files into `folder`."""
    words = read_dictionary(dictionary)
    listing = "\n".join(f"{word} {phones}" for word, phones in words.items())
    (folder / "cmudict.txt.xz").write_bytes(lzma.compress(listing.encode(), preset=9))
    (folder / "spelling.xz").write_bytes(pack(count_chains(train(words))))


def edits(first: list[str], second: list[str]) -> int:
    """Fewest phones to change, add or take away."""
    row = list(range(len(second) + 1))
    for number, one in enumerate(first, 1):
        corner, row[0] = row[0], number
        for place, other in enumerate(second, 1):
            corner, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, corner + (one != other))
    return row[-1]


def measure(words: dict[str, str]) -> tuple[int, float, float]:
    """Words held out, the share of them with an error, and the errors over their phones."""
    held = {word: phones for word, phones in words.items() if zlib.crc32(word.encode()) % 20 == 0}
    model = count_chains(train({word: phones for word, phones in words.items() if word not in held}))
    found = [edits(phones.split(), model.phones(word)) for word, phones in held.items()]
    total = sum(len(phones.split()) for phones in held.values())
    return len(held), sum(map(bool, found)) / len(held), sum(found) / total


def _shipped() -> dict[str, str]:
    packed = files("gsv.text").joinpath("data", "cmudict.txt.xz").read_bytes()
    pairs = (line.split(" ", 1) for line in lzma.decompress(packed).decode().split("\n"))
    return {word: phones for word, phones in pairs if word.isascii() and word.isalpha()}


if __name__ == "__main__":
    if len(sys.argv) == 3:
        write_tables(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        count, wrong, phone_errors = measure(_shipped())
        sys.stdout.write(f"{count} words held out: {wrong:.1%} wrong, {phone_errors:.1%} of their phones\n")
