"""Downloaded separation models: which file a name means, and what audio-separator must find beside it.

The package asks the network for its lists of models and settings wherever they do not lie beside the model.
For the models of our catalogue these lists are written here, so that nothing is fetched behind a person's
back. A model of a person's own is left with whatever lies beside it. Knows nothing of sound.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from gsv.errors import InputError, WeightsError
from gsv.weights.catalogue import COMMAND, Entry, entries

FOLDER = "separation"
"""Folder of separation models under `pretrained_models`."""
RECOMMENDED = "uvr-mdx-voc-ft"
"""The model of the catalogue that a computer without a graphics card can run in bearable time."""

LISTS = "download_checks.json"
MDX_SETTINGS = "mdx_model_data.json"
VR_SETTINGS = "vr_model_data.json"
_MDX, _ROFORMER = "mdx_download_list", "roformer_download_list"
_LIST_NAMES = (
    _MDX,
    _ROFORMER,
    "mdx_download_vip_list",
    "mdx23c_download_list",
    "mdx23c_download_vip_list",
    "vr_download_list",
    "demucs_download_list",
)
# An MDX network does not say itself how its spectra are made. Ultimate Vocal Remover publishes that in a table
# whose keys are the MD5 of a file's last 10,240,000 bytes; these are the rows of the catalogue's models.
_SETTINGS: dict[str, dict[str, dict[str, Any]]] = {
    "UVR-MDX-NET-Voc_FT.onnx": {
        "77d07b2667ddf05b9e3175941b4454a0": {
            "compensate": 1.021,
            "mdx_dim_f_set": 3072,
            "mdx_dim_t_set": 8,
            "mdx_n_fft_scale_set": 7680,
            "primary_stem": "Vocals",
        }
    }
}


def published() -> tuple[Entry, ...]:
    """The separation models of the catalogue."""
    return tuple(entry for entry in entries() if entry.role == "separation")


def file_name(model: str) -> str:
    """The file that a name of the catalogue stands for; any other name or path as it is."""
    return next((entry.files[0].path for entry in published() if entry.name == model), model)


def located(model: str, models: Path | None) -> Path:
    """Where a model lies: names are looked for in `models`, the folder of downloaded models.

    Raises InputError where nothing is named.
    """
    path = Path(file_name(model))
    if not path.name:
        raise InputError(
            "no separation model was named", "", "Give built-in, a model of the catalogue or a file."
        )
    if models is not None and not path.is_absolute() and path.name == str(path):
        path = models / FOLDER / path
    return path.absolute()


def check_present(model: Path) -> None:
    """Raises WeightsError, which names the command that fetches it, unless the model's files are there."""
    entry = _entry(model)
    wanted = [model] if entry is None else [model.with_name(file.path) for file in entry.files]
    for path in wanted:
        if not path.is_file():
            why = "" if entry is None else f"it belongs to {entry.name}"
            raise WeightsError(f"there is no separation model {path}", why, _remedy(model))


def does_not_load(model: Path, why: str) -> WeightsError:
    """The error for a model that is there and that the package cannot use."""
    return WeightsError(f"the separation model {model.name} does not load", why, _remedy(model))


def laid_out(model: Path, folder: Path) -> Path:
    """The folder that the package shall take the model from.

    For a model of the catalogue that is `folder`, made here, with the model, its lists and settings in it; for
    any other its own.
    """
    entry = _entry(model)
    if entry is None:
        return model.parent
    folder.mkdir()
    for file in entry.files:
        _link(model.with_name(file.path), folder / file.path)
    lists: dict[str, dict[str, Any]] = {name: {} for name in _LIST_NAMES}
    if model.suffix == ".onnx":
        lists[_MDX][entry.name] = model.name
    else:
        lists[_ROFORMER][entry.name] = {model.name: entry.files[1].path}
    for name, content in (
        (LISTS, lists),
        (MDX_SETTINGS, _SETTINGS.get(model.name, {})),
        (VR_SETTINGS, {}),
    ):
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def without_ffmpeg(separator: type[Any]) -> type[Any]:
    """The package's class without its demand for a system's ffmpeg: it gets and gives WAV here, and needs none."""
    return type("Separator", (separator,), {"check_ffmpeg_installed": lambda self: None})


def _entry(model: Path) -> Entry | None:
    return next((entry for entry in published() if entry.files[0].path == model.name), None)


def _remedy(model: Path) -> str:
    entry = _entry(model)
    if entry is not None:
        return f"Run: {COMMAND} download {entry.name}, then choose the model {entry.name}."
    return f"Check its path, or take one of the catalogue: {COMMAND} download {RECOMMENDED}"


def _link(source: Path, target: Path) -> None:
    """Let a file appear elsewhere, without a copy of its many bytes where the system allows that."""
    for way in (os.symlink, os.link):
        try:
            way(source, target)
            return
        except OSError:  # Windows wants a privilege for the first, one drive for the second
            continue
    shutil.copy(source, target)
