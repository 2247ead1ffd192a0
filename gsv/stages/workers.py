"""Batches of items over worker processes: fixed batches, no orphans, one crash costs one item.

Knows processes, pipes and stop requests. Does not know what a batch is worked into. A worker ends by
itself when its parent is gone, because its pipe then reports the end.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Protocol

from gsv.errors import GsvError, InputError, ResourceError, as_gsv_error
from gsv.events import Events

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
_STARTS_PER_WORKER = 20
MOST_AUTOMATIC_WORKERS = 4
_BATCHES_PER_START = 4


@dataclass(frozen=True)
class Outcome:
    """What became of one item: `record` goes into the journal; a `reason` means that it failed."""

    name: str
    record: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


class Task(Protocol):
    """One item of work; picklable."""

    @property
    def name(self) -> str: ...


class Factory(Protocol):
    """Picklable; called once in each worker, it loads models and returns the function for a batch."""

    def __call__(self) -> Callable[[Sequence[Any]], list[Outcome]]: ...


def worker_count(asked: int, batches: int, device: str = "cpu") -> int:
    """Processes for so many batches; 0 asks for a sensible number: one on an accelerator, else up to four.

    An automatic process gets a few batches at least, because starting it costs seconds. Raises InputError
    for a negative number.
    """
    if asked < 0:
        raise InputError(f"{asked} workers cannot be started", remedy="Give 0 (automatic) or more.")
    if asked:
        return max(1, min(asked, batches))
    if device != "cpu":
        return 1
    return max(1, min(MOST_AUTOMATIC_WORKERS, os.cpu_count() or 1, batches // _BATCHES_PER_START))


def run_batches(
    batches: Sequence[Sequence[Task]],
    factory: Factory,
    *,
    workers: int = 1,
    events: Events | None = None,
) -> Iterator[list[Outcome]]:
    """Work through the batches and yield the outcomes of each, in the order in which they end.

    One worker runs in this process, more are spawned; what is computed does not depend on it, because
    every process uses one thread for its tensors. An item whose worker dies becomes a failed outcome
    after it was tried alone. Raises Cancelled on a stop request, and a worker's error at its start.
    """
    events = events or Events()
    if not batches:
        return
    if workers <= 1:
        yield from _in_this_process(batches, factory, events)
        return
    pool = _Pool(batches, factory, workers)
    try:
        yield from pool.outcomes(events)
    finally:
        pool.close()


def _in_this_process(
    batches: Sequence[Sequence[Task]], factory: Factory, events: Events
) -> Iterator[list[Outcome]]:
    events.check_stop()
    with one_thread():
        work = factory()
    for batch in batches:
        events.check_stop()
        with one_thread():
            outcomes = _attempt(work, batch)
        yield outcomes


@contextmanager
def one_thread() -> Iterator[None]:
    """One torch thread on the CPU while it lasts: sums over several threads differ in their last bits.

    Work that never needed torch does not import it for this.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _attempt(work: Callable[[Sequence[Any]], list[Outcome]], batch: Sequence[Any]) -> list[Outcome]:
    """The outcomes of a batch; an error that the work did not expect fails its items, not the stage."""
    try:
        return work(batch)
    except (ResourceError, OSError):
        raise  # a full disk concerns every item
    except Exception as error:
        if len(batch) > 1:
            return [outcome for item in batch for outcome in _attempt(work, [item])]
        logger.exception("%s failed", batch[0].name)
        return [Outcome(batch[0].name, reason=str(as_gsv_error(error)))]


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    batch: Sequence[Any] | None = None


class _Pool:
    def __init__(self, batches: Sequence[Sequence[Task]], factory: Factory, count: int) -> None:
        self._queue: deque[Sequence[Any]] = deque(batches)
        self._factory, self._count = factory, count
        self._starts_left = _STARTS_PER_WORKER * count
        self._workers: list[_Worker] = []

    def outcomes(self, events: Events) -> Iterator[list[Outcome]]:
        while self._queue or any(worker.batch is not None for worker in self._workers):
            events.check_stop()
            while self._queue and len(self._workers) < self._count:
                self._start()
            ready = wait([worker.pipe for worker in self._workers], timeout=_POLL_SECONDS)
            for worker in [worker for worker in self._workers if worker.pipe in ready]:
                finished = self._answer(worker)
                if finished is not None:
                    yield finished

    def _start(self) -> None:
        if self._starts_left <= 0:
            raise ResourceError("worker processes keep dying", "the log says more", "Try --workers 1.")
        self._starts_left -= 1
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._factory), daemon=True)
        process.start()
        # Ours must be the only other end, or the worker would not notice that this process is gone.
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        self._feed(worker)

    def _feed(self, worker: _Worker) -> None:
        worker.batch = self._queue.popleft() if self._queue else None
        try:
            worker.pipe.send(worker.batch)
        except OSError:
            logger.info("a worker died before it got its batch")  # its pipe reports the end at the next wait
        if worker.batch is None:
            self._workers.remove(worker)
            worker.process.join(10)
            worker.pipe.close()

    def _answer(self, worker: _Worker) -> list[Outcome] | None:
        try:
            answer = worker.pipe.recv()
        except (EOFError, OSError):
            return self._died(worker)
        if isinstance(answer, BaseException):
            raise answer
        self._feed(worker)
        return list(answer)

    def _died(self, worker: _Worker) -> list[Outcome] | None:
        """Put the batch back item by item; an item that was alone is the one that did it."""
        self._workers.remove(worker)
        worker.process.join(10)
        worker.pipe.close()
        batch = worker.batch or []
        code = worker.process.exitcode
        logger.warning("a worker process ended with code %s", code)
        if len(batch) == 1:
            return [Outcome(batch[0].name, reason=f"the worker process ended with code {code}")]
        self._queue.extendleft([[item] for item in reversed(batch)])
        return None

    def close(self) -> None:
        """End what still runs; a batch in work is lost, and is done again by the next run."""
        for worker in self._workers:
            worker.pipe.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(10)
        self._workers.clear()


def _serve(pipe: Connection, factory: Factory) -> None:
    """Body of a worker process: batches come in until None or the end of the pipe."""
    import signal

    # Ctrl-C reaches the whole group; the parent decides what happens.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work: Callable[[Sequence[Any]], list[Outcome]] | None = None
    try:
        while True:
            batch = pipe.recv()
            if batch is None:
                return
            try:
                with one_thread():
                    work = work or factory()
                    answer: list[Outcome] | GsvError = _attempt(work, batch)
            except Exception as error:
                logger.exception("a worker cannot go on")
                answer = as_gsv_error(error)
            pipe.send(answer)
    except (EOFError, OSError):
        return
