"""The content encoder again, arranged for a CPU: clips packed row by row, products in bfloat16 where asked for.

Knows the arithmetic of HuBERT networks and takes its weights from a `ContentEncoder`. Does not know files, or
whether the reduced precision is good enough: the self-test of the content stage decides that. What differs
from the plain network:

- all layers work on rows `[frames, channels]`, so that a convolution is one matrix product, and clips of any
  lengths share the products of the transformer without padding (each attends to itself alone);
- the normalisation over time behind the first convolution is folded into it, from the moments of the wave;
- the position convolution, 128 taps wide, is done by Fourier transforms;
- weights are laid out for the processor once, with the activation computed inside the product (oneDNN).

In float32 the result is that of the plain network within rounding. In bfloat16 the residual stream, the
normalisations, the last convolutions and the position convolution stay in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.models.content import ContentEncoder

_EXACT_CONVOLUTIONS = 3
"""The last convolutions run at a low rate: exact, they cost 3 % and remove a third of the error."""

_MOST_ROWS = 450
"""Frames, 9 s, that go through the transformer together: more would leave the processor's cache."""

_CHUNK_ROWS = 1024
"""Rows of a convolution's neighbourhoods that are copied side by side at a time, for the same reason."""

_FFT_SIZE = 256

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": functional.gelu, "relu": functional.relu}

_FUSED: dict[str, tuple[str, list[Any], str]] = {
    "": ("none", [], ""),
    "gelu": ("gelu", [], "none"),
    "relu": ("relu", [], ""),
}
"""What oneDNN is told about the activation that follows a product."""


def supports(encoder: ContentEncoder) -> bool:
    """Whether this arrangement computes what `encoder` is configured to compute."""
    config = encoder.hubert.config
    plain = {config.hidden_act, config.feat_extract_activation} <= set(_ACTIVATIONS)
    whole = not getattr(config, "conv_pos_batch_norm", False) and getattr(
        config, "feat_proj_layer_norm", True
    )
    short = config.num_conv_pos_embeddings <= _FFT_SIZE // 2
    return bool(plain and whole and short and config.feat_extract_norm in ("group", "layer"))


def gains(dtype: torch.dtype) -> bool:
    """Whether this processor and build of torch have the laid-out products that make the arrangement fast.

    Without them it is still right, but plain layers are as quick. In float32 the processor computes the same
    products either way, and the gain (2 to 9 %) is not worth a second path.
    """
    return dtype == torch.bfloat16 and _lay_out(torch.zeros(16, 16, dtype=dtype)) is not None


class PackedContent:
    """Content features of a list of clips on the CPU, from the weights of `encoder` in `dtype`.

    `dtype` is float32 or bfloat16. The encoder itself is left as it is; its weights are copied.
    """

    @torch.inference_mode()
    def __init__(self, encoder: ContentEncoder, dtype: torch.dtype = torch.float32) -> None:
        hubert = encoder.hubert
        config = hubert.config
        self._config, self._settings = config, encoder.settings
        layers = list(hubert.feature_extractor.conv_layers)
        sound = config.feat_extract_activation
        self._activation = _ACTIVATIONS[sound]
        self._first = _FirstConvolution(layers[0], sound, dtype)
        exact = len(layers) - _EXACT_CONVOLUTIONS
        self._convolutions = [
            _Convolution(layer, sound, dtype if index < exact else torch.float32)
            for index, layer in enumerate(layers[1:], start=1)
        ]
        projection = hubert.feature_projection
        self._projection_norm = _Norm(projection.layer_norm)
        self._projection = _Product(projection.projection, torch.float32)
        self._positions = _PositionConvolution(hubert.encoder.pos_conv_embed.conv)
        self._norm = _Norm(hubert.encoder.layer_norm)
        self._layers = [_Layer(layer, config, dtype) for layer in hubert.encoder.layers]

    @torch.inference_mode()
    def features(self, waves: Sequence[Tensor]) -> list[Tensor]:
        """Content `[1, C, F]` float32 for each 16 kHz wave `[T]`; every wave must be long enough for a frame."""
        results: list[Tensor] = []
        group: list[Tensor] = []
        for wave in waves:
            convolved = self._convolve(wave.float())
            if group and sum(map(len, group)) + len(convolved) > _MOST_ROWS:
                results += self._transform(group)
                group = []
            group.append(convolved)
        if group:
            results += self._transform(group)
        return [rows.T[None].contiguous() for rows in results]

    def _convolve(self, wave: Tensor) -> Tensor:
        """A wave `[T]` to rows `[F, D]`."""
        rows = self._first(wave)
        for convolution in self._convolutions:
            rows = convolution(rows)
        return rows.float()

    def _transform(self, clips: list[Tensor]) -> tuple[Tensor, ...]:
        """Convolved clips `[F, D]` to the content of each `[F, C]`."""
        sizes = [len(clip) for clip in clips]
        rows = self._projection(self._projection_norm(torch.cat(clips)))
        rows = rows + self._activation(torch.cat([self._positions(clip) for clip in rows.split(sizes)]))
        stable = bool(self._config.do_stable_layer_norm)
        rows = rows if stable else self._norm(rows)
        wanted, count = self._settings.feature_layer, len(self._layers)
        inner = 0 <= wanted < count
        for layer in self._layers[: wanted if inner else count]:
            rows = layer(rows, sizes)
        if inner:
            rows = functional.layer_norm(rows, (rows.shape[1],))
        elif stable:
            rows = self._norm(rows)
        return rows.split(sizes)


