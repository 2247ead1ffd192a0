"""The restricted reader: what it reads, and that nothing a file says is ever run."""

from __future__ import annotations

import ast
import builtins
import collections
import contextlib
import functools
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import gsv.weights
from gsv.errors import WeightsError
from gsv.weights.pickles import read_pickle

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=20,
)


@given(value=plain, protocol=st.integers(2, 4))
@settings(max_examples=60, deadline=None)
def test_plain_data_comes_back(value: object, protocol: int) -> None:
    assert read_pickle(pickle.dumps(value, protocol)) == value


def test_ordered_dictionary_and_shared_values() -> None:
    shared = [1]
    value = collections.OrderedDict(a=shared, b=shared, c=(b"x", 2.5))
    assert read_pickle(pickle.dumps(value, 4)) == {"a": [1], "b": [1], "c": (b"x", 2.5)}


def test_attributes_of_a_dictionary_are_left_out() -> None:
    state = torch.nn.Linear(1, 1, bias=False).state_dict()
    state.clear()
    assert read_pickle(pickle.dumps(state, 2)) == {}


class Call:
    """Pickles as a call of `function`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.function, self.arguments


def malicious(marker: Path) -> dict[str, bytes]:
    """Pickles that write `marker` where an unrestricted reader opens them."""
    command = f"touch '{marker}'"
    python = f"open({str(marker)!r}, 'w').close()"
    path = str(marker).encode()
    values: dict[str, Any] = {
        "os.system": Call(os.system, command),
        "eval": Call(eval, f"__import__('os').system({command!r})"),
        "exec": Call(exec, python),
        "open": Call(open, str(marker), "w"),
        "partial": Call(functools.partial, eval, python),
        "import": Call(__import__, "antigravity"),
        "torch.load": Call(torch.load, str(marker)),
        "torch.hub": Call(torch.hub.load, "nobody/nothing", "model"),
        "torch jit": Call(torch.jit.load, str(marker)),
        "in a dictionary's key place": {"weight": {"a": Call(os.mkdir, str(marker))}},
        "in ordered dictionary": collections.OrderedDict(weight=Call(os.mkdir, str(marker))),
        "map": Call(list, Call(map, len, [python])),
    }
    made = {
        f"{name}, protocol {protocol}": pickle.dumps(value, protocol)
        for name, value in values.items()
        for protocol in (2, 4)
    }
    name = b"cbuiltins\ngetattr\n(c__builtin__\n__import__\n(S'os'\ntRS'system'\ntR"
    made["getattr"] = name + pickle.dumps((command,), 2)[2:-1] + b"R."
    made["INST"] = b"(S'" + command.encode().replace(b"'", b"\\'") + b"'\nios\nsystem\n."
    made["OBJ"] = b"(cos\nsystem\nS'" + command.encode().replace(b"'", b"\\'") + b"'\no."
    made["EXT1"] = b"\x80\x02\x82\x01."
    made["text persistent id"] = b"P" + path + b"\n."
    made["dotted name"] = b"\x80\x04\x8c\x05utils\x8c\x17HParams.__init__.__call\x93)R."
    made["bag called with arguments"] = b"cutils\nHParams\n(S'x'\ntR."
    made["bag made with arguments"] = b"\x80\x02cutils\nHParams\n(X\x01\x00\x00\x00xt\x81."
    made["build of a tensor function"] = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00aNsb."
    made["another reader's name"] = b"\x80\x02ctorch.serialization\nload\n(X\x01\x00\x00\x00xtR."
    made["builtins of the table's modules"] = b"\x80\x02ccollections\nabc\n."
    return made


@pytest.mark.parametrize("name", sorted(malicious(Path("x"))))
def test_malicious_pickle_is_refused_and_nothing_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "it-ran"
    data = malicious(marker)[name]

    def forbidden(*arguments: object, **named: object) -> None:
        raise AssertionError("an import or a call of the file's choosing")

    monkeypatch.setattr(os, "system", forbidden)
    monkeypatch.setattr(builtins, "eval", forbidden)
    with pytest.raises(WeightsError, match=r"refused|damaged"):
        read_pickle(data)
    assert not marker.exists()


def tensor_pickle(numel: int, offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    """The pickle of one tensor with free choice of all numbers."""

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    def number(value: int) -> bytes:
        return pickle.dumps(value, 2)[2:-1]

    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(number(value) for value in values) + b"t"

    storage = (
        b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + number(numel) + b"tQ"
    )
    body = b"(" + storage + number(offset) + numbers(shape) + numbers(stride) + b"\x89Nt"
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n" + body + b"R."


def test_tensor_reference_is_checked() -> None:
    good = read_pickle(tensor_pickle(12, 2, (2, 5), (5, 1)))
    assert getattr(good, "shape", None) == (2, 5)


@pytest.mark.parametrize(
    ("numel", "offset", "shape", "stride"),
    [
        (12, 3, (2, 5), (5, 1)),
        (1, 0, (10**9,), (0,)),
        (4, 0, (2**62, 2**62), (1, 1)),
        (4, -1, (2,), (1,)),
        (4, 0, (-2,), (1,)),
        (4, 3, (2,), (-1,)),
        (4, 0, (2, 2), (1,)),
        (2**60, 0, (2,), (1,)),
        (-4, 0, (0,), (1,)),
        (4, 0, (1,) * 9, (1,) * 9),
        (4, 2**63, (1,), (1,)),
    ],
)
def test_absurd_tensor_is_refused(
    numel: int, offset: int, shape: tuple[int, ...], stride: tuple[int, ...]
) -> None:
    with pytest.raises(WeightsError):
        read_pickle(tensor_pickle(numel, offset, shape, stride))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"\x80\x02",
        b"\x80\x02]",
        b"\x80\x02(.",
        b"\x80\x02K\x01K\x02.",
        b"\x80\x02Xxyz",
        b"\x80\x04\x8d" + b"\xff" * 8 + b"abc.",
        b"\x80\x02\x8b\xff\xff\xff\x7f\x01.",
        b"\x80\x02]r\xff\xff\xff\xffj\xff\xff\xff\xfe.",
        b"\x80\x02K\x01a.",
        b"\x80\x02t.",
        b"\x80\x02}]K\x01s.",
        b"\x80\x02h\x05.",
        b"I" + b"9" * 10_000 + b"\n.",
    ],
)
def test_damaged_pickle_is_a_typed_error(data: bytes) -> None:
    with pytest.raises(WeightsError):
        read_pickle(data)


def test_bombs_end_in_an_error_or_in_small_memory() -> None:
    nested = b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b"."
    assert isinstance(read_pickle(nested), tuple)
    with pytest.raises(WeightsError, match="key"):
        read_pickle(b"\x80\x02}" + nested[2:-1] + b"K\x01s.")
    doubling = b"\x80\x02]q\x00" + b"".join(b"](h%ch%ceq%c" % (n, n, n + 1) for n in range(100)) + b"."
    with contextlib.suppress(WeightsError):
        read_pickle(doubling)
    huge_memo = b"\x80\x02]r\xff\xff\xff\xff."
    assert read_pickle(huge_memo) == []
    with pytest.raises(WeightsError, match="instructions"):
        read_pickle(b"\x80\x02" + b"N0" * 1_000_001 + b"N.")


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_altered_pickle_gives_data_or_a_typed_error(data: st.DataObject) -> None:
    original = bytearray(tensor_pickle(12, 2, (2, 5), (5, 1)))
    for _ in range(data.draw(st.integers(1, 4))):
        original[data.draw(st.integers(0, len(original) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(WeightsError):
        read_pickle(bytes(original))


def test_the_room_uses_no_unpickler() -> None:
    for path in Path(gsv.weights.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                modules = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
                assert not {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"} & set(modules), (
                    path
                )
            if isinstance(node, ast.Attribute) and node.attr == "load" and isinstance(node.value, ast.Name):
                assert node.value.id != "torch", path
