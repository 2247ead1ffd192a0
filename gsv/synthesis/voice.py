"""A voice: which weights speak, which clips they imitate, and the settings they were tested with.

Knows names and paths. Does not know how a voice is kept as one folder (`voice_folder.py`) or how it speaks.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from gsv.errors import InputError
from gsv.settings import Workspace

Setting = bool | int | float | str | None

TINY_DEFAULTS: dict[str, Setting] = {
    "top_k": 3,
    "temperature": 0.6,
    "repetition_penalty": 1.05,
    # It says a sentence well or badly by chance, and is fast: the best of four costs little and mends much.
    "candidates": 4,
    # Left to itself it drifts from its text; led further than this, Japanese suffers.
    "guidance": 1.5,
    # It learnt to speak from the prior's mean, and is best understood so.
    "noise_scale": 0.0,
    # Its codes say less of the text behind a prompt; the timbre comes from the generator in any case.
    "ref_free": True,
    # It learnt from sentences of up to ten seconds.
    "breath": 130,
    # The small base learnt from clips that follow each other directly.
    "prompt_silence": 0.0,
}
"""Settings of the small base that ships, and of voices trained from it."""


class Reference(BaseModel):
    """A clip of the voice. Without its text it gives the timbre only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    text: str = Field(default="", description="what is said in the clip")
    language: str = Field(default="", description="language of that text: zh, en, ja, ko, yue, auto")


class Voice(BaseModel):
    """Everything that a text is spoken with. The first reference leads; the timbre is that of all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    sovits: Path
    gpt: Path
    content: Path | None = Field(
        default=None, description="folder of the content encoder; None: its family's"
    )
    references: tuple[Reference, ...] = ()
    defaults: dict[str, Setting] = Field(default_factory=dict, description="settings it was tested with")

    def with_references(self, *references: Reference) -> Voice:
        """The same voice after other clips."""
        return self.model_copy(update={"references": references})


def base_voice(
    workspace: Workspace, *references: Reference, sovits: Path | None = None, gpt: Path | None = None
) -> Voice:
    """A voice of named weight files, by default those of the small base that ships.

    Raises InputError where a file is missing, naming it.
    """
    shipped = sovits is None and gpt is None
    files = {
        "SoVITS": sovits or workspace.shipped("tiny") / "sovits.safetensors",
        "GPT": gpt or workspace.shipped("tiny") / "gpt.safetensors",
    }
    for kind, file in files.items():
        if not Path(file).is_file():
            remedy = "Name a file of weights." if shipped else "Check the path."
            raise InputError(f"there are no {kind} weights at {file}", "", remedy)
    return Voice(
        name="tiny" if shipped else "", sovits=files["SoVITS"], gpt=files["GPT"], references=references
    )