class _Norm:
    """A layer norm over the channels of rows, in float32."""

    def __init__(self, source: nn.LayerNorm) -> None:
        self._weight, self._bias, self._epsilon = source.weight.clone(), source.bias.clone(), source.eps

    def __call__(self, rows: Tensor) -> Tensor:
        return functional.layer_norm(
            rows.float(), self._weight.shape, self._weight, self._bias, self._epsilon
        )


class _Product:
    """`rows @ weight.T + bias` in one type, the weight laid out for the processor once."""

    def __init__(self, source: nn.Linear | tuple[Tensor, Tensor | None], dtype: torch.dtype) -> None:
        weight, bias = (source.weight, source.bias) if isinstance(source, nn.Linear) else source
        self._dtype = dtype
        plain = weight.detach().to(dtype).contiguous().clone()
        self._bias = None if bias is None else bias.detach().to(dtype).clone()
        laid_out = _lay_out(plain) if dtype == torch.bfloat16 else None
        self._fuses = laid_out is not None
        self._weight = plain if laid_out is None else laid_out

    def __call__(self, rows: Tensor, activation: str = "") -> Tensor:
        rows = rows.to(self._dtype)
        if self._fuses:
            fused = _FUSED[activation]
            result: Tensor = torch.ops.mkldnn._linear_pointwise(rows, self._weight, self._bias, *fused)
            return result
        product = functional.linear(rows, self._weight, self._bias)
        return _ACTIVATIONS[activation](product) if activation else product


def _lay_out(weight: Tensor) -> Any:
    """The weight in oneDNN's own layout, or None where this build of torch has none."""
    try:
        laid_out = torch.ops.mkldnn._reorder_linear_weight(weight, None)
        probe = torch.zeros(2, weight.shape[1], dtype=weight.dtype)
        torch.ops.mkldnn._linear_pointwise(probe, laid_out, None, "gelu", [], "none")
    except (AttributeError, RuntimeError, NotImplementedError):
        return None
    return laid_out


