"""Every script answers --help from any folder, quickly, and with the options that all of them have."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "tools").glob("*.py"))
ANSI = re.compile(r"\x1b\[[0-9;]*m")

# What takes seconds to import and must not stand between a person and --help.
HEAVY = {"torch", "transformers", "gradio", "jieba", "pyopenjtalk", "scipy", "faster_whisper", "torchaudio"}

# These work on prepared arrays, on a machine that has nothing else; every folder is named on their command line.
WITHOUT_WORKSPACE = {"prepare_arrays.py", "pretrain_content.py", "vary_codes.py"}


def help_of(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    # -X importtime lists every imported module on stderr, whatever the machine's speed.
    line = [sys.executable, "-X", "utf8", "-X", "importtime", *command, "--help"]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False)


def subcommands(text: str) -> list[str]:
    """The commands that a help text of typer lists, if the script has any."""
    _, found, rest = ANSI.sub("", text).partition("Commands")
    return re.findall(r"^[│ ] {0,2}([a-z][a-z-]+)  ", rest, flags=re.MULTILINE) if found else []


@pytest.mark.parametrize("script", [*SCRIPTS, ROOT / "webui.py"], ids=lambda path: path.name)
def test_help_answers_from_another_folder(script: Path, tmp_path: Path) -> None:
    if not script.exists():
        pytest.skip(f"{script.name} is not written yet")
    shown = help_of(str(script), cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr[-2000:]
    imported = {line.rpartition("|")[2].strip() for line in shown.stderr.splitlines() if "|" in line}
    assert "argparse" in imported or "click" in imported or "typer" in imported, "importtime was not read"
    assert not imported & HEAVY, f"--help imports {sorted(imported & HEAVY)}"
    assert not list(tmp_path.iterdir()), "--help wrote something"
    texts = [shown.stdout]
    for name in subcommands(shown.stdout):
        inner = help_of(str(script), name, cwd=tmp_path)
        assert inner.returncode == 0, inner.stderr[-2000:]
        texts.append(inner.stdout)
    if script.parent.name == "tools":
        for option in ("--events",) if script.name in WITHOUT_WORKSPACE else ("--workspace", "--events"):
            assert any(option in text for text in texts), f"{script.name} has no {option}"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_wrong_usage_is_exit_code_2(script: Path, tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-X", "utf8", str(script), "--no-such-option-of-ours"],
        cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert shown.returncode == 2, shown.stderr[-2000:]
    assert "Traceback" not in shown.stderr
