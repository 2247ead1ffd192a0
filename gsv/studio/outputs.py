"""The folder of results: a new one for each request, with the recordings that it was made from.

Knows where results lie and which uploads are good. Does not know what is made of them.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gsv import files
from gsv.errors import GsvError, ResourceError
from gsv.studio.studio import Studio

if TYPE_CHECKING:
    from gsv.audio import Limits


def check_upload(studio: Studio, name: str, given: str | None, limits: Limits | None = None) -> Path:
    """The upload, unless it is missing, no recording, or too long. Raises GsvError in the page's words."""
    from gsv import audio

    if not given:
        raise studio.labels.error("upload_missing", name=name)
    try:
        audio.probe(given, limits or audio.CLIP_LIMITS)
    except GsvError as error:
        said = studio.labels.error("upload_unusable", name=name)
        raise type(error)(said.what, ": ".join(filter(None, (error.what, error.why))), said.remedy) from error
    return Path(given)


def new_folder(studio: Studio) -> Path:
    """A folder of its own for each request, named by the time."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime())
    parent = studio.outputs()
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = parent / files.safe_name(stamp, [path.name for path in parent.iterdir()])
        folder.mkdir()
    except OSError as error:
        said = studio.labels.error("no_output_folder")
        raise ResourceError(said.what, str(error), said.remedy) from error
    return folder


def keep(studio: Studio, upload: Path, folder: Path, role: str) -> Path:
    """Copy an upload out of the temporary folder, so that the job can be run again later."""
    target = folder / f"{role}-{safe_stem(upload.stem)}{upload.suffix.lower()}"
    try:
        with files.writing(target) as temporary:
            shutil.copyfile(upload, temporary)
    except OSError as error:
        said = studio.labels.error("upload_not_kept")
        raise ResourceError(said.what, str(error), said.remedy) from error
    return target


def safe_stem(name: str) -> str:
    """A name for a file without its ending, short and good on every system."""
    return files.safe_name(name.strip()[:40]) or "clip"
