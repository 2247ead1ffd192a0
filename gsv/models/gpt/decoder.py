"""The semantic decoder: phones (and BERT features) in front, codes behind, one distribution for each next code.

Knows the layout of a sequence and its masks. Does not know losses, sampling or files. In a batch the true
lengths decide what is seen and where the first code is predicted, so an item of a batch computes what it
would compute alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gsv.errors import InputError
from gsv.gpt_families import GptConfig
from gsv.models.gpt.layers import Block, ScaledPositions, Stack, TokenEmbedding, attention_weights


@dataclass
class GptBatch:
    """Padded inputs of one training pass. Padding may hold anything that is a valid id."""

    phones: Tensor
    """Phone ids `[B, N]`."""
    phone_lengths: Tensor
    """Valid phones of each item `[B]`, at least one."""
    codes: Tensor
    """Codes as the network hears them `[B, M]`."""
    code_lengths: Tensor
    """Valid codes of each item `[B]`."""
    bert: Tensor | None = None
    """BERT features `[B, D, N]`; None stands for zeros."""


@dataclass
class GptPass:
    """What a training pass gives."""

    logits: Tensor
    """`[B, M + 1, V]`: row t of an item predicts its code t; row `code_lengths` predicts the end."""
    attention: list[Tensor]
    """Attention `[B, M, N]` of code positions on phones, of each of the configuration's alignment heads."""


class SemanticDecoder(nn.Module):
    """The network; `forward` is the training pass, `gsv.models.gpt.generation` speaks with it."""

    def __init__(self, config: GptConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        if config.bert_dimension:
            self.bert_proj = nn.Linear(config.bert_dimension, width)
        self.ar_text_embedding = TokenEmbedding(config.phone_count, width)
        self.ar_text_position = ScaledPositions(width, config.embedding_dropout)
        self.ar_audio_embedding = TokenEmbedding(config.vocabulary, width)
        self.ar_audio_position = ScaledPositions(width, config.embedding_dropout)
        blocks = [
            Block(width, config.heads, config.filter, config.dropout, config.attention_dropout)
            for _ in range(config.layers)
        ]
        self.h = Stack(blocks)
        self.ar_predict_layer = nn.Linear(width, config.vocabulary, bias=False)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.ar_text_position.alpha.device

    def embed_text(self, phones: Tensor, bert: Tensor | None = None) -> Tensor:
        """Phones `[B, N]` and BERT features `[B, D, N]` (None: zeros) to vectors `[B, N, C]`."""
        x = self.ar_text_embedding(phones)
        if self.config.bert_dimension:
            # Zeros are not nothing: the projection has a bias, which the published files were trained with.
            x = x + (
                self.bert_proj.bias if bert is None else self.bert_proj(bert.to(x.dtype).transpose(1, 2))
            )
        placed: Tensor = self.ar_text_position(x, torch.arange(phones.shape[1], device=phones.device))
        return placed

    def embed_codes(self, codes: Tensor, positions: Tensor | None = None) -> Tensor:
        """Codes `[B, M]` at integer positions `[B, M]` (None: from 0 on) to vectors `[B, M, C]`."""
        if positions is None:
            positions = torch.arange(codes.shape[1], device=codes.device)
        placed: Tensor = self.ar_audio_position(self.ar_audio_embedding(codes), positions)
        return placed

    def predict(self, x: Tensor) -> Tensor:
        """Outputs of the blocks `[..., C]` to logits `[..., V]`."""
        logits: Tensor = self.ar_predict_layer(x)
        return logits

    def forward(self, batch: GptBatch) -> GptPass:
        """Logits for every code of a batch and its end, given all earlier codes."""
        x = torch.cat((self.embed_text(batch.phones, batch.bert), self.embed_codes(batch.codes)), dim=1)
        text = batch.phones.shape[1]
        seen = visible(batch.phone_lengths, text, batch.codes.shape[1])
        heads = self.config.alignment_heads
        watched = {layer: (x, x) for layer, _ in heads}
        x = self.h(x, seen.unsqueeze(1), watched=watched)
        first = x[torch.arange(len(x), device=x.device), batch.phone_lengths - 1]
        logits = self.predict(torch.cat((first.unsqueeze(1), x[:, text:]), dim=1))
        attention = []
        for layer, head in heads:
            queries, keys = watched[layer]
            weights = attention_weights(queries[:, :, text:], keys, head, seen[:, text:])
            attention.append(weights[:, :, :text])
        return GptPass(logits, attention)


def visible(phone_lengths: Tensor, text: int, codes: int) -> Tensor:
    """Which positions each position may look at: `[B, L, L]` with L = text + codes, true where allowed.

    Everything sees the valid phones; a code also sees itself and the codes before it. Padded codes stand
    behind all valid ones, so no valid position ever sees them.
    """
    device = phone_lengths.device
    places = torch.arange(text + codes, device=device)
    phones = (places < text) & (places < phone_lengths.unsqueeze(1))
    earlier = (places >= text) & (places.unsqueeze(1) >= places)
    return phones.unsqueeze(1) | earlier.unsqueeze(0)


def new_decoder(config: GptConfig, seed: int) -> SemanticDecoder:
    """A decoder with fresh weights that depend on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return SemanticDecoder(config)


def reconfigured(base: SemanticDecoder, config: GptConfig) -> SemanticDecoder:
    """The base's weights under another configuration, such as one with dropout.

    Raises:
        InputError: the weights do not fit into it.
    """
    network = new_decoder(config, 0)
    state, own = base.state_dict(), network.state_dict()
    odd = sorted(name for name in state.keys() | own.keys() if name not in state or name not in own)
    odd += [name for name in state if name in own and state[name].shape != own[name].shape]
    if odd:
        raise InputError(
            "the base's weights do not fit the configuration",
            f"{odd[0]} differs",
            "keep the base's sizes: only what has no weights, such as dropout, can change",
        )
    network.load_state_dict(state)
    return network
