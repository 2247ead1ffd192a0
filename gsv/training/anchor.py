"""Codes that stay what they are while the encoder under them learns on.

Knows a trained quantizer and which code each frame of the corpus has. Does not know the encoder: it is told
its features. With the codes held, the generator and the GPT that were trained on them need not be trained
again, though the encoder may learn to read phones better.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from gsv.errors import DataError, InputError
from gsv.models.content import ContentEncoder, ContentSettings
from gsv.training.arrays import PreparedArrays
from gsv.training.content_batches import NOBODY
from gsv.training.quantizer import frozen_quantizer


class CodeAnchor:
    """How far features lie from the codes that they had, by a quantizer that does not move."""

    def __init__(self, weights: Path, dimension: int, device: torch.device | None = None) -> None:
        """`weights` is a quantizer's file, alone or inside of a generator's; `dimension` the features' width.

        Raises WeightsError where it holds none that fits.
        """
        learner = frozen_quantizer(weights, dimension).requires_grad_(False).to(device or torch.device("cpu"))
        self.projection = learner.ssl_proj
        self.entries = learner.quantizer.codebook.embed
        distances = torch.cdist(self.entries, self.entries)
        distances.fill_diagonal_(torch.inf)
        self.spread = float(distances.min(dim=1).values.square().median())
        """Squared distance from an entry of the codebook to the next, in the middle of them: the unit of the loss."""

    def scores(self, features: Tensor) -> Tensor:
        """Log-likelihood of each code, up to a constant, `[B, S, K]`, of features `[B, F, C]` at 50 a second."""
        projected = self.projection(features.float().transpose(1, 2)).transpose(1, 2)
        nearer = 2 * projected @ self.entries.T - self.entries.square().sum(1)
        return nearer / self.spread

    def loss(self, features: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Cross-entropy of `codes` `[B, S]` (NOBODY is left out) given features `[B, F, C]`, and their share that
        the features still get."""
        scores = self.scores(features)
        count = min(scores.shape[1], codes.shape[1])
        scores, codes = scores[:, :count].flatten(0, 1), codes[:, :count].flatten()
        known = codes != NOBODY
        kept = (scores.detach()[known].argmax(-1) == codes[known]).float().mean()
        return functional.cross_entropy(scores, codes, ignore_index=NOBODY), kept


def anchored(
    weights: Path | None, initial: Path | None, arrays: PreparedArrays, device: torch.device
) -> tuple[CodeAnchor, ContentSettings]:
    """The quantizer in `weights`, to hold the codes of `arrays`, and the settings of the encoder that then learns.

    The codes are of the encoder in the folder `initial`, or of the one whose codes that one learnt to keep: what is
    held twice is held to the first. Raises InputError without one of the two, DataError for codes of another encoder.
    """
    if weights is None or initial is None:
        raise InputError(
            "no codes can be held",
            "that needs a quantizer and the encoder that its codes come from",
            "name both, --anchor FILE and --initial FOLDER",
        )
    encoder = ContentEncoder.load(initial)
    made = arrays.codes()[0]
    own, kept = encoder.settings.version, encoder.settings.codes_of
    if not made or made not in (own, kept):
        raise DataError(
            f"the codes of {arrays.folder} are of {made or 'an encoder without a version'}",
            f"the encoder is {own or 'without a version'}{f' and keeps those of {kept}' if kept else ''}",
            "run tools/pretrain_content.py codes",
        )
    anchor = CodeAnchor(weights, encoder.dimension, device)
    return anchor, replace(encoder.settings, version="", codes_of=made)
