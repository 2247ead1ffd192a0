"""Speaker vectors of clips for the Pro families.

Knows what the speaker network is fed with. Does not know where vectors are kept.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gsv.errors import DependencyError


class SpeakerExtractor:
    """The published speaker network on a device, float32."""

    def vector(self, samples: np.ndarray, rate: int) -> Tensor:
        """Vector `[1, 20480]` of samples `[T]` at `rate`."""
        raise NotImplementedError

    @classmethod
    def load(cls, path: Path, device: torch.device) -> SpeakerExtractor:
        """The network of a weights file. Raises DependencyError while this version has none."""
        what = "speaker vectors cannot be made"
        raise DependencyError(
            what, "this version has no speaker network (ERes2NetV2)", "Use family v2 or tiny."
        )
