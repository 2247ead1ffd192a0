"""The README's commands agree with what is there and with each other; its links lead somewhere.

`tests/journeys/test_readme.py` runs them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLING = "pip install"


def blocks() -> list[str]:
    return BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def test_the_test_command_is_what_ci_runs() -> None:
    (command,) = [block for block in blocks() if INSTALLING in block and "pytest" in block]
    assert command.strip() in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_bash_and_powershell_install_the_same() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shells = re.findall(r"^```powershell\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    installing = [block for block in blocks() if INSTALLING in block]
    assert len(shells) == len(installing) == 2
    for bash, powershell in zip(installing, shells, strict=True):
        same = powershell.replace("\\Scripts\\", "/bin/").replace("\\", "/").replace("; ", " && ")
        assert same.replace("py -m venv", "python3 -m venv") == bash


@pytest.mark.parametrize("name", ["README.md", "docs/design.md", "SECURITY.md", "docs/examples/README.md"])
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    missing = [target for target in local if not (page.parent / target).exists()]
    assert not missing


def test_every_script_is_in_the_table() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`tools/(\w+\.py)`", text))
    assert named == {path.name for path in (ROOT / "tools").glob("*.py")}
