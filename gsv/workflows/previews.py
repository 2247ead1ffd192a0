"""Previews of a SoVITS network in training: what a person hears of it, and how far it is from the original.

Knows: three files a clip (the original, its reconstruction through the posterior, and the path of synthesis
with another clip as reference), mel distances, and error rates where a recogniser is there. Does not know:
the loop.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gsv import audio, files
from gsv.audio.spectrogram import linear, linear_to_mel
from gsv.errors import GsvError
from gsv.models.sovits.synthesizer import Synthesizer
from gsv.training.clips import Clips

logger = logging.getLogger(__name__)

SEED = 20


class ClipPreviews:
    """Makes previews of a few clips; the same ones every time."""

    def __init__(
        self,
        clips: Clips,
        count: int,
        device: torch.device,
        recogniser: Path | None = None,
        content: Path | None = None,
    ) -> None:
        """`clips`: where the previews' originals come from; `recogniser`: folder of a Whisper model; `content`:
        folder of a content encoder with a phone head.
        """
        self.clips, self.device = clips, device
        self.chosen = choose(clips, count)
        self.recogniser, self.content = recogniser, content

    def __call__(self, network: Synthesizer, clips: Clips, folder: Path, step: int) -> dict[str, float]:
        """Write `ITEM-original.wav`, `-reconstruction.wav` and `-inference.wav`; returns mean distances."""
        measures: dict[str, list[float]] = {}
        written: dict[str, list[tuple[Path, int]]] = {}
        taken: list[str] = []
        for index in self.chosen:
            stem = files.safe_name(Path(self.clips.names[index]).stem, taken)
            taken.append(stem)
            for kind, wave in self._waves(network, index).items():
                path = folder / f"{stem}-{kind}.wav"
                audio.write(path, wave, network.config.sample_rate, tags=tags_of(kind, step))
                written.setdefault(kind, []).append((path, index))
                if kind != "original":
                    distance = self._distance(network, index, wave)
                    measures.setdefault(f"mel_{kind}", []).append(distance)
        values = {name: float(np.mean(numbers)) for name, numbers in measures.items()}
        return values | self._error_rates(written)

    @torch.inference_mode()
    def _waves(self, network: Synthesizer, index: int) -> dict[str, np.ndarray]:
        """The three waves of a clip, float32 `[T]`."""
        config, clips = network.config, self.clips
        original = clips.wave(index)
        frames = clips.frames[index]
        other = another(clips, index)
        own = self._speaker(network, index)
        spectrum = self._spectrum(network, original)
        content = clips.content(index)
        if content.codes is not None:
            codes = torch.from_numpy(content.codes)[None, None].to(self.device)
        else:
            codes = network.extract_latent(torch.from_numpy(content.features)[None].to(self.device))
        phones = torch.tensor([clips.phones(index, 0, frames) or [config.blank_phone]], device=self.device)
        generator = torch.Generator().manual_seed(SEED)
        made = network.decode(
            codes,
            phones,
            noise_scale=network.config.noise_scale,
            speaker=self._speaker(network, other),
            generator=generator,
        )
        return {
            "original": original,
            "reconstruction": _wave(network.reconstruct(spectrum, own)),
            "inference": _wave(made),
        }

    def _speaker(self, network: Synthesizer, index: int) -> Tensor:
        vector = self.clips.speaker_vector(index)
        embeddings = None if vector is None else [torch.from_numpy(vector)[None].to(self.device)]
        return network.speaker_vector([self._spectrum(network, self.clips.wave(index))], embeddings)

    def _spectrum(self, network: Synthesizer, wave: np.ndarray) -> Tensor:
        framing = network.config.spectrogram
        rows = torch.from_numpy(np.ascontiguousarray(wave))[None].to(self.device)
        return linear(rows, framing.n_fft, framing.hop_length, framing.win_length)

    def _distance(self, network: Synthesizer, index: int, wave: np.ndarray) -> float:
        """Mean absolute distance of log-mel spectra over the frames that both have."""
        config = network.config
        mels = [
            linear_to_mel(self._spectrum(network, one), config.sample_rate, config.spectrogram.n_mels)
            for one in (self.clips.wave(index), wave)
        ]
        frames = min(m.shape[2] for m in mels)
        return float((mels[0][:, :, :frames] - mels[1][:, :, :frames]).abs().mean())

    def _error_rates(self, written: dict[str, list[tuple[Path, int]]]) -> dict[str, float]:
        """What is heard in each file against what is heard in the original, with the means that were named.

        A recogniser that fails is logged: what can be measured without it still counts.
        """
        from gsv.workflows.preview_errors import error_rates, phone_error_rates

        paths = {kind: [path for path, _ in pairs] for kind, pairs in written.items()}
        values: dict[str, float] = {}
        try:
            if self.content is not None and paths:
                values |= phone_error_rates(paths, self.content)
            if self.recogniser is not None and paths:
                languages = [self.clips.languages[index] for index in self.chosen]
                values |= error_rates(paths, languages, self.recogniser)
        except GsvError as error:
            logger.warning("the previews' error rates could not be measured: %s", error)
        return values


def choose(clips: Clips, count: int) -> list[int]:
    """Indices of `count` clips, spread over the set, of different speakers first; fewer where there are
    fewer.
    """
    seen: set[str] = set()
    fresh: list[int] = []
    rest: list[int] = []
    for index in np.argsort(np.asarray(clips.names), kind="stable").tolist():
        (rest if clips.speakers[index] in seen else fresh).append(index)
        seen.add(clips.speakers[index])
    ordered = (
        fresh + rest if len(fresh) >= count else fresh + rest[:: max(1, len(rest) // max(1, count))] + rest
    )
    unique: list[int] = list(dict.fromkeys(ordered))
    step = max(1, len(fresh) // count) if len(fresh) >= count else 1
    return unique[: step * count : step]


def another(clips: Clips, index: int) -> int:
    """Another clip of the same speaker, near three to ten seconds; the clip itself where it is the only
    one.
    """
    others: Sequence[int] = [
        i for i, speaker in enumerate(clips.speakers) if speaker == clips.speakers[index] and i != index
    ]
    return min(others, key=lambda i: (abs(clips.frames[i] - 300), clips.names[i]), default=index)


def tags_of(kind: str, step: int) -> dict[str, str]:
    """Metadata of a preview file: what is synthetic says so."""
    return {} if kind == "original" else {"comment": f"synthetic speech, preview of training step {step}"}


def _wave(tensor: Tensor) -> np.ndarray:
    return tensor.reshape(-1).float().cpu().numpy()
