"""The doctor sees what is wrong, names what mends it, and its script's exit code says so."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gsv.errors import DependencyError
from gsv.settings import Workspace
from gsv.workflows import doctor


def test_requirements_are_read_without_comments_and_foreign_systems(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text('# a\nnumpy>=2,<3  # b\nnothing; sys_platform == "plan9"\n-e .\n')
    assert [each.name for each in doctor.requirements(path)] == ["numpy"]


def test_a_missing_an_old_and_a_good_package() -> None:
    from packaging.requirements import Requirement

    absent = doctor._package(Requirement("no-such-package-of-ours>=1"))
    assert absent is not None and absent.state == "missing" and "requirements.txt" in absent.remedy
    old = doctor._package(Requirement("numpy>=99"))
    assert old is not None and "pip install" in old.remedy and "numpy>=99" in old.remedy
    assert doctor._package(Requirement("numpy>=1")) is None


def test_a_busy_port_is_a_note_with_another_port() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        (finding,) = doctor._port(port)
        assert finding.state == "note" and "--port" in finding.remedy
    (finding,) = doctor._port(port)
    assert finding.state == "ok"


def test_an_empty_workspace_has_what_ships_and_a_broken_one_lacks_it(tmp_path: Path) -> None:
    (finding,) = doctor._models(Workspace(tmp_path))
    assert finding.state == "ok"
    (tmp_path / "pretrained_models" / "tiny").mkdir(parents=True)
    (finding,) = doctor._models(Workspace(tmp_path))
    assert finding.state == "missing" and "sovits.safetensors" in finding.detail
    for name in doctor.SHIPPED_MODELS:
        path = tmp_path / "pretrained_models" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (finding,) = doctor._models(Workspace(tmp_path))
    assert finding.state == "ok"


def test_a_check_that_breaks_becomes_a_finding() -> None:
    def broken() -> object:
        raise RuntimeError("driver")
        yield

    (finding,) = doctor._guarded("device", broken)  # type: ignore[arg-type]
    assert finding == doctor.Finding("device", "missing", "RuntimeError: driver", doctor.INSTALL)
    with pytest.raises(DependencyError, match="device"):
        doctor.require_nothing_missing([finding])
    doctor.require_nothing_missing([doctor.Finding("port", "note", "busy")])


def test_the_script_examines_everything_and_says_what_is_missing(tmp_path: Path, repository: Path) -> None:
    events = tmp_path / "events.jsonl"
    (tmp_path / "pretrained_models" / "tiny").mkdir(parents=True)
    script = repository / "tools" / "doctor.py"
    command = [sys.executable, str(script), "--json", "--workspace", str(tmp_path), "--events", str(events)]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    findings = {finding["name"]: finding for finding in json.loads(shown.stdout)}
    wanted = {"python", "packages", "ffmpeg", "device", "precision", "disk", "port", "models"}
    assert wanted <= set(findings)
    missing = {name for name, finding in findings.items() if finding["state"] == "missing"}
    assert missing == {"models"} and all(findings[name]["remedy"] for name in missing)
    assert shown.returncode == 1
    assert shown.stderr.splitlines()[-1].startswith("failed: the studio cannot run yet: models")
    items = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    assert [line["name"] for line in items if line["kind"] == "item"] == list(findings)
