"""A request ends with its text: where the alignment heads have come to the last phone and leave it."""

from __future__ import annotations

import pytest
import torch

from gsv.gpt_families import small_gpt
from gsv.models.gpt import generation
from gsv.models.gpt.decoder import new_decoder
from gsv.models.gpt.generation import Request


def ended(looks: list[int | None], phones: int = 50) -> int | None:
    """At which code the request is told to end."""
    text_end = generation._TextEnd(Request(torch.zeros(phones, dtype=torch.long)))
    return next((place for place, phone in enumerate(looks) if text_end.passed(phone)), None)


def test_a_decoder_that_begins_again_is_stopped() -> None:
    once = [None, *range(50)]
    assert ended([*once, 49, 49, 12, 13]) == 53
    assert ended([*once, 48, 49, 48, 47, 49]) is None, "the last phones may be looked at again"
    assert ended([*range(20), 3, 20, 21]) is None, "nothing was said to the end yet"


def test_one_glance_at_the_end_is_no_arrival() -> None:
    assert ended([*range(20), 49, 21, 22, 48, 23, 24]) is None


def test_a_decoder_that_lingers_is_stopped() -> None:
    assert ended([*range(50), *[49] * 60]) == 50 + generation._LINGER


def test_a_request_ends_there_and_only_if_it_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    network = new_decoder(small_gpt("tiny"), 1).eval()
    assert network.config.alignment_heads
    looks = iter([0, 3, 5, 8, 11, 14, 17, 19, 19, 19, 18, 19, 4, 5, *[19] * 80] * 2)
    monkeypatch.setattr(generation._Rows, "_looked_at", lambda rows, watched: [next(looks)])

    def spoken(asked: bool) -> generation.Generated:
        request = Request(
            torch.arange(1, 21), minimum=30, limit=30, generator=torch.Generator().manual_seed(0),
            ends_with_text=asked,
        )  # fmt: skip
        return generation.generate(network, [request])[0]

    free = spoken(asked=False)
    assert (free.reason, len(free.codes)) == ("limit", 30)
    looks = iter([0, 3, 5, 8, 11, 14, 17, 19, 19, 19, 18, 19, 4, 5, *[19] * 80])
    stopped = spoken(asked=True)
    # The phones' own pass takes the first look; the thirteenth is the one that has gone back.
    assert (stopped.reason, len(stopped.codes)) == ("end", 12)
    assert torch.equal(stopped.codes, free.codes[:12])


@pytest.mark.parametrize("phones", [1, 2, 3])
def test_short_texts_are_said(phones: int) -> None:
    assert ended([None, *[0] * 12], phones) is None
