"""A request ends with its text: where the alignment heads have come to the last phone and leave it."""

from __future__ import annotations

import pytest
import torch

from gsv.models.gpt import generation
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
    place = ended([*range(50), *[49] * 60])
    assert place is not None and 70 < place < 90


@pytest.mark.parametrize("phones", [1, 2, 3])
def test_short_texts_are_said(phones: int) -> None:
    assert ended([None, *[0] * 12], phones) is None
