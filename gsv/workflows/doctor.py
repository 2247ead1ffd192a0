"""Examines the machine and the installation, and names the command that mends each problem.

Knows what the studio needs to run: packages, device, precision, disk, port, models. Changes nothing
and downloads nothing.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from packaging.requirements import Requirement

from gsv.errors import DependencyError, GsvError
from gsv.events import Events
from gsv.files import TEMPORARY_PREFIX, read_text
from gsv.settings import Workspace, choose_device, default_workspace

if TYPE_CHECKING:
    import torch

State = Literal["ok", "note", "missing"]

NEEDED_PYTHON = (3, 11)
NEEDED_FREE_BYTES = 2 * 1024**3
WANTED_FREE_BYTES = 10 * 1024**3
FLOAT32_TOLERANCE = 1e-4  # largest relative difference from float64 of the small network below

# Packages whose module is not called like the package.
MODULES = {"pyopenjtalk-plus": "pyopenjtalk", "python-mecab-ko": "mecab"}

# Not needed, but something gets better or possible with them: package, what for.
OPTIONAL = {
    "speechmos": ("an estimate of sound quality in evaluation", "pip install -e .[quality]"),
    "tensorboard": ("curves in TensorBoard beside those of the page", "pip install -e .[tensorboard]"),
}

# What a clone brings along, below pretrained_models/.
SHIPPED_MODELS = (
    "tiny/content/config.json",
    "tiny/content/model.safetensors",
    "tiny/sovits.safetensors",
    "tiny/gpt.safetensors",
    "speaker/encoder.safetensors",
)

INSTALL = "python -m pip install -r requirements.txt"


@dataclass(frozen=True)
class Finding:
    """One thing looked at. "missing" means that the studio does not work without it."""

    name: str
    state: State
    detail: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding as JSON-ready fields."""
        return asdict(self)


def examine(workspace: Workspace, port: int = 9874, events: Events | None = None) -> list[Finding]:
    """Look at everything once, in an order in which a later check may need an earlier one.

    Each finding is also an item event. A check that itself breaks becomes a finding, so that one
    broken part never hides the rest.
    """
    sink = events or Events()
    checks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("ffmpeg", _ffmpeg),
        ("device", _device),
        ("disk", lambda: _disk(workspace)),
        ("port", lambda: _port(port)),
        ("models", lambda: _models(workspace)),
    )
    findings: list[Finding] = []
    for name, check in checks:
        sink.check_stop()
        for finding in _guarded(name, check):
            findings.append(finding)
            sink.item(finding.name, "failed" if finding.state == "missing" else "done", finding.detail)
    return findings


def require_nothing_missing(findings: list[Finding]) -> None:
    """Raise DependencyError where something that the studio needs is missing."""
    missing = [finding for finding in findings if finding.state == "missing"]
    if missing:
        names = ", ".join(finding.name for finding in missing)
        raise DependencyError("the studio cannot run yet", names, missing[0].remedy)


def _guarded(name: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except GsvError as error:
        yield Finding(
            name, "missing", f"{error.what}: {error.why}" if error.why else error.what, error.remedy
        )
    except Exception as error:  # any broken package may raise anything
        yield Finding(name, "missing", f"{type(error).__name__}: {error}", INSTALL)


def _python() -> Iterator[Finding]:
    good = sys.version_info[:2] >= NEEDED_PYTHON
    bits = sys.maxsize > 2**32
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    wanted = ".".join(map(str, NEEDED_PYTHON))
    remedy = (
        "" if good and bits else f"Install a 64-bit Python {wanted} or newer and make the environment again."
    )
    yield Finding("python", "ok" if good and bits else "missing", detail, remedy)


def requirements(path: Path) -> list[Requirement]:
    """The packages that a requirements file names and that belong on this system."""
    lines = (line.partition(" #")[0].strip() for line in read_text(path).splitlines())
    wanted = [Requirement(line) for line in lines if line and line[0] not in "#-"]
    return [each for each in wanted if each.marker is None or each.marker.evaluate()]


def _packages() -> Iterator[Finding]:
    wanted = requirements(default_workspace().root / "requirements.txt")
    bad = [finding for each in wanted if (finding := _package(each)) is not None]
    yield from bad
    if not bad:
        yield Finding("packages", "ok", f"{len(wanted)} packages import and have a tested version")
    for name, (purpose, command) in OPTIONAL.items():
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "note", f"not installed; it would give {purpose}", f"python -m {command}")


def _package(wanted: Requirement) -> Finding | None:
    """Why a needed package does not do, or None."""
    try:
        found = importlib.metadata.version(wanted.name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(wanted.name, "missing", "not installed", INSTALL)
    if not wanted.specifier.contains(found, prereleases=True):
        remedy = f'python -m pip install "{wanted.name}{wanted.specifier}"'
        return Finding(wanted.name, "missing", f"version {found} is not {wanted.specifier}", remedy)
    try:
        importlib.import_module(MODULES.get(wanted.name, wanted.name.replace("-", "_")))
    except Exception as error:  # a broken binary wheel may raise anything
        remedy = f'python -m pip install --force-reinstall "{wanted.name}{wanted.specifier}"'
        return Finding(wanted.name, "missing", f"does not import: {error}", remedy)
    return None


def _ffmpeg() -> Iterator[Finding]:
    import imageio_ffmpeg

    program = imageio_ffmpeg.get_ffmpeg_exe()
    shown = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30, check=True)
    yield Finding("ffmpeg", "ok", " ".join(shown.stdout.split()[:3]))


