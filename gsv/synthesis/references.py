"""A recording of the target to the speaker vector that the networks use.

Knows the level rule for references and how a long one is averaged. Does not know the source.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gsv.audio import read, resample, spectrogram
from gsv.errors import DataError, InputError
from gsv.families import FamilyConfig
from gsv.models.sovits.synthesizer import Synthesizer

SHORTEST_SECONDS = 0.5
PIECE_SECONDS = 20.0
MOST_PIECES = 6
_LOUDEST = 2.0

SpeakerEmbedder = Callable[[np.ndarray, int], Tensor]
"""A clip `[T]` and its rate to the vector `[1, D]` that families with a speaker input ask for."""


def reference_spectrogram(
    samples: np.ndarray, rate: int, config: FamilyConfig, device: torch.device
) -> Tensor:
    """Linear spectrogram `[1, bins, T]` of a reference `[T]` at `rate` Hz, its peak brought down as published.

    Raises DataError for a silent clip, InputError for one under half a second.
    """
    wave = resample(samples, rate, config.sample_rate)
    if len(wave) < SHORTEST_SECONDS * config.sample_rate:
        raise InputError(
            "The reference is too short",
            f"{len(wave) / config.sample_rate:.2f} s of at least {SHORTEST_SECONDS}",
            "Choose 3 to 10 seconds of the target voice.",
        )
    peak = float(np.abs(wave).max())
    if peak < 1e-6:
        raise DataError("The reference is silent", "", "Choose a clip of the target voice.")
    if peak > 1:
        wave = wave / min(_LOUDEST, peak)
    sizes = config.spectrogram
    tensor = torch.from_numpy(np.ascontiguousarray(wave, dtype=np.float32))[None].to(device)
    return spectrogram.linear(tensor, sizes.n_fft, sizes.hop_length, sizes.win_length)


def speaker_of(
    synthesizer: Synthesizer,
    references: Sequence[Path],
    embedder: SpeakerEmbedder | None,
    device: torch.device,
) -> Tensor:
    """Speaker vector `[1, G, 1]` of the reference files, averaged; long ones are heard in pieces of 20 s.

    Raises InputError without a reference, the reader's errors, and InputError where the family needs a speaker
    network that is not there.
    """
    config = synthesizer.config
    wanted = config.speaker_input
    if wanted is not None and wanted.required and embedder is None:
        raise InputError(
            f"Voices of {config.name} need a speaker network",
            "its weights are not there",
            "python tools/models.py list names what is missing.",
        )
    if not references:
        raise InputError("No reference was given", "", "Give a recording of the target voice.")
    clips, vectors = [], []
    for path in references:
        audio = read(path)
        for piece in _pieces(audio.samples, audio.rate):
            clips.append(reference_spectrogram(piece, audio.rate, config, device))
            if wanted is not None and embedder is not None:
                vectors.append(embedder(piece, audio.rate).to(device))
    return synthesizer.speaker_vector(clips, vectors or None)


def _pieces(samples: np.ndarray, rate: int) -> list[np.ndarray]:
    size = round(PIECE_SECONDS * rate)
    pieces = [samples[first : first + size] for first in range(0, len(samples), size)][:MOST_PIECES]
    if len(pieces) > 1 and len(pieces[-1]) < size // 4:
        pieces.pop()
    # A pause in a long recording says nothing about the voice.
    sounding = [piece for piece in pieces if np.abs(piece).max(initial=0) > 1e-4]
    return sounding or pieces[:1]
