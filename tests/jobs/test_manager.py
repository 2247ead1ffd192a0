"""Jobs run real child processes, and never end as something that they were not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from gsv.errors import InputError
from gsv.jobs import JobManager, JobState

from .conftest import ended, shown, wait_for

Make = Callable[..., JobManager]
HARD_ARGUMENTS = [
    "plain",
    "two words",
    "it's",
    'say "hi"',
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned",
    "%PATH%",
    "back\\slash\\",
    "数据/声音",
    "🎵",
    "--not-an-option=",
    "",
]


def act(manager: JobManager, *values: str, line: str = "cpu") -> str:
    return manager.submit("act.py", ["--", *values], title=values[0], line=line)


def test_done_job_has_full_progress_and_exit_status(make_manager: Make) -> None:
    manager = make_manager()
    view = ended(manager, act(manager, "steps", "3", "0"))
    assert (view.status, view.state.exit_code, view.fraction) == (JobState.DONE, 0, 1.0)
    assert view.reason is None


def test_arguments_arrive_unchanged(make_manager: Make, workspace: Path) -> None:
    manager = make_manager()
    job_id = act(manager, "echo", *HARD_ARGUMENTS)
    assert ended(manager, job_id).status is JobState.DONE, manager.log(job_id)
    assert json.loads(manager.log(job_id).splitlines()[-1]) == HARD_ARGUMENTS
    assert not list(workspace.rglob("pwned"))


def test_end_is_told_once(make_manager: Make) -> None:
    manager = make_manager()
    told: list[tuple[str, JobState]] = []
    manager.on_end = lambda view: told.append((view.id, view.status))
    job_id = act(manager, "steps", "1", "0")
    ended(manager, job_id)
    manager.tick()
    assert told == [(job_id, JobState.DONE)]


def test_typed_error_is_the_reason(make_manager: Make) -> None:
    manager = make_manager()
    view = ended(manager, act(manager, "refuse"))
    assert view.status is JobState.FAILED and view.reason is not None
    assert (view.reason.what, view.reason.why, view.reason.remedy) == (
        "the list is empty",
        "no row was read",
        "Choose another list.",
    )


def test_crash_fails_with_the_last_log_lines(make_manager: Make) -> None:
    manager = make_manager()
    view = ended(manager, act(manager, "crash"))
    assert view.status is JobState.FAILED and view.reason is not None
    assert "something nobody thought of" in view.reason.why
    assert "出错了 💥" in manager.log(view.id)


def test_end_by_the_system_is_a_failure(make_manager: Make) -> None:
    manager = make_manager()
    view = ended(manager, act(manager, "vanish"))
    assert view.status is JobState.FAILED
    assert view.state.exit_code not in (0, None)


def test_unknown_script_and_paths_are_refused(make_manager: Make) -> None:
    manager = make_manager()
    for script in ("missing.py", "../conftest.py", "scripts/act.py"):
        with pytest.raises(InputError):
            manager.submit(script, [], title="no")


def test_nonsense_in_the_events_does_no_harm(make_manager: Make) -> None:
    manager = make_manager()
    assert ended(manager, act(manager, "babble")).status is JobState.DONE


def test_spam_is_kept_short(make_manager: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gsv.jobs.logs.bound.__defaults__", (200_000, 10_000))
    manager = make_manager()
    view = ended(manager, act(manager, "spam", "20000"))
    assert view.status is JobState.DONE
    assert (view.folder / "log.txt").stat().st_size <= 400_000
    assert manager.log(view.id).splitlines()[-1].startswith("line 19999 ")


def test_one_job_a_line_and_the_place_is_shown(make_manager: Make) -> None:
    manager = make_manager()
    first, second, third = (act(manager, "steps", "1000", "0.05") for _ in range(3))
    other = act(manager, "steps", "1000", "0.05", line="cuda:0")
    states = {view.id: (view.status, view.place) for view in manager.views()}
    assert states[first] == states[other] == (JobState.RUNNING, 0)
    assert states[second] == (JobState.QUEUED, 1)
    assert states[third] == (JobState.QUEUED, 2)
    manager.stop(second)
    assert shown(manager, second).status is JobState.CANCELLED
    assert shown(manager, third).place == 1
    manager.stop(first)
    assert ended(manager, first).status is JobState.CANCELLED
    wait_for(manager, lambda: shown(manager, third).status is JobState.RUNNING)


def test_polite_stop_is_cancelled(make_manager: Make) -> None:
    manager = make_manager()
    job_id = act(manager, "steps", "1000", "0.05")
    wait_for(manager, lambda: shown(manager, job_id).done >= 2)
    manager.stop(job_id)
    assert shown(manager, job_id).stopping
    view = ended(manager, job_id)
    assert (view.status, view.state.exit_code) == (JobState.CANCELLED, 130)


def test_job_that_ignores_the_stop_is_ended(make_manager: Make, tmp_path: Path) -> None:
    manager = make_manager(stop_patience=0.2)
    ready = tmp_path / "ready"
    job_id = act(manager, "deaf", str(ready))
    wait_for(manager, ready.exists)
    manager.stop(job_id)
    assert ended(manager, job_id).status is JobState.CANCELLED


@pytest.mark.parametrize("end", ["crash", "stop"])
def test_no_worker_outlives_its_job(make_manager: Make, tmp_path: Path, end: str) -> None:
    manager = make_manager(stop_patience=0.0)
    note = tmp_path / "worker"
    job_id = act(manager, "parent", str(note), end)
    wait_for(manager, lambda: note.exists() and bool(note.read_text()))
    worker = int(note.read_text())
    if end == "stop":
        manager.stop(job_id)
    status = ended(manager, job_id).status
    assert status is (JobState.CANCELLED if end == "stop" else JobState.FAILED)
    wait_for(manager, lambda: not alive(worker))


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_repeat_and_remove(make_manager: Make) -> None:
    manager = make_manager()
    first = act(manager, "steps", "1", "0")
    ended(manager, first)
    second = manager.repeat(first)
    assert shown(manager, second).command.arguments == shown(manager, first).command.arguments
    folder = shown(manager, first).folder
    manager.remove(first)
    assert manager.view(first) is None and not folder.exists()
    assert ended(manager, second).status is JobState.DONE
    with pytest.raises(InputError):
        manager.stop(first)


def test_job_that_runs_cannot_be_removed(make_manager: Make) -> None:
    manager = make_manager()
    job_id = act(manager, "steps", "1000", "0.05")
    with pytest.raises(InputError):
        manager.remove(job_id)
