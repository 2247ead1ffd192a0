"""The shared pieces against their definitions written out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from gsv.errors import InputError
from gsv.models.layers import ChannelNorm, dropout, length_mask, normal_like
from gsv.models.sovits.attention import RelativeAttention, gather_band, spread_band
from gsv.models.vocoders.istft import inverse_stft
from gsv.models.weight_norm import NormedConv1d, NormedConv2d, NormedConvTranspose1d, fold_weight_norm


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(st.integers(1, 12), st.integers(0, 5))
def test_bands_lie_around_the_diagonal(steps: int, reach: int) -> None:
    band = torch.randn(2, steps, 2 * reach + 1, generator=seeded())
    expected = torch.zeros(2, steps, steps)
    for i in range(steps):
        for c in range(2 * reach + 1):
            if 0 <= i + c - reach < steps:
                expected[:, i, i + c - reach] = band[:, i, c]
    assert torch.equal(spread_band(band), expected)
    inside = torch.ones_like(band)
    assert torch.equal(
        gather_band(expected, 2 * reach + 1), band * gather_band(spread_band(inside), 2 * reach + 1)
    )


def test_relative_attention_is_the_formula() -> None:
    layer = RelativeAttention(8, 2, 4, 0.0)
    x = torch.randn(1, 8, 7, generator=seeded(1))
    mask = length_mask(torch.tensor([5]), 7)
    query, key, value = (layer.get_submodule(f"conv_{c}")(x)[0].view(2, 4, 7) for c in "qkv")
    expected = torch.zeros(2, 4, 7)
    for head in range(2):
        for i in range(7):
            scores = []
            for j in range(7):
                score = query[head, :, i] @ key[head, :, j] / 2
                if abs(j - i) <= 4:
                    score = score + query[head, :, i] @ layer.emb_rel_k[0, j - i + 4] / 2
                scores.append(score if j < 5 else torch.tensor(-1e4))
            weights = torch.stack(scores).softmax(0)
            for j in range(7):
                near = layer.emb_rel_v[0, j - i + 4] if abs(j - i) <= 4 else torch.zeros(4)
                expected[head, :, i] += weights[j] * (value[head, :, j] + near)
    ours = layer(x, mask, None)
    assert torch.allclose(ours, layer.get_submodule("conv_o")(expected.reshape(1, 8, 7)), atol=1e-6)


def reference_pair(ours: nn.Module, plain: nn.Module) -> nn.Module:
    """PyTorch's own weight norm with the parameters of `ours`."""
    normed = nn.utils.parametrizations.weight_norm(plain, dim=0)
    state = ours.state_dict()
    normed.parametrizations.weight.original0.data = state["weight_g"]  # type: ignore[union-attr]
    normed.parametrizations.weight.original1.data = state["weight_v"]  # type: ignore[union-attr]
    normed.bias.data = state["bias"]  # type: ignore[union-attr]
    return normed


@pytest.mark.parametrize(
    ("ours", "plain", "shape"),
    [
        (NormedConv1d(4, 6, 5, dilation=2), nn.Conv1d(4, 6, 5, dilation=2, padding=4), (2, 4, 9)),
        (NormedConvTranspose1d(4, 2, 8, 4), nn.ConvTranspose1d(4, 2, 8, 4, padding=2), (2, 4, 9)),
        (
            NormedConv2d(2, 3, (5, 1), stride=(3, 1), padding=(2, 0)),
            nn.Conv2d(2, 3, (5, 1), (3, 1), (2, 0)),
            (1, 2, 9, 4),
        ),
    ],
)
def test_weight_norm_and_its_folding(ours: nn.Module, plain: nn.Module, shape: tuple[int, ...]) -> None:
    for parameter in ours.parameters():
        parameter.data.normal_(generator=seeded(3))
    x = torch.randn(shape, generator=seeded(4))
    expected = reference_pair(ours, plain)(x)
    assert torch.allclose(ours(x), expected, atol=1e-5)
    assert fold_weight_norm(ours) is ours
    assert torch.allclose(ours(x), expected, atol=1e-5)
    assert set(ours.state_dict()) == {"weight", "bias"}
    assert fold_weight_norm(ours)(x).shape == expected.shape


def test_channel_norm_has_no_mean_and_unit_spread() -> None:
    x = ChannelNorm(16)(torch.randn(2, 16, 5, generator=seeded()) * 7 + 3)
    assert torch.allclose(x.mean(1), torch.zeros(2, 5), atol=1e-5)
    assert torch.allclose(x.var(1, unbiased=False), torch.ones(2, 5), atol=1e-3)


def test_randomness_comes_from_the_generator_alone() -> None:
    x = torch.ones(1000)
    state = torch.get_rng_state()
    first, again = dropout(x, 0.3, True, seeded(5)), dropout(x, 0.3, True, seeded(5))
    assert torch.equal(first, again) and torch.equal(state, torch.get_rng_state())
    assert first.unique().tolist() == pytest.approx([0.0, 1 / 0.7])
    assert abs(float(first.mean()) - 1) < 0.1
    assert dropout(x, 0.3, False, None) is x and dropout(x, 0.0, True, None) is x
    for call in (lambda: dropout(x, 0.3, True, None), lambda: normal_like(x, None)):
        with pytest.raises(InputError, match="generator"):
            call()


def framed(wave: Tensor, n_fft: int, hop_length: int) -> Tensor:
    """The framing of `gsv.audio.spectrogram`, as a complex spectrum."""
    side = (n_fft - hop_length) // 2
    padded = functional.pad(wave[:, None], (side, side), mode="reflect")[:, 0]
    window = torch.hann_window(n_fft)
    return torch.stft(padded, n_fft, hop_length, window=window, center=False, return_complex=True)


@pytest.mark.parametrize(("n_fft", "hop_length"), [(1280, 320), (16, 4), (64, 16)])
def test_inverse_transform_gives_the_wave_back(n_fft: int, hop_length: int) -> None:
    wave = torch.randn(2, hop_length * 11, generator=seeded(6))
    back = inverse_stft(framed(wave, n_fft, hop_length), n_fft, hop_length)
    assert back.shape == wave.shape
    assert torch.allclose(back, wave, atol=1e-4)
