"""Figures of a clip against signals whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsv.audio import resample
from gsv.audio.measures import SILENT_DB, bandwidth, measure, sound_span

RATE = 24_000


def speech(seconds: float = 3.0, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """Something with the ups and downs of speech: noise in bursts, with pauses, within ±0.5."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    envelope = np.clip(np.sin(2 * np.pi * 2.0 * time), 0, None) ** 2
    wave = random.standard_normal(len(time)) * envelope
    return (0.5 * wave / np.abs(wave).max()).astype(np.float32)


def voice(seconds: float = 3.0) -> np.ndarray:
    """A hum of 150 Hz with its harmonics, in bursts, within ±0.5."""
    time = np.arange(round(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * 150 * n * time) / n**1.5 for n in range(1, 20))
    wave = wave * np.clip(np.sin(2 * np.pi * 2.0 * time), 0, None) ** 2
    return (0.5 * wave / np.abs(wave).max()).astype(np.float32)


def test_silences_are_where_they_were_put() -> None:
    quiet = np.zeros(RATE, np.float32)
    tone = (0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)
    found = measure(np.concatenate([quiet, tone, quiet, quiet, tone, quiet[: RATE // 2]]), RATE)
    assert found.before == pytest.approx(1.0, abs=0.02)
    assert found.inner == pytest.approx(2.0, abs=0.02)
    assert found.after == pytest.approx(0.5, abs=0.02)
    assert found.silent_share == pytest.approx(3.5 / 5.5, abs=0.02)
    assert found.seconds == pytest.approx(5.5)


def test_sound_span_holds_the_sound() -> None:
    wave = np.concatenate([np.zeros(RATE), speech(1.0), np.zeros(RATE)]).astype(np.float32)
    first, end = sound_span(wave, RATE)
    assert RATE * 0.9 < first < RATE * 1.2 and RATE * 1.7 < end < RATE * 1.8
    assert sound_span(np.zeros(RATE, np.float32), RATE) == (0, 0)


@pytest.mark.parametrize("decibels", [5.0, 15.0, 30.0])
def test_noise_is_measured(decibels: float) -> None:
    clean = speech()
    level = measure(clean, RATE).level_db
    noise = np.random.default_rng(1).standard_normal(len(clean)) * 10 ** ((level - decibels) / 20)
    assert measure(clean + noise, RATE).snr_db == pytest.approx(decibels, abs=3)


def test_digital_silence_does_not_hide_noise() -> None:
    noisy = speech() + 0.02 * np.random.default_rng(1).standard_normal(3 * RATE).astype(np.float32)
    padded = np.concatenate([np.zeros(2 * RATE, np.float32), noisy])
    assert measure(padded, RATE).snr_db == pytest.approx(measure(noisy, RATE).snr_db, abs=0.5)


def test_overdrive_is_told_from_loud_speech() -> None:
    loud, driven = voice() * 2, np.clip(voice() * 6, -1, 1)
    assert measure(loud, RATE).clipped < 3e-4
    assert measure(driven, RATE).clipped > 0.01
    # What was cut off stays cut off when it is made quieter.
    assert measure(driven * 0.4, RATE).clipped == pytest.approx(measure(driven, RATE).clipped, rel=0.01)


@pytest.mark.parametrize("low", [8_000, 16_000])
def test_bandwidth_tells_what_was_raised(low: int) -> None:
    wave = speech()
    raised = resample(resample(wave, RATE, low), low, RATE)
    assert bandwidth(wave, RATE) > 11_000
    assert bandwidth(raised, RATE) == pytest.approx(low / 2, rel=0.08)


@pytest.mark.parametrize("wave", [np.zeros(0), np.zeros(5), np.zeros(RATE), np.full(RATE, 1e-6)])
def test_nothing_to_hear_is_silence(wave: np.ndarray) -> None:
    found = measure(wave, RATE)
    assert found.silent and found.level_db == SILENT_DB and found.bandwidth == 0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-4, 4, width=32), max_size=3000),
    st.sampled_from([1_000, 8_000, 44_100]),
)
def test_any_wave_has_finite_figures(samples: list[float], rate: int) -> None:
    found = measure(np.array(samples, np.float32), rate)
    for name, value in vars(found).items():
        assert np.isfinite(value), name
    assert 0 <= found.silent_share <= 1 and 0 <= found.snr_db <= 80
    assert found.before + found.inner + found.after <= found.seconds + 0.021
