"""Speaker vectors: a published file is read strictly, and a clip becomes one vector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gsv.errors import GsvError, InputError
from gsv.features.speaker import SpeakerExtractor
from gsv.models.speaker import SpeakerNetwork

CPU = torch.device("cpu")


def test_a_clip_becomes_one_vector() -> None:
    torch.manual_seed(0)
    extractor = SpeakerExtractor(SpeakerNetwork(8), CPU)
    noise = np.random.default_rng(0).normal(size=32000).astype(np.float32) * 0.1
    vector = extractor.vector(noise, 32000)
    assert vector.shape == (1, extractor.dimension) and vector.dtype == torch.float32
    assert torch.equal(vector, extractor.vector(noise, 32000))
    assert not torch.allclose(vector, extractor.vector(noise[::-1].copy(), 32000))
    with pytest.raises(InputError):
        extractor.vector(noise[:100], 32000)


def test_only_the_published_network_is_loaded(tmp_path: Path) -> None:
    torch.save(SpeakerNetwork(8).state_dict(), tmp_path / "small.ckpt")
    with pytest.raises(GsvError):
        SpeakerExtractor.load(tmp_path / "small.ckpt", CPU)
