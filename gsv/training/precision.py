"""Whether bfloat16 pays for small networks on this machine, found by trying it.

Knows devices and one product of the size that small networks multiply. Does not know networks or their losses.
"""

from __future__ import annotations

import time
from typing import Literal

import torch

Precision = Literal["auto", "float32", "bfloat16"]
_ROUNDS = 5


def autocasts(precision: Precision, device: torch.device) -> bool:
    """Whether to compute in bfloat16 under autocast: as asked for, or with "auto" where a product gains by it.

    A processor without such products computes them all the same, many times slower than in float32.
    """
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return _seconds(torch.bfloat16, device) < 0.8 * _seconds(torch.float32, device)


def _seconds(dtype: torch.dtype, device: torch.device) -> float:
    """Shortest time of a product as a feed-forward layer has it, from float32 inputs."""
    frames, weight = torch.ones(512, 256, device=device), torch.ones(256, 1024, device=device)
    times = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        float((frames.to(dtype) @ weight.to(dtype)).float()[0, 0])
        times.append(time.perf_counter() - start)
    return min(times)
