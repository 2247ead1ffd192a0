"""What counts as speech over time: blips do not, and what is kept is kept whole."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gsv.listening.activity import SHORTEST_CHUNKS, without_blips


def runs(text: str) -> np.ndarray:
    return np.array([sign == "x" for sign in text], dtype=bool)


def test_blips_go_and_speech_stays() -> None:
    long = "x" * SHORTEST_CHUNKS
    given = runs(f"xx..{long}...{'x' * (SHORTEST_CHUNKS - 1)}.x.{long}x")
    wanted = runs(f"....{long}...{'.' * (SHORTEST_CHUNKS - 1)}...{long}x")
    assert np.array_equal(without_blips(given), wanted)
    assert not without_blips(np.zeros(0, dtype=bool)).size


@given(st.lists(st.booleans(), max_size=80), st.integers(1, 12))
def test_every_run_is_whole_or_gone(speaks: list[bool], shortest: int) -> None:
    given = np.array(speaks, dtype=bool)
    kept = without_blips(given, shortest)
    assert not (kept & ~given).any()
    assert np.array_equal(without_blips(kept, shortest), kept)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], given, [False])).astype(int))).reshape(-1, 2)
    for first, end in edges:
        assert kept[first:end].all() == (end - first >= shortest) and kept[first:end].any() == kept[first]
