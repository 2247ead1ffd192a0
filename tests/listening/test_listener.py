"""The phone listener on a miniature encoder: shapes, alignment of a wave, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gsv.errors import DataError, WeightsError
from gsv.listening.listener import PhoneListener, phone_probe
from gsv.models.content import ContentEncoder, ContentSettings, tiny_hubert_config


def encoder(classes: int) -> ContentEncoder:
    torch.manual_seed(4)
    config = tiny_hubert_config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        conv_dim=(4, 4, 4, 4, 4, 4, 8), num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    return ContentEncoder(config, ContentSettings("miniature", 1, classes)).eval()


def tone(seconds: float) -> np.ndarray:
    time = np.arange(int(16000 * seconds)) / 16000
    return (0.3 * np.sin(2 * np.pi * 220 * time)).astype(np.float32)


def test_a_wave_is_read_and_aligned() -> None:
    listener = PhoneListener(encoder(733))
    scores = listener.log_probs(tone(1.0))
    assert scores.shape == (49, 733) and np.allclose(np.exp(scores).sum(axis=1), 1, atol=1e-4)
    aligned = listener.align(tone(1.0), ["HH", "AH0", "L", "OW1", "."])
    assert [phone.phone for phone in aligned] == ["HH", "AH0", "L", "OW1", "."]
    assert aligned[0].start >= 0 and aligned[-1].end <= 0.98 + 1e-6
    probe = phone_probe(listener, [(tone(0.5), ["a", "b"], "ja"), (tone(0.6), ["HH"], "en")])
    assert set(probe.rates) == {"en", "ja"} and probe.clips == 2 and probe.rate >= 0


def test_too_short_too_much_text_or_no_head_are_typed_errors() -> None:
    listener = PhoneListener(encoder(733))
    with pytest.raises(DataError, match="too short"):
        listener.log_probs(np.zeros(100, np.float32))
    with pytest.raises(DataError, match="longer"):
        listener.align(tone(0.2), ["a"] * 30)
    with pytest.raises(WeightsError, match="read phones"):
        PhoneListener(encoder(0))
    with pytest.raises(WeightsError, match="classes"):
        PhoneListener(encoder(50))
