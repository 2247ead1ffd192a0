"""Generations: round trip, damage, disk errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gsv.errors import DataError, ResourceError
from gsv.events import RecordedEvents
from gsv.training.generations import Generations
from gsv.training.packing import pack, unpack


def state(value: float) -> dict[str, object]:
    network = torch.nn.Linear(3, 2)
    torch.nn.init.constant_(network.weight, value)
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "loop": {"step": value}}


scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text()
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner, max_size=3)
        | st.dictionaries(st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(trees)
def test_packing_round_trip(tree: object) -> None:
    import json

    packed, tensors = pack(tree)
    assert unpack(json.loads(json.dumps(packed)), tensors) == tree


def test_packing_refuses_objects() -> None:
    with pytest.raises(DataError, match="cannot be saved"):
        pack({"a": object()})


def test_round_trip_keeps_everything(tmp_path: Path) -> None:
    saved = state(0.5)
    Generations(tmp_path).save(7, saved, {"note": "x"})
    loaded = Generations(tmp_path).load()
    assert loaded is not None
    assert (loaded.step, loaded.information) == (7, {"note": "x"})
    assert torch.equal(loaded.parts["network"]["weight"], saved["network"]["weight"])  # type: ignore[index]
    moments = loaded.parts["optimizer"]["state"][0]
    assert torch.equal(moments["exp_avg"], saved["optimizer"]["state"][0]["exp_avg"])  # type: ignore[index]
    assert not list(tmp_path.glob("**/*.pt")) and not list(tmp_path.glob("**/*.pkl"))


def test_last_ones_are_kept(tmp_path: Path) -> None:
    generations = Generations(tmp_path, keep=2)
    for step in (1, 2, 3, 10):
        generations.save(step, state(step))
    assert [path.name for path in generations.paths()] == ["generation-000000003", "generation-000000010"]


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove", "manifest", "no manifest"])
def test_damage_steps_back_and_says_so(tmp_path: Path, damage: str) -> None:
    generations = Generations(tmp_path)
    generations.save(1, state(1.0))
    newest = generations.save(2, state(2.0))
    tensors = newest / "network.safetensors"
    if damage == "truncate":
        tensors.write_bytes(tensors.read_bytes()[:-1])
    elif damage == "flip":
        content = bytearray(tensors.read_bytes())
        content[-1] ^= 1
        tensors.write_bytes(content)
    elif damage == "remove":
        tensors.unlink()
    elif damage == "manifest":
        (newest / "manifest.json").write_text("{")
    else:
        (newest / "manifest.json").unlink()
    events = RecordedEvents()
    loaded = Generations(tmp_path, events=events).load()
    assert loaded is not None and loaded.step == 1
    assert "generation-000000002" in events.of("message")[0]["text"]
    # The run may write that step again, and the damaged folder is still there to look at.
    Generations(tmp_path).save(2, state(3.0))
    assert (tmp_path / "damaged-generation-000000002").is_dir()
    again = Generations(tmp_path).load()
    assert again is not None and again.step == 2


def test_all_damaged_is_an_error_not_a_fresh_start(tmp_path: Path) -> None:
    place = Generations(tmp_path).save(1, state(1.0))
    (place / "state.json").write_text("{}")
    with pytest.raises(DataError, match="--fresh"):
        Generations(tmp_path).load()


def test_nothing_is_none(tmp_path: Path) -> None:
    assert Generations(tmp_path / "absent").load() is None


LIMITED = """
import resource, sys
from pathlib import Path
import torch
from gsv.errors import ResourceError
from gsv.training.generations import Generations
folder = Path(sys.argv[1])
generations = Generations(folder)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
try:
    generations.save(2, {"network": {"w": torch.ones(100000)}})
except ResourceError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits")
def test_a_write_that_fails_half_way_leaves_the_last_one(tmp_path: Path) -> None:
    Generations(tmp_path).save(1, state(1.0))
    found = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "could not be saved" in found.stdout and "generation-000000001, is intact" in found.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["generation-000000001"]
    loaded = Generations(tmp_path).load()
    assert loaded is not None and loaded.step == 1


READ_ONLY = """
import os, sys
from pathlib import Path
import torch
from gsv.errors import ResourceError
from gsv.training.generations import Generations
generations = Generations(Path(sys.argv[1]))
assert generations.load().step == 1
if os.getuid() == 0:
    os.setuid(65534)  # root may write anywhere
try:
    generations.save(2, {"network": {"w": torch.ones(10)}})
except ResourceError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no user ids")
def test_a_read_only_folder_leaves_the_last_one(tmp_path: Path) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="gsv-readonly-") as place:
        folder = Path(place)
        Generations(folder).save(1, state(1.0))
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        try:
            found = subprocess.run(
                [sys.executable, "-c", READ_ONLY, str(folder)], capture_output=True, text=True, cwd="/"
            )
        finally:
            for path in [folder, *folder.rglob("*")]:
                path.chmod(0o755)
        assert "could not be saved" in found.stdout, found.stderr
        assert "is intact" in found.stdout
        assert os.listdir(folder) == ["generation-000000001"]


def test_disk_full_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from gsv import files

    Generations(tmp_path).save(1, state(1.0))

    def full(path: Path) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "sha256", full)
    with pytest.raises(ResourceError) as caught:
        Generations(tmp_path).save(2, state(2.0))
    assert "the disk is full" in caught.value.why
    assert [path.name for path in tmp_path.iterdir()] == ["generation-000000001"]
