"""Convolutions with a weight of separate direction and gain, and the folding of the two.

Knows the parameter names that published files use (`weight_g`, `weight_v`, `bias`). Knows no network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Normed(nn.Module):
    """What the three convolutions share: the pair of parameters, and the weight made of it.

    The gain has one number for each slice along the first axis of the weight, which is the output channel
    of a convolution and the *input* channel of a transposed one.
    """

    weight: nn.Parameter | None
    weight_g: nn.Parameter | None
    weight_v: nn.Parameter | None
    bias: nn.Parameter | None

    def _split(self, weight: Tensor, bias: Tensor | None) -> None:
        """Register gain and direction of a freshly initialised `weight`, the bias before them."""
        self.register_parameter("bias", None if bias is None else nn.Parameter(bias.detach()))
        direction = weight.detach()
        gain = torch.linalg.vector_norm(direction.flatten(1), dim=1).view(-1, *[1] * (direction.dim() - 1))
        self.register_parameter("weight_g", nn.Parameter(gain))
        self.register_parameter("weight_v", nn.Parameter(direction))
        self.register_parameter("weight", None)

    def effective_weight(self) -> Tensor:
        """The convolution kernel: gain times direction over its norm (or the folded weight)."""
        if self.weight is not None:
            return self.weight
        assert self.weight_v is not None and self.weight_g is not None
        return torch._weight_norm(self.weight_v, self.weight_g, 0)

    def fold(self) -> None:
        """Keep the product only. Faster; the module can no longer be trained or saved as published."""
        if self.weight is None:
            kernel = self.effective_weight().detach()
            self.weight_g = None
            self.weight_v = None
            self.weight = nn.Parameter(kernel, requires_grad=False)


class NormedConv1d(_Normed):
    """`[B, C_in, T]` to `[B, C_out, T']`; `padding` defaults to what keeps the length at stride 1."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        padding: int | None = None,
    ) -> None:
        super().__init__()
        same = (kernel - 1) * dilation // 2
        self.stride, self.dilation, self.groups = stride, dilation, groups
        self.padding = same if padding is None else padding
        plain = nn.Conv1d(in_channels, out_channels, kernel, groups=groups)
        self._split(plain.weight, plain.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve `[B, C_in, T]`."""
        kernel = self.effective_weight()
        return functional.conv1d(x, kernel, self.bias, self.stride, self.padding, self.dilation, self.groups)


class NormedConvTranspose1d(_Normed):
    """`[B, C_in, T]` to `[B, C_out, T * stride]` when `kernel - stride` is even."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.padding = (kernel - stride) // 2
        plain = nn.ConvTranspose1d(in_channels, out_channels, kernel, stride)
        self._split(plain.weight, plain.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Upsample `[B, C_in, T]`."""
        return functional.conv_transpose1d(x, self.effective_weight(), self.bias, self.stride, self.padding)


class NormedConv2d(_Normed):
    """`[B, C_in, H, W]` to `[B, C_out, H', W']`, padded by `padding` on each side."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: tuple[int, int],
        *,
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
    ) -> None:
        super().__init__()
        self.stride, self.padding = stride, padding
        plain = nn.Conv2d(in_channels, out_channels, kernel)
        self._split(plain.weight, plain.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve `[B, C_in, H, W]`."""
        return functional.conv2d(x, self.effective_weight(), self.bias, self.stride, self.padding)


def fold_weight_norm(module: nn.Module) -> nn.Module:
    """Fold every weight-normed convolution inside `module`, in place, for inference; returns the module.

    The result computes the same within rounding. Its state dict has `weight` in place of the published pair,
    so load weights before, and train or save another copy.
    """
    for part in module.modules():
        if isinstance(part, _Normed):
            part.fold()
    return module
