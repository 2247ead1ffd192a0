"""The posterior: the latent of a recording, from its linear spectrogram. Used in training and reconstruction.

Knows `[B, bins, T]`. Its noise is given to it.
"""

from __future__ import annotations

from torch import Tensor, nn

from gsv.families import FamilyConfig
from gsv.models.sovits.wavenet import GatedStack


class PosteriorEncoder(nn.Module):
    """Spectrogram to mean and logarithm of the standard deviation of the latent."""

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        width, sizes = config.prior.hidden, config.posterior
        self.pre = nn.Conv1d(config.spectrogram.bins, width, 1)
        self.enc = GatedStack(width, sizes.kernel, sizes.layers, config.speaker_dimension)
        self.proj = nn.Conv1d(width, 2 * config.latent, 1)

    def forward(self, spectrogram: Tensor, mask: Tensor, speaker: Tensor) -> tuple[Tensor, Tensor]:
        """`spectrogram` `[B, bins, T]`, `speaker` `[B, G, 1]` to mean and log-std `[B, latent, T]`.

        No gradient flows into the speaker vector from here: it would let the target describe itself.
        """
        hidden = self.enc(self.pre(spectrogram) * mask, mask, speaker.detach())
        mean, log_std = (self.proj(hidden) * mask).chunk(2, dim=1)
        return mean, log_std
