"""Batches prepared ahead of the step that needs them, by threads, in a fixed order.

Knows: how to keep a few batches ready. Does not know: what is in them.

Threads, not processes: the work is reading and copying (which release the interpreter lock), nothing has to
be pickled, a killed run leaves no orphans, and Windows behaves as Linux does. Every random choice of an
item comes from the seed in its draw, so the number of workers changes nothing but the speed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from gsv.training.sampler import Batch

Data = TypeVar("Data")


def prefetched(
    batches: Iterable[Batch], load: Callable[[Batch], Data], workers: int = 2, ahead: int = 2
) -> Iterator[tuple[Batch, Data]]:
    """Yield each batch with what `load` makes of it, in order; `load` runs in up to `workers` threads.

    With 0 workers it runs in the caller. At most `workers + ahead` batches are in memory. An exception of
    `load` is raised at its batch's turn. Closing the iterator ends the threads.
    """
    if workers <= 0:
        for batch in batches:
            yield batch, load(batch)
        return
    pending: deque[tuple[Batch, Future[Data]]] = deque()
    source = iter(batches)
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="loader")
    try:
        for batch in source:
            pending.append((batch, pool.submit(load, batch)))
            if len(pending) > workers + ahead:
                first, future = pending.popleft()
                yield first, future.result()
        while pending:
            first, future = pending.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
