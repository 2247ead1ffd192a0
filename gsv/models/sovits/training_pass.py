"""What goes into one training pass of the synthesizer and what comes out.

Knows tensors only. Lengths count latent frames, phones or reference frames; padding may hold anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class TrainingBatch:
    """One batch, with either `content` or the `codes` that a frozen quantizer made of it."""

    spectrogram: Tensor
    """Linear spectrogram of the targets, `[B, bins, T]`."""
    lengths: Tensor
    """Valid frames of each target, `[B]`, all at least the family's `segment_frames`."""
    phones: Tensor
    """Phone ids `[B, N]`; an item without text is the single id `blank_phone`."""
    phone_lengths: Tensor
    """Valid phones of each item, `[B]`, at least one."""
    content: Tensor | None = None
    """Content features `[B, C, T']`, where `T'` reaches `T` but for a last frame."""
    codes: Tensor | None = None
    """Semantic codes `[B, S]`, where `S * frames_per_code` reaches `T` but for a last frame."""
    reference: Tensor | None = None
    """Linear spectrogram of another clip of each speaker, `[B, bins, R]`; without it, the target itself."""
    reference_lengths: Tensor | None = None
    """Valid frames of each reference, `[B]`; without it, all."""
    speaker_embedding: Tensor | None = None
    """Vector of the pretrained speaker network, `[B, D]`, for families with a speaker input."""
    segment_starts: Tensor | None = None
    """First frame of each decoder slice, `[B]`; drawn when absent."""
    posterior_noise: Tensor | None = None
    """Standard normal noise `[B, latent, T]`; drawn when absent."""
    decode_prior: bool = False
    """Decode the prior's mean at the same slice as well (the path that synthesis takes)."""
    phone_places: Tensor | None = None
    """Which of the phones each frame is told to say, `[B, T]`, negative where it has to find out."""
    watch_text: bool = False
    """Tell where the frames look at the phones."""


@dataclass
class TrainingPass:
    """The tensors that the losses need."""

    audio: Tensor
    """Decoded slice of the posterior's latent, `[B, 1, segment_frames * hop_length]`."""
    prior_audio: Tensor | None
    """The same slice decoded from the prior's mean, where it was asked for."""
    segment_starts: Tensor
    """First frame of each slice, `[B]`."""
    mask: Tensor
    """Valid frames, `[B, 1, T]`."""
    z: Tensor
    z_p: Tensor
    m_p: Tensor
    logs_p: Tensor
    m_q: Tensor
    logs_q: Tensor
    """Latent, latent in the prior's space, statistics of prior and posterior, each `[B, latent, T]`."""
    commitment_loss: Tensor
    """Distance of the content to its codes; zero with a frozen quantizer, `[]`."""
    text_attention: Tensor | None = None
    """Where the first head looks at the phones, `[B, T, N]`, where it was asked for."""


@dataclass
class PriorPass:
    """The tensors that the prior's own losses need, as in `TrainingPass`."""

    mask: Tensor
    z_p: Tensor
    logs_q: Tensor
    m_p: Tensor
    logs_p: Tensor
    text_attention: Tensor | None = None
