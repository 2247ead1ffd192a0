"""Noise suppression by RNNoise: the shared library of the pyrnnoise wheel, weights inside, called through ctypes.

Knows frames of 480 samples at 48 kHz and the delay of the network. Does not know files or other rates. The
Python part of the wheel is not imported: it would bring a plotting library and file readers of its own.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from gsv.errors import DependencyError

RATE = 48_000
FRAME = 480
DELAY = 959
"""Samples that come out later than they went in, measured by cross-correlation with speech."""
COMMAND = 'pip install "pyrnnoise>=0.3.8,<0.5"'
_FULL_SCALE = 32768.0
_NAMES = {"win32": "rnnoise.dll", "darwin": "librnnoise.dylib"}
_Samples = ctypes.POINTER(ctypes.c_float)


class RnNoise:
    """The library, ready for any number of streams. Raises DependencyError naming the command."""

    def __init__(self) -> None:
        spec = find_spec("pyrnnoise")
        places = list(spec.submodule_search_locations or []) if spec else []
        path = Path(places[0] if places else "", _NAMES.get(sys.platform, "librnnoise.so"))
        if not places or not path.is_file():
            raise DependencyError("noise cannot be removed", "pyrnnoise is not installed", f"Run: {COMMAND}")
        try:
            self._library = _declared(ctypes.CDLL(str(path)))
        except (OSError, AttributeError) as error:
            raise DependencyError(
                "noise cannot be removed",
                f"the library of pyrnnoise does not load: {error}",
                f"Run: {COMMAND}",
            ) from error

    def stream(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Blocks `[t]` of a mono recording at 48 kHz without their noise: as many samples, none of them late."""
        state = self._library.rnnoise_create(None)
        try:
            late, held, given, total = DELAY, np.zeros(0, np.float32), 0, 0
            for block in blocks:
                total += len(block)
                held = np.concatenate([held, block.astype(np.float32, copy=False)])
                whole = len(held) // FRAME * FRAME
                clean = self._frames(state, held[:whole])[late:]
                late = max(0, late - whole)
                held = held[whole:]
                given += len(clean)
                if len(clean):
                    yield clean
            # Silence pushes out what the network still holds.
            rest = np.concatenate([held, np.zeros(DELAY + FRAME, np.float32)])
            rest = self._frames(state, rest[: len(rest) // FRAME * FRAME])[late:]
            if given < total:
                yield rest[: total - given]
        finally:
            self._library.rnnoise_destroy(state)

    def _frames(self, state: int, samples: np.ndarray) -> np.ndarray:
        """What comes out for whole frames, `[n * 480]`."""
        loud = np.ascontiguousarray(samples * _FULL_SCALE, dtype=np.float32)
        clean = np.empty_like(loud)
        for start in range(0, len(loud), FRAME):
            out, given = (wave[start:].ctypes.data_as(_Samples) for wave in (clean, loud))
            self._library.rnnoise_process_frame(state, out, given)
        return np.clip(clean / _FULL_SCALE, -1.0, 1.0)


def _declared(library: Any) -> Any:
    """The library with the types of what is called; AttributeError or OSError where it is another one."""
    library.rnnoise_create.argtypes, library.rnnoise_create.restype = [ctypes.c_void_p], ctypes.c_void_p
    library.rnnoise_destroy.argtypes, library.rnnoise_destroy.restype = [ctypes.c_void_p], None
    library.rnnoise_process_frame.argtypes = [ctypes.c_void_p, _Samples, _Samples]
    library.rnnoise_process_frame.restype = ctypes.c_float
    if library.rnnoise_get_frame_size() != FRAME:
        raise OSError("its frames are of another size")
    return library
