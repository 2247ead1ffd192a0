"""Noise suppression by DeepFilterNet 3: an ONNX export that takes one frame and its states at a time.

Knows the files of the model, its frames and its delay. Does not know recordings or other rates. Nothing is
fetched: the catalogue's `deepfilternet3` is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gsv.errors import WeightsError, import_optional

RATE = 48_000
FOLDER = "deepfilternet3"
NETWORK, STATES = "denoiser_model.onnx", "initial_states.npz"
_DOWNLOAD = "python tools/models.py download deepfilternet3"


class DeepFilter:
    """The network, ready for any number of streams.

    `models` is the folder of downloaded models. Raises WeightsError where the model is missing or is another
    one, DependencyError without onnxruntime.
    """

    def __init__(self, models: Path | None) -> None:
        folder = Path(models or ".", FOLDER)
        if not all((folder / name).is_file() for name in (NETWORK, STATES)):
            raise WeightsError(
                "DeepFilterNet 3 is not there", f"{folder} lacks its files", f"Run: {_DOWNLOAD}"
            )
        runtime: Any = import_optional("onnxruntime", "pip install onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        path = str(folder / NETWORK)
        try:
            self._session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            inputs = self._session.get_inputs()
            self._frame = int(inputs[0].shape[0])
            self._names = [each.name for each in inputs]
            with np.load(folder / STATES, allow_pickle=False) as kept:
                self._states = {name: kept[name].astype(np.float32) for name in self._names[1:]}
        except Exception as error:  # the runtime raises classes of its own for whatever it dislikes
            raise WeightsError(
                "DeepFilterNet 3 does not load", f"{folder}: {error}", f"Fetch it again: {_DOWNLOAD}"
            ) from error

    def stream(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Blocks `[t]` of a mono recording at 48 kHz without their noise: as many samples, none of them late."""
        states = dict(self._states)
        held, late, given, total = np.zeros(0, np.float32), self._frame, 0, 0
        for block in blocks:
            total += len(block)
            held = np.concatenate([held, block.astype(np.float32, copy=False)])
            whole = len(held) // self._frame * self._frame
            clean = self._frames(states, held[:whole])[late:]
            late, held = max(0, late - whole), held[whole:]
            given += len(clean)
            if len(clean):
                yield clean
        # Silence pushes out the frame that the network is late by.
        rest = np.pad(held, (0, -len(held) % self._frame + self._frame))
        if given < total:
            yield self._frames(states, rest)[late : late + total - given]

    def _frames(self, states: dict[str, np.ndarray], samples: np.ndarray) -> np.ndarray:
        """What comes out for whole frames; `states` go on."""
        found = [np.zeros(0, np.float32)]
        for start in range(0, len(samples), self._frame):
            frame = samples[start : start + self._frame].astype(np.float32)
            clean, *after = self._session.run(None, {self._names[0]: frame, **states})
            states.update(zip(self._names[1:], after, strict=True))
            found.append(np.asarray(clean, np.float32).reshape(-1))
        return np.concatenate(found)
