"""The second judge of voices: statistics that follow pitch and timbre, and discriminants that tell voices apart."""

from __future__ import annotations

import numpy as np
import pytest

from gsv.errors import DataError
from gsv.listening.voice_statistics import VoiceStatistics, voice_numbers

RATE = 16_000


def voice(number: int, take: int, seconds: float = 2.0, rate: int = RATE) -> np.ndarray:
    """A buzz with two formants of a speaker's own, wandering vowels, and a little noise."""
    own = np.random.default_rng(number)
    pitch, formants = 90 + 160 * own.random(), 500 + 1500 * own.random(2)
    draw = np.random.default_rng(1000 * number + take)
    time = np.arange(round(seconds * rate)) / rate
    harmonics = np.arange(1, int(6000 / pitch))
    shift = 1 + 0.1 * draw.normal()
    loud = sum(1 / (1 + ((harmonics * pitch - formant * shift) / 200) ** 2) for formant in formants) + 0.01
    wave = sum(
        gain * np.sin(2 * np.pi * pitch * n * time + draw.random())
        for n, gain in zip(harmonics, loud, strict=True)
    )
    return (0.05 * wave + 0.001 * draw.normal(size=len(time))).astype(np.float32)


def test_clips_of_one_voice_are_alike_and_unheard_voices_are_told_apart() -> None:
    examples = [(voice_numbers(voice(v, t), RATE), str(v)) for v in range(30) for t in range(3)]
    judge = VoiceStatistics.fit(examples)
    vectors = {v: [judge.embed(voice(v, t), RATE) for t in (10, 11)] for v in range(50, 56)}
    same = [float(a @ b) for a, b in vectors.values()]
    other = [float(vectors[v][0] @ vectors[w][1]) for v in vectors for w in vectors if v != w]
    assert min(same) > 0.6 and np.mean(same) > np.mean(other) + 0.4
    assert all(np.linalg.norm(vector) == pytest.approx(1, abs=1e-5) for vector, _ in vectors.values())


def test_the_pitch_is_in_the_numbers_and_the_rate_is_not() -> None:
    low, high = (voice_numbers(voice(3, 1), RATE)[-2], voice_numbers(voice(3, 1)[::2], RATE)[-2])
    assert high - low == pytest.approx(1, abs=0.05)  # twice as fast is an octave up
    wide = voice_numbers(voice(3, 1, rate=32_000), 32_000)
    assert np.abs(wide - voice_numbers(voice(3, 1), RATE))[-2] < 0.05


def test_what_cannot_be_judged_is_an_error() -> None:
    for wave, reason in ((np.zeros(RATE, np.float32), "quiet"), (voice(1, 1, 0.2), "short")):
        with pytest.raises(DataError, match=reason):
            voice_numbers(wave, RATE)
    with pytest.raises(DataError, match="two clips"):
        VoiceStatistics.fit(
            [(voice_numbers(voice(1, 1), RATE), "a"), (voice_numbers(voice(2, 1), RATE), "b")]
        )
