"""What the semantic decoder is taught: the next code, the phone it belongs to, and to prefer whole sentences.

Knows logits, attention and lengths. Does not know networks, optimisers or items. Padding never counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def targets_of(codes: Tensor, lengths: Tensor, end: int) -> tuple[Tensor, Tensor]:
    """What each position has to predict, `[B, M + 1]`, and which positions count.

    Behind an item's last code the end is due, once; the rest is padding (filled with `end`).
    """
    places = torch.arange(codes.shape[1] + 1, device=codes.device)
    targets = F.pad(codes, (0, 1), value=end)
    targets = torch.where(places < lengths.unsqueeze(1), targets, end)
    return targets, places <= lengths.unsqueeze(1)


def token_losses(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of logits `[B, T, V]` at each position, `[B, T]`."""
    return F.cross_entropy(
        logits.float().flatten(0, 1), targets.flatten(), reduction="none", label_smoothing=smoothing
    ).view(targets.shape)


def top_hits(
    logits: Tensor, targets: Tensor, valid: Tensor, end: int, count: int = 3
) -> tuple[Tensor, Tensor]:
    """How many codes (ends are left out) are among the `count` likeliest, and how many there are."""
    counted = valid & (targets != end)
    hit = (logits.topk(count, dim=-1).indices == targets.unsqueeze(-1)).any(-1)
    return (hit & counted).sum(), counted.sum()


def alignment_terms(
    attention: Sequence[Tensor], phone_of_code: Tensor, lengths: Tensor, reach: int = 1
) -> tuple[Tensor, Tensor]:
    """Sum over heads and codes of -log of the attention near the phone that is due, and how many terms it has.

    `attention`: `[B, M, N]` of each head, row t while code t + 1 is predicted. `phone_of_code`: `[B, M]`, the
    phone's place for each code, negative where it is not known. Near means at most `reach` places away.
    """
    due = F.pad(phone_of_code[:, 1:], (0, 1), value=-1)
    places = torch.arange(due.shape[1], device=due.device)
    # The last code of an item predicts the end, which has no phone.
    known = (due >= 0) & (places < lengths.unsqueeze(1) - 1)
    phones = torch.arange(attention[0].shape[2], device=due.device)
    near = (phones - due.unsqueeze(-1)).abs() <= reach
    total = attention[0].new_zeros(())
    for head in attention:
        total = total - ((head * near).sum(-1) + 1e-6).log()[known].sum()
    return total, known.sum() * len(attention)


def sequence_scores(logits: Tensor, targets: Tensor, valid: Tensor) -> Tensor:
    """Log-probability of each whole sequence, `[B]`."""
    return -(token_losses(logits, targets) * valid).sum(-1)


def preference_loss(chosen: Tensor, rejected: Tensor, beta: float) -> Tensor:
    """Mean over items of the reference-free preference loss of log-probabilities `[B]`."""
    return -F.logsigmoid(beta * (chosen - rejected)).mean()
