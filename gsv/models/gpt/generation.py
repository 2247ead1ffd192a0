"""Speaking with the semantic decoder: one loop for one request or many, whole or as it comes.

Knows the network, its cache and the rules by which a request ends. Does not know text, audio or retries.

Rows of a batch are aligned at their ends: what is shorter has unused places in front, which nobody looks at.
So each step writes one column of the cache for all rows, and a row computes what it would compute alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from gsv.errors import InputError
from gsv.models.gpt.cache import KeyValueCache
from gsv.models.gpt.decoder import SemanticDecoder
from gsv.models.gpt.layers import attention_weights
from gsv.models.gpt.sampling import Sampler, SamplingConfig

MOST_CODES = 1500
LEAST_CODES = 11
"""Published bounds of what is said in one go; before the lower one nothing can end."""
ROOM = 256
"""Positions that the cache begins with beyond the prompt."""
_ARRIVED, _LINGER, _BACK = 3, 30, 8
"""Codes at the last two phones before a text counts as said; codes that may follow; phones back that are too far."""

Reason = Literal["", "end", "limit"]


@dataclass
class Request:
    """One sentence to speak."""

    phones: Tensor
    """Phone ids `[N]`: those of the prompt, then those to be said."""
    prompt: Tensor | None = None
    """Codes `[P]` of the reference clip; None or empty: none."""
    bert: Tensor | None = None
    """BERT features `[D, N]`; None stands for zeros."""
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    generator: torch.Generator | None = None
    """This request's own randomness; needed unless the sampling is greedy."""
    limit: int = MOST_CODES
    """Most new codes."""
    minimum: int = LEAST_CODES
    """Fewest new codes."""
    guidance: float = 1.0
    """How far each choice is led towards what the text makes likelier: above 1, the difference between the logits
    with and without the text counts so many times (classifier-free guidance; Ho and Salimans, 2022)."""
    ends_with_text: bool = False
    """End where the alignment heads have come to the last phone and leave it, in networks that have such heads."""


@dataclass(frozen=True)
class Step:
    """What one step gave one request."""

    request: int
    """Which request, by its place."""
    code: int | None
    """The new code; None where the end was reached instead."""
    reason: Reason
    """Empty while the request goes on."""
    phone: int | None
    """Place in `phones` that the alignment heads look at for this code, where the network has such heads."""


@dataclass
class Generated:
    """A finished request: its new codes `[G]`, why it ended, and the phone of each code where known."""

    codes: Tensor
    reason: Reason
    phones: list[int | None]


class _TextEnd:
    """Tells when a request has said its text, from where the alignment heads look.

    A decoder that has come to the end of a long text may not stop, but begin again in the middle.
    """

    def __init__(self, request: Request) -> None:
        self._last = len(request.phones) - 1
        self._there = self._since = 0

    def passed(self, phone: int | None) -> bool:
        """Whether the code that looks at this phone is one too many."""
        if phone is None:
            return False
        self._there += phone >= self._last - 1
        arrived = self._there >= _ARRIVED
        self._since += arrived
        return arrived and (phone < self._last - _BACK or self._since > _LINGER)


def generate(network: SemanticDecoder, requests: Sequence[Request]) -> list[Generated]:
    """Speak all requests as one batch, in evaluation mode; errors as for `stream`."""
    codes: list[list[int]] = [[] for _ in requests]
    phones: list[list[int | None]] = [[] for _ in requests]
    reasons: list[Reason] = ["" for _ in requests]
    for step in stream(network, requests):
        reasons[step.request] = step.reason
        if step.code is not None:
            codes[step.request].append(step.code)
            phones[step.request].append(step.phone)
    return [
        Generated(torch.tensor(one, dtype=torch.long), why, at)
        for one, why, at in zip(codes, reasons, phones, strict=True)
    ]


