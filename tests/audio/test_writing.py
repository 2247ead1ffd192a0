"""What is written reads back: saturated, tagged, the same bytes, and nothing after a failure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gsv.audio import Writer, read, read_tags, resample, write
from gsv.audio.level import mix_level
from gsv.audio.writing import to_int16
from gsv.errors import DataError, GsvError, InputError

LOUD = np.array([0.0, 1.0, -1.0, 1.5, -1.5, 0.25], dtype=np.float32)


@pytest.mark.parametrize(("subtype", "step"), [("PCM_16", 2**-15), ("PCM_24", 2**-23)])
def test_full_scale_does_not_wrap(tmp_path: Path, subtype: str, step: float) -> None:
    for suffix in ("wav", "flac"):
        path = tmp_path / f"loud.{suffix}"
        write(path, LOUD, 32_000, subtype)  # type: ignore[arg-type]
        assert soundfile.info(path).subtype == subtype
        assert np.abs(read(path).samples - LOUD.clip(-1, 1)).max() <= step


def test_float_keeps_what_exceeds_full_scale(tmp_path: Path) -> None:
    write(tmp_path / "loud.wav", LOUD, 32_000, "FLOAT")
    assert (read(tmp_path / "loud.wav").samples == LOUD).all()


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_tags_and_equal_bytes(tmp_path: Path, subtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = {"comment": "synthetic", "title": "声音 🎤"}
    wave = np.random.default_rng(0).normal(0, 0.1, 4000)
    for name in ("a.wav", "b.wav"):
        write(tmp_path / name, wave, 32_000, subtype, tags)  # type: ignore[arg-type]
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert read_tags(tmp_path / "a.wav") == tags
    data = (tmp_path / "a.wav").read_bytes()
    place = data.find(b"PEAK")
    assert (place > 0) == (subtype == "FLOAT")
    assert place < 0 or data[place + 12 : place + 16] == bytes(4)


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    write(path, LOUD, 32_000)
    before = path.read_bytes()
    with pytest.raises(DataError), Writer(path, 32_000) as writer:
        writer.append(LOUD)
        writer.append(np.array([np.nan]))
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_wrong_requests(tmp_path: Path) -> None:
    for arguments in (
        ("x.txt", "PCM_16", {}),
        ("x.flac", "FLOAT", {}),
        ("x.wav", "PCM_8", {}),
        ("x.wav", "PCM_16", {"no": ""}),
    ):
        with pytest.raises(InputError):
            write(tmp_path / arguments[0], LOUD, 32_000, arguments[1], arguments[2])  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@settings(max_examples=30, deadline=None)
@given(arrays.arrays(np.float32, st.integers(0, 50), elements=st.floats(-8, 8, width=32)))
def test_int16_is_monotonic_and_never_wraps(samples: np.ndarray) -> None:
    ordered = np.sort(samples)
    assert (np.diff(to_int16(ordered).astype(int)) >= 0).all()
    assert (np.sign(to_int16(samples)) * np.sign(samples) >= 0).all()


@settings(max_examples=50, deadline=None)
@given(arrays.arrays(np.float32, st.integers(0, 50), elements=st.floats(-3, 3, width=32)))
def test_level_rule(samples: np.ndarray) -> None:
    peak = float(np.abs(samples).max(initial=0))
    try:
        result = mix_level(samples)
    except GsvError:
        assert peak > 2.2
        return
    assert (
        result.shape == samples.shape
        and np.isfinite(result).all()
        and np.abs(result).max(initial=0) <= 1 + 1e-6
    )
    if 1e-30 < peak <= 1.05:
        assert np.allclose(result, samples / peak * 0.475 + samples * 0.5, atol=1e-5)
    if not samples.any():
        assert not result.any()


def test_level_refuses_what_is_no_number() -> None:
    with pytest.raises(DataError):
        mix_level(np.array([0.1, np.nan], dtype=np.float32))


def test_resample_keeps_a_tone() -> None:
    time = np.arange(16_000) / 16_000
    wave = np.sin(2 * np.pi * 1000 * time).astype(np.float32)
    assert np.abs(resample(wave, 16_000, 32_000)[::2] - wave)[500:-500].max() < 1e-3
