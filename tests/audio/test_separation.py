"""The built-in separation: what it gains, that blocks do not show in it, and that it needs little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsv.audio.separation import voice_of, voice_stream
from tests.audio.scenes import mixed, music, si_sdr, speech

RATE = 16_000


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_speech_over_music_gains_three_decibels(seed: int) -> None:
    voice = speech(RATE, first=2 * seed)
    mixture = mixed(voice, music(RATE, len(voice), seed, tempo=96 + 12 * seed), 0.0)
    found = voice_of(mixture, RATE)
    assert len(found) == len(mixture)
    assert si_sdr(found, voice) - si_sdr(mixture, voice) >= 3.0


def test_speech_alone_is_kept() -> None:
    voice = speech(RATE)
    assert si_sdr(voice_of(voice, RATE), voice) > 8.0


@settings(max_examples=12)
@given(st.integers(0, 60_000), st.integers(700, 30_000), st.integers(0, 99))
def test_blocks_give_what_the_whole_gives(length: int, block: int, seed: int) -> None:
    wave = np.random.default_rng(seed).normal(0, 0.1, length).astype(np.float32)
    pieces = [wave[start : start + block] for start in range(0, length, block)]
    parts = [np.zeros(0, np.float32), *voice_stream(pieces, 2000)]
    assert np.array_equal(np.concatenate(parts), voice_of(wave, 2000))
    assert sum(map(len, parts)) == length


def test_the_context_is_wide_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    wave = np.random.default_rng(0).normal(0, 0.1, 50_000).astype(np.float32)
    found = voice_of(wave, 2000)
    monkeypatch.setattr("gsv.audio.separation._BLOCK_SECONDS", 60.0)
    assert np.abs(voice_of(wave, 2000) - found).max() < 1e-6, "as if it were done in one piece"


def test_silence_stays_silent() -> None:
    assert not voice_of(np.zeros(9000, np.float32), 8000).any()


def test_memory_does_not_grow_with_the_recording() -> None:
    def recording(blocks: int) -> Iterator[np.ndarray]:
        generator = np.random.default_rng(0)
        for _ in range(blocks):
            yield generator.normal(0, 0.1, 8192).astype(np.float32)

    peaks = []
    for blocks in (4, 16):
        tracemalloc.start()
        assert sum(len(part) for part in voice_stream(recording(blocks), 1000)) == blocks * 8192
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
