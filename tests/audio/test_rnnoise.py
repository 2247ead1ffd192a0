"""RNNoise: nothing comes late, nothing is lost, blocks do not show, and its absence is named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsv.audio.rnnoise import RATE, RnNoise
from gsv.errors import DependencyError
from tests.audio.scenes import delay, mixed, si_sdr, speech


def cleaned(wave: np.ndarray, block: int = 48_000) -> np.ndarray:
    pieces = [wave[start : start + block] for start in range(0, len(wave), block)]
    return np.concatenate([np.zeros(0, np.float32), *RnNoise().stream(pieces)])


def test_noise_goes_and_the_voice_stays_in_its_place() -> None:
    voice = speech(RATE, clips=1)
    noisy = mixed(voice, np.random.default_rng(0).normal(size=len(voice)), 5.0)
    found = cleaned(noisy)
    assert len(found) == len(voice) and abs(delay(found, voice)) <= RATE // 1000
    assert si_sdr(found, voice) > si_sdr(noisy, voice) + 4
    pause = slice(RATE // 10, RATE // 2)
    assert np.std(found[pause]) < 0.05 * np.std(noisy[pause])


@settings(max_examples=15)
@given(st.integers(0, 5000), st.integers(1, 2000))
def test_any_blocks_give_the_same(length: int, block: int) -> None:
    wave = np.random.default_rng(1).normal(0, 0.05, length).astype(np.float32)
    assert np.array_equal(cleaned(wave, block), cleaned(wave)) and len(cleaned(wave)) == length


def test_without_the_library_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gsv.audio.rnnoise.find_spec", lambda name: None)
    with pytest.raises(DependencyError, match="pip install"):
        RnNoise()
