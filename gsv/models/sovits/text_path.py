"""Which phone each frame says, found from where the frames look at the phones.

Knows attention weights. Does not know phones, codes or networks.
"""

from __future__ import annotations

import torch
from torch import Tensor

LONGEST_JUMP = 4
"""Places that a path may go on by from one frame to the next: phones that are not heard have no frame of their own."""

_FLOOR = 1e-6


def text_path(attention: Tensor) -> Tensor:
    """The likeliest places `[T]` that never go back, of the attention `[T, N]` of frames on phones.

    A path begins among the first places and ends among the last, so that the whole text is said.
    """
    scores = attention.float().clamp(min=_FLOOR).log().cpu()
    frames, places = scores.shape
    best = torch.full((places,), -torch.inf)
    best[:LONGEST_JUMP] = scores[0, :LONGEST_JUMP]
    steps = torch.zeros((frames, places), dtype=torch.long)
    reach = range(LONGEST_JUMP + 1)
    for frame in range(1, frames):
        padded = torch.cat([torch.full((LONGEST_JUMP,), -torch.inf), best])
        before = torch.stack([padded[LONGEST_JUMP - jump : LONGEST_JUMP - jump + places] for jump in reach])
        best, steps[frame] = before.max(dim=0)
        best = best + scores[frame]
    ends = best[-LONGEST_JUMP:]
    # With more phones than the frames can reach there is no such end.
    place = (
        int(ends.argmax()) + max(places - LONGEST_JUMP, 0) if ends.max() > -torch.inf else int(best.argmax())
    )
    path = torch.empty(frames, dtype=torch.long)
    for frame in range(frames - 1, -1, -1):
        path[frame] = place
        place -= int(steps[frame, place])
    return path.to(attention.device)
