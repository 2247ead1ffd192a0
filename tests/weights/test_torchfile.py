"""The container of published weight files: marks, sizes, damage, and tensors that equal what was saved."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gsv.errors import GsvError, InputError, WeightsError
from gsv.weights.pickles import ParameterBag
from gsv.weights.references import TensorReference
from gsv.weights.torchfile import TorchFile

Save = Callable[..., Path]


def read(path: Path) -> dict[str, torch.Tensor]:
    with TorchFile(path) as file:
        assert isinstance(file.value, dict)
        return {
            key: file.tensor(value) for key, value in file.value.items() if isinstance(value, TensorReference)
        }


@pytest.mark.parametrize("mark", [None, "00", "01", "05", "06"])
def test_every_kind_of_tensor_comes_back(save_marked: Save, mark: str | None) -> None:
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    tensors = {
        "float": base,
        "half": torch.randn(3, 2).half(),
        "brain": torch.randn(3, 2).bfloat16(),
        "double": torch.randn(2).double(),
        "whole": torch.tensor([1, -(2**40)]),
        "small": torch.tensor([1, -2], dtype=torch.int8),
        "truth": torch.tensor([True, False]),
        "single": torch.tensor(3.5),
        "empty": torch.empty(0, 4),
        "window": base[1:3, 2:5],
        "turned": base.t(),
        "parameter": torch.nn.Parameter(torch.ones(2)),
    }
    back = read(save_marked(tensors, mark=mark))
    assert back.keys() == tensors.keys()
    for key, tensor in tensors.items():
        assert back[key].dtype is tensor.dtype and torch.equal(back[key], tensor.detach()), key
        assert back[key].is_contiguous()


def test_mark_and_cast(save_marked: Save) -> None:
    path = save_marked({"weight": torch.ones(2).half(), "count": torch.tensor(3)}, mark="05")
    with TorchFile(path) as file:
        assert file.mark == "05"
        assert isinstance(file.value, dict)
        state = file.state(file.value)
    assert state["weight"].dtype is torch.float32 and state["count"].dtype is torch.int64


def test_parameter_object(write_published: Save) -> None:
    path = write_published({}, {"model": {"version": "v2"}, "name": "я"})
    with TorchFile(path) as file:
        assert isinstance(file.value, dict)
        config = file.value["config"]
    assert isinstance(config, ParameterBag) and config.values["name"] == "я"
    assert isinstance(config.values["model"], ParameterBag)


def repacked(
    path: Path, change: Callable[[str, bytes], list[tuple[str, bytes]]], compression: int = 0
) -> Path:
    """The archive written again with each part passed through `change`."""
    target = path.with_name("changed.pth")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", compression) as sink:
        for name in source.namelist():
            for new_name, data in change(name, source.read(name)):
                sink.writestr(new_name, data)
    return target


@pytest.mark.parametrize(
    ("change", "compression", "match"),
    [
        (lambda name, data: [(name, data)], zipfile.ZIP_DEFLATED, "packed"),
        (lambda name, data: [] if "/data/0" in name else [(name, data)], 0, "missing"),
        (lambda name, data: [] if "data.pkl" in name else [(name, data)], 0, "no index"),
        (
            lambda name, data: [(name, data), ("b/data.pkl", data)] if "data.pkl" in name else [(name, data)],
            0,
            "several",
        ),
        (lambda name, data: [(name, data[:-4] if "/data/0" in name else data)], 0, "shorter"),
        (lambda name, data: [(name, data + b"1234" if "/data/0" in name else data)], 0, "larger"),
        (lambda name, data: [(name, b"big" if "byteorder" in name else data)], 0, "big end"),
        (lambda name, data: [(name, b"(S'x'\nios\nsystem\n." if "data.pkl" in name else data)], 0, "refused"),
    ],
)
def test_tampered_archives(
    save_marked: Save, change: Callable[[str, bytes], list[tuple[str, bytes]]], compression: int, match: str
) -> None:
    path = repacked(save_marked({"a": torch.arange(8.0)}), change, compression)
    with pytest.raises(WeightsError, match=match):
        read(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_part_named_twice(save_marked: Save) -> None:
    path = repacked(save_marked({"a": torch.arange(8.0)}), lambda name, data: [(name, data), (name, data)])
    with pytest.raises(WeightsError, match="twice"):
        read(path)


def test_many_references_to_one_storage_are_refused(save_marked: Save) -> None:
    base = torch.zeros(1_000_000)
    path = save_marked({str(number): base[number : number + 1] for number in range(64)})
    with pytest.raises(WeightsError, match="again and again"):
        read(path)


def test_changed_number_is_noticed(save_marked: Save) -> None:
    path = save_marked({"a": torch.full((1000,), 7.0)})
    data = bytearray(path.read_bytes())
    data[data.index(torch.full((4,), 7.0).numpy().tobytes()) + 1] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="damaged"):
        read(path)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "empty"),
        (b"PK", "incomplete"),
        (b"PK\x03\x04" + bytes(100), "incomplete"),
        (b"05" + bytes(100), "incomplete"),
        (b"\x80\x02}q\x00.", "before 1.6"),
        (b"RIFF....WAVE", "no weight file"),
        (b"<!DOCTYPE html>", "no weight file"),
    ],
)
def test_foreign_files(tmp_path: Path, data: bytes, match: str) -> None:
    path = tmp_path / "some file.pth"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=match) as error:
        read(path)
    assert "some file.pth" in str(error.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.pth", tmp_path):
        with pytest.raises(InputError):
            read(path)


def test_truncated_anywhere(save_marked: Save) -> None:
    path = save_marked({"a": torch.arange(64.0), "b": torch.arange(8)})
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 61):
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsError):
            read(path)


@given(data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_altered_file_gives_tensors_or_a_typed_error(tmp_path: Path, data: st.DataObject) -> None:
    buffer = io.BytesIO()
    torch.save({"a": torch.arange(4.0)}, buffer)
    altered = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        altered[data.draw(st.integers(0, len(altered) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "altered.pth"
    path.write_bytes(altered)
    with contextlib.suppress(GsvError):
        read(path)
