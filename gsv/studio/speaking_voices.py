"""Which voices can speak here: saved ones, the base that ships, and pairs of weights.

Knows files and what they say about themselves. Loads no network, so that the page answers at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from gsv.errors import GsvError
from gsv.settings import Workspace
from gsv.studio import reading
from gsv.studio.studio import Studio
from gsv.synthesis.options import SpeakOptions
from gsv.synthesis.voice import TINY_DEFAULTS
from gsv.synthesis.voice_folder import VoiceRecord, list_voices, read_record, voices_folder

BASE, PAIR = "", "pair"
SAVED = "voice:"
"""What a choice begins with that is a saved voice; its folder's name follows."""
HOMES = {
    "sovits": ("SoVITS_weights*", (".pth", ".safetensors")),
    "gpt": ("GPT_weights*", (".ckpt", ".safetensors")),
}
"""Folders of the workspace in which published programs keep weights, and the endings of the files there."""
_METADATA = "gsv"


@dataclass(frozen=True)
class Chosen:
    """What a person chose to speak with."""

    voice: str = BASE
    sovits: str = ""
    gpt: str = ""

    @property
    def saved(self) -> str:
        """The name of a saved voice, or nothing."""
        return self.voice.removeprefix(SAVED) if self.voice.startswith(SAVED) else ""


def voices(studio: Studio) -> list[tuple[str, str]]:
    """Choices as (name to show, value): saved voices, the base, weights of one's own."""
    saved = [(folder.name, SAVED + folder.name) for folder in list_voices(studio.workspace)]
    return [*saved, (studio.labels("speak_base"), BASE), (studio.labels("speak_pair"), PAIR)]


def weights(workspace: Workspace, kind: str) -> list[tuple[str, str]]:
    """Weights of a kind ("sovits" or "gpt") as (name to show, path): trained, brought along, downloaded."""
    found = [(name, str(path)) for name, path in reading.weights(workspace, kind)]
    pattern, endings = HOMES[kind]
    for folder in sorted(workspace.root.glob(pattern)):
        files = sorted(path for path in folder.glob("*") if path.suffix in endings)
        found += [(f"{folder.name} · {path.name}", str(path)) for path in files]
    return found + _downloaded(workspace, kind)


def _downloaded(workspace: Workspace, kind: str) -> list[tuple[str, str]]:
    from gsv.weights import catalogue

    entries = [entry for entry in catalogue.entries() if entry.role == kind and not entry.shipped]
    places = [(entry.name, entry.place(entry.files[0], workspace.pretrained)) for entry in entries]
    return [(name, str(path)) for name, path in places if path.is_file()]


def best_choice(workspace: Workspace) -> str:
    """What a new page shows: the base where it can speak, else the first saved voice."""
    saved = list_voices(workspace)
    return BASE if not saved or base_is_there(workspace) else SAVED + saved[0].name


def base_is_there(workspace: Workspace) -> bool:
    """Whether the base that ships can speak; without its GPT it only converts."""
    folder = workspace.shipped("tiny")
    return all((folder / name).is_file() for name in ("sovits.safetensors", "gpt.safetensors"))


def lacking(studio: Studio, chosen: Chosen) -> tuple[str, str]:
    """What is missing before this can speak, and how to get it; two empty texts when nothing is."""
    if chosen.voice == BASE and not base_is_there(studio.workspace):
        return studio.labels("lacks_gpt"), studio.labels("lacks_gpt_help")
    if chosen.voice == PAIR and not (chosen.sovits and chosen.gpt):
        return studio.labels("lacks_pair"), studio.labels("lacks_pair_help")
    return "", ""


def defaults(workspace: Workspace, chosen: Chosen) -> dict[str, Any]:
    """The settings that the chosen voice is spoken with where a request says nothing."""
    values = SpeakOptions().model_dump()
    record = saved_record(workspace, chosen.saved) if chosen.saved else None
    if _family(workspace, chosen, record) == "tiny":
        values |= TINY_DEFAULTS
    return values | (record.defaults if record is not None else {})


def has_clips(workspace: Workspace, chosen: Chosen) -> bool:
    """Whether the voice brings its own reference clips."""
    record = saved_record(workspace, chosen.saved) if chosen.saved else None
    return record is not None and bool(record.references)


def symbols_of(workspace: Workspace, chosen: Chosen) -> str:
    """The symbol table that the voice reads."""
    record = saved_record(workspace, chosen.saved) if chosen.saved else None
    return "v1" if _family(workspace, chosen, record) == "v1" else "v2"


def places_of(workspace: Workspace, chosen: Chosen) -> tuple[Path, ...]:
    """Where the voice lies: folders there may say how words are pronounced."""
    if chosen.saved:
        return (voices_folder(workspace) / chosen.saved,)
    return tuple(Path(path) for path in (chosen.sovits, chosen.gpt) if path and chosen.voice == PAIR)


def saved_record(workspace: Workspace, name: str) -> VoiceRecord | None:
    """What a saved voice says about itself; None where it is gone or damaged."""
    try:
        return read_record(voices_folder(workspace) / name)
    except GsvError:
        return None


def _family(workspace: Workspace, chosen: Chosen, record: VoiceRecord | None) -> str:
    if chosen.saved:
        return record.family if record is not None else ""
    if chosen.voice == BASE:
        return "tiny"
    path = Path(chosen.sovits)
    try:
        return _family_of(path, path.stat().st_mtime_ns, workspace.pretrained) if chosen.sovits else ""
    except OSError:
        return ""


@lru_cache(maxsize=64)
def _family_of(path: Path, changed: int, pretrained: Path) -> str:
    """The family of weights: of ours as they say, of downloaded ones as the catalogue does, else unknown."""
    from gsv.weights import catalogue

    for entry in catalogue.entries():
        if path in [entry.place(file, pretrained) for file in entry.files]:
            return entry.family
    return str(_metadata(path).get("family", ""))


def _metadata(path: Path) -> Mapping[str, Any]:
    import json

    from safetensors import SafetensorError, safe_open

    if path.suffix != ".safetensors":
        return {}
    try:
        with safe_open(path, "numpy") as file:  # type: ignore[no-untyped-call]
            found = json.loads((file.metadata() or {}).get(_METADATA, "{}"))
    except (OSError, ValueError, SafetensorError):
        return {}
    return found if isinstance(found, dict) else {}
