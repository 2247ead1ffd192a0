"""Which recogniser a name or a folder means, and which ones are at hand.

Knows the catalogue's recognition models and their folders, and on which device each engine runs. Fetches
nothing: where a model is absent, the error names the command.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gsv.errors import InputError, ResourceError, WeightsError, import_optional
from gsv.files import sha256
from gsv.listening.recognition import RATE, WHISPER_FILES, Recogniser, WhisperRecogniser
from gsv.listening.sensevoice import SenseVoiceRecogniser, is_sensevoice
from gsv.weights import catalogue

AUTOMATIC = "auto"
WHISPER_SIZES = ("tiny", "base", "small", "medium", "large-v2", "large-v3", "large-v3-turbo")
_PREFERRED = ("large-v3-turbo", "large-v3", "large-v2", "medium", "small", "base", "tiny")
"""For `auto`: what hears best for its time comes first."""
_ADVISED = "whisper-small"


@dataclass(frozen=True)
class EngineSettings:
    """How an engine listens; the defaults are those of transcribing a data set."""

    device: str = "auto"
    threads: int = 0
    beam_size: int = 5
    words: bool = True

    def __post_init__(self) -> None:
        """Raises InputError for a beam or a number of threads that no engine has."""
        if not 1 <= self.beam_size <= 20 or self.threads < 0:
            raise InputError("the recogniser cannot listen so", "a beam is 1 to 20, threads are 0 or more")


def names() -> tuple[str, ...]:
    """Names of the catalogue's recognition models."""
    return tuple(entry.name for entry in catalogue.entries() if entry.role == "recognition")


def installed(root: Path) -> tuple[str, ...]:
    """Those of `names` that are complete under `root`, the folder of pretrained models; the preferred first."""
    order = [f"whisper-{size}" for size in _PREFERRED]
    found = [name for name in names() if catalogue.status(catalogue.find(name), root) == "complete"]
    return tuple(sorted(found, key=lambda name: order.index(name) if name in order else len(order)))


def model_folder(model: str, root: Path) -> Path:
    """The folder of a model: a path, a name of the catalogue (`whisper-` may be left out), or `auto`.

    Raises InputError for what is neither, WeightsError naming the command for a model that is not there.
    """
    model = model.strip()
    if model in ("", AUTOMATIC):
        found = installed(root)
        if not found:
            why = f"nothing in {root} can turn speech into text"
            remedy = f"Run: {catalogue.COMMAND} download {_ADVISED}; or name a folder with --model."
            raise WeightsError("no recogniser is there", why, remedy)
        model = found[0]
    name = f"whisper-{model}" if model in WHISPER_SIZES else model
    if name in names():
        return catalogue.require(name, root).parent
    folder = Path(model).expanduser()
    if not folder.is_dir():
        known = ", ".join([*WHISPER_SIZES, *(name for name in names() if not name.startswith("whisper-"))])
        raise InputError(
            f"there is no recogniser {model!r}", "it is no folder either", f"Choose one of: {known}."
        )
    return folder


def fingerprint(folder: Path) -> str:
    """What tells one model from another without reading it whole: names and sizes of its files, its settings."""
    files = sorted((path.name, path.stat().st_size) for path in folder.iterdir() if path.is_file())
    settings = [
        sha256(folder / name)[:16] for name in ("config.json", "config.yaml") if (folder / name).is_file()
    ]
    return f"{folder.resolve().name} {files} {settings}"


def open_recogniser(model: str, root: Path, settings: EngineSettings | None = None) -> Recogniser:
    """The recogniser that `model` means (see `model_folder`), loaded and tried once on an accelerator.

    Raises as `model_folder`; InputError for a folder of an unknown kind or an unknown device,
    DependencyError, DataError for a broken model, ResourceError where the device cannot run it.
    """
    settings = settings or EngineSettings()
    folder = model_folder(model, root)
    if is_sensevoice(folder):
        from gsv.settings import choose_device

        device = str(choose_device(settings.device))
        return SenseVoiceRecogniser(folder, device, settings.threads)
    if not all((folder / name).is_file() for name in WHISPER_FILES):
        raise InputError(
            f"{folder} holds no recogniser that we know",
            f"neither a faster-whisper model ({', '.join(WHISPER_FILES)}) nor SenseVoiceSmall (model.pt, config.yaml)",
            "Choose a name or a folder of one of these.",
        )
    device, compute_type = _whisper_device(settings.device)
    recogniser = WhisperRecogniser(
        folder, device, compute_type, settings.threads, beam_size=settings.beam_size, words=settings.words
    )
    if device != "cpu":
        _try(recogniser, device)
    return recogniser


def _whisper_device(asked: str) -> tuple[str, str]:
    """Device and number format for CTranslate2, which knows processors and NVIDIA cards only."""
    kind = asked.partition(":")[0]
    if kind not in ("auto", "cpu", "cuda", "mps", "xpu"):
        raise InputError(f"{asked!r} is not a device name", "", "Use auto, cpu, cuda or cuda:N.")
    engine: Any = import_optional("ctranslate2", "pip install faster-whisper")
    cards = engine.get_cuda_device_count() if kind in ("auto", "cuda") else 0
    if kind == "cuda" and not cards:
        raise ResourceError(
            f"the device {asked} cannot be used", "no NVIDIA card is found", "Use --device cpu."
        )
    if not cards:
        return "cpu", "int8"
    device = asked if kind == "cuda" else "cuda"
    supported = engine.get_supported_compute_types("cuda", int(device.partition(":")[2] or 0))
    return device, "float16" if "float16" in supported else "float32"


def _try(recogniser: Recogniser, device: str) -> None:
    """Listen to half a second of noise, because missing libraries of a card show only then."""
    noise = np.random.default_rng(0).normal(0, 0.1, RATE // 2).astype(np.float32)
    try:
        recogniser.transcribe(noise, RATE, "en")
    except (RuntimeError, OSError) as error:
        raise ResourceError(
            f"the recogniser does not run on {device}", str(error), "Use --device cpu."
        ) from error
