"""The level rule of the data preparation: half the clip as it is, half of it at full level.

Knows: peaks of float waves. Does not know files or rates.
"""

from __future__ import annotations

import numpy as np

from gsv.errors import DataError

LOUDEST_PEAK = 2.2
"""A float clip above this peak was not written on a scale of one and is refused."""

_FULL_LEVEL = 0.95
_SHARE = 0.5


def mix_level(samples: np.ndarray) -> np.ndarray:
    """Level `samples` `[T]` (float32, full scale 1) as the published preparation does; same shape, float32.

    `0.475 x / peak + 0.5 x`. The published code wraps around where the result passes full scale; here the
    clip is scaled down to a peak of one. Silence comes back as it is. Raises DataError on a value that is
    not a number and on a peak above 2.2.
    """
    peak = float(np.abs(samples).max(initial=0.0))
    if not np.isfinite(peak):
        raise DataError("The clip holds values that are not numbers", "", "Export the clip again.")
    if peak > LOUDEST_PEAK:
        raise DataError(
            f"The clip has a peak of {peak:.1f} times full scale",
            "its samples are probably not scaled to one",
            "Export it as 16-bit audio.",
        )
    if peak < float(np.finfo(np.float32).tiny):
        return samples.astype(np.float32, copy=True)
    gain = _SHARE * _FULL_LEVEL / peak + _SHARE
    return (samples * min(gain, 1.0 / peak)).astype(np.float32)
