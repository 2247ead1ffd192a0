"""The checks of a spoken sentence: each finds its fault and leaves sound speech alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from gsv.listening.listener import PhoneListener
from gsv.listening.recognition import Recognition
from gsv.synthesis.assembly import faded, levelled, speech_level, tamed, trimmed
from gsv.synthesis.checking import (
    check_ending,
    check_numbers,
    check_phones,
    check_recognised,
    check_repeats,
    check_times,
    failed,
    hear,
    longest_repeat,
    silences,
    without_tones,
)
from gsv.text.symbols import table
from tests.synthesis.conftest import RATE, small_encoder, speech

PHONES = ["HH", "AH0", "L", "OW1", ",", "W", "ER1", "L", "D", "."]


def test_values_that_no_wave_may_have() -> None:
    good = speech(1)
    assert not failed(check_numbers(good))
    assert failed(check_numbers(np.where(np.arange(len(good)) == 5, np.nan, good))) == ["finite"]
    assert failed(check_numbers(np.zeros(0, np.float32))) == ["finite"]
    assert failed(check_numbers(good * 0)) == ["audible"]
    assert failed(check_numbers(good * 20)) == ["unclipped"]


def test_lengths_and_silences() -> None:
    def flags(wave: np.ndarray, speed: float = 1.0) -> list[str]:
        return failed(check_times(wave, RATE, PHONES, speed))

    gap = np.zeros(RATE * 3, np.float32)
    assert flags(speech(1)) == []
    assert flags(speech(0.15)) == ["not too short"]
    assert flags(speech(8)) == ["not too long"]
    assert flags(speech(8), speed=0.25) == []
    assert flags(np.concatenate([speech(0.7), gap, speech(0.7)])) == ["no long silence"]
    assert flags(np.concatenate([gap, speech(1)])) == ["no silent edge"]
    before, inner, after = silences(np.concatenate([gap, speech(1), gap[: RATE // 2]]), RATE)
    assert before == pytest.approx(3, abs=0.1) and inner < 0.2 and after == pytest.approx(0.5, abs=0.2)


def test_stuck_codes_and_missing_ends() -> None:
    random = np.random.default_rng(1).integers(0, 1000, 300)
    assert longest_repeat(random) == 0
    assert longest_repeat(np.array([*random, *[7] * 50, *random])) == 50
    assert longest_repeat(np.array([*random, *[1, 2, 3] * 20])) == 60
    assert check_repeats([7] * 50, 25).passed is False
    assert check_repeats([7] * 20, 25).passed is True
    assert check_repeats([], 25).passed is True
    assert check_ending("end").passed and check_ending("limit").passed is False


def heard(text: list[int], blank: int, frames: int = 4) -> np.ndarray:
    """Log-probabilities of an ear that is sure of `text`: each phone for a frame, blanks between."""
    path = [blank] * 3
    for token in text:
        path += [token] + [blank] * frames
    chances = np.full((len(path), blank + 1), 1e-6)
    chances[np.arange(len(path)), path] = 1
    return np.asarray(np.log(chances / chances.sum(axis=1, keepdims=True)))


def test_phones_that_are_missing_or_too_many() -> None:
    text = list(range(1, 20))
    whole = hear(heard(text, 50), text)
    assert whole.missing < 0.1 and whole.extra < 0.1 and whole.heard == 1
    lost = hear(heard(text[:8] + text[12:], 50), text)
    assert lost.missing > 18.2 and lost.heard < 1
    twice = hear(heard(text[:12] + text[8:], 50), text)
    assert twice.extra > 2.9
    leading = hear(heard([30, 31, 32, *text], 50), text)
    assert leading.extra > 2.9 and leading.missing < 1


def test_tones_and_stress_are_not_asked_for() -> None:
    symbols = table("v2")
    said = symbols.ids(["AH0", "T"])
    other = symbols.ids(["AH1", "T"])
    log_probs, groups = without_tones(heard(other, len(symbols)), symbols)
    assert hear(log_probs, groups[said].tolist()).missing < 1
    assert groups[-1] == log_probs.shape[1] - 1
    assert np.allclose(np.exp(log_probs).sum(axis=1), 1)


def test_an_ear_without_knowledge_does_not_pass_anything() -> None:
    ear = PhoneListener(small_encoder(733))
    checks, badness = check_phones(ear, speech(1), RATE, PHONES)
    assert failed(checks) and badness > 0
    short, _ = check_phones(ear, speech(0.05), RATE, PHONES)
    assert failed(short) == ["nothing missing"]
    none, _ = check_phones(None, speech(1), RATE, PHONES)
    assert [check.passed for check in none] == [None, None]


def test_edges_levels_and_fades() -> None:
    quiet = np.zeros(RATE, np.float32)
    whole = np.concatenate([quiet, speech(1), quiet])
    cut = trimmed(whole, RATE)
    assert RATE * 0.8 < len(cut) < RATE * 1.2
    assert len(trimmed(quiet, RATE)) == RATE
    loud, gain = levelled(speech(1), RATE, -12)
    level = speech_level(loud, RATE)
    assert level is not None and gain != 0 and np.abs(loud).max() <= 0.991
    assert levelled(quiet, RATE, -20)[1] == 0
    soft = faded(np.ones(1000, np.float32), RATE)
    assert soft[0] == 0 and soft[-1] == 0 and soft[500] == 1
    assert len(faded(np.ones(1, np.float32), RATE)) == 1
    assert np.abs(tamed(speech(1) * 9)).max() == pytest.approx(1)


@dataclass
class Hears:
    """A recogniser that always hears the same."""

    text: str

    def transcribe(self, samples: np.ndarray, rate: int, language: str | None = None) -> Recognition:
        assert rate == RATE and language == "en"
        return Recognition(self.text, "en", 1.0, ())


@pytest.mark.parametrize(("text", "passed"), [("Hello, world!", True), ("Cheese.", False), ("...", False)])
def test_a_recogniser_listens_too(text: str, passed: bool) -> None:
    check = check_recognised(Hears(text), speech(1), RATE, PHONES, "en", "v2")
    assert check.passed is passed and text in check.note
