"""Phone error rate of a content encoder on prepared arrays.

Knows greedy CTC reading and edit distance over symbol ids; tones and stress are left out of the count by
the symbol table's names. Knows no audio file; the rate over recordings is in `gsv/evaluation`.
"""

from __future__ import annotations

import re

import numpy as np
import torch

from gsv.models.content import SAMPLE_RATE, ContentEncoder
from gsv.text.symbols import table
from gsv.training.arrays import ArrayItem, PreparedArrays


def plain_symbols() -> list[int]:
    """For each symbol id of table v2, the id of a class without tone and stress (`ang4` and `ang1` are one)."""
    classes: dict[str, int] = {}
    return [classes.setdefault(re.sub(r"\d$", "", name), len(classes)) for name in table("v2").names]


def edit_distance(first: list[int], second: list[int]) -> int:
    """Fewest insertions, deletions and substitutions between two sequences (Levenshtein 1966)."""
    row = np.arange(len(second) + 1)
    other = np.asarray(second, dtype=np.int64)
    for position, value in enumerate(first, 1):
        change = np.minimum(row[:-1] + (other != value), row[1:] + 1)
        # Insertions run along the row: the least of cost - column so far, plus the column.
        slanted = np.concatenate([[position], change]) - np.arange(len(second) + 1)
        row = np.minimum.accumulate(slanted) + np.arange(len(second) + 1)
    return int(row[-1])


def greedy_phones(logits: torch.Tensor) -> list[int]:
    """Symbol ids read from logits `[F, classes]`: best class a frame, repeats joined, blanks (last class) dropped."""
    best = torch.unique_consecutive(logits.argmax(-1))
    return [int(value) for value in best if int(value) != logits.shape[-1] - 1]


def phone_error_rates(encoder: ContentEncoder, arrays: PreparedArrays, items: list[ArrayItem]) -> float:
    """Edits over phones of all `items` together; 0.1 is one error in ten phones."""
    plain = plain_symbols()
    errors = total = 0
    device = next(encoder.parameters()).device
    for item in items:
        wave = torch.from_numpy(arrays.wave(item, SAMPLE_RATE)).to(device)
        read = [plain[i] for i in greedy_phones(encoder.phone_logits(wave[None])[0])]
        wanted = [plain[i] for i in item.spoken]
        errors += edit_distance(wanted, read)
        total += len(wanted)
    return errors / max(1, total)
