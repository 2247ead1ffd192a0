"""DNSMOS puts clean speech above noise; silence is refused."""

from __future__ import annotations

import numpy as np
import pytest

from gsv.errors import DataError
from gsv.listening.quality import QualityScorer


def test_scores_and_silence() -> None:
    pytest.importorskip("speechmos.dnsmos", reason="the extra 'quality' is not installed")
    scorer = QualityScorer()
    noise = np.random.default_rng(0).normal(0, 0.5, 40_000).astype(np.float32)
    assert 1 <= scorer.score(noise, 20_000).overall < 2.5
    with pytest.raises(DataError):
        scorer.score(np.zeros(16_000, np.float32), 16_000)
