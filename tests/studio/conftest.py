"""A studio without a page: jobs run a script that only succeeds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gsv.jobs import JobManager
from gsv.settings import Workspace
from gsv.studio.access import Access
from gsv.studio.devices import DeviceSearch
from gsv.studio.labels import Labels
from gsv.studio.studio import Studio

SCRIPTS = ("prepare.py", "train_sovits.py", "train_gpt.py", "make_voice.py", "convert.py", "speak.py")


@pytest.fixture
def plain_studio(tmp_path: Path) -> Iterator[Studio]:
    """A studio over an empty workspace; the device is the CPU, as it is while nothing else is known."""
    tools, root = tmp_path / "tools", tmp_path / "work space"
    for folder in (tools, root):
        folder.mkdir()
    for name in SCRIPTS:
        (tools / name).write_text("", encoding="utf-8")
    workspace = Workspace(root)
    jobs = JobManager(workspace.jobs, tools, root)
    yield Studio(workspace, jobs, Labels("en"), Access(workspace), DeviceSearch())
    jobs.close()
