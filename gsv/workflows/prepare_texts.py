"""Sentences to phones, beside prepared arrays: what the language of phones learns from.

Knows how a text becomes phones. The result needs no language package to be read (`gsv.training.phone_language`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from gsv.errors import GsvError
from gsv.events import Counts, Events
from gsv.text import language_code
from gsv.training.arrays import PreparedArrays
from gsv.training.phone_language import SENTENCES_FILE, Sentences
from gsv.workflows.prepare_arrays import phone_ids

_AT_A_TIME = 500


def _spoken(sentences: Sequence[str], language: str) -> list[list[int] | str]:
    """Symbol ids of what is heard of each sentence, or why it cannot be said."""
    found: list[list[int] | str] = []
    for sentence in sentences:
        try:
            found.append(phone_ids(sentence, language)[1])
        except GsvError as error:
            found.append(str(error))
    return found


def prepare_texts(
    arrays: PreparedArrays, sentences: Sequence[str], language: str, events: Events, workers: int = 1
) -> Counts:
    """Write the phones of `sentences`, all in one language, into the folder of `arrays`.

    A sentence that cannot be spoken is counted with its reason and left out. Raises DataError if none is left,
    Cancelled on request.
    """
    spoken = partial(_spoken, language=language_code(language))
    pieces = [sentences[start : start + _AT_A_TIME] for start in range(0, len(sentences), _AT_A_TIME)]
    counts, kept = Counts(read=len(sentences)), list[list[int]]()

    def take(results: Iterable[list[list[int] | str]]) -> None:
        for number, (piece, found) in enumerate(zip(pieces, results, strict=True), start=1):
            for sentence, ids in zip(piece, found, strict=True):
                if isinstance(ids, str) or not ids:
                    counts.fail(sentence[:60], ids if isinstance(ids, str) else "nothing is heard of it")
                else:
                    kept.append(ids)
                    counts.done += 1
            events.progress(number, len(pieces), "texts")
            events.check_stop()

    if workers > 1:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            take(pool.map(spoken, pieces))
    else:
        take(map(spoken, pieces))
    counts.require_some("texts")
    Sentences.of(kept).save(arrays.folder / SENTENCES_FILE)
    events.counts(counts)
    return counts
