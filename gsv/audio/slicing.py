"""Where to cut a long recording: at its silences, and at quiet points where a clip would be too long.

Knows levels of frames and sample indices. Does not know files, nor what speech is: whoever does may
change the levels. The kept clips and the dropped silences tile the recording exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from gsv.errors import InputError


@dataclass(frozen=True)
class SliceSettings:
    """The published parameters, times in milliseconds, and a longest clip (0: none)."""

    threshold_db: float = -34.0
    """Frames below this level, in decibels of full scale, are silent."""
    min_length: float = 4000.0
    """A clip is not ended before it is this long."""
    min_interval: float = 300.0
    """A silence inside of the recording must last this long to end a clip."""
    hop: float = 10.0
    """Distance of frames."""
    max_silence: float = 500.0
    """Silence that is kept at the border of a clip, at most."""
    max_clip: float = 12_000.0
    """A longer clip is cut at its quietest point; 0 leaves it long."""

    def __post_init__(self) -> None:
        """Raises InputError for settings that contradict each other."""
        if not self.min_length >= self.min_interval >= self.hop > 0:
            raise InputError(
                "these lengths cannot be sliced by", "minimum length >= minimum interval >= hop > 0"
            )
        if self.max_silence < self.hop:
            raise InputError(
                "the silence that is kept is shorter than a hop", f"{self.max_silence} < {self.hop} ms"
            )
        if self.max_clip and self.max_clip < 4 * self.hop:
            raise InputError(
                "the longest clip is shorter than four hops", f"{self.max_clip} ms", "0 means no limit."
            )

    @property
    def threshold(self) -> float:
        """The threshold as an amplitude."""
        return float(10.0 ** (self.threshold_db / 20.0))

    def hop_samples(self, rate: int) -> int:
        """Samples from one frame to the next."""
        return max(1, round(rate * self.hop / 1000))

    def window_samples(self, rate: int) -> int:
        """Samples under one frame's level: four hops, or the minimum interval if that is shorter."""
        return max(1, min(round(rate * self.min_interval / 1000), 4 * self.hop_samples(rate)))

    def hops(self, milliseconds: float, rate: int) -> int:
        """A length in frames."""
        return round(rate * milliseconds / 1000 / self.hop_samples(rate))


