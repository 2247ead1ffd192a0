"""The prior: what the latent should be, given content codes, phones and a speaker.

Knows features `[B, C, T]` and phone ids `[B, N]`. Does not know codes, spectrograms or the flow.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.families import FamilyConfig, PriorConfig
from gsv.models.layers import length_mask
from gsv.models.sovits.attention import CrossAttention, RelativeEncoder


@dataclass(frozen=True)
class PriorStatistics:
    """A normal distribution for each value: `mean` and `log_std` `[B, latent, T]`, `mask` `[B, 1, T]`."""

    mean: Tensor
    log_std: Tensor
    mask: Tensor


class TextJoin(nn.Module):
    """Lets each content frame look at the phones, and adds the speaker vector."""

    def __init__(self, hidden: int, width: int, heads: int) -> None:
        super().__init__()
        self.cross_attention = CrossAttention(width, heads)
        self.c_pre = nn.Conv1d(hidden, width, 1)
        self.text_pre = nn.Conv1d(hidden, width, 1)
        self.c_post = nn.Conv1d(width, hidden, 1)

    def forward(
        self,
        content: Tensor,
        mask: Tensor,
        text: Tensor,
        text_mask: Tensor,
        speaker: Tensor,
        places: Tensor | None = None,
        watched: list[Tensor] | None = None,
    ) -> Tensor:
        """`content` `[B, H, T]`, `text` `[B, H, N]`, `speaker` `[B, W, 1]` to `[B, H, T]`.

        Padding of the result is not zero. `places` `[B, T]` as in `CrossAttention`. Where the first head looks,
        `[B, T, N]`, is added to `watched`.
        """
        wide = self.c_pre(content * mask)
        phones = self.text_pre(text * text_mask) * text_mask
        seen = self.cross_attention(wide * mask, phones, text_mask, places)
        if watched is not None:
            watched.append(self.cross_attention.looks(wide * mask, phones, text_mask))
        joined: Tensor = self.c_post((seen + wide + speaker) * mask)
        return joined


class PriorEncoder(nn.Module):
    """Content encoder, text encoder, their join, and an encoder over the result."""

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        sizes = config.prior
        self.ssl_proj = nn.Conv1d(config.content_dimension, sizes.hidden, 1)
        self.encoder_ssl = _encoder(sizes, sizes.content_layers)
        self.encoder_text = _encoder(sizes, sizes.text_layers)
        self.text_embedding = nn.Embedding(config.phone_count, sizes.hidden)
        self.mrte = TextJoin(sizes.hidden, sizes.cross_attention, sizes.cross_heads)
        self.encoder2 = _encoder(sizes, sizes.joint_layers)
        self.proj = nn.Conv1d(sizes.hidden, 2 * config.latent, 1)

    def looks(self, content: Tensor, lengths: Tensor, phones: Tensor, phone_lengths: Tensor) -> Tensor:
        """Where frames of `content` `[B, C, T]` look at the phones, `[B, T, N]`, and nothing else.

        Only what reads the text and what compares it with the content can learn from it: the content's own
        path keeps its meaning for the decoder.
        """
        mask = length_mask(lengths, content.shape[2])
        text_mask = length_mask(phone_lengths, phones.shape[1])
        with torch.no_grad():
            hidden = self.encoder_ssl(self.ssl_proj(content * mask), mask)
            wide = self.mrte.c_pre(hidden * mask)
        text = self.encoder_text(self.text_embedding(phones).transpose(1, 2), text_mask)
        compared = self.mrte.text_pre(text * text_mask) * text_mask
        return self.mrte.cross_attention.looks(wide * mask, compared, text_mask)

    def forward(
        self,
        content: Tensor,
        lengths: Tensor,
        phones: Tensor,
        phone_lengths: Tensor,
        speaker: Tensor,
        speed: float = 1.0,
        generator: torch.Generator | None = None,
        places: Tensor | None = None,
        watched: list[Tensor] | None = None,
    ) -> PriorStatistics:
        """Quantized `content` `[B, C, T]` with `phones` `[B, N]` and `speaker` `[B, W, 1]` to statistics.

        A `speed` other than one stretches the sequence to `int(T / speed) + 1` frames. `generator` is for
        dropout in training. `places` `[B, T]`: which phone each frame says, negative where that is not known.
        Where frames look at the phones, `[B, T, N]`, is added to `watched`.
        """
        mask = length_mask(lengths, content.shape[2])
        text_mask = length_mask(phone_lengths, phones.shape[1])
        hidden = self.encoder_ssl(self.ssl_proj(content * mask), mask, generator)
        text = self.encoder_text(self.text_embedding(phones).transpose(1, 2), text_mask, generator)
        hidden = self.mrte(hidden, mask, text, text_mask, speaker, places, watched)
        hidden = self.encoder2(hidden, mask, generator)
        if speed != 1.0:
            frames = int(hidden.shape[2] / speed) + 1
            hidden = functional.interpolate(hidden, size=frames, mode="linear")
            mask = functional.interpolate(mask, size=frames, mode="nearest")
        mean, log_std = (self.proj(hidden) * mask).chunk(2, dim=1)
        return PriorStatistics(mean, log_std, mask)


def _encoder(sizes: PriorConfig, layers: int) -> RelativeEncoder:
    """An encoder of the prior's widths with `layers` layers."""
    return RelativeEncoder(
        sizes.hidden, sizes.filter, sizes.heads, layers, sizes.kernel, sizes.window, sizes.dropout
    )
