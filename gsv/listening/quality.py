"""How well a clip sounds, as the DNSMOS networks of the optional package speechmos judge it.

Knows: waves in, scores from 1 to 5 out. Does not know text or speakers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gsv.audio import resample
from gsv.errors import DataError, import_optional

RATE = 16_000
INSTALL = 'pip install ".[quality]"'


@dataclass(frozen=True)
class Quality:
    """DNSMOS scores, 1 (bad) to 5: the whole, the speech in it, the background, and the older P.808 model."""

    overall: float
    speech: float
    background: float
    p808: float


class QualityScorer:
    """The networks, loaded at the first clip; raises DependencyError where the package is missing."""

    def __init__(self) -> None:
        self._package: Any = import_optional("speechmos.dnsmos", INSTALL)

    def score(self, samples: np.ndarray, rate: int) -> Quality:
        """Scores of a clip `samples` `[T]` at `rate` Hz; DataError for silence, which has no quality."""
        wave = resample(samples, rate, RATE)
        # Nothing to hear would be repeated without an end inside the package.
        if not wave.any():
            raise DataError("A silent clip has no quality to score")
        found = self._package.run(wave / max(1.0, float(np.abs(wave).max())), RATE)
        return Quality(*(float(found[key]) for key in ("ovrl_mos", "sig_mos", "bak_mos", "p808_mos")))
