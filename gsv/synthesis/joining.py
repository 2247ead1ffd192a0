"""Long recordings in windows: cutting the source, one noise for all windows, joining latents, decoding in pieces.

Knows arrays, frames and overlaps. Does not know content, phones or speakers. Memory is that of a window
whatever the length: each part takes a piece and gives back what is settled.

Windows are joined in the latent, not in the wave: two waves of one sound may stand in opposite phase and
cancel, two latents do not. The decoder then sees one continuous latent, with enough frames on both sides of
each piece that the pieces are what one long call would give.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Window:
    """A stretch of the source: `samples` `[T]` from sample `start` on; `last` where the source ends."""

    samples: np.ndarray
    start: int
    last: bool


def windows(blocks: Iterable[np.ndarray], size: int, step: int) -> Iterator[Window]:
    """Windows of `size` samples, one every `step`; the last one is shorter. Nothing comes of nothing."""
    held = np.zeros(0, dtype=np.float32)
    start = 0
    for block in blocks:
        held = np.concatenate([held, block])
        # One sample more than a window: only then it is known that this window is not the last.
        while len(held) > size:
            yield Window(held[:size], start, False)
            held, start = held[step:], start + step
    if len(held):
        yield Window(held, start, True)


_TAPE_FRAMES = 64
"""Noise is drawn for so many frames at a time: what a generator gives depends on how much is drawn at once."""


class NoiseTape:
    """Standard normal noise `[1, C, frames]` by absolute frame: windows of any length share it."""

    def __init__(self, channels: int, generator: torch.Generator) -> None:
        self._generator = generator
        self._held = torch.zeros(1, channels, 0)
        self._start = 0

    def take(self, start: int, frames: int) -> Tensor:
        """Noise of `frames` frames from frame `start` on, on the CPU; `start` never goes back."""
        held = self._held[:, :, start - self._start :]
        while held.shape[2] < frames:
            fresh = torch.randn(_TAPE_FRAMES, held.shape[1], generator=self._generator)
            held = torch.cat((held, fresh.T[None]), dim=2)
        self._held, self._start = held, start
        return held[:, :, :frames]


class LatentJoiner:
    """Latents `[1, C, T]` of overlapping windows to one sequence, faded over in the middle of each overlap."""

    def __init__(self, fade: int) -> None:
        self._fade = fade
        self._held: Tensor | None = None
        self._start = 0

    def push(self, latent: Tensor, start: int) -> Tensor | None:
        """Take the latent of a window that begins at frame `start`; give the frames that are settled."""
        if self._held is None:
            self._held, self._start = latent, start
            return None
        shared = self._start + self._held.shape[2] - start
        if shared < 0:
            raise ValueError(f"a gap of {-shared} frames before frame {start}")
        fade = min(self._fade, shared, latent.shape[2])
        first = (shared - fade) // 2
        old = self._held[:, :, start + first - self._start :][:, :, :fade]
        new = latent[:, :, first : first + fade]
        rising = (torch.arange(fade, device=latent.device, dtype=latent.dtype) + 0.5) / max(1, fade)
        settled = self._held[:, :, : start + first - self._start]
        self._held = torch.cat((old + (new - old) * rising, latent[:, :, first + fade :]), dim=2)
        self._start = start + first
        return settled

    def finish(self) -> Tensor | None:
        """The frames still held."""
        held, self._held = self._held, None
        return held


class DecoderStream:
    """A decoder fed piece by piece; the pieces of wave are those of one call over everything.

    `context` latent frames on each side must cover what one output sample depends on.
    """

    def __init__(
        self, decoder: nn.Module, speaker: Tensor, hop_length: int, context: int = 32, chunk: int = 400
    ):
        self._decoder, self._speaker, self._hop = decoder, speaker, hop_length
        self._context, self._chunk = context, chunk
        self._held: Tensor | None = None
        self._done = 0
        """Frames at the head of what is held that are decoded already and kept as context."""

    def push(self, latent: Tensor) -> Iterator[np.ndarray]:
        """Take `[1, C, T]`; give waves `[samples]` for the frames whose right context is there."""
        self._held = latent if self._held is None else torch.cat((self._held, latent), dim=2)
        while self._held.shape[2] - self._done >= self._chunk + self._context:
            yield self._decode(self._done + self._chunk)

    def finish(self) -> Iterator[np.ndarray]:
        """The rest."""
        if self._held is not None and self._held.shape[2] > self._done:
            yield self._decode(self._held.shape[2])
        self._held, self._done = None, 0

    @torch.inference_mode()
    def _decode(self, end: int) -> np.ndarray:
        """Decode frames up to `end`, then forget all but the context before it."""
        assert self._held is not None
        wave = self._decoder(self._held[:, :, : end + self._context], self._speaker)[0, 0]
        piece = wave[self._done * self._hop : end * self._hop].float().cpu().numpy()
        kept = max(0, end - self._context)
        self._held, self._done = self._held[:, :, kept:], end - kept
        return piece
