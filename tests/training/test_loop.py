"""The trainer core on a toy task: resume, kills, stops, memory, numbers that are none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gsv.errors import Cancelled, DataError, ResourceError
from gsv.events import RecordedEvents
from gsv.training.generations import Generations
from gsv.training.metrics import read_metrics

from .toy import ToyTask, run_toy


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(sorted((folder / "weights").glob("toy-e*.safetensors"))[-1])


def losses(folder: Path) -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in read_metrics(folder / "metrics" / "toy.jsonl")]


def same(one: Path, other: Path) -> None:
    """Everything a run leaves is equal, bit for bit, but for times."""
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert losses(one) == losses(other)
    last = [Generations(folder / "checkpoints" / "toy").load() for folder in (one, other)]
    assert last[0] is not None and last[1] is not None
    assert last[0].parts["loop"] == last[1].parts["loop"]
    moments = [g.parts["optimizer"]["state"] for g in last if g is not None]
    assert all(torch.equal(moments[0][k]["exp_avg_sq"], moments[1][k]["exp_avg_sq"]) for k in moments[0])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    run_toy(folder)
    return folder


def test_it_learns_and_says_what_it_takes(tmp_path: Path) -> None:
    events = RecordedEvents()
    task, result = run_toy(tmp_path, events=events)
    assert result.epochs == 3 and result.step == len(task.seen)
    forecast = events.of("estimate")[0]
    assert forecast["steps"] >= result.step - 3 and forecast["seconds_a_step"] > 0
    assert forecast["disk_needed"] > 0 and forecast["memory"] > 0
    assert [line["epoch"] for line in read_metrics(tmp_path / "metrics" / "toy-epochs.jsonl")] == [1, 2, 3]
    assert len(read_metrics(tmp_path / "metrics" / "toy-previews.jsonl")) == 3
    assert events.of("counts")[0]["done"] == 12
    again = RecordedEvents()
    run_toy(tmp_path, ToyTask(), again)
    assert "nothing to do" in again.of("message")[-1]["text"]


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_workers_change_nothing(whole: Path, tmp_path: Path, workers: int) -> None:
    run_toy(tmp_path, workers=workers)
    same(whole, tmp_path)


def test_stop_saves_and_resumes_exactly(whole: Path, tmp_path: Path) -> None:
    class StopAfter(RecordedEvents):
        def stop_requested(self) -> bool:
            return sum(line["kind"] == "progress" for line in self.lines) >= 2

    for _ in range(20):
        events = StopAfter()
        try:
            run_toy(tmp_path, events=events)
            break
        except Cancelled as stopped:
            assert "step" in stopped.what
            assert (tmp_path / "weights" / "toy-latest.safetensors").is_file()
    same(whole, tmp_path)


def test_saving_by_time_changes_nothing(whole: Path, tmp_path: Path) -> None:
    run_toy(tmp_path, save_minutes=1e-9)
    same(whole, tmp_path)


def test_fresh_forgets(whole: Path, tmp_path: Path) -> None:
    run_toy(tmp_path, epochs=1)
    task, _ = run_toy(tmp_path, fresh=True)
    assert len(task.seen) == len(losses(whole))
    same(whole, tmp_path)


def test_a_longer_run_goes_on(tmp_path: Path, whole: Path) -> None:
    run_toy(tmp_path, epochs=1)
    run_toy(tmp_path, epochs=3)
    same(whole, tmp_path)


def test_out_of_memory_makes_batches_smaller(tmp_path: Path) -> None:
    events = RecordedEvents()
    task, result = run_toy(tmp_path, ToyTask(fail={"memory_above": 2}), events)
    assert result.epochs == 3
    assert max(len(rows) for rows in task.seen) <= 2
    assert sum(len(rows) for rows in task.seen) == 36
    assert any("out of memory" in line["text"] for line in events.of("message"))


def test_one_item_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="single item"):
        run_toy(tmp_path, ToyTask(fail={"memory_above": 0}))


def test_numbers_that_are_none_leave_the_weights(tmp_path: Path) -> None:
    events = RecordedEvents()
    task, _ = run_toy(tmp_path, ToyTask(fail={"nan_at": (1, 2)}), events)
    assert all(torch.isfinite(p).all() for p in task.network.parameters())
    assert any("2 updates were left out" in line["text"] for line in events.of("message"))
    lines = (tmp_path / "metrics" / "toy.jsonl").read_text().splitlines()
    assert json.loads(lines[1])["loss"] is None


def test_divergence_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="diverged"):
        run_toy(tmp_path, ToyTask(fail={"nan_from": 2}), epochs=40)


def test_another_configuration_is_refused(tmp_path: Path) -> None:
    run_toy(tmp_path, epochs=1)

    class Wider(ToyTask):
        def identity(self) -> dict[str, object]:
            return {"task": "toy", "width": 7}

    with pytest.raises(DataError, match="width was 6 and is 7"):
        run_toy(tmp_path, Wider())


def test_estimate_only_trains_and_writes_nothing(tmp_path: Path) -> None:
    task, result = run_toy(tmp_path, estimate_only=True)
    assert result.step == 0 and not task.seen
    assert not list(tmp_path.rglob("*.safetensors"))


SMALL_DISK = """
import resource, sys
from pathlib import Path
from gsv.errors import ResourceError
from tests.training.toy import run_toy
run_toy(Path(sys.argv[1]), epochs=1)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    run_toy(Path(sys.argv[1]), epochs=90, save_every=int(sys.argv[3]))
except ResourceError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits")
@pytest.mark.parametrize(("limit", "save_every"), [(1000, 1), (3000, 0)])
def test_a_disk_that_fills_up_leaves_the_last_checkpoint_and_says_so(
    tmp_path: Path, whole: Path, limit: int, save_every: int
) -> None:
    """The limit stops a part of the checkpoint, or the metrics, which grow."""
    command = [sys.executable, "-c", SMALL_DISK, str(tmp_path), str(limit), str(save_every)]
    found = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).resolve().parents[2])
    assert "is intact" in found.stdout and "could not be" in found.stdout, found.stdout + found.stderr
    run_toy(tmp_path)
    same(whole, tmp_path)