class _FirstConvolution:
    """The convolution of the wave itself with its normalisation and activation."""

    def __init__(self, source: nn.Module, activation: str, dtype: torch.dtype) -> None:
        conv: Any = source.conv
        self._activation = activation
        self._halves = dtype == torch.bfloat16
        self._size, self._stride = conv.kernel_size[0], conv.stride[0]
        self._weight = conv.weight.detach()[:, 0].double()
        self._bias = None if conv.bias is None else conv.bias.detach().double()
        norm: Any = getattr(source, "layer_norm", None)
        self._over_time = isinstance(norm, nn.GroupNorm)
        self._norm = _Norm(norm) if isinstance(norm, nn.LayerNorm) else None
        if self._over_time:
            self._gain, self._shift, self._epsilon = norm.weight.double(), norm.bias.double(), norm.eps

    def __call__(self, wave: Tensor) -> Tensor:
        """A wave `[T]` to rows `[F, D]`."""
        patches = wave.unfold(0, self._size, self._stride)
        weight, bias = self._weight, self._bias
        if self._over_time:
            weight, bias = self._folded(patches.double())
        if self._halves and self._norm is None:
            return _product_of_halves(patches, weight, bias, self._activation)
        rows = functional.linear(patches, weight.float(), None if bias is None else bias.float())
        return _ACTIVATIONS[self._activation](rows if self._norm is None else self._norm(rows))

    def _folded(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Weight and bias that contain the normalisation of each channel over the time of this clip.

        A channel is a fixed sum over ten samples, so its mean and variance follow from theirs.
        """
        mean = patches.mean(dim=0)
        covariance = patches.T @ patches / len(patches) - mean[:, None] * mean
        centre = self._weight @ mean
        variance = ((self._weight @ covariance) * self._weight).sum(dim=1).clamp(min=0)
        scale = self._gain * (variance + self._epsilon).rsqrt()
        return self._weight * scale[:, None], self._shift - centre * scale


def _product_of_halves(rows: Tensor, weight: Tensor, bias: Tensor | None, activation: str) -> Tensor:
    """Activation of a product with few columns, in bfloat16 but nearly as exact as float32 up to its rounding.

    Each factor is a bfloat16 number and the bfloat16 number that is left of it; three of the four products
    matter, and with ten columns they cost nothing beside the saved passes over memory.
    """
    high, low = _split(rows.float())
    weight_high, weight_low = _split(weight.float())
    columns = [high, low, high]
    weights = [weight_high, weight_high, weight_low]
    if bias is not None:
        ones = high.new_ones(len(rows), 1)
        columns += [ones, ones]
        weights += [part[:, None] for part in _split(bias.float())]
    product = _Product((torch.cat(weights, dim=1), None), torch.bfloat16)
    return product(torch.cat(columns, dim=1), activation)


def _split(values: Tensor) -> tuple[Tensor, Tensor]:
    """Float32 values as two bfloat16 numbers that sum to nearly them."""
    high = values.bfloat16()
    return high, (values - high.float()).bfloat16()


class _Convolution:
    """One of the strided convolutions behind the first, as a product over neighbouring rows."""

    def __init__(self, source: nn.Module, activation: str, dtype: torch.dtype) -> None:
        conv: Any = source.conv
        self._activation = activation
        self._size, self._stride = conv.kernel_size[0], conv.stride[0]
        weight = conv.weight.permute(0, 2, 1).flatten(1)
        self._product = _Product((weight, conv.bias), dtype)
        norm: Any = getattr(source, "layer_norm", None)
        self._norm = None if norm is None else _Norm(norm)

    def __call__(self, rows: Tensor) -> Tensor:
        """Rows `[F, C]` to rows `[F', D]`."""
        rows = rows.contiguous()
        channels = rows.shape[1]
        count = (len(rows) - self._size) // self._stride + 1
        shape, strides = (count, self._size * channels), (self._stride * channels, 1)
        pieces = rows.as_strided(shape, strides).split(_CHUNK_ROWS)
        return torch.cat([self._chunk(piece.contiguous()) for piece in pieces])

    def _chunk(self, neighbours: Tensor) -> Tensor:
        if self._norm is None:
            return self._product(neighbours, self._activation)
        return _ACTIVATIONS[self._activation](self._norm(self._product(neighbours)))


class _PositionConvolution:
    """The grouped convolution that tells a frame where it is, by Fourier transforms of blocks."""

    def __init__(self, conv: Any) -> None:
        weight = conv.weight.detach().float()
        self._groups, self._bias = conv.groups, conv.bias.detach().float().clone()
        self._reach = weight.shape[2]
        self._block = _FFT_SIZE - self._reach + 1
        spectrum = torch.fft.rfft(weight.flip(-1), _FFT_SIZE)
        self._spectrum = (
            spectrum.unflatten(0, (self._groups, -1)).permute(3, 0, 1, 2).flatten(0, 1).contiguous()
        )

    def __call__(self, rows: Tensor) -> Tensor:
        """Rows `[F, C]` to rows `[F, C]`, float32."""
        frames = rows.shape[0]
        count = -(-frames // self._block)
        half = self._reach // 2
        missing = count * self._block + self._reach - 1 - half - frames
        padded = functional.pad(rows.T, (half, missing))
        blocks = torch.fft.rfft(padded.unfold(1, _FFT_SIZE, self._block))
        split = blocks.unflatten(0, (self._groups, -1)).permute(3, 0, 1, 2).flatten(0, 1)
        product = torch.bmm(self._spectrum, split).unflatten(0, (-1, self._groups)).flatten(1, 2)
        waves = torch.fft.irfft(product.permute(1, 2, 0), _FFT_SIZE)[:, :, self._reach - 1 :]
        return waves.flatten(1)[:, :frames].T + self._bias


class _Layer:
    """A transformer layer over packed rows, norm first or norm last."""

    def __init__(self, source: Any, config: Any, dtype: torch.dtype) -> None:
        attention, feed = source.attention, source.feed_forward
        parts = (attention.q_proj, attention.k_proj, attention.v_proj)
        weight = torch.cat([part.weight for part in parts])
        self._query_key_value = _Product((weight, torch.cat([part.bias for part in parts])), dtype)
        self._out = _Product(attention.out_proj, dtype)
        self._activation = str(config.hidden_act)
        self._wide = _Product(feed.intermediate_dense, dtype)
        self._narrow = _Product(feed.output_dense, dtype)
        self._norm, self._final_norm = _Norm(source.layer_norm), _Norm(source.final_layer_norm)
        self._stable = bool(config.do_stable_layer_norm)
        self._heads = int(config.num_attention_heads)

    def __call__(self, rows: Tensor, sizes: list[int]) -> Tensor:
        """Rows `[F, C]` float32 of clips of `sizes` frames, which sum to F."""
        if self._stable:
            rows = rows + self._attend(self._norm(rows), sizes)
            return rows + self._feed(self._final_norm(rows))
        rows = self._norm(rows + self._attend(rows, sizes))
        return self._final_norm(rows + self._feed(rows))

    def _feed(self, rows: Tensor) -> Tensor:
        return self._narrow(self._wide(rows, self._activation))

    def _attend(self, rows: Tensor, sizes: list[int]) -> Tensor:
        seen = []
        for clip in self._query_key_value(rows).split(sizes):
            query, key, value = clip.view(1, len(clip), 3, self._heads, -1).permute(2, 0, 3, 1, 4)
            found = functional.scaled_dot_product_attention(query, key, value)
            seen.append(found[0].transpose(0, 1).flatten(1))
        return self._out(torch.cat(seen))
