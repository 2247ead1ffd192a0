"""What generation costs: the semantic decoder of the published size beside a loop that joins its cache anew.

Knows the inputs and the kinds of arithmetic that this processor has. Time includes hearing the prompt.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from gsv.gpt_families import gpt_family, small_gpt
from gsv.models.gpt.decoder import GptBatch, SemanticDecoder, new_decoder
from gsv.models.gpt.generation import Request, generate
from gsv.models.gpt.packed import agreement, available, pack
from gsv.models.gpt.sampling import SamplingConfig
from gsv.workflows.bench_measure import BenchSettings, Case
from gsv.workflows.bench_plain import PlainGpt

_PHONES, _PROMPT, _CODES = 60, 75, 100
_BATCHES = (1, 8)
_AIM = 3.0
"""Of the fastest kind, one sentence at a time."""


def gpt_cases(settings: BenchSettings) -> Iterator[Case]:
    """Batches of 1 and 8 in float32 and in every packed kind."""
    config = small_gpt("v2") if settings.small else gpt_family("v2")
    network = new_decoder(config, seed=0).eval()
    kinds: dict[str, SemanticDecoder] = {"float32": network}
    if available("bfloat16"):
        kinds["bfloat16"] = pack(network, "bfloat16")
    if available("int8"):
        kinds["int8"] = pack(network, "int8")
    for rows in _BATCHES:
        for kind, decoder in kinds.items():
            speaking = _Speaking(network, decoder, rows, 10 if settings.small else _CODES)
            yield Case(
                f"gpt, batch {rows}, {kind}", "joins its cache, float32", speaking.plain, speaking.ours,
                rows * speaking.count, "tok",
                aim=_AIM if rows == 1 and kind == list(kinds)[-1] else None,
                agreement=speaking.agreement,
            )  # fmt: skip


class _Speaking:
    """Both loops over the same phones and prompts, greedy, for a fixed number of codes."""

    def __init__(self, network: SemanticDecoder, decoder: SemanticDecoder, rows: int, count: int) -> None:
        generator = torch.Generator().manual_seed(3)
        config = network.config
        self.count = count
        self._network, self._decoder, self._loop = network, decoder, PlainGpt(network)
        self._phones = torch.randint(0, config.phone_count, (rows, _PHONES), generator=generator)
        self._prompt = torch.randint(0, config.codes, (rows, _PROMPT), generator=generator)

    def plain(self) -> list[Tensor]:
        """Codes `[B, count]` of the plain loop."""
        return [self._loop.generate(self._phones, self._prompt, self.count)[0]]

    def ours(self) -> list[Tensor]:
        """Codes `[B, count]` of our loop."""
        requests = [
            Request(
                phones, prompt, sampling=SamplingConfig(top_k=1), limit=self.count, minimum=self.count + 1
            )
            for phones, prompt in zip(self._phones, self._prompt, strict=True)
        ]
        return [torch.stack([one.codes for one in generate(self._decoder, requests)])]

    def agreement(self) -> tuple[float, float]:
        """Mean difference of the logits and share of equal likeliest codes, over the codes of the plain loop;
        in float32 the share of equal codes that both loops say."""
        codes = self.plain()[0]
        if self._decoder is self._network:
            return 0.0, float((codes == self.ours()[0]).float().mean())
        heard = torch.cat((self._prompt, codes), dim=1)
        lengths = torch.full((len(heard),), _PHONES), torch.full((len(heard),), heard.shape[1])
        found = agreement(self._network, self._decoder, GptBatch(self._phones, lengths[0], heard, lengths[1]))
        return found.difference, found.equal
