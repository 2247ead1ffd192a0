"""The trainer core: order of batches, time, saving, resuming, stopping and failing, for any task.

Knows: a `Task`, its places, events. Does not know: networks, losses, data. A run that is killed at any
moment and started again computes what an uninterrupted run computes: batches come from (seed, epoch),
randomness inside a step from the draws and from (seed, step), and everything else is in the generation.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from gsv.errors import Cancelled, DataError, GsvError, ResourceError
from gsv.events import Counts, Events
from gsv.settings import choose_precision
from gsv.training.estimate import Trial, announce, estimate, measure, seconds_left
from gsv.training.generations import Generations
from gsv.training.loader import prefetched
from gsv.training.metrics import Means, MetricsFile
from gsv.training.packing import size_of
from gsv.training.ranks import Ranks
from gsv.training.sampler import Batch, BucketSampler, derive_seed
from gsv.training.task import LoopSettings, Moment, Places, Task
from gsv.training.updates import Updates, out_of_memory

logger = logging.getLogger(__name__)

EVENT_SECONDS = 1.0
"""Metrics reach the event stream at most this often; the metrics file has every logged step."""


@dataclass(frozen=True)
class RunResult:
    """How a run ended: steps and epochs done in all, and the last exported weights."""

    step: int
    epochs: int
    weights: Path | None


class Trainer:
    """Trains one task to the end of its settings, or until it is asked to stop."""

    def __init__(
        self,
        task: Task,
        settings: LoopSettings,
        places: Places,
        device: torch.device,
        events: Events,
        ranks: Ranks | None = None,
    ) -> None:
        self.task = task
        self.settings = settings
        self.places = places
        self.device = device
        self.ranks = ranks if ranks is not None else Ranks()
        self.events = events if self.ranks.first else Events()
        self.updates = Updates(device, ranks=self.ranks)
        self.sampler = BucketSampler(
            task.lengths,
            settings.batch_frames,
            settings.seed,
            repeats=task.repeats,
            drawn_length=task.drawn_length,
        )
        self.generations = Generations(places.checkpoints, settings.keep, self.events)
        self.step = 0
        self.saved_step = -1
        self.means = Means()
        self.weights: Path | None = None
        self._steps_file = MetricsFile(places.metrics / f"{places.name}.jsonl")
        self._epochs_file = MetricsFile(places.metrics / f"{places.name}-epochs.jsonl")
        self._previews_file = MetricsFile(places.metrics / f"{places.name}-previews.jsonl")
        self._last_save = time.monotonic()
        self._last_event = -math.inf
        self._previewed = -1
        self._named_failures: set[str] = set()

    def run(self) -> RunResult:
        """Resume or start, say what it will take, train, and save at the end.

        Raises:
            Cancelled: a stop was requested; everything so far is saved.
            ResourceError: memory or disk is not enough, or a checkpoint could not be written.
            DataError: the checkpoint belongs to other data, or the training diverged.
        """
        self._start()
        if self._finished():
            self.events.message(f"nothing to do: {self.step} steps are done already")
            return self._result()
        self._prepare()
        if self.settings.estimate_only:
            return self._result()
        self._last_save = time.monotonic()
        while not self._finished():
            self._train_epoch()
        if self.saved_step != self.step:
            self._save(named=True)
        if self.settings.preview_every and self._previewed != self.step:
            self._preview()  # what a run ends with is heard, wherever in an epoch it ends
        self._report()
        return self._result()

    # --- starting ---

    def _start(self) -> None:
        if self.settings.fresh and self.ranks.first and not self.settings.estimate_only:
            self.generations.clear()
        self.ranks.barrier()
        generation = None if self.settings.fresh else self.generations.load()
        if generation is not None:
            self._check_identity(generation.information.get("identity", {}))
            loop = generation.parts.pop("loop")
            self.sampler.load_state(loop["sampler"])
            self.means = Means.from_state(loop["means"])
            self.updates.precision = getattr(torch, loop["precision"])
            self.updates.load_state(loop["updates"])
            self.task.load_state(generation.parts)
            self.step = self.saved_step = generation.step
            self.events.message(f"going on from step {self.step}, epoch {self.sampler.position.epoch + 1}")
        if self.ranks.first and not self.settings.estimate_only:
            with self._writing(f"the metrics could not be written to {self.places.metrics}"):
                for file in (self._steps_file, self._epochs_file, self._previews_file):
                    file.cut_after(self.step if generation is not None else -1)
        self.ranks.barrier()

    def _check_identity(self, saved: Mapping[str, Any]) -> None:
        now = self.task.identity()
        wrong = [name for name in sorted(saved.keys() | now.keys()) if saved.get(name) != now.get(name)]
        if wrong:
            name = wrong[0]
            raise DataError(
                "the checkpoint belongs to another training",
                f"{name} was {saved.get(name)!r} and is {now.get(name)!r}",
                "use the earlier settings, or start anew with --fresh",
            )

    def _prepare(self) -> None:
        """Choose the precision, measure two steps, and say what the run will take."""
        if self.saved_step < 0:
            self.updates.precision = self._chosen_precision()
        while True:
            try:
                trials = {at: self._trial(self.updates.precision, at) for at in self._phases()}
                break
            except (RuntimeError, MemoryError) as error:
                self._shrink(self._trial_batch(), error)
        first = next(iter(trials.values()))
        if not all(math.isfinite(value) for value in first.values.values()):
            raise DataError(
                "the first step gives numbers that are not finite",
                ", ".join(name for name, value in first.values.items() if not math.isfinite(value)),
                "check the recordings and the base model, or use --precision float32",
            )
        size = size_of(self.task.state())
        memory = max(trial.memory for trial in trials.values())
        total, keep, folder = self._total_steps(), self.settings.keep, self.places.checkpoints
        left = seconds_left(trials, self.step, total, self._mean_share())
        announce(estimate(total, self.step, left, memory, size, keep, folder), size, self.events)

    def _phases(self) -> list[int]:
        """Steps to measure at: here, and where later phases begin."""
        return [self.step, *(at for at in self.task.phases if self.step < at < self._total_steps())]

    def _mean_share(self) -> float:
        """Mean padded frames of the remaining batches over those of the measured one."""
        frames = [self.sampler.padded_frames(batch) for batch in self.sampler]
        return sum(frames) / len(frames) / max(frames)

    def _chosen_precision(self) -> torch.dtype:
        # On the CPU "auto" stays float32: a choice by the clock could differ after a kill, and with it the bits.
        if self.settings.precision != "auto" or self.device.type == "cpu":
            name = "float32" if self.settings.precision == "auto" else self.settings.precision
            return choose_precision(name, self.device)
        chosen = choose_precision("auto", self.device, self._self_test)
        number = self.ranks.agree(float(chosen != torch.float32))[0]
        return chosen if number else torch.float32

    def _self_test(self, candidate: torch.dtype) -> bool:
        """Whether the reduced type gives the losses of float32 within 3 % and is at least 10 % faster."""
        exact, reduced = (self._trial(precision, self.step) for precision in (torch.float32, candidate))
        near = all(
            math.isclose(reduced.values[name], value, rel_tol=0.03, abs_tol=1e-2)
            for name, value in exact.values.items()
            if not name.startswith("norm")
        )
        faster = reduced.seconds[1] < 0.9 * exact.seconds[1]
        verdict = "is used" if near and faster else "is not used"
        why = "" if near else " (other losses)" if faster else " (no gain)"
        self.events.message(f"{str(candidate).removeprefix('torch.')} {verdict}{why}")
        return near and faster

    def _trial_batch(self) -> Batch:
        """The remaining batch with the most padded frames: what it needs, every other has."""
        return max(self.sampler, key=lambda batch: (self.sampler.padded_frames(batch), -batch.number))

    def _trial(self, precision: torch.dtype, at: int) -> Trial:
        """Two dry steps, as they would be at step `at`."""
        updates = Updates(self.device, precision, self.ranks, dry=True)
        data = self.task.load(self._trial_batch())
        moment = self._moment()
        return measure(
            lambda number: self._seeded_step(data, updates, replace(moment, step=at + number)), self.device
        )

    def _total_steps(self) -> int:
        if self.settings.steps:
            return self.settings.steps
        position = self.sampler.position
        epochs_left = self.settings.epochs - position.epoch
        return self.step + self.sampler.batches_in_epoch * epochs_left - position.done

    # --- stepping ---

    def _finished(self) -> bool:
        if self.settings.steps:
            return self.step >= self.settings.steps
        return self.sampler.position.epoch >= self.settings.epochs

    def _moment(self) -> Moment:
        position = self.sampler.position
        return Moment(self.step, position.epoch, position.done, self.sampler.batches_in_epoch)

    def _train_epoch(self) -> None:
        """Steps to the end of the epoch, or until the epoch has to be cut into smaller batches."""
        epoch = self.sampler.position.epoch
        with closing(prefetched(self.sampler, self.task.load, self.settings.workers)) as stream:  # type: ignore[type-var]
            for batch, data in stream:
                start = time.perf_counter()
                try:
                    values = self._seeded_step(data, self.updates, self._moment())
                except (RuntimeError, MemoryError) as error:
                    self._shrink(batch, error)
                    return
                self.step += 1
                self.sampler.advance()
                self._record(epoch, {**values, "seconds": time.perf_counter() - start})
                if self.sampler.position.epoch > epoch:
                    self._end_epoch(epoch)
                self._between_steps()
                if self._finished():
                    return

    def _seeded_step(self, data: Any, updates: Updates, moment: Moment) -> dict[str, float]:
        """One step whose randomness depends on (seed, step, rank) alone; torch's own state is put back after."""
        seed = derive_seed(self.settings.seed, "step", moment.step, self.ranks.rank)
        device = self.device if self.device.type == "cuda" else torch.device("cpu")
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            generator = torch.Generator(device).manual_seed(seed)
            values = self.task.step(data, moment, updates, generator)
        return {name: float(value) for name, value in values.items()}

    def _shrink(self, batch: Batch, error: Exception) -> None:
        """After out-of-memory: smaller batches from here on. Any other error goes on its way."""
        if not out_of_memory(error):
            raise error
        if self.ranks.world > 1:
            remedy = "start again with a smaller --batch-seconds"
            raise ResourceError("a device has no memory left", str(error).splitlines()[0], remedy) from error
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        frames = self.sampler.shrink(self.sampler.padded_frames(batch))
        self.events.message(f"out of memory: going on with batches of {frames / 50:.0f} s", level="warning")

    def _record(self, epoch: int, values: dict[str, float]) -> None:
        self.means.add({name: value for name, value in values.items() if name != "seconds"})
        bad = [name for name, value in values.items() if not math.isfinite(value)]
        if bad:
            text = f"step {self.step}: {', '.join(bad)} not finite, this update was left out"
            self.events.message(text, level="warning")
        for name, reason in self.task.failures().items():
            if name not in self._named_failures:
                self._named_failures.add(name)
                self.events.item(name, "failed", reason)
        if self.ranks.first and self.step % self.settings.log_every == 0:
            with self._writing(f"the metrics could not be written to {self.places.metrics}"):
                self._steps_file.append(self.step, values, epoch=epoch + 1)
        now = time.monotonic()
        if now - self._last_event >= EVENT_SECONDS or self._finished():
            self._last_event = now
            self.events.metric(self.step, values, epoch=epoch + 1)
        self.events.progress(self.step, self._total_steps(), f"epoch {epoch + 1}")

    def _end_epoch(self, epoch: int) -> None:
        values = self.means.values()
        self.means = Means()
        if self.ranks.first:
            with self._writing(f"the metrics could not be written to {self.places.metrics}"):
                self._epochs_file.append(self.step, values, epoch=epoch + 1)
        self.events.emit("epoch", step=self.step, epoch=epoch + 1, values=values)
        if self.settings.save_every and (epoch + 1) % self.settings.save_every == 0:
            self._save(named=True)
            saves = (epoch + 1) // self.settings.save_every
            if self.settings.preview_every and saves % self.settings.preview_every == 0:
                self._preview()

    # --- saving ---

    def _between_steps(self) -> None:
        minutes = self.settings.save_minutes
        due = minutes > 0 and time.monotonic() - self._last_save >= minutes * 60
        stop, save = self.ranks.agree(float(self.events.stop_requested()), float(due))
        if (save or stop) and self.saved_step != self.step:
            self._save(named=False)
        if stop:
            raise Cancelled(
                f"stopped on request after step {self.step}", "", "start again to go on from there"
            )

    def _save(self, named: bool) -> None:
        """Export weights, then write the generation: a run killed in between does both again."""
        if self.ranks.first:
            epoch = self.sampler.position.epoch
            stem = (
                f"{self.places.name}-e{epoch:04d}-s{self.step:06d}" if named else f"{self.places.name}-latest"
            )
            self.weights = self.places.weights / f"{stem}.safetensors"
            self._export(self.weights)
            loop = {
                "sampler": self.sampler.state(),
                "means": self.means.state(),
                "updates": self.updates.state(),
                "precision": str(self.updates.precision).removeprefix("torch."),
            }
            information = {"identity": self.task.identity(), "settings": self.settings.model_dump()}
            self.generations.save(self.step, {**self.task.state(), "loop": loop}, information)
            self.events.emit("saved", step=self.step, weights=str(self.weights))
        self.saved_step = self.step
        self._last_save = time.monotonic()
        self.ranks.barrier()

    def _export(self, place: Path) -> None:
        with self._writing(f"the weights could not be written to {place}"):
            place.parent.mkdir(parents=True, exist_ok=True)
            self.task.export(place)

    @contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        """A full disk or a folder without rights ends the run with a word on what is left."""
        try:
            yield
        except OSError as error:
            kept = self.generations.paths()
            last = (
                f"the last checkpoint, {kept[-1].name}, is intact" if kept else "there is no checkpoint yet"
            )
            remedy = "free some space or make the folder writable, then start again"
            raise ResourceError(what, f"{error}; {last}", remedy) from error

    def _preview(self) -> None:
        """Previews are for people: one that fails is said, and the training goes on."""
        self._previewed = self.step
        if self.ranks.first:
            folder = self.places.previews / f"step-{self.step:06d}"
            try:
                with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
                    values = self.task.preview(folder, self._moment())
            except (GsvError, OSError, RuntimeError, ValueError) as error:
                logger.exception("preview failed")
                self.events.message(f"the preview of step {self.step} failed: {error}", level="warning")
                values = {}
            if values:
                self._previews_file.append(self.step, values, epoch=self.sampler.position.epoch)
                self.events.emit("preview", step=self.step, folder=str(folder), values=values)
        self.ranks.barrier()

    def _report(self) -> None:
        failures = self.task.failures()
        total = len(self.task.lengths)
        self.events.counts(Counts(total, total - len(failures), 0, len(failures), failures))
        if self.updates.refused_in_all:
            self.events.message(
                f"{self.updates.refused_in_all} updates were left out for numbers that were not finite"
            )

    def _result(self) -> RunResult:
        return RunResult(self.step, self.sampler.position.epoch, self.weights)
