"""Audacity labels and subtitles: texts with times in one recording, read and written.

Knows these text forms. Opens no recording.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable
from pathlib import Path

from gsv.corpus.exchange.clips import Clip, Found
from gsv.corpus.lists import SOUND_SUFFIXES
from gsv.errors import InputError
from gsv.files import read_text

Piece = tuple[float, float, str]
"""Start and end in seconds, and the text."""

_TIME = r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)(?:[,.](\d{1,3}))?"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?")
_STYLE = re.compile(r"</?(?:i|b|u|s|font|c|v|lang|ruby|rt)(?:[ .][^<>]*)?>|\{\\[^{}]*\}", re.IGNORECASE)
_NO_CAPTION = ("WEBVTT", "NOTE", "STYLE", "REGION")


def recording_of(source: Path, audio: Path | None) -> Path:
    """The recording that times count in: `audio`, or the sound of the same name. Raises InputError."""
    if audio is not None:
        if not audio.is_file():
            raise InputError(f"there is no recording {audio}", "", "Name the audio file of the times.")
        return audio
    beside = [source.with_suffix(ending) for ending in SOUND_SUFFIXES]
    found = next((path for path in beside if path.is_file()), None)
    if found is None:
        why = f"no recording called {source.stem} lies beside it"
        raise InputError(f"the times of {source.name} belong to no recording", why, "Name it with --audio.")
    return found


def read_audacity(source: Path, audio: Path | None) -> Found:
    """Labels as Audacity exports them: start, end and text, divided by tabs, in seconds."""
    found, recording = Found(), recording_of(source, audio)
    for number, line in enumerate(read_text(source).split("\n"), start=1):
        if not line.strip() or line.startswith("\\"):  # a range of frequencies belongs to the label above
            continue
        fields = line.split("\t", 2)
        try:
            start, end = (float(value.replace(",", ".")) for value in fields[:2])
        except ValueError:
            found.refuse(number, line[:60], "no start and end in seconds, divided by tabs")
            continue
        _take(found, number, recording, (start, end, fields[2] if len(fields) > 2 else ""))
    return found


def read_subtitles(source: Path, audio: Path | None) -> Found:
    """SubRip or WebVTT captions; marks of style are taken off, lines of a caption are joined."""
    found, recording = Found(), recording_of(source, audio)
    web = source.suffix.lower() == ".vtt"
    block: list[tuple[int, str]] = []
    lines = [*enumerate(read_text(source).split("\n"), start=1), (0, "")]
    for number, line in lines:
        if line.strip():
            block.append((number, line))
        elif block:
            _caption(found, recording, block, web)
            block = []
    return found


def _caption(found: Found, recording: Path, block: list[tuple[int, str]], web: bool) -> None:
    """One block of lines: a number or name that may be missing, the times, the text."""
    for place, (number, line) in enumerate(block[:2]):
        times = _TIMES.fullmatch(line)
        if times:
            text = " ".join(_STYLE.sub("", line) for _, line in block[place + 1 :])
            piece = (_seconds(*times.groups()[:4]), _seconds(*times.groups()[4:]), text)
            _take(found, number, recording, (*piece[:2], html.unescape(text) if web else text))
            return
    if not (web and block[0][1].startswith(_NO_CAPTION)):
        found.refuse(block[0][0], block[0][1][:60], "no times such as 00:00:01,000 --> 00:00:02,500")


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> float:
    whole = 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds)
    return (1000 * whole + int((fraction or "0").ljust(3, "0"))) / 1000


def _take(found: Found, number: int, recording: Path, piece: Piece) -> None:
    start, end, text = piece
    if not (math.isfinite(start) and math.isfinite(end) and 0 <= start < end):
        found.refuse(number, recording.name, f"{start:g} to {end:g} s is no stretch of a recording")
    else:
        found.clips.append(Clip(number, recording, text, start=start, end=end))


def audacity(pieces: Iterable[Piece]) -> str:
    """Labels that Audacity imports, to the microsecond."""
    return "".join(f"{start:.6f}\t{end:.6f}\t{text}\n" for start, end, text in pieces)


def subrip(pieces: Iterable[Piece]) -> str:
    """SubRip captions; what falls between two milliseconds belongs to the caption."""
    blocks = (
        f"{number}\n{_clock(math.floor(start * 1000 + 1e-6))} --> {_clock(math.ceil(end * 1000 - 1e-6))}\n{text}\n"
        for number, (start, end, text) in enumerate(pieces, start=1)
    )
    return "\n".join(blocks)


def _clock(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"
