"""The blocks of the semantic decoder again, arranged for a CPU: weights in bfloat16 or 8-bit integers.

Speaking one code at a time reads every weight once for every code, so that the size of the weights is the
time. Knows the arithmetic of the blocks and takes its weights from a `SemanticDecoder`. Does not know whether
the reduced precision is good enough: `agreement` measures it, and whoever asks for speed decides.

Embeddings, normalisations, attention, the cache and the prediction stay in float32.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.models.gpt.decoder import GptBatch, SemanticDecoder
from gsv.models.gpt.layers import Block, KeyValueStore

Kind = Literal["bfloat16", "int8"]

MOST_DIFFERENCE = 0.05
LEAST_EQUAL = 0.95
"""Bounds of `agreement` within which a reduced precision counts as exact enough."""


@dataclass(frozen=True)
class Agreement:
    """How near a packed decoder is: mean difference of the logits, and the share of equal likeliest codes."""

    difference: float
    equal: float

    @property
    def enough(self) -> bool:
        """Whether it is within the bounds."""
        return self.difference <= MOST_DIFFERENCE and self.equal >= LEAST_EQUAL


def available(kind: Kind) -> bool:
    """Whether this build of torch has the products that `kind` needs."""
    return _product(nn.Linear(32, 32), kind) is not None


def pack(network: SemanticDecoder, kind: Kind) -> SemanticDecoder:
    """A decoder that speaks as `network` does, with packed blocks; it shares all other weights with it.

    It cannot be trained, saved or moved to another device. Raises RuntimeError where `available` is false.
    """
    packed = SemanticDecoder.__new__(SemanticDecoder)
    nn.Module.__init__(packed)
    packed.config = network.config
    for name, child in network.named_children():
        if name != "h":
            setattr(packed, name, child)
    blocks: Any = network.h.layers
    packed.h = _PackedStack([_PackedBlock(block, kind) for block in blocks])  # type: ignore[assignment]
    return packed.eval()


@torch.inference_mode()
def agreement(network: SemanticDecoder, packed: SemanticDecoder, batch: GptBatch) -> Agreement:
    """What `packed` makes of a batch of true codes beside what `network` does (teacher-forced)."""
    exact, found = network(batch).logits, packed(batch).logits
    places = torch.arange(exact.shape[1], device=exact.device)
    valid = places <= batch.code_lengths.unsqueeze(1)
    exact, found = exact[valid], found[valid]
    equal = (exact.argmax(-1) == found.argmax(-1)).float().mean()
    return Agreement(float((exact - found).abs().mean()), float(equal))


Product = Callable[[Tensor, bool], Tensor]
"""Rows `[M, C]` float32 to rows `[M, D]` float32, followed by ReLU if asked for."""


def _product(source: nn.Linear | tuple[Tensor, Tensor], kind: Kind) -> Product | None:
    weight, bias = (source.weight, source.bias) if isinstance(source, nn.Linear) else source
    try:
        product: Product = (_Integers if kind == "int8" else _Halves)(weight.detach(), bias.detach())
        product(torch.zeros(1, weight.shape[1]), True)
    except (AttributeError, RuntimeError, NotImplementedError):
        return None
    return product


class _Halves:
    """A product in bfloat16 with the weight laid out for the processor once."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.bfloat16().contiguous(), None)
        self._bias = bias.bfloat16()

    def __call__(self, rows: Tensor, relu: bool = False) -> Tensor:
        activation = "relu" if relu else "none"
        result: Tensor = torch.ops.mkldnn._linear_pointwise(
            rows.bfloat16(), self._weight, self._bias, activation, [], ""
        )
        return result.float()


class _Integers:
    """A product of 8-bit integers: weights scaled by output channel, rows together by their own range."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        scale = (weight.abs().amax(dim=1) / 127).clamp(min=1e-12).double()
        zero = torch.zeros(len(scale), dtype=torch.long)
        with warnings.catch_warnings():
            # torch means to move these functions; `available` says when they are gone.
            warnings.simplefilter("ignore")
            integers = torch.quantize_per_channel(weight.float(), scale, zero, 0, torch.qint8)
            self._packed = torch.ops.quantized.linear_prepack(integers, bias.float())
        self._plain = torch.ops.quantized.linear_dynamic.default
        self._with_relu = torch.ops.quantized.linear_relu_dynamic.default
        # Older processors add two products in 16 bits, where full ranges would overflow.
        whole_range = getattr(torch.cpu, "_is_vnni_supported", None)
        self._reduce = not (whole_range is not None and whole_range())

    def __call__(self, rows: Tensor, relu: bool = False) -> Tensor:
        product = self._with_relu if relu else self._plain
        result: Tensor = product(rows.contiguous(), self._packed, self._reduce)
        return result


class _PackedBlock:
    """One block: the same order as `layers.Block`."""

    def __init__(self, source: Block, kind: Kind) -> None:
        attention = source.self_attn
        joined = (attention.in_proj_weight, attention.in_proj_bias)
        self.project = self._built(joined, kind)
        self.out = self._built(attention.out_proj, kind)
        self.wide, self.narrow = (self._built(part, kind) for part in (source.linear1, source.linear2))
        self.norms = [
            (norm.weight.detach(), norm.bias.detach(), norm.eps) for norm in (source.norm1, source.norm2)
        ]
        self.heads = attention.heads

    @staticmethod
    def _built(source: nn.Linear | tuple[Tensor, Tensor], kind: Kind) -> Product:
        product = _product(source, kind)
        if product is None:
            raise RuntimeError(f"this build of torch has no products in {kind}")
        return product

    def norm(self, number: int, rows: Tensor) -> Tensor:
        """Rows `[M, C]` normalised."""
        weight, bias, epsilon = self.norms[number]
        return torch.layer_norm(rows, weight.shape, weight, bias, epsilon)


class _PackedStack(nn.Module):
    """All blocks; called as `layers.Stack` is."""

    def __init__(self, blocks: Sequence[_PackedBlock]) -> None:
        super().__init__()
        self._blocks = list(blocks)

    @torch.inference_mode()
    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        store: KeyValueStore | None = None,
        watched: dict[int, tuple[Tensor, Tensor]] | None = None,
    ) -> Tensor:
        """`x` `[B, L, C]` through every block, as `layers.Stack.forward` says."""
        batch, length, width = x.shape
        rows = x.reshape(-1, width)
        for number, block in enumerate(self._blocks):
            joined = block.project(rows, False)
            if length == 1:
                # One code at a time: the numbers lie as they are needed, and every call that is spared counts.
                queries, keys, values = joined.view(batch, 3, block.heads, 1, -1).unbind(1)
            else:
                queries, keys, values = joined.view(batch, length, 3, block.heads, -1).permute(2, 0, 3, 1, 4)
            if store is not None:
                keys, values = store.extend(number, keys, values)
            if watched is not None and number in watched:
                watched[number] = (queries, keys)
            heard = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
            heard = heard.view(batch, width) if length == 1 else heard.transpose(1, 2).reshape(-1, width)
            rows = block.norm(0, rows + block.out(heard, False))
            rows = block.norm(1, rows + block.narrow(block.wide(rows, True), False))
        return rows.view(batch, length, width)
