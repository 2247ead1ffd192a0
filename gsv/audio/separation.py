"""Voice out of music without any network: held tones and drum strokes are taken for music.

Knows spectra of mono waves. Does not know files, nor models that do this better. Partials that stay on
their pitch longer than a voice does show as horizontal lines in long frames, strokes of drums as vertical
lines in short ones; running medians find both (harmonic-percussive separation, twice).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

_LONG_SECONDS, _HOLD_SECONDS = 0.128, 0.5
_SHORT_SECONDS = 0.016
_STROKE_FRAMES, _STROKE_BINS = 17, 17
_LOWEST_VOICE = 90.0
_FLOOR = 1e-10
_LARGEST_SORT = 1 << 19
"""Numbers that are sorted in one go."""
_BLOCK_SECONDS, _CONTEXT_SECONDS = 8.0, 1.0


def voice_of(samples: np.ndarray, rate: int) -> np.ndarray:
    """The voice in a recording `[T]` at `rate` Hz as float32 `[T]`, sample for sample in its place."""
    parts = [np.zeros(0, np.float32), *voice_stream([samples], rate)]
    return np.concatenate(parts)


def voice_stream(blocks: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
    """The voice of a recording of any length that comes in blocks `[t]`; as many samples come out.

    Memory stays that of ten seconds; every sample is judged with a second of sound on either side.
    """
    grid = _size(rate, _LONG_SECONDS)
    block = max(1, round(_BLOCK_SECONDS * rate / grid)) * grid
    context = max(1, -(-round(_CONTEXT_SECONDS * rate) // grid)) * grid
    held, before = np.zeros(0, np.float32), 0
    for piece in blocks:
        held = np.concatenate([held, piece.astype(np.float32, copy=False)])
        while len(held) >= before + block + context:
            yield _separated(held[: before + block + context], rate)[before : before + block]
            # What was given out stays as context of what follows.
            held = held[before + block - context :] if before + block > context else held
            before = context
    if len(held) > before:
        yield _separated(held, rate)[before:]


def _separated(samples: np.ndarray, rate: int) -> np.ndarray:
    without_tones = _masked(samples, _size(rate, _LONG_SECONDS), lambda m, hop: _tones(m, hop, rate))
    return _masked(without_tones, _size(rate, _SHORT_SECONDS), lambda m, hop: _strokes(m))


def _tones(magnitude: np.ndarray, hop: int, rate: int) -> np.ndarray:
    """Mask `[bins, F]` of what does not hold its pitch, and nothing below a voice."""
    music = np.minimum(_median(magnitude, max(1, round(_HOLD_SECONDS * rate / hop / 2))), magnitude)
    voice = magnitude - music
    mask = voice**2 / (voice**2 + music**2 + _FLOOR)
    mask[: int(np.ceil(_LOWEST_VOICE * 4 * hop / rate))] = 0.0
    return mask


def _strokes(magnitude: np.ndarray) -> np.ndarray:
    """Mask `[bins, F]` that lowers what is far broader in pitch than long in time; hisses of speech stay."""
    held = _median(magnitude, _STROKE_FRAMES // 2) ** 2
    broad = _median(magnitude.T, _STROKE_BINS // 2).T ** 2
    return np.minimum(1.0, 2.0 * held / (held + broad + _FLOOR))


def _median(magnitude: np.ndarray, reach: int) -> np.ndarray:
    """Running median of each row over `reach` columns on either side."""
    padded = np.pad(magnitude, ((0, 0), (reach, reach)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1)
    found = np.empty_like(magnitude)
    rows = max(1, _LARGEST_SORT // (windows.shape[1] * windows.shape[2]))
    for start in range(0, len(found), rows):
        found[start : start + rows] = np.partition(windows[start : start + rows], reach, axis=2)[..., reach]
    return found


def _size(rate: int, seconds: float) -> int:
    """The power of two nearest to so many seconds, at least 16 samples."""
    return 1 << max(4, round(float(np.log2(rate * seconds))))


def _masked(samples: np.ndarray, size: int, mask: Callable[[np.ndarray, int], np.ndarray]) -> np.ndarray:
    """`samples` `[T]` through the mask that is made of their magnitudes `[bins, F]`, by overlap and add."""
    hop = size // 4
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)
    padded = np.pad(samples, (size, size + (-len(samples)) % hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop] * window
    spectrum = np.fft.rfft(frames, axis=1).astype(np.complex64).T
    changed = np.fft.irfft((spectrum * mask(np.abs(spectrum), hop)).T, size, axis=1) * window
    # Squared windows of this form at a quarter of their length add up to one and a half.
    quarters = changed.reshape(len(changed), 4, hop) / 1.5
    total = np.zeros((len(changed) + 3, hop))
    for quarter in range(4):
        total[quarter : quarter + len(changed)] += quarters[:, quarter]
    return total.reshape(-1)[size : size + len(samples)].astype(np.float32)
