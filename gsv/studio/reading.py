"""What lies in the workspace, as the page shows it.

Knows the layout of experiment folders and reads small files. Writes nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gsv.errors import GsvError
from gsv.settings import Workspace

POINTS = 400
"""Points of a curve: a long run is thinned, the eye cannot see more."""
SMOOTHING = 0.05
"""Part of a curve that the running mean looks back on."""
FEWEST_SMOOTHED = 12
BETWEEN = " · "
"""Stands between the file and the figure in a curve's name."""
NOT_CURVES = ("t", "step", "epoch")
PREVIEW_KINDS = ("original", "reconstruction", "inference", "speech")
SOUNDS = (".wav", ".flac", ".ogg")
WEIGHTS = (".safetensors", ".pth")


def experiments(workspace: Workspace) -> list[str]:
    """Names of the experiments, the one that changed last first."""
    if not workspace.logs.is_dir():
        return []
    folders = [path for path in workspace.logs.iterdir() if path.is_dir() and path != workspace.jobs]
    known = [path for path in folders if not path.name.startswith(".") and _is_experiment(path)]
    return [path.name for path in sorted(known, key=lambda path: path.stat().st_mtime, reverse=True)]


def _is_experiment(path: Path) -> bool:
    return (path / "experiment.json").is_file() or (path / "2-name2text.txt").is_file()


@dataclass(frozen=True)
class Contents:
    """How much of an experiment is there; numbers are items."""

    family: str = ""
    items: int = 0
    text: int = 0
    content: int = 0
    codes: int = 0
    speaker: int = 0
    bert: int = 0
    rejected: int = 0

    @property
    def ready(self) -> bool:
        """Whether training has something to work on."""
        return min(self.text, self.content) > 0


def contents(folder: Path) -> Contents | None:
    """What an experiment folder holds; None when there is no such experiment."""
    from gsv.corpus.experiment import Experiment, ExperimentRecord

    if not _is_experiment(folder):
        return None
    try:
        experiment = Experiment.open(folder)
    except GsvError:  # a published folder that was brought along, or a record that is damaged
        experiment = Experiment(folder, ExperimentRecord(name=folder.name, family="?"))
    return Contents(
        family=experiment.record.family,
        items=len(experiment.record.items),
        text=_lines(experiment.text_table),
        content=_files(experiment.content_folder),
        codes=max(0, _lines(experiment.semantic_table) - 1),
        speaker=_files(experiment.speaker_folder),
        bert=_files(folder / "3-bert"),
        rejected=max(0, _lines(folder / "rejected.tsv") - 1),
    )


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(1 for line in file if line.strip())
    except OSError:
        return 0


def _files(folder: Path) -> int:
    try:
        return sum(1 for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return 0


class Curves:
    """Follows the metrics of one experiment; each look reads only what was added."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets: dict[Path, tuple[int, int]] = {}
        self._series: dict[str, list[tuple[float, float]]] = {}

    def update(self) -> dict[str, list[tuple[float, float]]]:
        """Curves by name, each a list of (step, value)."""
        for path in sorted(self._folder.glob("*.jsonl"), key=lambda path: (len(path.stem), path.name)):
            try:
                self._follow(path)
            except OSError:
                continue
        return self._series

    def _follow(self, path: Path) -> None:
        status = path.stat()
        inode, offset = self._offsets.get(path, (status.st_ino, 0))
        if inode != status.st_ino or status.st_size < offset:  # a resumed run cut it back: read anew
            self._forget(path)
            offset = 0
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
        end = data.rfind(b"\n") + 1
        for line in data[:end].split(b"\n"):
            self._take(_prefix(path), line)
        self._offsets[path] = (status.st_ino, offset + end)

    def _forget(self, path: Path) -> None:
        start = _prefix(path)
        self._series = {name: points for name, points in self._series.items() if not name.startswith(start)}

    def _take(self, prefix: str, line: bytes) -> None:
        try:
            entry: Any = json.loads(line)
        except ValueError:
            return
        if not isinstance(entry, dict) or not isinstance(entry.get("step"), int | float):
            return
        inner = entry.get("values")
        values = inner if isinstance(inner, dict) else entry
        for name, value in values.items():
            if name not in NOT_CURVES and isinstance(value, int | float) and not isinstance(value, bool):
                self._series.setdefault(prefix + name, []).append((float(entry["step"]), float(value)))


def _prefix(path: Path) -> str:
    """What tells the curves of one file from those of another."""
    return path.stem + BETWEEN


def thinned(points: list[tuple[float, float]], most: int = POINTS) -> list[tuple[float, float]]:
    """At most about ``most`` points: means of equal runs of neighbours, the last point as it is."""
    if len(points) <= most:
        return points
    size = -(-len(points) // most)
    runs = [points[start : start + size] for start in range(0, len(points), size)]
    return [(run[-1][0], sum(value for _, value in run) / len(run)) for run in runs]


def smoothed(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A running mean that forgets slowly, so that the way a jagged curve goes can be seen."""
    memory = max(1.0, len(points) * SMOOTHING)
    result: list[tuple[float, float]] = []
    total = weight = 0.0
    for step, value in points:
        total = total * (1 - 1 / memory) + value
        weight = weight * (1 - 1 / memory) + 1
        result.append((step, total / weight))
    return result


@dataclass(frozen=True)
class Preview:
    """One clip of one preview: its sounds by kind."""

    step: str
    clip: str
    sounds: dict[str, Path]


def previews(folder: Path) -> list[Preview]:
    """All previews under an experiment's ``previews`` folder, the newest step first."""
    found: dict[tuple[str, str], dict[str, Path]] = {}
    if folder.is_dir():
        for path in folder.rglob("*"):
            if path.suffix.lower() not in SOUNDS or path.name.startswith("."):
                continue
            clip, _, kind = path.stem.rpartition("-")
            if kind in PREVIEW_KINDS:
                found.setdefault((str(path.parent.relative_to(folder)), clip), {})[kind] = path
    ordered = sorted(found.items(), key=lambda item: item[0][1])
    ordered.sort(key=lambda item: number_in(item[0][0]), reverse=True)
    return [Preview(step, clip, sounds) for (step, clip), sounds in ordered]


def number_in(text: str) -> int:
    """The last number in a folder's name, to sort by."""
    numbers = re.findall(r"\d+", text)
    return int(numbers[-1]) if numbers else 0


def weights(workspace: Workspace, kind: str) -> list[tuple[str, Path]]:
    """Exported weights ("sovits" or "gpt") of the experiments as (name to show, file), the newest first."""
    found: list[tuple[float, str, Path]] = []
    for name in experiments(workspace):
        folder = workspace.logs / name / "weights"
        for path in folder.glob("*") if folder.is_dir() else ():
            speaks = path.name.startswith("gpt-")
            if path.suffix in WEIGHTS and not path.name.startswith(".") and speaks == (kind == "gpt"):
                found.append((path.stat().st_mtime, f"{name} · {path.stem}", path))
    return [(shown, path) for _, shown, path in sorted(found, reverse=True)]
