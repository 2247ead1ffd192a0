"""The slicer's cuts: they tile the recording exactly, keep the speech, and never exceed the longest clip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsv.audio.slicing import Levels, SliceSettings, cut, measure, slice_level
from gsv.errors import InputError

RATE = 8000


def in_blocks(wave: np.ndarray, size: int) -> list[np.ndarray]:
    return [wave[start : start + size] for start in range(0, len(wave), size)]


def plain_levels(wave: np.ndarray, hop: int, window: int) -> np.ndarray:
    padded = np.concatenate([np.zeros(window // 2), wave.astype(np.float64), np.zeros(window // 2)])
    starts = range(0, len(padded) - window + 1, hop)
    return np.array([np.sqrt(np.mean(padded[start : start + window] ** 2)) for start in starts])


@given(st.integers(0, 99), st.integers(1, 3000), st.sampled_from([10.0, 7.0]), st.sampled_from([300.0, 20.0]))
def test_levels_in_blocks_are_those_of_the_whole(seed: int, size: int, hop: float, interval: float) -> None:
    settings = SliceSettings(hop=hop, min_interval=interval)
    wave = np.random.default_rng(seed).normal(size=size).astype(np.float32)
    step = settings.hop_samples(RATE)
    levels = measure(in_blocks(wave, 5 * step), RATE, settings)
    wanted = plain_levels(wave, step, settings.window_samples(RATE))
    assert np.allclose(levels.rms, wanted, atol=1e-6)
    assert levels.samples == size
    for start in (0, step, 3 * step):
        if start < size:
            assert levels.peak(start, size) == pytest.approx(np.abs(wave[start:]).max())


segments = st.lists(st.tuples(st.booleans(), st.integers(1, 900)), min_size=1, max_size=20)
settings_drawn = st.builds(
    SliceSettings,
    min_length=st.sampled_from([300.0, 1000.0, 4000.0]),
    min_interval=st.sampled_from([50.0, 300.0]),
    max_silence=st.sampled_from([10.0, 200.0, 500.0]),
    max_clip=st.sampled_from([0.0, 500.0, 3000.0]),
)


@given(segments, st.integers(0, 79), settings_drawn, st.integers(0, 99), st.booleans())
def test_clips_tile_the_recording_with_the_silence_between(
    parts: list[tuple[bool, int]], extra: int, settings: SliceSettings, seed: int, speech: bool
) -> None:
    hop = settings.hop_samples(RATE)
    generator = np.random.default_rng(seed)
    rms = np.concatenate(
        [generator.uniform(0.1, 0.5, n) if loud else generator.uniform(0, 0.01, n) for loud, n in parts]
    )
    samples = (len(rms) - 1) * hop + extra
    clips = cut(Levels(rms, np.zeros(len(rms)), samples, hop), RATE, settings, rms if speech else None)
    position = 0
    for start, end in clips:
        assert position <= start < end <= samples
        assert (rms[-(-position // hop) : start // hop] < settings.threshold).all(), "only silence is dropped"
        if settings.max_clip:
            assert end - start <= settings.hops(settings.max_clip, RATE) * hop
        position = end
    assert (rms[-(-position // hop) :] < settings.threshold).all() or position == samples
    assert bool(clips) == bool((rms[: samples // hop + 1] >= settings.threshold).any()) or samples == 0


def tone(seconds: float) -> np.ndarray:
    return (0.5 * np.sin(np.arange(int(RATE * seconds)) * 0.3)).astype(np.float32)


def sliced(wave: np.ndarray, speech: bool = False, **changes: float) -> list[tuple[float, float]]:
    settings = SliceSettings(**changes)
    levels = measure(in_blocks(wave, 1000 * settings.hop_samples(RATE)), RATE, settings)
    clips = cut(levels, RATE, settings, levels.rms if speech else None)
    return [(start / RATE, end / RATE) for start, end in clips]


def test_a_long_silence_leaves_at_most_what_is_kept_at_each_border() -> None:
    quiet = np.zeros(RATE * 3, np.float32)
    clips = sliced(np.concatenate([quiet, tone(5), quiet, tone(6), quiet]))
    assert len(clips) == 2
    for (start, end), (first, last) in zip(clips, [(3, 8), (11, 17)], strict=True):
        assert first - 0.52 <= start <= first and last <= end <= last + 0.52


def test_short_silences_and_short_clips_do_not_cut() -> None:
    gap = np.zeros(int(RATE * 0.2), np.float32)
    assert len(sliced(np.concatenate([tone(5), gap, tone(5)]))) == 1
    wide = np.zeros(int(RATE * 0.4), np.float32)
    assert len(sliced(np.concatenate([tone(5), wide, tone(5)]))) == 2
    assert len(sliced(np.concatenate([tone(2), wide, tone(5)]))) == 1
    assert len(sliced(np.concatenate([tone(2), wide, tone(5)]), min_length=1000)) == 2


def test_the_rest_of_a_sentence_stays_with_it_where_speech_is_known() -> None:
    breath, pause = np.zeros(int(RATE * 0.6), np.float32), np.zeros(RATE * 2, np.float32)
    wave = np.concatenate(
        [pause, tone(5), breath, tone(1.5), pause, tone(6), pause, tone(0.5), breath, tone(6.5)]
    )
    spoken = [(2.0, 9.1), (11.1, 17.1), (19.1, 26.7)]
    clips = sliced(wave, speech=True, max_silence=220)
    assert np.allclose(clips, spoken, atol=0.25) and len(clips) == 3
    published = sliced(wave, max_silence=220)
    assert published[0][1] == pytest.approx(7.3, abs=0.3), "the published way gives the rest to what follows"
    # Nothing is joined to more than a clip may be: what is too short then stays alone.
    assert len(sliced(wave, speech=True, max_silence=220, max_clip=7000)) == 5
    # Where everything is short, it is joined until nothing is.
    words = np.concatenate([np.concatenate([tone(1.5), breath]) for _ in range(8)])
    assert [round(end - start) for start, end in sliced(words, speech=True, max_silence=220)] == [4, 4, 4, 4]
    alone = np.concatenate([tone(5), pause, tone(2), pause, tone(5)])
    assert len(sliced(alone, speech=True, max_silence=220)) == 3


def test_silence_short_input_and_nothing_at_all() -> None:
    assert sliced(np.zeros(RATE, np.float32)) == []
    assert sliced(np.zeros(0, np.float32)) == []
    assert sliced(tone(0.01)) == [(0.0, 0.01)]
    assert sliced(tone(3)) == [(0.0, 3.0)]


def test_a_clip_that_is_too_long_is_cut_where_it_is_quietest() -> None:
    wave = tone(20)
    wave[9 * RATE : 9 * RATE + 400] *= 0.2  # a dip that is no silence
    clips = sliced(wave)
    assert clips[0][0] == 0.0 and clips[-1][1] == 20.0 and len(clips) == 2
    assert clips[0][1] == pytest.approx(9.0, abs=0.06)
    assert len(sliced(wave, max_clip=0)) == 1


def test_the_level_of_a_clip() -> None:
    wave = np.array([0.0, 0.5, -0.25], np.float32)
    assert slice_level(wave, 0.5).max() == pytest.approx(0.75 * 0.5 + 0.225)
    assert np.array_equal(slice_level(wave, 0.5, alpha=0), wave)
    assert slice_level(2 * wave, 2.0, alpha=0).max() == pytest.approx(0.5)
    loud = np.array([3.0, -1.0], np.float32)
    assert np.abs(slice_level(loud, 3.0)).max() == pytest.approx(0.975)
    assert not slice_level(np.zeros(4, np.float32), 0.0).any()


@pytest.mark.parametrize(
    "changes",
    [{"min_length": 100.0}, {"min_interval": 5.0}, {"hop": 0.0}, {"max_silence": 1.0}, {"max_clip": 20.0}],
)
def test_settings_that_contradict_each_other_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(InputError):
        SliceSettings(**changes)
