"""The README's commands, run as they stand in a copy of the repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLING = "pip install"  # these two are run by .ci/run, and by whoever starts the studio


def blocks() -> list[str]:
    return BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


@pytest.mark.skipif(os.name == "nt", reason="the blocks are for bash")
def test_the_commands_that_need_no_model_run(copy: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    for block in (block for block in blocks() if "tools/models.py" in block):
        command = block.replace("python ", f'"{sys.executable}" ', 1)
        subprocess.run(["bash", "-e", "-c", command], cwd=copy, env=environment, check=True)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as a fresh clone has it, so that commands write there and not here."""
    target = tmp_path_factory.mktemp("readme") / "gsv"
    leave = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", "tests", "*.egg-info")
    shutil.copytree(ROOT, target, ignore=lambda folder, names: {
        *leave(folder, names), *({"logs", "output"} & set(names) if Path(folder) == ROOT else ()),
    })  # fmt: skip
    return target


@pytest.mark.skipif(os.name == "nt", reason="the blocks are for bash")
@pytest.mark.skipif(
    not (ROOT / "pretrained_models" / "tiny" / "sovits.safetensors").is_file(),
    reason="the base that these commands use is not in the repository yet",
)
def test_the_commands_run_in_the_order_of_the_page(copy: Path) -> None:
    # `python` is the one that runs the tests, and `gsv` is the copy's.
    binaries = copy.parent / "bin"
    binaries.mkdir()
    (binaries / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (binaries / "python").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(copy),
    }
    commands = [block for block in blocks() if INSTALLING not in block]
    assert len(commands) >= 4
    for block in commands:
        ended = subprocess.run(
            ["bash", "-e", "-c", block],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, f"{block}\n{ended.stdout[-2000:]}\n{ended.stderr[-4000:]}"
    assert (copy / "output" / "first.wav").stat().st_size > 50_000
    assert list((copy / "logs" / "river" / "weights").iterdir())
    for spoken in ("hello.wav", "spoken.wav"):
        assert (copy / "output" / spoken).stat().st_size > 10_000
    assert "-->" in (copy / "output" / "hello.srt").read_text(encoding="utf-8")
