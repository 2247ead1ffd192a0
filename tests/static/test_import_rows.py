"""Imports run downward between the rows of docs/design.md, and never in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gsv"

# From the top of the house down. A room may use the rooms of lower rows, never one of its own row.
ROWS: tuple[tuple[str, ...], ...] = (
    ("studio", "server"),
    ("jobs", "workflows"),
    ("evaluation",),
    ("training", "synthesis", "stages"),
    ("listening", "features"),
    ("corpus",),
    ("weights",),
    ("models", "text", "audio"),
    # The foundations: single files, each a row of its own.
    ("gpt_families",),
    ("families",),
    ("settings",),
    ("files",),
    ("events",),
    ("errors",),
)
HEIGHT = {room: len(ROWS) - number for number, row in enumerate(ROWS) for room in row}
# What a room must not know, beyond the rows: text knows no network.
FOREIGN = {"text": ("torch", "transformers"), "jobs": ("torch",)}


def module_name(path: Path) -> str:
    """gsv/audio/reading.py -> gsv.audio.reading; a package is named by its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(module: str, is_package: bool, tree: ast.AST) -> Iterator[str]:
    """The dotted names that a module imports, lazily or not; `from gsv import files` gives gsv.files."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                steps = node.level - 1 if is_package else node.level
                parent = module.split(".")[: len(module.split(".")) - steps]
                base = ".".join([*parent, base] if base else parent)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def room_of(name: str) -> str | None:
    """The room of a dotted name of ours, or None for the package itself and for other packages."""
    parts = name.split(".")
    return parts[1] if parts[0] == "gsv" and len(parts) > 1 else None


def row_violations(module: str, is_package: bool, tree: ast.AST) -> list[str]:
    """What a module imports against the rows."""
    own = room_of(module)
    if own is None:
        return []
    if own not in HEIGHT:
        return [f"{module}: {own} is no room of the plan"]
    wrong = []
    for name in imported(module, is_package, tree):
        room = room_of(name)
        if name.split(".")[0] in FOREIGN.get(own, ()):
            wrong.append(f"{module}: {own} must not know {name.split('.')[0]}")
        if room is None or room == own or room.startswith("__"):
            continue
        if room not in HEIGHT:
            wrong.append(f"{module}: {name} is in no room of the plan")
        elif HEIGHT[room] >= HEIGHT[own]:
            wrong.append(f"{module}: {own} must not import {room} ({name})")
    return wrong


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """The circles of a graph that a depth-first walk meets."""
    found: list[list[str]] = []
    state: dict[str, int] = {}

    def visit(node: str, trail: list[str]) -> None:
        state[node] = 1
        for other in sorted(edges.get(node, ())):
            if state.get(other) == 1:
                found.append([*trail[trail.index(other) :], other])
            elif other not in state:
                visit(other, [*trail, other])
        state[node] = 2

    for node in sorted(edges):
        if node not in state:
            visit(node, [node])
    return found


def graph(modules: dict[str, tuple[bool, ast.AST]]) -> dict[str, set[str]]:
    """Which module of ours imports which; a name inside a module counts as that module."""
    edges: dict[str, set[str]] = {}
    for module, (is_package, tree) in modules.items():
        targets = set()
        for name in imported(module, is_package, tree):
            target = name if name in modules else name.rpartition(".")[0]
            if target in modules:
                targets.add(target)
        edges[module] = targets
    return edges


@pytest.fixture(scope="module")
def modules() -> dict[str, tuple[bool, ast.AST]]:
    return {
        module_name(path): (path.name == "__init__.py", ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def test_imports_run_downward(modules: dict[str, tuple[bool, ast.AST]]) -> None:
    assert len(modules) > 20
    wrong = [
        line for name, (package, tree) in modules.items() for line in row_violations(name, package, tree)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_imports_in_a_circle(modules: dict[str, tuple[bool, ast.AST]]) -> None:
    found = circles(graph(modules))
    assert not found, "\n".join(" -> ".join(circle) for circle in found)


@pytest.mark.parametrize(
    ("module", "source", "bad"),
    [
        ("gsv.training.core", "from gsv.synthesis import voices", True),
        ("gsv.training.core", "from gsv import synthesis", True),
        ("gsv.training.core", "def f():\n    import gsv.evaluation.rate", True),
        ("gsv.training.core", "from ..stages import text", True),
        ("gsv.models.content", "from gsv.audio.spectrogram import mel", True),
        ("gsv.errors", "from gsv.events import Events", True),
        ("gsv.text.english", "import torch", True),
        ("gsv.cellar.wine", "import json", True),
        ("gsv.audio.x", "from gsv.cellar import wine", True),
        ("gsv.training.core", "from gsv.models.sovits import synthesizer\nfrom . import losses", False),
        ("gsv.training.core", "from gsv import __version__, files", False),
        ("gsv.studio.page", "from gsv.jobs import JobManager\nimport torch", False),
    ],
)
def test_the_row_rule_can_fail(module: str, source: str, bad: bool) -> None:
    assert bool(row_violations(module, False, ast.parse(source))) is bad


def test_the_circle_rule_can_fail() -> None:
    sources = {
        "gsv.a": "from gsv import b",
        "gsv.b": "from gsv.c import x",
        "gsv.c": "import gsv.a",
        "gsv.d": "",
    }
    parsed: dict[str, tuple[bool, ast.AST]] = {
        name: (False, ast.parse(text)) for name, text in sources.items()
    }
    assert circles(graph(parsed)) == [["gsv.a", "gsv.b", "gsv.c", "gsv.a"]]
    parsed["gsv.c"] = (False, ast.parse("import gsv.d"))
    assert circles(graph(parsed)) == []
