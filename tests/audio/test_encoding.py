"""Each ending a person may ask for is written and reads back; a failure leaves nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gsv.audio import probe, read
from gsv.audio.encoding import ENDINGS, open_writer
from gsv.errors import DataError, InputError


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_written_reads_back(tmp_path: Path, ending: str) -> None:
    rate = 32_000
    wave = (0.4 * np.sin(np.arange(2 * rate) * 0.07)).astype(np.float32)
    path = tmp_path / f"it's 声 $(x).{ending}"
    with open_writer(path, rate) as writer:
        for start in range(0, len(wave), 9999):
            writer.append(wave[start : start + 9999])
    found = read(path)
    assert found.rate == probe(path).rate == rate
    assert abs(len(found.samples) - len(wave)) <= 0.05 * rate
    middle = slice(rate // 2, rate)
    assert np.std(found.samples[middle]) == pytest.approx(np.std(wave[middle]), rel=0.05)


@pytest.mark.parametrize("ending", ["m4a", "mp3"])
def test_a_failure_leaves_nothing(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x.{ending}"
    with pytest.raises(DataError), open_writer(path, 16_000) as writer:
        writer.append(np.zeros(100, np.float32))
        writer.append(np.array([np.nan], np.float32))
    assert list(tmp_path.iterdir()) == []


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        open_writer(tmp_path / "x.exe", 16_000)