@dataclass(frozen=True)
class Levels:
    """Levels of a recording of `samples` samples: `rms` `[F]` of centred frames, `peaks` `[samples / hop]`."""

    rms: np.ndarray
    peaks: np.ndarray
    samples: int
    hop: int

    def peak(self, start: int, end: int) -> float:
        """Highest amplitude from sample `start` (on a hop) to before `end`."""
        return float(self.peaks[start // self.hop : -(-end // self.hop)].max(initial=0.0))


def measure(blocks: Iterable[np.ndarray], rate: int, settings: SliceSettings) -> Levels:
    """Levels of a recording that comes in `blocks` `[t]`, each but the last a multiple of the hop.

    Memory grows by two numbers a hop.
    """
    hop, window = settings.hop_samples(rate), settings.window_samples(rate)
    held = np.zeros(window // 2, np.float64)
    levels: list[np.ndarray] = []
    peaks: list[np.ndarray] = []
    total = 0
    for block in blocks:
        total += len(block)
        padded = np.abs(np.pad(block, (0, -len(block) % hop)))
        peaks.append(padded.reshape(-1, hop).max(axis=1))
        held, found = _frame_levels(np.concatenate([held, np.square(block, dtype=np.float64)]), hop, window)
        levels.append(found)
    _, found = _frame_levels(np.concatenate([held, np.zeros(window // 2)]), hop, window)
    return Levels(np.concatenate([*levels, found]), np.concatenate([*peaks, np.zeros(0)]), total, hop)


def _frame_levels(squares: np.ndarray, hop: int, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Root mean squares of all whole frames, and the squares that later frames still need."""
    count = max(0, (len(squares) - window) // hop + 1)
    sums = np.concatenate([[0.0], np.cumsum(squares)])
    starts = np.arange(count) * hop
    levels = np.sqrt(np.maximum(sums[starts + window] - sums[starts], 0.0) / window)
    return squares[count * hop :], levels


def cut(
    levels: Levels, rate: int, settings: SliceSettings, speech: np.ndarray | None = None
) -> list[tuple[int, int]]:
    """Clips as (first sample, sample after the last), in order and without overlap.

    What lies between them is silence that is dropped. A recording without any loud frame has no clip.
    `speech` `[F]` replaces the measured levels by such as know where somebody speaks: then what is too short to
    be a clip is joined across the shorter of the two silences beside it, and not always with what follows.
    """
    rms = levels.rms if speech is None else speech
    if not len(rms) or rms.max() < settings.threshold:
        return []
    dropped = (_dropped if speech is None else _dropped_between_speech)(rms, rate, settings)
    kept = _between(dropped, len(rms))
    longest = settings.hops(settings.max_clip, rate)
    if longest:
        kept = [piece for start, end in kept for piece in _shortened(rms, start, end, longest)]
    samples = [(start * levels.hop, min(end * levels.hop, levels.samples)) for start, end in kept]
    return [(start, end) for start, end in samples if end > start]


def _silences(rms: np.ndarray, threshold: float) -> list[tuple[int, int]]:
    """Runs of silent frames as (first, first loud one after it)."""
    edges = np.diff(np.concatenate([[False], rms < threshold, [False]]).astype(np.int8))
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


def _quietest(rms: np.ndarray, first: int, last: int) -> int:
    """The quietest frame from `first` to `last`, both included, kept inside the recording."""
    first = max(0, first)
    return first + int(rms[first : last + 1].argmin())


def _dropped(rms: np.ndarray, rate: int, settings: SliceSettings) -> list[tuple[int, int]]:
    """Frame ranges of silence that are taken out; an empty range is a cut through silence."""
    length, interval = settings.hops(settings.min_length, rate), settings.hops(settings.min_interval, rate)
    keep = settings.hops(settings.max_silence, rate)
    dropped: list[tuple[int, int]] = []
    clip_start = 0
    for first, loud in _silences(rms, settings.threshold):
        if loud == len(rms):
            if loud - first >= interval:
                dropped.append((_quietest(rms, first, min(loud, first + keep)), loud))
            break
        leading = first == 0 and loud > keep
        if not leading and (loud - first < interval or loud - clip_start < length):
            continue
        start, end = _silence_core(rms, first, loud, keep)
        dropped.append((0 if first == 0 else start, end))
        clip_start = end
    return dropped


def _dropped_between_speech(rms: np.ndarray, rate: int, settings: SliceSettings) -> list[tuple[int, int]]:
    """Frame ranges of silence that are taken out, where silences are known to be pauses of speech."""
    keep, interval = (settings.hops(time, rate) for time in (settings.max_silence, settings.min_interval))
    silences, total = _silences(rms, settings.threshold), len(rms)
    begin, end = 0, total
    before: list[tuple[int, int]] = []
    behind: list[tuple[int, int]] = []
    if silences and silences[0][0] == 0:
        begin = silences.pop(0)[1]
        if begin > keep:
            before = [(0, _silence_core(rms, 0, begin, keep)[1])]
    if silences and silences[-1][1] == total:
        end = silences.pop()[0]
        if total - end >= interval:
            behind = [(_quietest(rms, end, min(total, end + keep)), total)]
    shortest = settings.hops(settings.min_length, rate) - keep
    # Around each clip silence is kept, which counts for its length.
    longest = settings.hops(settings.max_clip, rate) - 2 * keep if settings.max_clip else total
    pauses = [pause for pause in silences if pause[1] - pause[0] >= interval]
    kept = _pauses_that_cut(pauses, begin, end, shortest, longest)
    return [*before, *(_silence_core(rms, *pause, keep) for pause in kept), *behind]


def _pauses_that_cut(
    pauses: list[tuple[int, int]], begin: int, end: int, shortest: int, longest: int
) -> list[tuple[int, int]]:
    """The pauses that are left when all stretches of speech that are too short were joined to another one, across
    the shortest pause first, as long as nothing becomes longer than `longest`.

    A stretch and the pause beside it must reach `shortest` frames together, as in the published way: a short
    sentence in a long silence stands alone.
    """
    pauses = list(pauses)
    while pauses:
        stretches = np.array([begin, *(frame for pause in pauses for frame in pause), end]).reshape(-1, 2)
        lengths = stretches[:, 1] - stretches[:, 0]
        widths = stretches[1:, 0] - stretches[:-1, 1]
        joined = stretches[1:, 1] - stretches[:-1, 0]
        possible = (np.minimum(lengths[:-1], lengths[1:]) + widths < shortest) & (joined <= longest)
        if not possible.any():
            break
        # Of pauses that are as short, the one whose clip stays the shorter.
        pauses.pop(min(np.flatnonzero(possible), key=lambda place: (widths[place], joined[place])))
    return pauses


def _silence_core(rms: np.ndarray, first: int, loud: int, keep: int) -> tuple[int, int]:
    """The part of a silence that is dropped: between the quietest frames near its two borders."""
    if loud - first <= keep:
        point = _quietest(rms, first, loud)
        return point, point
    left, right = _quietest(rms, first, first + keep), _quietest(rms, loud - keep, loud)
    if loud - first <= 2 * keep:
        # Both borders share the middle; its quietest frame belongs to what is dropped.
        middle = _quietest(rms, loud - keep, first + keep)
        return min(left, middle), max(right, middle)
    return left, right


def _between(dropped: Sequence[tuple[int, int]], total: int) -> list[tuple[int, int]]:
    borders = [0, *(border for pair in dropped for border in pair), total]
    return [(start, end) for start, end in zip(borders[::2], borders[1::2], strict=True) if end > start]


def _shortened(rms: np.ndarray, start: int, end: int, longest: int) -> list[tuple[int, int]]:
    """Pieces of at most `longest` frames, cut at quiet frames, none much shorter than the others need be."""
    pieces = []
    while end - start > longest:
        # The rest must not become a scrap: while two pieces suffice, both may be long.
        nearest = max(end - start - longest, longest // 2) if end - start <= 2 * longest else longest // 2
        point = _quietest(rms, start + min(nearest, longest), start + longest)
        pieces.append((start, point))
        start = point
    return [*pieces, (start, end)]


def slice_level(samples: np.ndarray, peak: float, maximum: float = 0.9, alpha: float = 0.25) -> np.ndarray:
    """Part of a clip at the published level: `alpha` of it brought to a peak of `maximum`, the rest as it is.

    `peak` is that of the whole clip; above 1 the clip is scaled to 1 first. Silence stays silence.
    """
    if peak > 1.0:
        samples, peak = samples / peak, 1.0
    if peak <= float(np.finfo(np.float32).tiny) or alpha == 0:
        return samples.astype(np.float32)
    return (samples * (maximum * alpha / peak + 1.0 - alpha)).astype(np.float32)
