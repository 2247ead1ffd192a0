"""Sound for tests: music from a generator, speech of the examples, mixtures, and how much of a voice is left."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gsv.audio import read

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples" / "recordings"
CHORDS = ((57, 60, 64), (53, 57, 60), (48, 52, 55), (55, 59, 62))


def speech(rate: int, first: int = 0, clips: int = 2, pause: float = 0.6) -> np.ndarray:
    """Sentences of the examples with pauses between them."""
    gap = np.zeros(int(pause * rate), np.float32)
    paths = sorted(EXAMPLES.glob("*.opus"))[first : first + clips]
    return np.concatenate([gap, *(part for path in paths for part in (read(path, rate).samples, gap))])


def music(rate: int, length: int, seed: int = 0, tempo: int = 104) -> np.ndarray:
    """Chords, a bass, a melody and drums: a beat that goes round, with notes drawn by the seed."""
    generator = np.random.default_rng(seed)
    wave, beat = np.zeros(length), rate * 60 // tempo

    def note(midi: float, seconds: float, decay: float) -> np.ndarray:
        time = np.arange(int(seconds * rate)) / rate
        pitch = 440 * 2 ** ((midi - 69) / 12)
        partials = [
            np.sin(2 * np.pi * pitch * k * time + generator.uniform(0, 6)) / k**1.3 for k in range(1, 7)
        ]
        return np.asarray(np.sum(partials, axis=0) * np.exp(-time / decay))

    def add(start: int, sound: np.ndarray, gain: float) -> None:
        sound = sound[: max(0, length - start)]
        wave[start : start + len(sound)] += gain * sound

    for number in range(length // beat + 1):
        chord, start = CHORDS[number // 4 % 4], number * beat
        if number % 2 == 0:
            for midi in chord:
                add(start, note(midi, 120 / tempo, 1.2), 0.3)
        add(start, note(chord[0] - 24, 60 / tempo, 0.5), 0.5)
        add(start + number % 2 * beat // 2, note(chord[generator.integers(3)] + 12, 30 / tempo, 0.3), 0.25)
        time = np.arange(rate // 5) / rate
        kick = np.sin(2 * np.pi * (50 * time - np.exp(-time * 30))) * np.exp(-time * 20)
        snare = generator.normal(size=len(time)) * np.exp(-time * 30)
        add(start, snare if number % 2 else kick, 0.4 if number % 2 else 1.0)
        add(start + beat // 2, np.diff(generator.normal(size=rate // 20 + 1)), 0.05)
    return wave.astype(np.float32)


def babble(rate: int, length: int, seed: int = 0) -> np.ndarray:
    """What no classical method tells from a voice: harmonics that glide all the time."""
    generator = np.random.default_rng(seed)
    steps = generator.uniform(-1, 1, length // (rate // 5) + 2)
    glide = np.interp(np.arange(length), np.arange(len(steps)) * (rate // 5), steps)
    phase = 2 * np.pi * np.cumsum(220 * 2**glide) / rate
    return np.asarray(sum(np.sin(k * phase) / k for k in range(1, 12)), np.float32)


def mixed(voice: np.ndarray, other: np.ndarray, decibels: float) -> np.ndarray:
    """The voice with the other sound, that many decibels below it, both of the same length."""
    gain = np.sqrt(np.sum(voice**2) / np.sum(other**2) / 10 ** (decibels / 10))
    return np.asarray(voice + gain * other, np.float32)


def si_sdr(found: np.ndarray, wanted: np.ndarray) -> float:
    """Scale-invariant ratio of a wave to what it differs by from the wanted one, in decibels."""
    found, wanted = found.astype(np.float64), wanted.astype(np.float64)
    share = (found @ wanted) / (wanted @ wanted) * wanted
    return float(10 * np.log10(np.sum(share**2) / np.sum((found - share) ** 2)))


def delay(found: np.ndarray, wanted: np.ndarray) -> int:
    """Samples that `found` comes later than `wanted`, by cross-correlation."""
    size = 1 << (2 * len(wanted)).bit_length()
    product = np.fft.rfft(found, size) * np.conj(np.fft.rfft(wanted, size))
    best = int(np.argmax(np.fft.irfft(product, size)))
    return best - size if best > size // 2 else best
