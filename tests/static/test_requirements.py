"""Every package that is imported is named, with bounds, in the requirements of whoever imports it."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

from gsv.workflows.doctor import MODULES, requirements

ROOT = Path(__file__).resolve().parents[2]
OURS = {"gsv"}
# Tests in one folder import helpers of that folder.
OWN_TEST_PACKAGES = {path.parent.name for path in (ROOT / "tests").rglob("__init__.py")} | {"tests"}


def module_of(requirement: Requirement) -> str:
    return {**MODULES, "pillow": "PIL"}.get(requirement.name, requirement.name.replace("-", "_"))


def imported(tree: ast.AST) -> Iterator[str]:
    """Top-level names that a module imports, also through import_optional("name", ...) and importlib."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Call):
            function = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            first = node.args[0] if node.args else None
            if function in {"import_optional", "import_module", "importorskip"}:
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value.split(".")[0]


def strangers(folders: list[Path], known: set[str]) -> list[str]:
    """Imports of packages that are neither known nor of the standard library."""
    found = []
    for folder in folders:
        for path in sorted(folder.rglob("*.py")) if folder.is_dir() else [folder]:
            names = set(imported(ast.parse(path.read_text(encoding="utf-8"))))
            found += [
                f"{path.relative_to(ROOT)}: {name}"
                for name in sorted(names - known - sys.stdlib_module_names)
            ]
    return found


def extras() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(line) for lines in project["optional-dependencies"].values() for line in lines]


def test_the_package_and_its_tools_import_what_is_named() -> None:
    named = [*requirements(ROOT / "requirements.txt"), *extras()]
    known = {module_of(requirement) for requirement in named} | OURS
    folders = [path for path in (ROOT / "gsv", ROOT / "tools", ROOT / "webui.py") if path.exists()]
    assert not strangers(folders, known)


def test_the_tests_import_what_is_named() -> None:
    files = ("requirements.txt", "tests/requirements.txt")
    named = [*extras(), *(each for name in files for each in requirements(ROOT / name))]
    known = {module_of(requirement) for requirement in named} | OURS | OWN_TEST_PACKAGES
    # The one needs a compiler, and its test skips where it is absent; the other must not exist.
    assert not strangers([ROOT / "tests"], known | {"resemblyzer", "no_such_package_at_all"})


def test_every_requirement_has_two_bounds() -> None:
    files = ("requirements.txt", "tests/requirements.txt")
    named = [*extras(), *(each for name in files for each in requirements(ROOT / name))]
    loose = [
        str(each)
        for each in named
        if not {">=", ">"} & {part.operator for part in each.specifier}
        or "<" not in {part.operator for part in each.specifier}
    ]
    assert len(named) > 15 and not loose


def test_the_package_itself_comes_last() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if line][-1] == "-e ."


def test_an_unnamed_import_is_seen() -> None:
    tree = ast.parse(
        "def f():\n    import left.pad\nx = import_optional('right_pad.z', 'y')\nfrom json import dumps"
    )
    assert set(imported(tree)) == {"left", "right_pad", "json"}
