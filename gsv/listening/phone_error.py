"""How well phones were heard: edits between what was expected and what was found.

Knows phone names and their tones. Does not know audio.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from gsv.listening.alignment import SILENT


def edit_distance(expected: Sequence[Hashable], found: Sequence[Hashable]) -> int:
    """Fewest insertions, deletions and substitutions that turn one sequence into the other."""
    numbers: dict[Hashable, int] = {}
    first = [numbers.setdefault(value, len(numbers)) for value in expected]
    second = np.array([numbers.setdefault(value, len(numbers)) for value in found], dtype=np.int64)
    ramp = np.arange(len(second) + 1)
    row = ramp.copy()
    for token in first:
        above = row + 1
        above[1:] = np.minimum(above[1:], row[:-1] + (second != token))
        # What is left are insertions, which run along the row and cost one a step.
        row = np.minimum.accumulate(above - ramp) + ramp
    return int(row[-1])


def plain_phone(phone: str) -> str:
    """A phone without tone and stress: `ang4` and `ang1` are one, as are `AH0` and `AH1`."""
    return phone[:-1] if len(phone) > 1 and phone[-1].isdigit() else phone


def phone_edits(
    expected: Iterable[str], found: Iterable[str], *, ignore_tone: bool = True
) -> tuple[int, int]:
    """Edits, and the number of expected phones; symbols that are never heard do not count."""
    kept = [
        [plain_phone(phone) if ignore_tone else phone for phone in phones if phone not in SILENT]
        for phones in (expected, found)
    ]
    return edit_distance(kept[0], kept[1]), len(kept[0])


def phone_error_rate(expected: Iterable[str], found: Iterable[str], *, ignore_tone: bool = True) -> float:
    """Edits over expected phones; 0.1 is one error in ten. With nothing expected: 0 if nothing was found, else 1."""
    found = list(found)
    edits, total = phone_edits(expected, found, ignore_tone=ignore_tone)
    return edits / total if total else float(edits > 0)
