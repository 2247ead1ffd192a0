"""Where somebody speaks: probabilities of speech over a recording of any length.

Knows the Silero network of the `silero-vad` wheel, run with onnxruntime. Does not know what is done
with the silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from gsv.errors import DependencyError, import_optional

SAMPLE_RATE = 16000
CHUNK = 512
"""Samples that one probability stands for: 32 ms."""

SHORTEST_CHUNKS = 9
"""0.29 s. The network takes the onset of noise, and beats that are left of music, for speech of less than that."""

_CONTEXT = 64
_COMMAND = "pip install silero-vad onnxruntime"


class SpeechActivity:
    """The network, ready to listen. Raises DependencyError naming the command where it is not installed."""

    def __init__(self) -> None:
        runtime: Any = import_optional("onnxruntime", _COMMAND)
        # The package itself would import torchaudio; only its file is needed.
        spec = find_spec("silero_vad")
        places = list(spec.submodule_search_locations or []) if spec else []
        path = Path(places[0], "data", "silero_vad.onnx") if places else Path("silero_vad.onnx")
        if not path.is_file():
            raise DependencyError(
                "speech cannot be told from silence", "silero-vad is not installed", f"Run: {_COMMAND}"
            )
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def probabilities(self, blocks: Iterable[np.ndarray]) -> np.ndarray:
        """Probability of speech for each 32 ms, `[n]` float32, of a 16 kHz recording in blocks `[t]` within ±1."""
        state = np.zeros((2, 1, 128), np.float32)
        context = np.zeros(_CONTEXT, np.float32)
        rate = np.array(SAMPLE_RATE, np.int64)
        found = []
        for chunk in _chunks(blocks):
            heard = np.concatenate([context, chunk])[None]
            value, state = self._session.run(None, {"input": heard, "state": state, "sr": rate})
            found.append(float(value[0, 0]))
            context = chunk[-_CONTEXT:]
        return np.array(found, np.float32)


def without_blips(speaks: np.ndarray, shortest: int = SHORTEST_CHUNKS) -> np.ndarray:
    """`speaks` `[n]` (bool, a chunk each) without runs of fewer than `shortest` chunks."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], speaks, [False])).astype(np.int8))).reshape(-1, 2)
    kept = np.zeros(len(speaks), dtype=bool)
    for first, end in edges:
        kept[first:end] = end - first >= shortest
    return kept


def _chunks(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Chunks of 512 samples; the last is filled with silence."""
    held = np.zeros(0, np.float32)
    for block in blocks:
        held = np.concatenate([held, block.astype(np.float32, copy=False)])
        whole = len(held) // CHUNK * CHUNK
        yield from held[:whole].reshape(-1, CHUNK)
        held = held[whole:]
    if len(held):
        yield np.pad(held, (0, CHUNK - len(held)))
