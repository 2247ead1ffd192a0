"""Which encoder and base a family's preparation uses when nobody names one.

Knows the catalogue's places under the workspace. Downloads nothing.
"""

from __future__ import annotations

from pathlib import Path

from gsv.errors import InputError
from gsv.families import family
from gsv.settings import Workspace
from gsv.weights.catalogue import COMMAND, find

SHIPPED_FAMILY = "tiny"


def content_encoder(workspace: Workspace, family_name: str, given: Path | None = None) -> Path:
    """The folder of the content encoder: `given`, or the family's own.

    Raises InputError naming the command that brings it, where it is missing.
    """
    if given is not None:
        return _there(given, "content encoder", "Check the path.")
    family(family_name)
    if family_name == SHIPPED_FAMILY:
        folder = workspace.shipped(SHIPPED_FAMILY) / "content"
        return _there(
            folder, "content encoder", f"Restore it, or name another with --content; {COMMAND} list"
        )
    entry = find("hubert")
    folder = entry.place(entry.files[0], workspace.pretrained).parent
    return _there(folder, "content encoder", f"Run: {COMMAND} download {entry.name}")


def base_model(workspace: Workspace, family_name: str, given: Path | None = None) -> Path:
    """The SoVITS base whose codebook makes the codes: `given`, or the family's own. Raises as above."""
    if given is not None:
        return _there(given, "base model", "Check the path.")
    family(family_name)
    if family_name == SHIPPED_FAMILY:
        path = workspace.shipped(SHIPPED_FAMILY) / "sovits.safetensors"
        return _there(path, "base model", f"Restore it, or name another with --base; {COMMAND} list")
    entry = find(f"{family_name}-sovits")
    path = entry.place(entry.files[0], workspace.pretrained)
    return _there(path, "base model", f"Run: {COMMAND} download {entry.name}")


def speaker_model(workspace: Workspace, family_name: str, given: Path | None = None) -> Path:
    """The file of the speaker network that a family is fed with. Raises as above."""
    if given is not None:
        return _there(given, "speaker network", "Check the path.")
    if family_name == SHIPPED_FAMILY:
        path = workspace.shipped("speaker") / "encoder.safetensors"
        return _there(path, "speaker network", "Restore it.")
    entry = find("speaker")
    path = entry.place(entry.files[0], workspace.pretrained)
    return _there(path, "speaker network", f"Run: {COMMAND} download {entry.name}")


def bert_encoder(workspace: Workspace) -> Path:
    """Where the published text encoder lies once it was fetched; it may be missing."""
    entry = find("roberta")
    return entry.place(entry.files[0], workspace.pretrained).parent


def _there(path: Path, role: str, remedy: str) -> Path:
    if not Path(path).exists():
        raise InputError(f"the {role} is missing", str(path), remedy)
    return Path(path)
