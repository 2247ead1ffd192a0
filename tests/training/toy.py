"""A toy task for the trainer core, and a script that runs it: `python toy.py FOLDER [options]`.

A small network with dropout learns noise that each item draws from its own seed. Run as a script it is the
child process that the kill tests end; `--die-at N` ends it with SIGKILL at the N-th file operation under
FOLDER.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gsv.events import Events
from gsv.training.loop import RunResult, Trainer
from gsv.training.ranks import Ranks
from gsv.training.sampler import Batch
from gsv.training.task import LoopSettings, Moment, Places
from gsv.training.updates import Updates

WIDTH = 6


class ToyTask:
    """Learns to map noise to noise, with dropout."""

    repeats = 1
    phases = (0,)

    def __init__(self, items: int = 12, fail: dict[str, Any] | None = None) -> None:
        self.lengths = [20 + 7 * (i % 5) for i in range(items)]
        self.fail = dict(fail or {})
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.network = torch.nn.Sequential(
                torch.nn.Linear(WIDTH, 16), torch.nn.Dropout(0.3), torch.nn.ReLU(), torch.nn.Linear(16, 1)
            )
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=1e-2)
        self.seen: list[tuple[int, ...]] = []
        self.exported: list[Path] = []

    def load(self, batch: Batch) -> torch.Tensor:
        rows = [np.random.default_rng(d.seed).standard_normal(WIDTH, dtype=np.float32) for d in batch.draws]
        return torch.from_numpy(np.stack(rows))

    def step(
        self, data: torch.Tensor, moment: Moment, updates: Updates, generator: torch.Generator
    ) -> dict[str, float | torch.Tensor]:
        if len(data) > self.fail.get("memory_above", 10**9):
            raise torch.OutOfMemoryError("out of memory (test)")
        if not updates.dry:
            self.seen.append(tuple(range(len(data))))
        target = torch.rand((len(data), 1), generator=generator)
        loss = (self.network(data) - target).square().mean()
        if moment.step in self.fail.get("nan_at", ()) or self.fail.get("nan_from", 10**9) <= moment.step:
            loss = loss * torch.nan
        norm = updates.apply("network", loss, self.optimizer)
        return {"loss": loss.detach(), "norm": norm}

    def state(self) -> dict[str, object]:
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state(self, parts: Mapping[str, Any]) -> None:
        self.network.load_state_dict(parts["network"])
        self.optimizer.load_state_dict(parts["optimizer"])

    def identity(self) -> dict[str, Any]:
        return {"task": "toy", "width": WIDTH}

    def export(self, place: Path) -> None:
        from safetensors.torch import save_file

        from gsv.files import writing

        with writing(place) as temporary:
            save_file(self.network.state_dict(), temporary)
        self.exported.append(place)

    def preview(self, folder: Path, moment: Moment) -> dict[str, float]:
        torch.rand(3)  # a preview that draws must not change the training
        return {"measure": float(moment.step)}

    def failures(self) -> dict[str, str]:
        return {}


def run_toy(
    folder: Path, task: ToyTask | None = None, events: Events | None = None, **settings: Any
) -> tuple[ToyTask, RunResult]:
    """Train a toy in `folder`; `settings` change the loop's."""
    chosen = {"epochs": 3, "batch_frames": 120, "save_minutes": 0.0, "workers": 2, **settings}
    task = task if task is not None else ToyTask()
    trainer = Trainer(
        task,
        LoopSettings(**chosen),
        Places.under(folder, "toy"),
        torch.device("cpu"),
        events if events is not None else Events(),
        Ranks(),
    )
    return task, trainer.run()


def die_at(count: int, folder: Path) -> None:
    """End this process with SIGKILL at the `count`-th file operation under `folder`."""
    left = [count]
    kinds = {
        "open",
        "os.rename",
        "os.mkdir",
        "os.remove",
        "os.rmdir",
        "os.listdir",
        "os.scandir",
        "os.truncate",
    }

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in kinds and arguments and str(folder) in str(arguments[0]):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def in_child(work: Callable[[], object]) -> int:
    """Run `work` in a forked child; returns its exit code, or minus the signal that ended it."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def sweep(folder: Path) -> None:
    """Kill a run at its first, second, third... file operation, resume it, and print what came out of each.

    All runs start from the same checkpoint and save twice more. Children are forked, because a fresh
    interpreter for each of some hundred operations would take minutes.
    """
    small: dict[str, Any] = {"batch_frames": 80, "keep": 2}
    # What torch imports at its first update, every child would import again.
    run_toy(folder / "warm", ToyTask(4), epochs=1, workers=0)
    start = folder / "start"
    in_child(lambda: run_toy(start, ToyTask(4), epochs=1, **small))
    for count in range(1, 10_000):
        place = folder / f"killed-{count}"
        shutil.copytree(start, place)

        def killed(place: Path = place, count: int = count) -> None:
            die_at(count, place)
            run_toy(place, ToyTask(4), epochs=3, **small)

        code = in_child(killed)
        resumed = in_child(lambda place=place: run_toy(place, ToyTask(4), epochs=3, **small))
        print(
            json.dumps({"count": count, "killed": code, "resumed": resumed, "result": outcome(place)}),
            flush=True,
        )
        shutil.rmtree(place)
        if code == 0:
            return


def interrupt(folder: Path, seed: int, kills: int = 12) -> None:
    """Kill one run again and again at random moments, then let it finish; print what came out."""
    run_toy(folder / "warm", ToyTask(4), epochs=1, workers=0)
    chance = random.Random(seed)
    place = folder / "killed"
    codes = []
    while not codes or codes[-1] != 0:
        process = os.fork()
        if process == 0:
            code = 1
            try:
                run_toy(place)
                code = 0
            finally:
                os._exit(code)
        if len(codes) < kills:
            time.sleep(chance.uniform(0.0, 0.4))
            os.kill(process, signal.SIGKILL)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
        if codes[-1] not in (0, -signal.SIGKILL):
            break
    print(json.dumps({"codes": codes}))


def outcome(folder: Path) -> dict[str, Any]:
    """What has to be equal however often a run was killed: hashes of the state, numbers of the metrics."""
    last = sorted((folder / "checkpoints" / "toy").glob("generation-*"))
    manifest = json.loads((last[-1] / "manifest.json").read_text())
    lines = (folder / "metrics" / "toy.jsonl").read_text().splitlines()
    metrics = [json.loads(line) for line in lines]
    weights = sorted((folder / "weights").glob("toy-e*"))
    return {
        "files": {name: entry["sha256"] for name, entry in manifest["files"].items()},
        "losses": [(line["step"], line["loss"]) for line in metrics],
        "weights": hashlib.sha256(weights[-1].read_bytes()).hexdigest(),
        "generations": [path.name for path in last],
        "left": sorted(path.name for path in (folder / "checkpoints" / "toy").iterdir() if path not in last),
    }


def main() -> None:
    """The child process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument("--interrupt", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.sweep:
        sweep(options.folder)
    elif options.interrupt:
        interrupt(options.folder, options.interrupt)
    else:
        run_toy(options.folder)


if __name__ == "__main__":
    main()
