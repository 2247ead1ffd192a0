"""Copies share a fingerprint, other recordings do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gsv.audio import read, resample, write
from gsv.audio.fingerprint import RATE, SIZE, fingerprint, from_text, to_text, unit_rows

CLIPS = sorted((Path(__file__).resolve().parents[2] / "docs" / "examples" / "recordings").glob("*.opus"))


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    rows = unit_rows(np.stack([first, second]))
    return float(rows[0] @ rows[1])


def test_copies_are_alike_and_others_are_not(tmp_path: Path) -> None:
    waves = [read(path, RATE).samples for path in CLIPS]
    prints = [fingerprint(wave) for wave in waves]
    rows = unit_rows(np.stack(prints))
    others = rows @ rows.T - 2 * np.eye(len(rows))
    assert others.max() < 0.9
    for number, wave in enumerate(waves[:3]):
        copy = resample(resample(wave * 0.3, RATE, 8_000), 8_000, RATE)
        padded = np.concatenate([np.zeros(4000, np.float32), copy, np.zeros(2000, np.float32)])
        write(tmp_path / "copy.ogg", padded, RATE)
        again = read(tmp_path / "copy.ogg", RATE).samples
        assert likeness(prints[number], fingerprint(again)) > 0.95


def test_silence_is_like_nothing() -> None:
    none = fingerprint(np.zeros(RATE, np.float32))
    assert none.shape == (SIZE,) and not none.any()
    assert likeness(none, none) == 0


def test_text_holds_every_byte() -> None:
    values = np.arange(-128, 128).astype(np.int8)
    assert np.array_equal(from_text(to_text(values), np.int8), values)
    with pytest.raises(ValueError):
        from_text("no base64!", np.int8)
