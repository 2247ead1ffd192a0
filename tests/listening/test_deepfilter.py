"""DeepFilterNet's door: frames, states and the delay, with a network of two wires instead of the large one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsv.errors import WeightsError
from gsv.listening.deepfilter import FOLDER, NETWORK, STATES, DeepFilter

FRAME = 480


def field(number: int, value: bytes | int | str) -> bytes:
    """One field of a protobuf message, the form in which ONNX files are written."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    head = bytearray()
    while value > 127:
        head.append(value & 127 | 128)
        value >>= 7
    return bytes([*head, value])


def late_by_a_frame() -> bytes:
    """An ONNX model that gives its state out and takes its input in: what goes in comes out a frame later."""

    def wire(source: str, target: str) -> bytes:
        return field(1, field(1, source) + field(2, target) + field(4, "Identity"))

    def port(number: int, name: str) -> bytes:
        shape = field(2, field(1, field(1, FRAME)))
        return field(number, field(1, name) + field(2, field(1, field(1, 1) + shape)))

    graph = wire("state", "clean") + wire("input_frame", "kept") + field(2, "late")
    graph += port(11, "input_frame") + port(11, "state") + port(12, "clean") + port(12, "kept")
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 17))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("models") / FOLDER
    folder.mkdir()
    (folder / NETWORK).write_bytes(late_by_a_frame())
    np.savez(folder / STATES, state=np.zeros(FRAME, np.float32))
    return folder.parent


@settings(max_examples=15)
@given(st.integers(0, 5000), st.integers(1, 2000))
def test_nothing_comes_late_and_nothing_is_lost(models: Path, length: int, block: int) -> None:
    wave = np.random.default_rng(0).normal(0, 0.1, length).astype(np.float32)
    denoiser = DeepFilter(models)
    for _ in range(2):  # a second recording does not hear the end of the first
        pieces = [wave[start : start + block] for start in range(0, length, block)]
        found = np.concatenate([np.zeros(0, np.float32), *denoiser.stream(pieces)])
        assert np.array_equal(found, wave)


def test_what_is_missing_or_broken_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"models\.py download deepfilternet3"):
        DeepFilter(tmp_path)
    (tmp_path / FOLDER).mkdir()
    for name in (NETWORK, STATES):
        (tmp_path / FOLDER / name).write_bytes(b"no network")
    with pytest.raises(WeightsError, match="does not load"):
        DeepFilter(tmp_path)
