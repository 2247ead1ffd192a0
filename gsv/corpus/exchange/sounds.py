"""The recordings behind the rows: parts cut out of one, clips joined into one, copies and conversions.

Knows waves and files. Memory stays that of a block, however long a recording is; none is ever changed.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from gsv.audio import Writer, blocks, probe, read
from gsv.errors import GsvError
from gsv.events import Events

_BLOCK_SECONDS = 10.0
_GRID = 100
"""Clips of a joined recording begin at whole hundredths of a second, which every form can say."""


def cut(source: Path, pieces: Sequence[tuple[float, float, Path]], events: Events) -> list[Path]:
    """Write the parts of a recording (start, end, place; seconds) as 16-bit WAV files at its own rate.

    Parts may overlap. Returns the places that were written: a part behind the end is not among them.
    Raises InputError and DataError for a recording that cannot be read.
    """
    rate = probe(source).rate
    spans = sorted((round(start * rate), round(end * rate), place) for start, end, place in pieces)
    written: list[Path] = []
    open_parts: list[tuple[int, int, Writer, ExitStack]] = []
    position, following = 0, 0
    with ExitStack() as every:
        for block in blocks(source, rate, _BLOCK_SECONDS):
            events.check_stop()
            after = position + len(block)
            while following < len(spans) and spans[following][0] < after:
                start, end, place = spans[following]
                following += 1
                if end <= start:
                    continue
                stack = every.enter_context(ExitStack())
                open_parts.append((start, end, stack.enter_context(Writer(place, rate)), stack))
                written.append(place)
            for start, end, writer, stack in open_parts:
                writer.append(block[max(start - position, 0) : max(end - position, 0)])
                if end <= after:
                    stack.close()
            open_parts = [part for part in open_parts if part[1] > after]
            position = after
            events.progress(following, len(spans), "cut")
    return written


def join(
    clips: Sequence[Path], place: Path, pause: float, events: Events
) -> list[tuple[float, float] | GsvError]:
    """Write clips one after the other into a 16-bit WAV file, with `pause` seconds of silence between.

    The rate is the highest among them. Returns start and end of each in seconds, or why it is not in it.
    """
    rate = max(probe(path).rate for path in clips)
    grid, gap = max(rate // _GRID, 1), round(pause * rate)
    spans: list[tuple[float, float] | GsvError] = []
    with Writer(place, rate) as writer:
        for done, path in enumerate(clips, start=1):
            events.check_stop()
            events.progress(done, len(clips), "join")
            try:
                clip = read(path, rate)
            except GsvError as error:
                spans.append(error)
                continue
            if writer.samples:
                writer.append(np.zeros(gap + -(writer.samples + gap) % grid, np.float32))
            start = writer.samples
            writer.append(clip.samples)
            spans.append((start / rate, writer.samples / rate))
    return spans


def copy(source: Path, place: Path) -> None:
    """Copy a recording as it is."""
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, place)


def copy_as_wave(source: Path, place: Path) -> None:
    """Copy a WAV file as it is, and write anything else as a 16-bit one at its own rate."""
    if source.suffix.lower() == ".wav":
        copy(source, place)
        return
    rate = probe(source).rate
    with Writer(place, rate) as writer:
        for block in blocks(source, rate, _BLOCK_SECONDS):
            writer.append(block)
