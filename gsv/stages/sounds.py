"""The recordings that a person means by a path: a file, or everything that sounds below a folder.

Knows file endings only; what cannot be read is found out by whoever reads it.
"""

from __future__ import annotations

import os
from pathlib import Path

from gsv.errors import InputError

_SOUND = (".wav .w64 .rf64 .flac .ogg .oga .opus .mp3 .m4a .aac .aiff .aif .wma .amr .ac3 .caf .au",)
_VIDEO = (".webm .mp4 .m4v .mkv .mov .avi .flv .ts .mpg .mpeg .3gp",)
SOUND_ENDINGS = frozenset(ending for line in _SOUND + _VIDEO for ending in line.split())
"""Endings of sound and video files."""


def recordings(source: Path, besides: Path | None = None) -> dict[str, Path]:
    """Name to path, sorted by name: the path below `source` with forward slashes, or a single file's name.

    A single file may end in anything. What lies in the folder `besides` (the output) is left out, as are
    hidden files. Raises InputError for a missing source and for a folder without a recording.
    """
    source = Path(source)
    if source.is_file():
        return {source.name: source}
    if not source.is_dir():
        raise InputError(f"there is no file or folder {source}", remedy="Check the path.")
    own = besides.resolve() if besides is not None else None
    found: dict[str, Path] = {}
    for folder, inner, names in os.walk(source):
        inner[:] = sorted(n for n in inner if not n.startswith(".") and Path(folder, n).resolve() != own)
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix.lower() in SOUND_ENDINGS and not name.startswith("."):
                found[path.relative_to(source).as_posix()] = path
    if not found:
        raise InputError(f"{source} holds no recording", "no file with an ending such as .wav, .mp3 or .mp4")
    return dict(sorted(found.items()))
