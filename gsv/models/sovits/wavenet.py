"""A stack of gated convolutions with a speaker condition; the posterior and the flow are made of it.

Knows `[B, C, T]` and a condition `[B, G, 1]`.
"""

from __future__ import annotations

from torch import Tensor, nn

from gsv.models.weight_norm import NormedConv1d


class GatedStack(nn.Module):
    """Layers of `tanh` times `sigmoid`, each feeding the next and adding to the result."""

    def __init__(self, channels: int, kernel: int, layers: int, condition: int) -> None:
        super().__init__()
        self.in_layers = nn.ModuleList(NormedConv1d(channels, 2 * channels, kernel) for _ in range(layers))
        widths = [2 * channels] * (layers - 1) + [channels]  # the last layer feeds nothing further
        self.res_skip_layers = nn.ModuleList(NormedConv1d(channels, width) for width in widths)
        self.cond_layer = NormedConv1d(condition, 2 * channels * layers)

    def forward(self, x: Tensor, mask: Tensor, speaker: Tensor) -> Tensor:
        """`x` `[B, C, T]` (zero on padding), `mask` `[B, 1, T]`, `speaker` `[B, G, 1]` to `[B, C, T]`."""
        conditions = self.cond_layer(speaker).chunk(len(self.in_layers), dim=1)
        last = len(conditions) - 1
        total: Tensor | None = None
        for i, (widen, narrow) in enumerate(zip(self.in_layers, self.res_skip_layers, strict=True)):
            signal, gate = (widen(x) + conditions[i]).chunk(2, dim=1)
            out = narrow(signal.tanh() * gate.sigmoid())
            if i < last:
                step, out = out.chunk(2, dim=1)
                x = (x + step) * mask
            total = out if total is None else total + out
        assert total is not None
        return total * mask
