"""Change of sample rate for whole clips and for streams, through soxr.

Knows: numpy waves. Does not know files or networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from gsv.errors import InputError

LOWEST_RATE, HIGHEST_RATE = 1_000, 768_000
"""Rates in hertz that a file or a caller may name."""


def check_rate(rate: int) -> int:
    """`rate` in hertz, or InputError when no recording has it."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise InputError(
            f"A sample rate of {rate} Hz is out of range", f"{LOWEST_RATE} to {HIGHEST_RATE} Hz are accepted"
        )
    return rate


def resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """`samples` `[T]` at `from_rate` Hz as float32 `[T * to_rate / from_rate]`, rounded.

    Raises InputError on a rate that no recording has.
    """
    check_rate(from_rate)
    check_rate(to_rate)
    samples = np.ascontiguousarray(samples, dtype=np.float32)
    if from_rate == to_rate or samples.size == 0:
        return samples
    return np.asarray(soxr.resample(samples, from_rate, to_rate), dtype=np.float32)


def resample_stream(chunks: Iterable[np.ndarray], from_rate: int, to_rate: int) -> Iterator[np.ndarray]:
    """The same for chunks `[t]` of one recording, without seams and without holding the whole."""
    check_rate(from_rate)
    check_rate(to_rate)
    if from_rate == to_rate:
        yield from chunks
        return
    stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")
    for chunk in chunks:
        piece = stream.resample_chunk(np.ascontiguousarray(chunk, dtype=np.float32))
        if piece.size:
            yield piece
    rest = stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
    if rest.size:
        yield rest
