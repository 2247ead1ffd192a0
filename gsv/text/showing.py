"""How a text would be read, as lines for a person: sentences, the language of each part, words, phones.

Knows how a plan looks. Does not know voices.
"""

from __future__ import annotations

from collections.abc import Iterator

from gsv.text.markup import Break
from gsv.text.plan import Plan


def lines(plan: Plan) -> Iterator[str]:
    """One line for each utterance, each part of it (language, what is said, phones) and each warning."""
    for number, item in enumerate(plan.items, 1):
        if isinstance(item, Break):
            yield f"{number}. break of {item.seconds:g} s"
            continue
        rate = "" if item.rate == 1 else f" (rate {item.rate:g})"
        yield f"{number}. {item.text.strip()}{rate}"
        for part in item.segments:
            yield f"   {part.segment.language:3} {part.reading.normalized.strip()}"
            yield f"       {' '.join(part.reading.phones)}"
    for warning in plan.warnings:
        yield f"warning: {warning}"