def _device() -> Iterator[Finding]:
    import torch

    device = choose_device("auto")
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        name = f"{torch.cuda.get_device_name(device)}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free"
    else:
        name = f"{os.cpu_count()} cores, {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    yield Finding("device", "ok", f"{device} {name}".strip() + f" (torch {torch.__version__})")
    if device.type == "cpu" and shutil.which("nvidia-smi"):
        remedy = 'See the NVIDIA rows under "Platforms" in README.md.'
        yield Finding(
            "graphics card", "note", "an NVIDIA driver is here, but this torch cannot use it", remedy
        )
    yield _float32(device)
    yield from _reduced(device)


def _small_network(device: torch.device, dtype: torch.dtype) -> tuple[torch.Tensor, float]:
    """A matrix product, a convolution and a normalisation in one type: the result [16, 64, 254] in
    float64 on the CPU, and the seconds that the fastest of three runs took."""
    import torch

    generator = torch.Generator().manual_seed(1)
    signal, kernel, matrix = (
        torch.randn(shape, generator=generator, dtype=torch.float64).to(device, dtype)
        for shape in ((16, 64, 256), (64, 64, 3), (64, 64))
    )
    fastest = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        hidden = torch.nn.functional.conv1d(signal, kernel / 14).transpose(1, 2)
        result = torch.nn.functional.layer_norm(torch.tanh(hidden) @ (matrix / 8), (64,))
        answer = result.transpose(1, 2).to("cpu", torch.float64)  # waits for the device, too
        fastest = min(fastest, time.perf_counter() - start)
    return answer, fastest


def _float32(device: torch.device) -> Finding:
    import torch

    exact, _ = _small_network(torch.device("cpu"), torch.float64)
    found, _ = _small_network(device, torch.float32)
    error = float((found - exact).abs().max() / exact.abs().max())
    if error <= FLOAT32_TOLERANCE:
        return Finding("precision", "ok", f"float32 differs from float64 by {error:.1e} on {device}")
    detail = f"float32 differs from float64 by {error:.1e} on {device}, more than {FLOAT32_TOLERANCE:.0e}"
    return Finding("precision", "missing", detail, "Use --device cpu, and update the device's driver.")


def _reduced(device: torch.device) -> Iterator[Finding]:
    """What the reduced types would give; information only, each stage tests for itself."""
    import torch

    exact, seconds = _small_network(device, torch.float32)
    for dtype in (torch.bfloat16, torch.float16):
        name = str(dtype).removeprefix("torch.")
        try:
            found, reduced_seconds = _small_network(device, dtype)
        except RuntimeError as error:
            yield Finding(name, "note", f"not available on {device}: {str(error).splitlines()[0]}")
            continue
        difference = float((found - exact).abs().max() / exact.abs().max())
        speed = seconds / max(reduced_seconds, 1e-9)
        yield Finding(name, "ok", f"differs from float32 by {difference:.1e}, {speed:.1f} times its speed")


def _disk(workspace: Workspace) -> Iterator[Finding]:
    free = shutil.disk_usage(workspace.root).free
    detail = f"{free / 1e9:.1f} GB free for {workspace.root}"
    remedy = "Free some space, or name a workspace on another disk with --workspace."
    if free < NEEDED_FREE_BYTES:
        yield Finding("disk", "missing", detail, remedy)
    elif free < WANTED_FREE_BYTES:
        yield Finding("disk", "note", detail + "; training keeps several checkpoints", remedy)
    else:
        yield Finding("disk", "ok", detail)
    probe = workspace.root / f"{TEMPORARY_PREFIX}{os.getpid()}-doctor"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        yield Finding("workspace", "missing", f"cannot be written to: {error}", remedy)


def _port(port: int) -> Iterator[Finding]:
    """A busy port is a note: the studio itself may hold it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Elsewhere than on Windows, a port that was in use a moment ago counts as free.
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            detail = f"{port} is taken ({error.strerror}), perhaps by a running studio"
            yield Finding(
                "port", "note", detail, f"python webui.py --port {port + 1 if port < 65535 else 9874}"
            )
            return
    yield Finding("port", "ok", f"{port} is free")


def _models(workspace: Workspace) -> Iterator[Finding]:
    places = [workspace.shipped(name.split("/")[0]).parent / name for name in SHIPPED_MODELS]
    absent = [str(place) for place in places if not place.is_file()]
    if absent:
        remedy = f'git -C "{default_workspace().root}" checkout -- pretrained_models'
        yield Finding("models", "missing", f"there is no {', '.join(absent)}", remedy)
    else:
        yield Finding("models", "ok", f"the models that ship are complete in {places[0].parents[2]}")
