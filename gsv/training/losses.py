"""The losses of SoVITS training as pure functions of tensors.

Knows no network and no schedule: weights between the losses are the caller's. All sums are taken in float32.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def discriminator_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Least squares: recordings should score one and decoded waves zero; summed over the parts."""
    losses = [
        (1 - good.float()).square().mean() + bad.float().square().mean()
        for good, bad in zip(real, fake, strict=True)
    ]
    return torch.stack(losses).sum()


def generator_loss(fake: Sequence[Tensor]) -> Tensor:
    """Least squares: decoded waves should score one; summed over the parts of the discriminator."""
    return torch.stack([(1 - verdict.float()).square().mean() for verdict in fake]).sum()


def hinge_discriminator_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Hinge: recordings should score above one and decoded waves below minus one; mean over the parts."""
    losses = [
        (1 - good.float()).relu().mean() + (1 + bad.float()).relu().mean()
        for good, bad in zip(real, fake, strict=True)
    ]
    return torch.stack(losses).mean()


def hinge_generator_loss(fake: Sequence[Tensor]) -> Tensor:
    """Hinge: the lower decoded waves score, the higher the loss; mean over the parts."""
    return -torch.stack([verdict.float().mean() for verdict in fake]).mean()


def feature_matching_loss(real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]]) -> Tensor:
    """Twice the mean absolute difference of all activations, summed; no gradient flows into the real side."""
    distances = [
        (good.detach().float() - bad.float()).abs().mean()
        for good_part, bad_part in zip(real, fake, strict=True)
        for good, bad in zip(good_part, bad_part, strict=True)
    ]
    return 2 * torch.stack(distances).sum()


def kl_terms(z_p: Tensor, logs_q: Tensor, m_p: Tensor, logs_p: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Divergence of the posterior from the prior: its sum over all channels, and the number of valid frames.

    All `[B, latent, T]`, `mask` `[B, 1, T]`. `z_p` is a sample of the posterior in the prior's space.
    """
    z_p, logs_q, m_p, logs_p = (x.float() for x in (z_p, logs_q, m_p, logs_p))
    pointwise = logs_p - logs_q - 0.5 + 0.5 * (z_p - m_p).square() * (-2 * logs_p).exp()
    return (pointwise * mask).sum(), mask.float().sum()


def kl_loss(z_p: Tensor, logs_q: Tensor, m_p: Tensor, logs_p: Tensor, mask: Tensor) -> Tensor:
    """`kl_terms` as one number: the sum over channels, averaged over valid frames."""
    total, frames = kl_terms(z_p, logs_q, m_p, logs_p, mask)
    return total / frames


def mel_loss(target: Tensor, decoded: Tensor) -> Tensor:
    """Mean absolute difference of two log-mel spectrograms `[B, n_mels, F]`."""
    return (target.float() - decoded.float()).abs().mean()


def text_alignment_loss(attention: Tensor, places: Tensor, reach: int = 1) -> Tensor:
    """Mean over items, each over its frames, of -log of the attention `[B, T, N]` on the phone being said.

    `places`: `[B, T]`, that phone's place, negative where it is not known; up to `reach` places away count as
    right. An item without places counts as zero, so that parts of a batch add up to the whole.
    """
    known = places >= 0
    phones = torch.arange(attention.shape[2], device=places.device)
    near = (phones - places.unsqueeze(-1)).abs() <= reach
    lost = -((attention * near).sum(-1) + 1e-6).log()
    return ((lost * known).sum(-1) / known.sum(-1).clamp(min=1)).mean()
