"""Phone error rate of a content encoder on prepared arrays.

Knows greedy CTC reading over symbol ids; tones and stress are left out of the count. Knows no audio file:
the rate over recordings is in `gsv/evaluation`.
"""

from __future__ import annotations

import torch

from gsv.listening.alignment import greedy_ids
from gsv.listening.phone_error import edit_distance, plain_phone
from gsv.models.content import SAMPLE_RATE, ContentEncoder
from gsv.text.symbols import table
from gsv.training.arrays import ArrayItem, PreparedArrays


def plain_symbols() -> list[str]:
    """For each symbol id of table v2, its name without tone and stress (`ang4` and `ang1` are one)."""
    return [plain_phone(name) for name in table("v2").names]


def phone_edits(logits: torch.Tensor, spoken: list[int], plain: list[str]) -> int:
    """Edits between what logits `[F, classes]` (blank last) read greedily and the ids of what was said."""
    read = greedy_ids(logits.float().numpy(), logits.shape[-1] - 1)
    return edit_distance([plain[i] for i in spoken], [plain[i] for i in read])


def phone_error_rates(encoder: ContentEncoder, arrays: PreparedArrays, items: list[ArrayItem]) -> float:
    """Edits over phones of all `items` together; 0.1 is one error in ten phones."""
    plain = plain_symbols()
    errors = total = 0
    device = next(encoder.parameters()).device
    for item in items:
        wave = torch.from_numpy(arrays.wave(item, SAMPLE_RATE)).to(device)
        errors += phone_edits(encoder.phone_logits(wave[None])[0].cpu(), item.spoken, plain)
        total += len(item.spoken)
    return errors / max(1, total)