def stream(network: SemanticDecoder, requests: Sequence[Request]) -> Iterator[Step]:
    """Speak all requests as one batch, yielding each code as soon as it is certain.

    Raises:
        InputError: a request has no phones, ids out of range, or BERT features of another length; or it asks
            for guidance of a network that never learnt to speak without its text.
        ValueError: a request that is not greedy has no generator.
    """
    for request in requests:
        _check(network, request)
    if not requests:
        return
    rows = _Rows(network, requests)
    ends = [_TextEnd(request) if request.ends_with_text else None for request in requests]
    logits = rows.begin()
    count = 0
    while True:
        current = rows.current
        may_end = [count >= requests[place].minimum for place in current]
        drawn, ended = rows.sampler.draw(logits, network.config.end, may_end)
        count += 1
        going: list[int] = []
        for row, (place, code) in enumerate(zip(current, drawn, strict=True)):
            text_end = ends[place]
            if text_end is not None and text_end.passed(rows.watched[row]):
                ended[row] = True
            reason: Reason = "end" if ended[row] else "limit" if count >= requests[place].limit else ""
            yield Step(place, None if ended[row] else code, reason, rows.watched[row])
            if not reason:
                going.append(row)
        if not going:
            return
        if len(going) < len(current):
            rows.keep(going)
        logits = rows.go_on([drawn[row] for row in going])


