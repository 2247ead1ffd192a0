"""The speaker network against what the package that published it computes, and its edges."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gsv.errors import DataError, InputError, WeightsError
from gsv.listening.similarity import RATE, SpeakerEncoder, prepare, similarity

RECORDED = Path(__file__).parent / "speaker_vectors.json"


def voice(pitch: float, seconds: float = 2.4) -> np.ndarray:
    """A buzz with slow vibrato and a fixed tilt: nothing is random, so its vector could be recorded."""
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * pitch * (time + 0.01 * np.sin(2 * np.pi * 3 * time))
    wave = sum(np.sin(phase * harmonic) / harmonic for harmonic in range(1, 20))
    return (0.1 * wave * (1 + 0.5 * np.sin(2 * np.pi * 4 * time))).astype(np.float32)


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    return SpeakerEncoder.load()


@pytest.mark.parametrize("pitch", [110.0, 220.0])
def test_recorded_vectors_of_the_package(encoder: SpeakerEncoder, pitch: float) -> None:
    expected = np.array(json.loads(RECORDED.read_text())[str(pitch)], dtype=np.float32)
    ours = encoder.embed_prepared(torch.from_numpy(voice(pitch))).numpy()
    # The shipped weights are rounded to half precision.
    assert np.abs(ours - expected).max() < 1e-3


def test_the_package_itself(encoder: SpeakerEncoder) -> None:
    package = pytest.importorskip("resemblyzer", reason="the package resemblyzer is not installed")
    theirs = package.VoiceEncoder("cpu", verbose=False)
    for seconds in (0.7, 1.6, 2.5, 5.0):
        wave = voice(150, seconds)
        ours = encoder.embed_prepared(torch.from_numpy(wave)).numpy()
        assert np.abs(ours - theirs.embed_utterance(wave)).max() < 1e-3


def test_vectors_are_units_and_the_same_for_other_levels_and_pauses(encoder: SpeakerEncoder) -> None:
    first = encoder.embed(voice(110), RATE)
    assert abs(np.linalg.norm(first) - 1) < 1e-5 and first.shape == (256,)
    quiet = encoder.embed(0.001 * voice(110), RATE)
    paused = encoder.embed(np.concatenate([voice(110), np.zeros(3 * RATE, np.float32)]), RATE)
    assert similarity(quiet, encoder.embed(0.01 * voice(110), RATE)) > 0.999
    assert similarity(first, paused) > 0.9 > similarity(first, encoder.embed(voice(300), RATE))


def test_nothing_to_compare_is_a_typed_error(encoder: SpeakerEncoder) -> None:
    for wave in (np.zeros(RATE), np.zeros(0), np.full(RATE, np.nan), voice(100, 0.1)):
        with pytest.raises(DataError):
            encoder.embed(wave.astype(np.float32), RATE)


def test_pauses_are_cut() -> None:
    wave = np.concatenate([voice(110, 1), np.zeros(5 * RATE, np.float32), voice(110, 1)])
    assert 2 * RATE <= len(prepare(wave)) < 3 * RATE


def test_wrong_weights(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        SpeakerEncoder.load(tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    with pytest.raises(WeightsError):
        SpeakerEncoder.load(tmp_path / "bad.safetensors")
