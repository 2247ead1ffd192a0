"""What no source file of ours may contain, read from the syntax tree; each rule is proven able to fail."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "gsv").rglob("*.py")) + sorted((ROOT / "tools").glob("*.py")) + [ROOT / "webui.py"]

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50  # without the signature and the docstring

# Set for every process by torchrun, its only way to tell a process which one it is.
TORCHRUN_VARIABLES = {"RANK", "LOCAL_RANK", "WORLD_SIZE"}


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a chain of attributes, or an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def is_constant(node: ast.AST | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def keyword(call: ast.Call, name: str) -> ast.AST | None:
    return next((word.value for word in call.keywords if word.arg == name), None)


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}


def shell_use(tree: ast.AST) -> Iterator[int]:
    for call, name in calls(tree):
        shell = keyword(call, "shell")
        if name in SHELLS or name.endswith("create_subprocess_shell"):
            yield call.lineno
        elif shell is not None and not is_constant(shell, False):
            yield call.lineno
    for line, name in imports(tree):
        if name in SHELLS:
            yield line


def code_from_text(tree: ast.AST) -> Iterator[int]:
    for call, name in calls(tree):
        if name in {"eval", "exec", "__import__", "builtins.eval", "builtins.exec"}:
            yield call.lineno
        elif not is_constant(keyword(call, "trust_remote_code") or ast.Constant(False), False):
            yield call.lineno


def unsafe_load(tree: ast.AST) -> Iterator[int]:
    for call, name in calls(tree):
        torch_load = name in {"torch.load", "torch.serialization.load"}
        if torch_load and not is_constant(keyword(call, "weights_only"), True):
            yield call.lineno
        elif name in {"torch.hub.load", "yaml.load", "yaml.unsafe_load", "joblib.load"}:
            yield call.lineno
        elif not is_constant(keyword(call, "allow_pickle") or ast.Constant(False), False):
            yield call.lineno
    for line, name in imports(tree):
        if name in {"torch.load", "torch.serialization.load"}:
            yield line  # a bare `load(...)` would escape the check above


def pickle_use(tree: ast.AST) -> Iterator[int]:
    for line, name in imports(tree):
        if name.split(".")[0] in {"pickle", "_pickle", "cloudpickle", "dill", "shelve", "marshal", "joblib"}:
            yield line


def bare_except(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        everything = node.type is not None and dotted(node.type) in {"Exception", "BaseException"}
        silent = all(isinstance(inner, ast.Pass | ast.Continue) for inner in node.body)
        if node.type is None or (everything and silent):
            yield node.lineno


def print_use(tree: ast.AST) -> Iterator[int]:
    yield from (call.lineno for call, name in calls(tree) if name == "print")


def search_path_edit(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and dotted(node) == "sys.path":
            yield node.lineno
    yield from (line for line, name in imports(tree) if name in {"sys.path", "site.addsitedir"})


def environment_as_configuration(tree: ast.AST) -> Iterator[int]:
    """Any use of the environment but a whole copy for a child process, and what torchrun sets."""
    allowed: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            allowed |= {id(value) for key, value in zip(node.keys, node.values, strict=True) if key is None}
        elif isinstance(node, ast.Call) and dotted(node.func) == "dict":
            allowed |= {id(argument) for argument in node.args}
        elif isinstance(node, ast.Call) and dotted(node.func) == "os.environ.copy":
            allowed.add(id(getattr(node.func, "value", None)))
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            if isinstance(node.slice, ast.Constant) and node.slice.value in TORCHRUN_VARIABLES:
                allowed.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            if name in {"os.getenv", "os.putenv", "os.unsetenv"}:
                yield node.lineno
            elif name in {"os.environ", "os.environb"} and id(node) not in allowed:
                yield node.lineno
    yield from (line for line, name in imports(tree) if name in {"os.environ", "os.getenv"})


def global_state(tree: ast.AST) -> Iterator[int]:
    yield from (node.lineno for node in ast.walk(tree) if isinstance(node, ast.Global))


def working_directory(tree: ast.AST) -> Iterator[int]:
    for call, name in calls(tree):
        if name in {"os.getcwd", "os.chdir", "Path.cwd", "pathlib.Path.cwd"}:
            yield call.lineno


def hidden_randomness(tree: ast.AST) -> Iterator[int]:
    module = any(name.split(".")[0] == "random" for _, name in imports(tree))  # or a variable of that name
    for call, name in calls(tree):
        base, _, last = name.rpartition(".")
        if base in {"np.random", "numpy.random"} and last not in {
            "default_rng",
            "Generator",
            "SeedSequence",
            "PCG64",
        }:
            yield call.lineno
        elif module and base == "random" and last != "Random":
            yield call.lineno


def no_docstring(tree: ast.AST) -> Iterator[int]:
    if isinstance(tree, ast.Module) and not ast.get_docstring(tree):
        yield 1


def long_function(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            last = body[-1].end_lineno or 0
            if last - body[0].lineno + 1 > MAX_FUNCTION_LINES:
                yield node.lineno


Rule = Callable[[ast.AST], Iterator[int]]

# rule, a snippet that breaks it, a near miss that does not
RULES: dict[str, tuple[Rule, str, str]] = {
    "a shell": (shell_use, "subprocess.run(x, shell=True)", "subprocess.run([x], shell=False)"),
    "os.system": (shell_use, "os.system('ls')", "log.system('ls')"),
    "os.popen": (shell_use, "from os import popen", "from os import path"),
    "eval": (code_from_text, "y = eval(x)", "model.eval()"),
    "exec": (code_from_text, "exec(x)", "executor.exec_(x)"),
    "remote code": (code_from_text, "load(x, trust_remote_code=True)", "load(x, trust_remote_code=False)"),
    "torch.load": (unsafe_load, "torch.load(f)", "torch.load(f, weights_only=True)"),
    "torch.load unrestricted": (unsafe_load, "torch.load(f, weights_only=flag)", "safetensors.torch.load(f)"),
    "torch.load by name": (unsafe_load, "from torch import load", "from torch import save"),
    "numpy pickles": (unsafe_load, "np.load(f, allow_pickle=True)", "np.load(f)"),
    "pickle": (pickle_use, "import pickle", "import json"),
    "pickle by name": (pickle_use, "from pickle import loads", "from gsv.weights.pickles import loads"),
    "bare except": (bare_except, "try:\n    x\nexcept:\n    log()", "try:\n    x\nexcept OSError:\n    pass"),
    "silent except": (
        bare_except,
        "try:\n    x\nexcept Exception:\n    pass",
        "try:\n    x\nexcept Exception as e:\n    log(e)",
    ),
    "print": (print_use, "print('x')", "stream.print('x')"),
    "sys.path": (search_path_edit, "sys.path.insert(0, '.')", "sys.platform"),
    "environment": (environment_as_configuration, "x = os.environ['HALF']", "x = os.environ['LOCAL_RANK']"),
    "environment by get": (environment_as_configuration, "os.environ.get('HALF')", "{**os.environ}"),
    "environment set": (environment_as_configuration, "os.environ['RANK'] = '1'", "env = dict(os.environ)"),
    "getenv": (environment_as_configuration, "os.getenv('X')", "os.environ.copy()"),
    "global": (global_state, "def f():\n    global x\n    x = 1", "def f():\n    x = 1"),
    "working directory": (working_directory, "Path.cwd()", "Path(__file__)"),
    "hidden randomness": (hidden_randomness, "np.random.rand(3)", "np.random.default_rng(3)"),
    "random module": (hidden_randomness, "import random\nrandom.shuffle(x)", "random.shuffle(x)"),
    "docstring": (no_docstring, "x = 1", '"""What it knows."""\nx = 1'),
    "long function": (
        long_function,
        "def f():\n" + "    x = 1\n" * (MAX_FUNCTION_LINES + 1),
        "def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES,
    ),
}  # fmt: skip


def allowed(rule: Rule, path: Path) -> bool:
    """Where a rule does not hold."""
    # A script's output is for a person; the package speaks through events and logs.
    return rule is print_use and path.relative_to(ROOT).parts[0] != "gsv"


@pytest.mark.parametrize("name", RULES)
def test_each_rule_can_fail(name: str) -> None:
    rule, bad, good = RULES[name]
    assert list(rule(ast.parse(bad)))
    assert not list(rule(ast.parse(good)))


@pytest.mark.parametrize(
    "rule", sorted({entry[0] for entry in RULES.values()}, key=lambda rule: rule.__name__)
)
def test_the_sources_keep_the_rule(rule: Rule) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {rule.__name__}"
        for path in SOURCES
        if path.exists() and not allowed(rule, path)
        for line in rule(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not wrong, "\n".join(wrong)


def test_files_stay_readable() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES if path.exists()}
    long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path, lines in lengths.items()
        if lines > MAX_FILE_LINES
    ]
    assert len(lengths) > 20 and not long, "\n".join(long)
