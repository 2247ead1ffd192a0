"""Runs that are killed again and again, as a script: `python -m tests.training.kills FOLDER HOW [options]`.

What is run is the toy of `toy.py` or, with `--sovits`, the real SoVITS task at the miniature of `tiny`. Children
are forked, because a fresh interpreter for each of some hundred kills would take minutes.
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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gsv.events import Events

from .small import small_arrays
from .toy import ToyTask, run_toy

Run = Callable[[Path], object]
EVENTS = {
    "open",
    "os.rename",
    "os.mkdir",
    "os.remove",
    "os.rmdir",
    "os.listdir",
    "os.scandir",
    "os.truncate",
}


def die_at(count: int, folder: Path) -> None:
    """End this process with SIGKILL at the `count`-th file operation under `folder`."""
    left = [count]

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in EVENTS and arguments and str(folder) in str(arguments[0]):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def start_child(work: Callable[[], object]) -> int:
    """Run `work` in a forked child; returns its process number."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return process


def in_child(work: Callable[[], object]) -> int:
    """Run `work` in a child to its end; returns its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(start_child(work), 0)[1])


@dataclass(frozen=True)
class Runs:
    """What is killed: its name, what it goes on from, the run, and how `interrupt` treats it."""

    name: str
    begin: Run
    run: Run
    longest: float
    """Seconds after which a run is killed at the latest."""
    kills: int


def sweep(folder: Path, runs: Runs, every: int) -> None:
    """Kill a run at its first, second, third... file operation (or at one of `every`), resume it, print the outcome.

    All runs go on from what `begin` left.
    """
    start = folder / "start"
    in_child(lambda: runs.begin(start))
    for count in range(1, 10_000, every):
        place = folder / f"killed-{count}"
        shutil.copytree(start, place)

        def killed(place: Path = place, count: int = count) -> None:
            die_at(count, place)
            runs.run(place)

        codes = [in_child(killed), in_child(lambda place=place: runs.run(place))]  # type: ignore[misc]
        found = {"count": count, "killed": codes[0], "resumed": codes[1], "result": outcome(place, runs.name)}
        print(json.dumps(found), flush=True)
        shutil.rmtree(place)
        if codes[0] == 0:
            return


def interrupt(folder: Path, runs: Runs, seed: int) -> None:
    """Kill one run at random moments, then let it finish; print the exit codes."""
    chance = random.Random(seed)
    codes: list[int] = []
    while not codes or codes[-1] == -signal.SIGKILL:
        process = start_child(lambda: runs.run(folder))
        if len(codes) < runs.kills:
            time.sleep(chance.uniform(0.0, runs.longest))
            os.kill(process, signal.SIGKILL)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
    print(json.dumps({"codes": codes}))


def outcome(folder: Path, name: str) -> dict[str, Any]:
    """What has to be equal however often a run was killed: hashes of the state, numbers of the metrics."""
    checkpoints = folder / "checkpoints" / name
    last = sorted(checkpoints.glob("generation-*"))
    manifest = json.loads((last[-1] / "manifest.json").read_text())
    lines = (folder / "metrics" / f"{name}.jsonl").read_text().splitlines()
    metrics = [json.loads(line) for line in lines]
    weights = sorted((folder / "weights").glob(f"{name}-e*"))
    return {
        "files": {part: entry["sha256"] for part, entry in manifest["files"].items()},
        "losses": [(line["step"], line["loss"]) for line in metrics],
        "weights": tensors_hash(weights[-1]),
        "generations": [path.name for path in last],
        "left": sorted(path.name for path in checkpoints.iterdir() if path not in last),
    }


def tensors_hash(path: Path) -> str:
    """Of a safetensors file without its header, which may name its facts in any order."""
    content = path.read_bytes()
    return hashlib.sha256(content[8 + int.from_bytes(content[:8], "little") :]).hexdigest()


def toy_run(epochs: int) -> Run:
    """A run of the toy that saves at each epoch."""
    return lambda folder: run_toy(folder, ToyTask(4), epochs=epochs, batch_frames=80, keep=1)


def sovits_run(arrays: Path) -> Run:
    """A run of the real task on small arrays: two batches an epoch, discriminators from the second step on."""
    from gsv.training.task import LoopSettings
    from gsv.workflows.train_sovits import SovitsRequest, train_sovits

    settings = LoopSettings(steps=4, save_minutes=0.0, keep=1)

    def run(folder: Path) -> object:
        request = SovitsRequest(
            arrays=arrays,
            output=folder,
            from_scratch=True,
            quantizer=arrays / "quantizer.safetensors",
            configuration=arrays / "configuration.json",
            workspace=folder,
            adversarial_from=1,
            device="cpu",
            batch_seconds=5.0,
            previews=1,
            loop=settings,
        )
        return train_sovits(request, Events())

    return run


def main() -> None:
    """The parent of all children."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("how", choices=("sweep", "interrupt"))
    parser.add_argument("--sovits", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder: Path = options.folder
    if options.sovits:
        arrays = small_arrays(folder / "arrays")
        runs = Runs("sovits", Path.mkdir, sovits_run(arrays), longest=1.5, kills=6)
    else:
        runs = Runs("toy", toy_run(1), toy_run(2), longest=0.3, kills=12)
    # What torch imports at its first update, every child would import again.
    runs.run(folder / "warm")
    if options.how == "sweep":
        sweep(folder, runs, options.every)
    else:
        interrupt(folder / "killed", runs, options.seed)


if __name__ == "__main__":
    main()
