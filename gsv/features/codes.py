"""Semantic codes of content features, with the projection and codebook of a base model.

Knows the two parts of a base that make codes, and loads nothing else of it. Does not know the
generator, nor where codes are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from gsv.corpus.experiment import ModelIdentity
from gsv.errors import DataError, WeightsError
from gsv.families import FamilyConfig
from gsv.files import sha256
from gsv.models.sovits.quantizer import Quantizer
from gsv.weights.bundle import code_version
from gsv.weights.networks import read_sovits_weights


class SemanticCoder(nn.Module):
    """Content `[B, C, T]` at 50 Hz to codes `[B, S]` at the family's code rate; always float32."""

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        size, stride = config.content_dimension, config.quantizer.frames_per_code
        self.config = config
        self.ssl_proj = nn.Conv1d(size, size, stride, stride)
        self.quantizer = Quantizer(config.quantizer, size)

    @torch.inference_mode()
    def codes(self, content: Tensor) -> list[int]:
        """Codes of one clip's content `[1, C, T]`; a frame without its partner at the end is left out.

        Raises DataError where the width is another encoder's, or the clip too short for a code.
        """
        if content.shape[1] != self.config.content_dimension:
            wide = f"{content.shape[1]} channels, {self.config.content_dimension} were expected"
            raise DataError("the content features are another encoder's", wide, "Run extract_content again.")
        if content.shape[-1] < self.config.quantizer.frames_per_code:
            raise DataError("the clip is too short for a code", f"{content.shape[-1]} frames")
        projected = self.ssl_proj(content.to(self.ssl_proj.weight.device, torch.float32))
        return [int(code) for code in self.quantizer.encode(projected)[0]]

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor], config: FamilyConfig) -> SemanticCoder:
        """Take the two parts from a generator's state. Raises WeightsError where one does not fit."""
        coder = cls(config).eval()
        wanted = coder.state_dict()
        missing = [key for key in wanted if key not in state or state[key].shape != wanted[key].shape]
        if missing:
            raise WeightsError(
                "the base has no fitting quantizer", f"missing or of another shape: {missing[0]}"
            )
        coder.load_state_dict({key: state[key].float() for key in wanted})
        return coder


def load_coder(path: Path) -> tuple[SemanticCoder, ModelIdentity]:
    """The coder of a base file, ours or published, and its identity (version: of projection and codebook).

    Raises WeightsError for a file that is no SoVITS model.
    """
    config, state, info = read_sovits_weights(Path(path))
    version = info.code_version or code_version(state)
    identity = ModelIdentity(name=Path(path).name, version=version, sha256=sha256(Path(path)))
    return SemanticCoder.from_state(state, config), identity
