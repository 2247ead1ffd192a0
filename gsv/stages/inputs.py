"""Door of the preparation scripts: names and optional paths in, one stage run.

Knows the workspace and the defaults. A script passes its arguments here and does nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gsv.corpus.experiment import RECORD_FILE, Experiment
from gsv.errors import InputError
from gsv.families import family
from gsv.settings import Workspace, workspace_of


@dataclass(frozen=True)
class PreparationInputs:
    """Arguments that the preparation scripts share; None and "" mean the default."""

    experiment: str
    list_path: Path | None = None
    family: str = ""
    audio_folder: Path | None = None
    content: Path | None = None
    base: Path | None = None
    speaker: Path | None = None
    device: str = "auto"
    precision: str = "auto"
    workers: int = 0
    workspace: Path | None = None
    bert: Path | None = None

    @property
    def workspace_folder(self) -> Workspace:
        """The workspace. Raises InputError where it does not exist."""
        return workspace_of(self.workspace)

    @property
    def folder(self) -> Path:
        """The experiment's folder. Raises InputError for a bad name or workspace."""
        return self.workspace_folder.experiment(self.experiment)

    @property
    def family_name(self) -> str:
        """The family asked for, else the one that the experiment has, else `tiny`."""
        if not self.family and (self.folder / RECORD_FILE).is_file():
            return Experiment.open(self.folder).record.family
        return family(self.family or "tiny").name

    @property
    def annotations(self) -> Path:
        """The annotation list. Raises InputError where none was named or it is missing."""
        if self.list_path is None:
            raise InputError("no annotation list was named", remedy="Give --list FILE.")
        if not self.list_path.is_file():
            raise InputError(f"there is no annotation list {self.list_path}", remedy="Check the path.")
        return self.list_path
