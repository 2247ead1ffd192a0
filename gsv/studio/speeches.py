"""Everything that was spoken from the page, as folders: what was asked for, and what became of each sentence.

Knows the files of such a folder. Starts nothing, and knows no page.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gsv import files
from gsv.errors import GsvError, InputError

REQUEST_FILE, REPORT_FILE, PARTS_FOLDER, STATE_FILE = "request.json", "report.json", "parts", "speech.json"
SUBTITLES = ("srt", "vtt", "json")
MOST_LISTED = 60


class SpeechRequest(BaseModel):
    """What was asked for. Written once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    language: str
    voice: str = Field(description="name to show")
    line: str = Field(description="device that it is spoken on")
    arguments: tuple[str, ...] = Field(description="of the script, without sentences to be redone")
    output: str = Field(description="name of the recording in the folder")
    created: float
    form: dict[str, Any] = Field(
        default_factory=dict, description="fields of the page, to be filled in again"
    )


@dataclass(frozen=True)
class Said:
    """One sentence; `passed` is None while it has not been said."""

    number: int
    text: str = ""
    language: str = ""
    passed: bool | None = None
    seconds: float = 0.0
    attempts: int = 0
    failures: tuple[str, ...] = ()
    checks: tuple[tuple[str, bool | None, str], ...] = ()
    sound: Path | None = None
    changed: int = 0
    """When its sound was made, so that a browser does not play an older one."""

    @property
    def checked(self) -> bool:
        """Whether any check could be made."""
        return any(passed is not None for _, passed, _ in self.checks)


@dataclass(frozen=True)
class Speech:
    """A folder with its request."""

    folder: Path
    request: SpeechRequest

    @property
    def name(self) -> str:
        """The folder's name, by which the page knows it."""
        return self.folder.name

    @property
    def output(self) -> Path:
        """The whole recording; it is there once the job is done."""
        return self.folder / self.request.output

    @property
    def parts(self) -> Path:
        """The folder of single sentences."""
        return self.folder / PARTS_FOLDER

    def subtitles(self) -> list[Path]:
        """Files of subtitles, whether or not they are there yet."""
        return [self.output.with_suffix(f".{ending}") for ending in SUBTITLES]

    def said(self) -> list[Said]:
        """Every sentence in order, finished or not."""
        reports = {report.get("index"): report for report in _report(self.folder / REPORT_FILE)}
        state = _dictionary(self.parts / STATE_FILE)
        count = state.get("sentences", 0)
        total = max(count if isinstance(count, int) else 0, len(reports))
        return [self._sentence(index, reports.get(index)) for index in range(total)]

    def _sentence(self, index: int, report: dict[str, Any] | None) -> Said:
        base = self.parts / f"{index + 1:04}"
        newer = _dictionary(base.with_suffix(".json")).get("report")
        found = newer if isinstance(newer, dict) else report
        sound = base.with_suffix(".flac")
        changed = _changed(sound)
        if found is None:
            return Said(index + 1)
        checks = [check for check in found.get("checks", ()) if isinstance(check, dict)]
        return Said(
            number=index + 1,
            text=str(found.get("text", "")),
            language=str(found.get("language", "")),
            passed=bool(found.get("passed")),
            seconds=float(found.get("seconds", 0.0)),
            attempts=int(found.get("attempts", 0)),
            failures=tuple(str(check["name"]) for check in checks if check.get("passed") is False),
            checks=tuple((str(c.get("name")), c.get("passed"), str(c.get("note") or "")) for c in checks),
            sound=sound if changed else None,
            changed=changed,
        )


def write(folder: Path, request: SpeechRequest) -> None:
    """Keep a request in its folder."""
    files.write_json(folder / REQUEST_FILE, request.model_dump(mode="json"))


def speeches(outputs: Path) -> list[Speech]:
    """What was spoken, the newest first; folders that hold something else are left out."""
    if not outputs.is_dir():
        return []
    found = (speech_in(path) for path in sorted(outputs.iterdir(), reverse=True))
    return [speech for speech in found if speech is not None][:MOST_LISTED]


def speech_in(folder: Path) -> Speech | None:
    """The speech of a folder; None where there is none that can be read."""
    changed = _changed(folder / REQUEST_FILE)
    request = _request(folder / REQUEST_FILE, changed) if changed else None
    return Speech(folder, request) if request is not None else None


def speech_named(outputs: Path, name: str) -> Speech:
    """The speech that a page names. Raises InputError where there is none."""
    found = speech_in(outputs / name) if name and files.safe_name(name) == name else None
    if found is None:
        raise InputError(f"there is no speech {name!r}")
    return found


@lru_cache(maxsize=512)
def _request(path: Path, changed: int) -> SpeechRequest | None:
    try:
        return SpeechRequest.model_validate_json(files.read_text(path))
    except (GsvError, ValidationError, OSError):
        return None


def _report(path: Path) -> list[dict[str, Any]]:
    found = _dictionary(path).get("sentences", [])
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _dictionary(path: Path) -> dict[str, Any]:
    """What a JSON file holds; nothing where it is missing, damaged, or being replaced."""
    return _read(path, changed) if (changed := _changed(path)) else {}


@lru_cache(maxsize=4096)
def _read(path: Path, changed: int) -> dict[str, Any]:
    try:
        found = json.loads(files.read_text(path))
    except (GsvError, ValueError, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
