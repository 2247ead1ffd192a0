"""Speaker vectors of clips for the Pro families.

Knows what the speaker network is fed with and reads its published file. Does not know where vectors
are kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gsv.errors import DataError, import_optional
from gsv.features.content import exact_matrices
from gsv.models.speaker import SAMPLE_RATE, SpeakerNetwork
from gsv.weights.layouts import layout_of
from gsv.weights.published import read_network


class SpeakerExtractor:
    """The published speaker network on a device, always in float32."""

    def __init__(self, network: SpeakerNetwork, device: torch.device) -> None:
        self.device = device
        self._network = network.float().eval().to(device)

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return self._network.dimension

    def vector(self, samples: np.ndarray, rate: int) -> Tensor:
        """Vector `[1, 20480]` float32 on the CPU of samples `[T]` at `rate`, full scale one.

        Raises InputError for less than a frame (25 ms), DataError where the result is not finite,
        DependencyError without torchaudio.
        """
        wave = torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32))[None]
        with exact_matrices():
            vector = self._network.embed(_resampled(wave, rate).to(self.device)).float().cpu().clone()
        if not torch.isfinite(vector).all():
            raise DataError(
                "the speaker vector holds values that are not numbers", "", "Export the clip again."
            )
        return vector

    @classmethod
    def load(cls, path: Path, device: torch.device) -> SpeakerExtractor:
        """The network of a published file. Raises WeightsError for any other."""
        with torch.device("meta"):  # no time is spent on numbers that are replaced
            network = SpeakerNetwork()
        network.load_state_dict(read_network(Path(path), "speaker", layout_of(network)), assign=True)
        return cls(network, device)


def _resampled(wave: Tensor, rate: int) -> Tensor:
    """`wave` `[1, T]` at 16 kHz, by the resampler that the network's published vectors were made with."""
    if rate == SAMPLE_RATE:
        return wave
    functional: Any = import_optional("torchaudio.functional", "pip install torchaudio")
    resampled: Tensor = functional.resample(wave, rate, SAMPLE_RATE)
    return resampled
