"""Training that is killed with SIGKILL, resumed, and compared with a run that nothing interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .kills import outcome

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")


def children(folder: Path, *options: str) -> list[dict[str, Any]]:
    """Run the script, which kills children of its own; what it printed."""
    command = [sys.executable, "-m", "tests.training.kills", str(folder), *options]
    found = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).resolve().parents[2])
    assert found.returncode == 0, found.stderr
    return [json.loads(line) for line in found.stdout.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("options", [(), ("--sovits",)], ids=["toy", "sovits"])
def test_at_random_moments(tmp_path: Path, options: tuple[str, ...]) -> None:
    codes = children(tmp_path, "interrupt", *options)[0]["codes"]
    assert codes[-1] == 0 and set(codes) <= {0, -signal.SIGKILL}
    name = "sovits" if "--sovits" in options else "toy"
    assert outcome(tmp_path / "killed", name) == outcome(tmp_path / "warm", name)


@pytest.mark.parametrize("options", [(), ("--sovits", "--every", "14")], ids=["toy", "sovits"])
def test_at_file_operations(tmp_path: Path, options: tuple[str, ...]) -> None:
    """At every operation of the toy's saves; at some of the real task's, whose saves take the same way."""
    tries = children(tmp_path, "sweep", *options)
    assert len(tries) > (7 if options else 25)
    assert tries[-1]["killed"] == 0
    assert all(one["killed"] == -signal.SIGKILL for one in tries[:-1])
    whole = outcome(tmp_path / "warm", "sovits" if options else "toy")
    assert whole["left"] == []
    for one in tries:
        assert one["resumed"] == 0
        assert one["result"] == json.loads(json.dumps(whole)), one["count"]
