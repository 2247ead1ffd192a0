"""What is kept of a job in its folder: its command and its state.

Knows the names and the form of the files in ``logs/jobs/ID``. Starts nothing and
watches nothing.
"""

from __future__ import annotations

import secrets
import time
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from gsv import files
from gsv.errors import DataError

COMMAND_FILE = "command.json"
STATE_FILE = "state.json"
EVENTS_FILE = "events.jsonl"
LOG_FILE = "log.txt"
STOP_FILE = "stop"

Record = TypeVar("Record", bound=BaseModel)


class JobState(StrEnum):
    """Where a job stands; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """True when nothing more will happen to the job."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Reason(BaseModel):
    """Why a job failed, in the three parts of every error of the product."""

    model_config = ConfigDict(frozen=True)

    what: str
    why: str = ""
    remedy: str = ""


class Command(BaseModel):
    """What a job runs. Written once, when the job is handed in."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    script: str
    arguments: tuple[str, ...]
    line: str = "cpu"
    """The queue it waits in: the name of a device, since one device runs one job."""
    experiment: str = ""
    outputs: tuple[str, ...] = ()
    """Files that the page may offer once the job is done."""
    created: float


class State(BaseModel):
    """How far a job is. Written anew at every change."""

    model_config = ConfigDict(frozen=True)

    state: JobState = JobState.QUEUED
    pid: int | None = None
    process_started: float | None = None
    """Creation time of the process as the system reports it, in seconds since 1970."""
    started: float | None = None
    ended: float | None = None
    stop_requested: float | None = None
    exit_code: int | None = None
    reason: Reason | None = None


class JobFolder:
    """The files of one job."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events = path / EVENTS_FILE
        self.log = path / LOG_FILE
        self.stop = path / STOP_FILE

    def write_command(self, command: Command) -> None:
        """Keep the command; raises OSError when the disk refuses."""
        files.write_json(self.path / COMMAND_FILE, command.model_dump(mode="json"))

    def write_state(self, state: State) -> None:
        """Replace the state in one step; raises OSError when the disk refuses."""
        files.write_json(self.path / STATE_FILE, state.model_dump(mode="json"))

    def read_command(self) -> Command:
        """Read the command back; raises DataError when it is not readable."""
        return _read(self.path / COMMAND_FILE, Command)

    def read_state(self) -> State:
        """Read the state back; a folder that has none yet is a queued job."""
        path = self.path / STATE_FILE
        return _read(path, State) if path.exists() else State()


def _read(path: Path, model: type[Record]) -> Record:
    """Read one record; raises DataError naming the file."""
    try:
        return model.model_validate_json(files.read_text(path))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise DataError(
            f"the record {path.name} of job {path.parent.name} cannot be read",
            str(error).splitlines()[0],
            "Remove the job from the list and start it again.",
        ) from error


def new_id(script: str) -> str:
    """A name for a job: sorts by time, tells the script, does not repeat."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime())
    return f"{stamp}-{script.removesuffix('.py').replace('_', '-')}-{secrets.token_hex(3)}"