class _Rows:
    """The rows that are still being spoken: their cache, sampler and places.

    Where any of them is guided, each has a twin without its text, behind them all, that hears the same codes.
    """

    def __init__(self, network: SemanticDecoder, requests: Sequence[Request]) -> None:
        self.network = network
        config, device = network.config, network.device
        self.current = list(range(len(requests)))
        self.guidance = torch.tensor([[request.guidance] for request in requests], device=device)
        self.guided = any(request.guidance != 1 for request in requests)
        self.heard = [*requests, *(_untold(network, one) for one in requests)] if self.guided else [*requests]
        self.texts = [len(request.phones) for request in self.heard]
        self.prompts = [0 if request.prompt is None else len(request.prompt) for request in self.heard]
        lengths = [text + prompt for text, prompt in zip(self.texts, self.prompts, strict=True)]
        self.width = max(lengths)
        self.unused = [self.width - length for length in lengths]
        self.starts = torch.tensor(self.unused, device=device)
        self.ends = self.starts + torch.tensor(self.texts, device=device)
        self.places = torch.tensor(self.prompts, device=device)
        self.sampler = Sampler(
            [request.sampling for request in requests],
            [request.generator for request in requests],
            config.vocabulary,
            device,
        )
        shape = (config.layers, len(self.heard), config.heads, config.width // config.heads)
        room = self.width + min(ROOM, max(request.limit for request in requests))
        self.cache = KeyValueCache(shape, room, device, network.ar_predict_layer.weight.dtype)
        self.watched: list[int | None] = [None] * len(requests)

    @torch.inference_mode()
    def begin(self) -> Tensor:
        """Hear all phones and prompts; logits `[B, V]` of the first codes."""
        device = self.network.device
        vectors = []
        for row, request in enumerate(self.heard):
            bert = None if request.bert is None else request.bert.to(device).unsqueeze(0)
            parts = [self.network.embed_text(request.phones.to(device).unsqueeze(0), bert)]
            if self.prompts[row]:
                assert request.prompt is not None
                codes = request.prompt.to(device).long()
                if row < len(self.current):
                    self.sampler.remember(row, codes)
                parts.append(self.network.embed_codes(codes.unsqueeze(0)))
            one = torch.cat(parts, dim=1)[0]
            vectors.append(torch.nn.functional.pad(one, (0, 0, self.width - len(one), 0)))
        columns = torch.arange(self.width, device=device)
        valid = columns >= self.starts.unsqueeze(1)
        text = valid & (columns < self.ends.unsqueeze(1))
        earlier = (columns.unsqueeze(1) >= columns) & ~text.unsqueeze(1) & valid.unsqueeze(1)
        # Unused places in front look at the phones too: they are never read, but must stay finite.
        codes_only = columns.unsqueeze(0) >= self.ends.unsqueeze(1)
        seen = text.unsqueeze(1) | (earlier & codes_only.unsqueeze(2))
        heard = self._through(torch.stack(vectors), seen)
        for row in range(len(self.current)):
            if not self.prompts[row]:
                self.watched[row] = None  # a phone predicts the first code, and phones look everywhere
        return self._logits(heard)

    @torch.inference_mode()
    def go_on(self, codes: Sequence[int]) -> Tensor:
        """Hear one more code of each row; logits `[B, V]` of the next."""
        device = self.network.device
        both = [*codes, *codes] if self.guided else [*codes]
        vectors = self.network.embed_codes(
            torch.tensor(both, device=device).unsqueeze(1), self.places.unsqueeze(1)
        )
        self.places = self.places + 1
        columns = torch.arange(self.cache.length + 1, device=device)
        # One row can have unused places too, once the others have left.
        seen = (columns >= self.starts.unsqueeze(1)).unsqueeze(1) if any(self.unused) else None
        return self._logits(self._through(vectors, seen))

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the rows."""
        count = len(self.current)
        inner = [*rows, *(count + row for row in rows)] if self.guided else [*rows]
        chosen = torch.tensor(inner, device=self.network.device)
        self.starts, self.ends, self.places = self.starts[chosen], self.ends[chosen], self.places[chosen]
        self.current = [self.current[row] for row in rows]
        self.unused = [self.unused[row] for row in inner]
        self.guidance = self.guidance[chosen[: len(rows)]]
        # A cache that has grown was made in this mode, and may only be changed in it.
        with torch.inference_mode():
            self.cache.keep(inner)
        self.sampler.keep(rows)

    def _logits(self, output: Tensor) -> Tensor:
        """Outputs `[B, C]`, of twins too, to logits `[B, V]` of the requests."""
        logits = self.network.predict(output)
        if not self.guided:
            return logits
        told, untold = logits.float().chunk(2)
        return torch.where(self.guidance == 1, told, untold + self.guidance * (told - untold))

    def _through(self, vectors: Tensor, seen: Tensor | None) -> Tensor:
        """New positions `[B, L, C]` through the network; the last one's output `[B, C]`."""
        heads = self.network.config.alignment_heads
        watched = {layer: (vectors, vectors) for layer, _ in heads}
        mask = None if seen is None else seen.unsqueeze(1)
        output = self.network.h(vectors, mask, self.cache, watched)
        self.cache.advance(vectors.shape[1])
        self.watched = self._looked_at(watched) if heads else [None] * len(self.guidance)
        last: Tensor = output[:, -1]
        return last

    def _looked_at(self, watched: dict[int, tuple[Tensor, Tensor]]) -> list[int | None]:
        """The phone that the alignment heads of each row look at from the newest position."""
        columns = torch.arange(self.cache.length, device=self.network.device)
        text = (columns >= self.starts.unsqueeze(1)) & (columns < self.ends.unsqueeze(1))
        total = torch.zeros(text.shape, device=text.device)
        for layer, head in self.network.config.alignment_heads:
            queries, keys = watched[layer]
            total += attention_weights(queries[:, :, -1:], keys, head, text.unsqueeze(1))[:, 0]
        found: list[int | None] = (total.argmax(-1) - self.starts).tolist()
        return found[: len(self.guidance)]


def _untold(network: SemanticDecoder, request: Request) -> Request:
    """The request without its text; the same number of phones, so that both take the same places."""
    assert network.config.no_text is not None
    return replace(request, phones=torch.full_like(request.phones, network.config.no_text), bert=None)


def _check(network: SemanticDecoder, request: Request) -> None:
    config = network.config
    if request.guidance != 1 and config.no_text is None:
        why = "it never learnt to speak without its text"
        raise InputError("this GPT cannot be guided", why, "set guidance to 1, or take the small base")
    if request.phones.dim() != 1 or not len(request.phones):
        raise InputError("there is nothing to say", "the request has no phones", "give at least one phone")
    for ids, count, what in (
        (request.phones, config.phone_count, "phone"),
        (request.prompt if request.prompt is not None else request.phones[:0], config.codes, "code"),
    ):
        if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < count:
            why = f"the network knows ids from 0 to {count - 1}"
            raise InputError(f"a {what} id of the request is out of range", why, "use weights of one version")
    if request.bert is not None and (
        not config.bert_dimension or request.bert.shape != (config.bert_dimension, len(request.phones))
    ):
        why = f"they are {list(request.bert.shape)}, the phones are {len(request.phones)}"
        raise InputError("the BERT features do not fit the phones", why, "make them of the same text")
