"""Plain references for the bench: the same networks written the straightforward way, one item at a time.

Knows the arithmetic of the published layouts and copies weights out of our networks. Does not measure. Float32
throughout; weight norms are computed in every call, as in the files that people train and share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from gsv.families import HifiganConfig
from gsv.models.content import ContentEncoder
from gsv.models.gpt.decoder import SemanticDecoder
from gsv.models.gpt.layers import sine_positions
from gsv.models.sovits.decoder import HifiganDecoder


@torch.inference_mode()
def plain_content(encoder: ContentEncoder, waves: Sequence[Tensor]) -> list[Tensor]:
    """Content `[1, C, F]` of each wave `[T]` by the network of transformers as it comes."""
    return [encoder.hubert(wave[None]).last_hidden_state.transpose(1, 2) for wave in waves]


class PlainHifigan(nn.Module):
    """A HiFi-GAN generator of torch's own layers, with the weights of ours."""

    def __init__(self, sizes: HifiganConfig, source: HifiganDecoder) -> None:
        super().__init__()
        self.first, self.last, self.condition = source.conv_pre, source.conv_post, source.cond
        pairs: Any = zip(source.ups, sizes.upsample_rates, strict=True)
        self.ups = nn.ModuleList(self._upsampling(up, rate) for up, rate in pairs)
        blocks: Any = source.resblocks
        self.blocks: Any = nn.ModuleList(
            nn.ModuleList(
                nn.ModuleList([self._convolution(dilated), self._convolution(plain)])
                for dilated, plain in zip(block.convs1, block.convs2, strict=True)
            )
            for block in blocks
        )
        self._branches = len(sizes.resblock_kernels)

    def _upsampling(self, source: Any, rate: int) -> nn.Module:
        inner, out, kernel = source.effective_weight().shape
        plain = nn.ConvTranspose1d(inner, out, kernel, rate, padding=(kernel - rate) // 2)
        return self._normed(plain, source)

    def _convolution(self, source: Any) -> nn.Module:
        out, inner, kernel = source.effective_weight().shape
        plain = nn.Conv1d(inner, out, kernel, padding=source.padding, dilation=source.dilation)
        return self._normed(plain, source)

    @staticmethod
    @torch.no_grad()
    def _normed(plain: Any, source: Any) -> nn.Module:
        plain.weight.copy_(source.effective_weight())
        plain.bias.copy_(source.bias)
        normed: nn.Module = weight_norm(plain)
        return normed

    def forward(self, latent: Tensor, speaker: Tensor) -> Tensor:
        """`latent` `[B, C, T]`, `speaker` `[B, G, 1]` to `[B, 1, samples]`."""
        x = self.first(latent) + self.condition(speaker)
        for stage, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, 0.1))
            results = []
            for block in list(self.blocks)[stage * self._branches :][: self._branches]:
                y = x
                for dilated, plain in block:
                    y = y + plain(F.leaky_relu(dilated(F.leaky_relu(y, 0.1)), 0.1))
                results.append(y)
            x = sum(results[1:], results[0]) / self._branches
        return torch.tanh(self.last(F.leaky_relu(x)))


class PlainGpt:
    """Greedy generation that joins its keys and values to the earlier ones at every step, float32."""

    def __init__(self, network: SemanticDecoder) -> None:
        self._network = network

    @torch.inference_mode()
    def generate(self, phones: Tensor, prompt: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """`count` codes `[B, count]` after `phones` `[B, N]` and `prompt` `[B, P]`, and the logits
        `[B, count, V]` that they were chosen from; nothing ends it earlier."""
        network = self._network
        x = torch.cat((network.embed_text(phones), network.embed_codes(prompt)), dim=1)
        text, total = phones.shape[1], x.shape[1]
        mask = torch.ones(total, total, dtype=torch.bool).tril()
        mask[:, :text] = True
        mask[:text, text:] = False
        past: list[tuple[Tensor, Tensor] | None] = [None] * network.config.layers
        codes, seen = [], []
        said = torch.zeros(len(phones), network.config.vocabulary, dtype=torch.bool).scatter_(1, prompt, True)
        for number in range(count):
            x = self._layers(x, past, mask if not number else None)
            logits = F.linear(x[:, -1], network.ar_predict_layer.weight)
            seen.append(logits)
            # The published penalty on what was said, then the likeliest code that is not the end.
            penalised = torch.where(said, torch.where(logits < 0, logits * 1.35, logits / 1.35), logits)
            code = penalised[:, : network.config.end].argmax(-1, keepdim=True)
            said.scatter_(1, code, True)
            codes.append(code)
            table = network.ar_audio_embedding.word_embeddings.weight
            place = torch.tensor([prompt.shape[1] + number])
            x = F.embedding(code, table) + network.ar_audio_position.alpha * sine_positions(place, x.shape[2])
        return torch.cat(codes, dim=1), torch.stack(seen, dim=1)

    def _layers(self, x: Tensor, past: list[tuple[Tensor, Tensor] | None], mask: Tensor | None) -> Tensor:
        heads = self._network.config.heads
        for number, block in enumerate(self._network.h.layers):
            attention: Any = block.self_attn
            joined = F.linear(x, attention.in_proj_weight, attention.in_proj_bias)
            q, k, v = (part.unflatten(2, (heads, -1)).transpose(1, 2) for part in joined.chunk(3, dim=-1))
            earlier = past[number]
            if earlier is not None:
                k, v = torch.cat((earlier[0], k), dim=2), torch.cat((earlier[1], v), dim=2)
            past[number] = (k, v)
            heard = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
            layer: Any = block
            x = layer.norm1(x + attention.out_proj(heard))
            x = layer.norm2(x + layer.linear2(F.relu(layer.linear1(x))))
        return x
