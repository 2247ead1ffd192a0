"""A job manager over a fresh folder whose name is hard on programs that build shell strings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gsv.jobs import JobManager, JobView

SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a space, quotes, a would-be command, Chinese and an emoji in its path."""
    folder = tmp_path / "it's $(touch pwned) 数据 🎙"
    folder.mkdir()
    return folder


@pytest.fixture
def make_manager(workspace: Path) -> Iterator[Callable[..., JobManager]]:
    """Managers of one workspace; those that are still open are ended with their jobs."""
    made: list[JobManager] = []

    def make(stop_patience: float = 20.0) -> JobManager:
        manager = JobManager(workspace / "logs" / "jobs", SCRIPTS, workspace, stop_patience)
        made.append(manager)
        return manager

    yield make
    for manager in made:
        manager.close()
    if made:
        last = make(stop_patience=0.0)
        last.recover()
        for view in last.views():
            last.stop(view.id)
        wait_for(last, lambda: all(view.status.final for view in last.views()))


def wait_for(manager: JobManager, condition: Callable[[], bool], limit: float = 60.0) -> None:
    """Tick until something is so; the limit only guards against hanging for ever."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, [(view.id, view.status) for view in manager.views()]
        manager.tick()
        time.sleep(0.02)


def ended(manager: JobManager, job_id: str) -> JobView:
    """The job once it has ended."""
    wait_for(manager, lambda: shown(manager, job_id).status.final)
    return shown(manager, job_id)


def shown(manager: JobManager, job_id: str) -> JobView:
    """The job now."""
    view = manager.view(job_id)
    assert view is not None
    return view
