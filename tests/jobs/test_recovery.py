"""A studio that was ended finds its jobs again, and tells the living from the dead."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from gsv.errors import ResourceError
from gsv.jobs import JobManager, JobState, StudioLock

from .conftest import ended, shown, wait_for
from .test_manager import act

Make = Callable[..., JobManager]


def test_running_job_is_found_and_watched_to_its_end(make_manager: Make) -> None:
    first = make_manager()
    job_id = act(first, "steps", "15", "0.1")
    first.close()
    second = make_manager()
    second.recover()
    assert shown(second, job_id).status is JobState.RUNNING
    view = ended(second, job_id)
    assert (view.status, view.done) == (JobState.DONE, 15)


def test_running_job_of_an_earlier_studio_can_be_stopped(make_manager: Make) -> None:
    first = make_manager()
    job_id = act(first, "steps", "1000", "0.05")
    wait_for(first, lambda: shown(first, job_id).done > 0)
    second = make_manager()
    second.recover()
    second.stop(job_id)
    assert ended(second, job_id).status is JobState.CANCELLED


def test_dead_job_is_failed_with_its_log(make_manager: Make) -> None:
    first = make_manager()
    job_id = act(first, "steps", "1000", "0.05")
    wait_for(first, lambda: shown(first, job_id).done > 0)
    pid = shown(first, job_id).state.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
    second = make_manager()
    second.recover()
    view = ended(second, job_id)
    assert view.status is JobState.FAILED and view.reason is not None


def test_foreign_process_with_the_same_id_is_not_taken_for_the_job(make_manager: Make) -> None:
    first = make_manager()
    job_id = act(first, "steps", "1", "0")
    folder = ended(first, job_id).folder
    state = json.loads((folder / "state.json").read_text())
    state |= {
        "state": "running",
        "pid": os.getpid(),
        "process_started": 1.0,
        "exit_code": None,
        "ended": None,
    }
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "events.jsonl").write_text("")
    second = make_manager()
    second.recover()
    assert shown(second, job_id).status is JobState.FAILED
    assert psutil.pid_exists(os.getpid())


def test_queued_jobs_go_on_and_a_lost_start_is_not_repeated(make_manager: Make) -> None:
    first = make_manager()
    running, waiting = act(first, "steps", "12", "0.1"), act(first, "steps", "1", "0")
    state_file = shown(first, running).folder / "state.json"
    state_file.write_text('{"state": "queued"}')  # as if killed between the start and the note of it
    second = make_manager()
    second.recover()
    assert shown(second, running).status is JobState.RUNNING
    assert shown(second, waiting).status is JobState.QUEUED
    assert ended(second, waiting).status is JobState.DONE
    assert shown(second, running).status is JobState.DONE


def test_unreadable_record_is_a_failed_job_and_can_be_removed(make_manager: Make, workspace: Path) -> None:
    folder = workspace / "logs" / "jobs" / "20200101-000000-act-broken"
    folder.mkdir(parents=True)
    (folder / "command.json").write_text("{")
    manager = make_manager()
    manager.recover()
    assert shown(manager, folder.name).status is JobState.FAILED
    manager.remove(folder.name)
    assert manager.views() == []


HOLDER = """
import sys
from pathlib import Path
from gsv.jobs import StudioLock

lock = StudioLock(Path(sys.argv[1]))
lock.acquire("http://holder")
print("held", flush=True)
sys.stdin.read()
"""


def test_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(ResourceError, match="http://holder"):
            StudioLock(tmp_path).acquire("mine")
        holder.kill()
    with StudioLock(tmp_path) as lock:
        lock.acquire("mine")
