"""Checkpoints as generations: whole folders that are complete or absent, never half written.

Knows: how the parts of a training state become one verified folder, how the newest good one is found again,
and how many are kept. Does not know: what the parts mean.

A generation is written beside its place, its manifest (sizes and SHA-256 of every file) last, and then
renamed. A process that dies at any moment therefore leaves the generations that were there before, and at
most a folder with a temporary name, which the next run removes.
"""

from __future__ import annotations

import errno
import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from gsv import files
from gsv.errors import DataError, GsvError, ResourceError
from gsv.events import Events
from gsv.training.packing import pack, unpack

logger = logging.getLogger(__name__)

FORMAT = 1
MANIFEST = "manifest.json"
STATE = "state.json"
PREFIX = "generation-"
DAMAGED = "damaged-"
DOOMED = "removing-"


@dataclass(frozen=True)
class Generation:
    """One verified training state: where it lies, its step, what was noted with it, and its parts."""

    path: Path
    step: int
    information: dict[str, Any]
    parts: dict[str, Any]


class Generations:
    """The generations of one training run in one folder; the last `keep` are kept."""

    def __init__(self, folder: Path, keep: int = 3, events: Events | None = None) -> None:
        if keep < 1:
            raise ValueError("at least one generation has to be kept")
        self.folder = folder
        self.keep = keep
        self.events = events if events is not None else Events()

    def paths(self) -> list[Path]:
        """Folders of all generations, oldest first, verified or not."""
        if not self.folder.is_dir():
            return []
        found = [path for path in self.folder.iterdir() if path.is_dir() and _step(path) is not None]
        return sorted(found, key=lambda path: _step(path) or 0)

    def save(
        self, step: int, parts: Mapping[str, object], information: Mapping[str, Any] | None = None
    ) -> Path:
        """Write one generation and drop the oldest beyond `keep`.

        Raises:
            ResourceError: the disk is full or the folder cannot be written; older generations are untouched.
        """
        final = self.folder / f"{PREFIX}{step:09d}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if final.exists():
                if _verified(final):
                    return final
                self._set_aside(final)
            with files.new_folder(final) as folder:
                _write(folder, step, parts, information or {})
        except (OSError, SafetensorError) as error:
            raise self._write_error(error) from error
        self._drop_old()
        return final

    def load(self) -> Generation | None:
        """The newest generation that verifies, or None where there is none at all.

        A damaged generation is set aside and named in a message.

        Raises:
            DataError: there are generations, and none of them can be read.
        """
        self.remove_leftovers()
        damaged: list[str] = []
        for path in reversed(self.paths()):
            try:
                generation = _read(path)
            except GsvError as error:
                damaged.append(f"{path.name} ({error.why})")
                continue
            for name in damaged:
                text = (
                    f"checkpoint {name} cannot be used; going on from the one before, step {generation.step}"
                )
                logger.warning(text)
                self.events.message(text, level="warning")
            self._set_newer_aside(generation.step)
            # A run that was killed between writing the newest and dropping the oldest.
            self._drop_old()
            return generation
        if damaged:
            raise DataError(
                f"no checkpoint in {self.folder} can be read",
                "; ".join(damaged),
                "restore the folder from a copy, or start anew with --fresh",
            )
        return None

    def clear(self) -> None:
        """Forget every generation: what a fresh start asks for."""
        self.remove_leftovers()
        for path in self.paths():
            shutil.rmtree(path)

    def remove_leftovers(self) -> None:
        """Remove the temporary folders that killed processes left."""
        if not self.folder.is_dir():
            return
        files.remove_leftovers(self.folder)
        for path in self.folder.glob(f"{DOOMED}*"):
            shutil.rmtree(path, ignore_errors=True)

    def _set_newer_aside(self, step: int) -> None:
        for path in self.paths():
            if (_step(path) or 0) > step:
                self._set_aside(path)

    def _set_aside(self, path: Path) -> None:
        """Rename a damaged generation, so that the run can write that step again and a person can still
        look.
        """
        place = path.with_name(DAMAGED + path.name)
        if place.exists():
            shutil.rmtree(place)
        path.rename(place)

    def _drop_old(self) -> None:
        for path in self.paths()[: -self.keep]:
            # Renamed first: a half removed folder must never look like a generation.
            doomed = path.with_name(DOOMED + path.name)
            try:
                path.rename(doomed)
                shutil.rmtree(doomed)
            except OSError as error:
                self.events.message(
                    f"the old checkpoint {path.name} could not be removed: {error}", level="warning"
                )

    def _write_error(self, error: Exception) -> ResourceError:
        kept = self.paths()
        last = (
            f"the last checkpoint, {kept[-1].name}, is intact" if kept else "there is no earlier checkpoint"
        )
        code = getattr(error, "errno", None)
        if code in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
            remedy = "free some space or lower --keep, then start again: training goes on from there"
            return ResourceError("the checkpoint could not be saved", f"the disk is full; {last}", remedy)
        remedy = f"make {self.folder} writable, or name another folder with --checkpoints, then start again"
        return ResourceError("the checkpoint could not be saved", f"{error}; {last}", remedy)


def _step(path: Path) -> int | None:
    digits = path.name.removeprefix(PREFIX)
    return int(digits) if path.name.startswith(PREFIX) and digits.isdigit() else None


def _write(folder: Path, step: int, parts: Mapping[str, object], information: Mapping[str, Any]) -> None:
    trees: dict[str, Any] = {}
    for name, part in parts.items():
        tree, tensors = pack(part)
        trees[name] = tree
        if tensors:
            save_file(tensors, folder / f"{name}.safetensors")
    files.write_text(folder / STATE, json.dumps({"information": dict(information), "trees": trees}))
    written = sorted(path for path in folder.iterdir() if path.is_file())
    entries = {path.name: {"bytes": path.stat().st_size, "sha256": files.sha256(path)} for path in written}
    files.write_json(folder / MANIFEST, {"format": FORMAT, "step": step, "files": entries})


def _manifest(path: Path) -> dict[str, Any]:
    """Read and check the manifest of one generation.

    Raises:
        DataError: the manifest or a file that it names is missing, short or changed.
    """
    place = path / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(files.read_text(place))
        entries = manifest["files"]
        if manifest["format"] != FORMAT:
            raise DataError(f"checkpoint {path.name}", f"it has format {manifest['format']}, not {FORMAT}")
        for name, entry in entries.items():
            found = path / name
            if not found.is_file():
                raise DataError(f"checkpoint {path.name}", f"{name} is missing")
            if found.stat().st_size != entry["bytes"] or files.sha256(found) != entry["sha256"]:
                raise DataError(f"checkpoint {path.name}", f"{name} is not as it was written")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"checkpoint {path.name}", f"its manifest cannot be read: {error}") from error
    return manifest


def _verified(path: Path) -> bool:
    try:
        _manifest(path)
    except DataError:
        return False
    return True


def _read(path: Path) -> Generation:
    manifest = _manifest(path)
    try:
        state = json.loads(files.read_text(path / STATE))
        parts: dict[str, Any] = {}
        for name, tree in state["trees"].items():
            place = path / f"{name}.safetensors"
            parts[name] = unpack(tree, load_file(place) if place.is_file() else {})
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise DataError(f"checkpoint {path.name}", f"it cannot be read: {error}") from error
    return Generation(path, int(manifest["step"]), state["information"], parts)
