"""Addresses under which the page hears recordings that lie anywhere the person may name.

An address is a secret that only a page that was let in is told, and it leads to one file. Knows files
and the web server's requests. Does not know lists.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import secrets
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from gsv import audio
from gsv.errors import GsvError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

PLACE = "proofread-clip"
KEPT = 20_000
"""Addresses that are remembered; the oldest ones lead nowhere any more."""
BROWSERS_PLAY = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
}
"""What is sent as it is; anything else is decoded first."""


class ClipAddresses:
    """The addresses of one running studio."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._paths: OrderedDict[str, Path] = OrderedDict()
        self._mutex = threading.Lock()

    def of(self, path: Path) -> str:
        """The address of a recording, another one for each version of the file, relative to the page."""
        version = f"{path}\0{path.stat().st_mtime_ns}"
        token = hmac.new(self._secret, version.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        with self._mutex:
            self._paths[token] = path
            self._paths.move_to_end(token)
            while len(self._paths) > KEPT:
                self._paths.popitem(last=False)
        return f"{PLACE}/{token}"

    def path(self, token: str) -> Path | None:
        """The recording of an address that was given out."""
        with self._mutex:
            return self._paths.get(token)

    def route(self) -> Route:
        """How the web server answers these addresses."""
        from starlette.routing import Route

        return Route(f"/{PLACE}/{{token}}", self.answer, methods=["GET"])

    def answer(self, request: Request) -> Response:
        """The recording itself, whole or in ranges; nothing else can be had here."""
        from starlette.responses import FileResponse, Response

        path = self.path(request.path_params["token"])
        if path is None or not path.is_file():
            return Response(status_code=404)
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=600"}
        kind = BROWSERS_PLAY.get(path.suffix.lower())
        if kind is not None:
            return FileResponse(path, media_type=kind, headers=headers)
        try:
            return Response(_as_wav(path), media_type="audio/wav", headers=headers)
        except GsvError:
            return Response(status_code=415)


def _as_wav(path: Path) -> bytes:
    import soundfile

    clip = audio.read(path)
    memory = io.BytesIO()
    soundfile.write(memory, clip.samples, clip.rate, format="WAV", subtype="PCM_16")
    return memory.getvalue()
