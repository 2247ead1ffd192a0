"""By whom it was said: a vector for a voice, and how alike two voices are.

Knows: the small recurrent speaker network that the package resemblyzer publishes (Apache-2.0), written
anew, with its weights as safetensors. Does not know which clips are compared, or why.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from gsv.audio import resample
from gsv.audio.spectrogram import mel_filters
from gsv.errors import DataError, InputError, WeightsError
from gsv.files import writing
from gsv.settings import default_workspace

RATE = 16_000
N_FFT, HOP_LENGTH, N_MELS = 400, 160, 40
HIDDEN, LAYERS = 256, 3
DIMENSION = 256
WINDOW_FRAMES = 160
"""Frames, 1.6 s, that the network hears at a time."""
STEP_FRAMES = 77
_SHARE_OF_LAST_WINDOW = 0.75
_LEAST_LEVEL = 10 ** (-30 / 20)
_SHORTEST_SECONDS = 0.3


class SpeakerEncoder(nn.Module):
    """40 mel bands, three recurrent layers of 256, a linear layer; one unit vector a clip."""

    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(N_MELS, HIDDEN, LAYERS, batch_first=True)
        self.linear = nn.Linear(HIDDEN, DIMENSION)
        self.register_buffer("filters", torch.from_numpy(mel_filters(RATE, N_FFT, N_MELS)), persistent=False)

    @classmethod
    def load(cls, path: Path | str | None = None) -> SpeakerEncoder:
        """The network with the weights of `path` (by default the file that ships), ready for use on the CPU.

        Raises InputError when the file is missing, WeightsError when it is another network's.
        """
        file = default_path() if path is None else Path(path)
        if not file.is_file():
            raise InputError(
                f"The speaker network {file} is missing", "", "Restore pretrained_models/speaker."
            )
        encoder = cls()
        try:
            encoder.load_state_dict({key: value.float() for key, value in load_file(file).items()})
        except (RuntimeError, ValueError, SafetensorError) as error:
            raise WeightsError(
                f"{file.name} is not the speaker network", str(error).splitlines()[0]
            ) from error
        return encoder.eval().requires_grad_(False)

    def forward(self, mels: Tensor) -> Tensor:
        """Unit vectors `[B, 256]` of mel powers `[B, F, 40]`."""
        _, (hidden, _) = self.lstm(mels)
        return functional.normalize(self.linear(hidden[-1]).relu(), dim=1)

    def mels(self, wave: Tensor) -> Tensor:
        """Mel powers `[F, 40]`, not logarithmic, of a 16 kHz `wave` `[T]`; F = T // 160 + 1."""
        window = torch.hann_window(N_FFT, device=wave.device)
        spectrum = torch.stft(
            wave, N_FFT, HOP_LENGTH, window=window, pad_mode="constant", return_complex=True
        )
        return (self.filters @ spectrum.abs().square()).T

    @torch.inference_mode()
    def embed_prepared(self, wave: Tensor) -> Tensor:
        """Vector `[256]` of a prepared 16 kHz `wave` `[T]`: overlapping windows, averaged."""
        starts = _window_starts(wave.shape[0])
        needed = (starts[-1] + WINDOW_FRAMES) * HOP_LENGTH
        mels = self.mels(functional.pad(wave, (0, max(0, needed - wave.shape[0]))))
        windows = torch.stack([mels[start : start + WINDOW_FRAMES] for start in starts])
        return functional.normalize(self(windows).mean(dim=0), dim=0)

    def embed(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """Unit vector `[256]` float32 of a clip `samples` `[T]` at `rate` Hz.

        Quiet clips are raised and long pauses cut first. Raises DataError where too little sound is left.
        """
        wave = prepare(resample(samples, rate, RATE))
        return self.embed_prepared(torch.from_numpy(wave).to(self.linear.weight.device)).cpu().numpy()


def similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Cosine of two unit vectors `[256]`: above about 0.8 usually one voice."""
    return float(np.dot(first, second))


def default_path() -> Path:
    """Where the shipped weights lie."""
    return default_workspace().pretrained / "speaker" / "encoder.safetensors"


def prepare(wave: np.ndarray) -> np.ndarray:
    """A 16 kHz `wave` `[T]` at -30 dB or louder, long pauses cut; DataError if less than 0.3 s is left."""
    level = float(np.sqrt(np.mean(np.square(wave, dtype=np.float64)))) if len(wave) else 0.0
    if not np.isfinite(level) or level <= 1e-7:
        raise DataError("A silent clip has no speaker", "", "Choose a clip with speech.")
    louder = (wave * max(1.0, _LEAST_LEVEL / level)).astype(np.float32)
    sounding = _without_pauses(louder)
    if len(sounding) < _SHORTEST_SECONDS * RATE:
        raise DataError(
            "The clip is too short for a speaker vector",
            f"{len(sounding) / RATE:.2f} s of sound of at least {_SHORTEST_SECONDS}",
            "Choose a longer clip.",
        )
    return sounding


def _without_pauses(wave: np.ndarray, frame: int = 480, reach: int = 3) -> np.ndarray:
    """Keep 30 ms frames within `reach` frames of one that is less than 28 dB below the loud ones."""
    # Energy in place of the package's speech detector, which has to be compiled on some systems. On 33 clips
    # the vectors agree to 0.998 and the similarity of pairs to 0.006 on average.
    count = len(wave) // frame
    if count < 2 * reach:
        return wave
    energy = np.square(wave[: count * frame].reshape(count, frame), dtype=np.float64).mean(axis=1)
    loud = energy > np.quantile(energy, 0.9) * 10 ** (-28 / 10)
    kept = np.convolve(loud, np.ones(2 * reach + 1), mode="same") > 0
    return wave[: count * frame].reshape(count, frame)[kept].reshape(-1)


def _window_starts(samples: int) -> list[int]:
    """First frames of the windows; a last one under three quarters full is left out, unless it is alone."""
    frames = samples // HOP_LENGTH + 1
    starts = list(range(0, max(1, frames - WINDOW_FRAMES + STEP_FRAMES + 1), STEP_FRAMES))
    filled = (samples - starts[-1] * HOP_LENGTH) / (WINDOW_FRAMES * HOP_LENGTH)
    if len(starts) > 1 and filled < _SHARE_OF_LAST_WINDOW:
        starts.pop()
    return starts


def convert_published(source: Path, target: Path) -> None:
    """Make the shipped file from `pretrained.pt` of the package resemblyzer 0.1.4: float16."""
    published = torch.load(source, map_location="cpu", weights_only=True)["model_state"]
    wanted = SpeakerEncoder().state_dict()
    weights = {key: published[key].half().contiguous() for key in wanted}
    origin = {
        "network": "GE2E speaker encoder",
        "origin": "PyPI Resemblyzer 0.1.4, resemblyzer/pretrained.pt",
        "licence": "Apache-2.0",
        "author": "Corentin Jemine, Resemble AI",
        "precision": "float16",
    }
    with writing(target) as temporary:
        save_file(weights, temporary, metadata={"gsv": json.dumps(origin)})
