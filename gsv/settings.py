"""Where things lie, and on which device and in which precision they run.

Knows the layout of the workspace and asks torch about the machine (lazily, because importing torch
takes seconds). Knows no model and no stage.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gsv.errors import InputError, ResourceError
from gsv.files import safe_name

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

PRECISIONS = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Workspace:
    """The folder that holds everything a person makes: experiments, jobs, models."""

    root: Path

    @property
    def logs(self) -> Path:
        """One folder per experiment, and the jobs."""
        return self.root / "logs"

    @property
    def pretrained(self) -> Path:
        """Models that ship or were downloaded."""
        return self.root / "pretrained_models"

    def shipped(self, folder: str) -> Path:
        """Where models lie that come with the project, `tiny` or `speaker`: in the workspace, else in the project.

        A workspace somewhere else need not hold what every clone brings along.
        """
        own = self.pretrained / folder
        if own.is_dir():
            return own
        try:
            home = default_workspace().pretrained / folder
        except InputError:
            return own
        return home if home.is_dir() else own

    @property
    def jobs(self) -> Path:
        """One folder per job."""
        return self.logs / "jobs"

    def experiment(self, name: str) -> Path:
        """The folder of an experiment, made or not.

        Raises InputError for a name that is no good folder name on every system.
        """
        good = safe_name(name)
        if not name or good != name or name.lower() == self.jobs.name:
            remedy = f"Call it for example {good!r}." if good != name else "Choose another name."
            why = "it must be a folder name on any system, and not that of the jobs"
            raise InputError(f"{name!r} cannot name an experiment", why, remedy)
        return self.logs / name


def default_workspace() -> Workspace:
    """The folder of `webui.py`, which is the parent of this package in an editable install.

    Raises InputError where the package was installed without its folder.
    """
    root = Path(__file__).resolve().parent.parent
    if not (root / "pyproject.toml").is_file():
        why = "gsv was installed without its folder"
        raise InputError("no workspace is known", why, "Name one with --workspace.")
    return Workspace(root)


def workspace_of(path: Path | None) -> Workspace:
    """The workspace that a script's `--workspace` names, or else the default one.

    Raises InputError where the named folder does not exist.
    """
    if path is None:
        return default_workspace()
    root = Path(path).expanduser().resolve()
    if not root.is_dir():
        raise InputError(f"there is no folder {root}", remedy="Make it, or name another with --workspace.")
    return Workspace(root)


def choose_device(name: str = "auto") -> torch.device:
    """The device called `name`: "auto", "cpu", "cuda", "cuda:1", "mps", "xpu".

    "auto" takes the CUDA device with the most free memory that can run this torch build, then mps,
    then xpu, then the CPU. Raises InputError for an unknown name, ResourceError for a device that is
    not there.
    """
    import torch

    if name == "auto":
        return _best_device()
    try:
        device = torch.device(name)
    except RuntimeError as error:
        remedy = "Use auto, cpu, cuda, cuda:N, mps or xpu."
        raise InputError(f"{name!r} is not a device name", str(error).splitlines()[0], remedy) from error
    why = _unusable(device)
    if why:
        raise ResourceError(f"the device {name} cannot be used", why, "Use --device auto, or cpu.")
    return device


def _best_device() -> torch.device:
    import torch

    if torch.cuda.is_available():
        free = [(torch.cuda.mem_get_info(index)[0], -index) for index in range(torch.cuda.device_count())]
        for _, negative in sorted(free, reverse=True):
            device = torch.device("cuda", -negative)
            why = _unusable(device)
            if not why:
                return device
            logger.warning("%s is left out: %s", device, why)
    for kind in ("mps", "xpu"):
        if not _unusable(torch.device(kind)):
            return torch.device(kind)
    return torch.device("cpu")


def _unusable(device: torch.device) -> str:
    """Why a device cannot run anything, found by running something small; empty if it can."""
    import torch

    try:
        result = float((torch.ones(4, device=device) * 2).sum())
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    return "" if result == 8.0 else f"2 × 4 ones gave {result}"


def choose_precision(
    name: str, device: torch.device, self_test: Callable[[torch.dtype], bool] | None = None
) -> torch.dtype:
    """The floating-point type called `name` for `device`: "auto", "float32", "bfloat16", "float16".

    "auto" is float32 unless the caller brings a `self_test`, which says whether a reduced type gives
    the same answers faster on this machine. Raises InputError for an unknown name, ResourceError for
    a type that the device cannot compute with.
    """
    import torch

    if name not in PRECISIONS:
        raise InputError(f"{name!r} is not a precision", remedy=f"Use one of: {', '.join(PRECISIONS)}.")
    if name == "auto":
        candidate = _reduced_type(device)
        return candidate if candidate and self_test and self_test(candidate) else torch.float32
    dtype: torch.dtype = getattr(torch, name)
    if not _computes(dtype, device):
        raise ResourceError(f"{device} cannot compute in {name}", remedy="Use --precision auto, or float32.")
    return dtype


def _reduced_type(device: torch.device) -> torch.dtype | None:
    """The reduced type worth a self-test on this device, if any."""
    import torch

    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.bfloat16 if _computes(torch.bfloat16, device) else None


def _computes(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether the device multiplies matrices and convolves in this type."""
    import torch

    try:
        matrix = torch.eye(8, dtype=dtype, device=device)
        signal, kernel = matrix.reshape(1, 1, 64), torch.ones(1, 1, 3, dtype=dtype, device=device)
        total = (matrix @ matrix).sum() + torch.nn.functional.conv1d(signal, kernel).sum()
    except (RuntimeError, TypeError):
        return False
    return bool(torch.isfinite(total.float()))
