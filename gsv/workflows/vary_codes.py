"""Further clips for the GPT's training: the codes of prepared arrays in changed voices.

Knows: where encoder, quantizer and arrays come from. Does not know: how voices are changed.
"""

from __future__ import annotations

from pathlib import Path

from gsv.events import Events
from gsv.families import family
from gsv.models.content import ContentEncoder
from gsv.models.sovits.synthesizer import new_synthesizer
from gsv.training.arrays import PreparedArrays
from gsv.training.variants import make_variants
from gsv.workflows.train_sovits import load_quantizer


def vary_codes(arrays: Path, content: Path, quantizer: Path, copies: int, events: Events) -> int:
    """Write the variants of tiny's codes beside them; returns how many clips that makes.

    Raises:
        GsvError: see `make_variants`; also for files that are missing or do not fit.
    """
    network = new_synthesizer(family("tiny"), 0)
    load_quantizer(network, quantizer)
    made = make_variants(ContentEncoder.load(content), network, PreparedArrays.open(arrays), copies, events)
    events.message(f"{made} clips in changed voices")
    return made
