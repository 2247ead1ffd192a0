"""The catalogue is complete, agrees with itself, and names the command that mends what is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from gsv.errors import InputError, WeightsError
from gsv.families import FAMILY_NAMES
from gsv.weights.catalogue import CatalogueFile, address, catalogue, entries, find, require, resolve, status

TOOL = Path(__file__).resolve().parents[2] / "tools" / "models.py"


def test_names_places_and_sets_agree() -> None:
    names = [entry.name for entry in entries()]
    assert len(set(names)) == len(names)
    assert not set(names) & set(catalogue().sets)
    places = [str(entry.place(file, Path())).lower() for entry in entries() for file in entry.files]
    assert len(set(places)) == len(places)
    for members in catalogue().sets.values():
        assert set(members) <= set(names)
    digests = {}
    for entry in entries():
        for file in entry.files:
            if file.sha256 and file.size:
                assert digests.setdefault(file.sha256, file.size) == file.size


def test_every_download_is_pinned_and_hashed() -> None:
    for entry in entries():
        if entry.shipped:
            continue
        assert entry.repository.count("/") == 1, entry.name
        assert (len(entry.revision) == 40) != bool(entry.release), entry.name
        for file in entry.files:
            for source in catalogue().sources:
                url = address(entry, file, source)
                assert url.startswith("https://") and "{" not in url and " " not in url
    assert not [entry.name for entry in entries() if not entry.hashed and not entry.shipped]


def test_every_published_family_has_its_parts() -> None:
    for name in FAMILY_NAMES:
        if name == "tiny":
            assert find("tiny").shipped
            continue
        parts = resolve([name])
        assert {part.role for part in parts} >= {"sovits", "discriminator", "gpt", "content", "bert"}
        assert ("speaker" in {part.role for part in parts}) == name.startswith("v2Pro")


def test_the_published_layout_is_kept() -> None:
    """People bring a folder of pretrained models from elsewhere; its names are these."""
    root = Path("models")
    assert (
        find("v2-sovits").place(find("v2-sovits").files[0], root)
        == root / "gsv-v2final-pretrained/s2G2333k.pth"
    )
    assert find("v1-sovits").place(find("v1-sovits").files[0], root) == root / "s2G488k.pth"
    assert find("hubert").place(find("hubert").files[0], root).parent == root / "chinese-hubert-base"
    speaker = find("speaker")
    assert speaker.place(speaker.files[0], root) == root / "sv/pretrained_eres2netv2w24s4ep4.ckpt"


@pytest.mark.parametrize("path", ["../up", "/root", "a/../../b", "C:\\x", "a\\b", ""])
def test_paths_that_leave_the_folder_are_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        CatalogueFile(path=path)


def test_what_is_missing_names_file_and_command(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as error:
        require("hubert", tmp_path)
    text = str(error.value)
    assert str(tmp_path / "chinese-hubert-base" / "config.json") in text
    assert "python tools/models.py download hubert" in text
    with pytest.raises(WeightsError, match="Fetch the repository again"):
        require("tiny", tmp_path)
    with pytest.raises(InputError, match=r"no model 'v9'.*v2-sovits"):
        resolve(["v9"])
    path = tmp_path / "s2G488k.pth"
    path.write_bytes(b"weights")
    assert require("v1-sovits", tmp_path) == path and status(find("v1-sovits"), tmp_path) == "complete"


def test_commands(tmp_path: Path) -> None:
    (tmp_path / "pretrained_models").mkdir()
    (tmp_path / "pretrained_models" / "s2G488k.pth").write_bytes(b"weights")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(TOOL), *arguments, f"--workspace={tmp_path}"]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    listed = run("list", "--json")
    assert listed.returncode == 0
    states = {row["name"]: row["state"] for row in json.loads(listed.stdout)}
    assert states["v1-sovits"] == "complete" and states["v2-sovits"] == "missing"
    checked = run("verify")
    assert checked.returncode == 1 and "SHA-256" in checked.stderr and "v1-sovits" in checked.stderr
    inspected = run("inspect", str(tmp_path / "pretrained_models" / "s2G488k.pth"))
    assert inspected.returncode == 1 and "is no weight file" in inspected.stderr
    assert run("nonsense").returncode == 2
