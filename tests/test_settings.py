"""The workspace's layout, and the choice of device and precision."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gsv import settings
from gsv.errors import InputError, ResourceError


def test_the_layout(tmp_path: Path) -> None:
    workspace = settings.workspace_of(tmp_path)
    assert workspace.experiment("我的声音 1") == tmp_path / "logs" / "我的声音 1"
    assert workspace.jobs == tmp_path / "logs" / "jobs"
    assert workspace.pretrained == tmp_path / "pretrained_models"
    with pytest.raises(InputError, match="no folder"):
        settings.workspace_of(tmp_path / "absent")


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "jobs", "Jobs", "con", "x" * 101, " a", "a."])
def test_bad_experiment_names(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        settings.Workspace(tmp_path).experiment(name)


def test_the_default_workspace_does_not_depend_on_the_working_directory(tmp_path: Path) -> None:
    code = "from gsv.settings import default_workspace; print(default_workspace().root)"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(shown.stdout.strip()) == Path(__file__).resolve().parent.parent


def test_importing_settings_does_not_import_torch() -> None:
    code = "import sys, gsv.settings, gsv.events, gsv.files; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_devices() -> None:
    assert settings.choose_device("cpu") == torch.device("cpu")
    assert settings.choose_device("auto").type in {"cpu", "cuda", "mps", "xpu"}
    with pytest.raises(InputError, match="device name"):
        settings.choose_device("toaster")
    if not torch.cuda.is_available():
        assert settings.choose_device() == torch.device("cpu") or os.uname().sysname == "Darwin"
        with pytest.raises(ResourceError, match="cuda"):
            settings.choose_device("cuda")


def test_precision_is_float32_unless_a_self_test_agrees() -> None:
    cpu = torch.device("cpu")
    assert settings.choose_precision("auto", cpu) is torch.float32
    assert settings.choose_precision("auto", cpu, lambda dtype: False) is torch.float32
    assert settings.choose_precision("auto", cpu, lambda dtype: dtype is torch.bfloat16) is torch.bfloat16
    assert settings.choose_precision("bfloat16", cpu) is torch.bfloat16
    with pytest.raises(InputError, match="precision"):
        settings.choose_precision("int3", cpu)


def test_what_ships_is_found_from_a_workspace_elsewhere(tmp_path: Path) -> None:
    elsewhere, home = settings.Workspace(tmp_path), settings.default_workspace()
    assert elsewhere.shipped("tiny") == home.pretrained / "tiny"
    assert elsewhere.shipped("nothing") == tmp_path / "pretrained_models" / "nothing"
    own = tmp_path / "pretrained_models" / "tiny"
    own.mkdir(parents=True)
    # Parts of two bases are not mixed: an own folder counts as a whole.
    assert elsewhere.shipped("tiny") == own and elsewhere.shipped("speaker") == home.shipped("speaker")
