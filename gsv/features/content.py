"""Content features of clips: the preparation of the wave, batches, precision.

Knows what the encoder is fed with and which clips may share a batch. Does not know files of the
experiment; the encoder's network is `gsv.models.content`.
"""

from __future__ import annotations

import copy
import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gsv.audio import resample
from gsv.audio.level import mix_level
from gsv.corpus.experiment import ModelIdentity
from gsv.corpus.journal import item_key
from gsv.errors import DataError
from gsv.features.packed import PackedContent, supports
from gsv.files import read_text, sha256
from gsv.models.content import SAMPLE_RATE, SETTINGS_FILE, ContentEncoder

logger = logging.getLogger(__name__)

WAVE_RATE = 32000
PUBLISHED_SCALE = 1145.14
"""Full scale of the wave that the published data sets were prepared at."""

REQUIRED_AGREEMENT = 0.99
REQUIRED_GAIN = 1.1
_TEST_CLIPS = 4
_WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin", SETTINGS_FILE)


def encoder_identity(folder: Path) -> ModelIdentity:
    """Which encoder a folder holds: its own version if it has one, else the hash of its weights.

    Raises DataError where the folder holds no weights.
    """
    folder = Path(folder)
    hashes = [sha256(folder / name) for name in _WEIGHT_FILES if (folder / name).is_file()]
    if not hashes or not (folder / "config.json").is_file():
        remedy = "See which are there: python tools/models.py list"
        raise DataError(
            f"{folder} holds no content encoder", "config.json or the weights are missing", remedy
        )
    fingerprint = item_key(files=hashes)
    settings = folder / SETTINGS_FILE
    version = json.loads(read_text(settings)).get("version") if settings.is_file() else ""
    return ModelIdentity(
        name=folder.name, version=version or f"hubert-{fingerprint[:12]}", sha256=fingerprint
    )


def level_wave(samples: np.ndarray) -> np.ndarray:
    """Samples `[T]` levelled by the published rule, as 16-bit integers `[T]`; DataError as `mix_level`."""
    levelled = mix_level(samples).astype(np.float64) * 32768.0
    # Truncated, not rounded, as published.
    return np.clip(levelled, -32768, 32767).astype(np.int16)


def content_wave(samples: np.ndarray, rate: int = WAVE_RATE) -> np.ndarray:
    """What the content encoder hears of samples `[T]` at `rate`: levelled, 16 kHz, within about ±1.

    Raises DataError as `mix_level`.
    """
    return resample(mix_level(samples), rate, SAMPLE_RATE)


class ContentExtractor:
    """An encoder on a device in one precision; float32 is kept for what a reduced one cannot hold.

    In bfloat16 on a processor clips go through `PackedContent`, which keeps in float32 what bfloat16 would spoil;
    whether that is any faster there is for `gsv.features.packed.gains` to say.
    """

    def __init__(
        self, encoder: ContentEncoder, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        self.device = torch.device(device)
        self.dtype = dtype
        self._exact = encoder.float().eval().to(self.device)
        packs = self.device.type == "cpu" and supports(encoder) and dtype == torch.bfloat16
        self._packed = PackedContent(self._exact, dtype) if packs else None
        reduced = dtype != torch.float32 and not packs
        self._encoder = copy.deepcopy(self._exact).to(dtype) if reduced else self._exact
        # The published bases learned their codes from an encoder that was fed at this scale.
        self._scale = 1.0 if encoder.batch_invariant else PUBLISHED_SCALE

    @property
    def dimension(self) -> int:
        """Channels C of a feature frame."""
        return self._exact.dimension

    @property
    def packed(self) -> bool:
        """Whether clips take the arrangement for the processor."""
        return self._packed is not None

    def features(self, waves: Sequence[np.ndarray]) -> list[Tensor | DataError]:
        """Content `[1, C, T]` float32 on the CPU for each wave `[L]` of `content_wave`, in order.

        Waves share a batch; in float32 each gets what it would get alone within 1e-4. A clip whose result
        is not finite is done again in float32; what is then still not finite, or too short for a frame,
        is a DataError in its place.
        """
        results: dict[int, Tensor | DataError] = {}
        for group in self._groups(waves):
            usable = []
            for index in group:
                if int(self._exact.frames(torch.tensor(len(waves[index])))) < 1:
                    results[index] = DataError(
                        "the clip is too short", f"{len(waves[index])} samples at 16 kHz"
                    )
                else:
                    usable.append(index)
            for index, content in zip(usable, self._together([waves[i] for i in usable]), strict=True):
                results[index] = self._checked(content, waves[index])
        return [results[index] for index in range(len(waves))]

    def _groups(self, waves: Sequence[np.ndarray]) -> list[list[int]]:
        """Which waves run together: all, or where padding would be heard those of one length."""
        if self._packed is not None or self._exact.batch_invariant:
            return [list(range(len(waves)))]
        groups: dict[int, list[int]] = defaultdict(list)
        for index, wave in enumerate(waves):
            groups[len(wave)].append(index)
        return list(groups.values())

    def _together(self, waves: Sequence[np.ndarray]) -> list[Tensor]:
        """Content of waves that may share a batch, in the precision asked for."""
        if self._packed is None:
            return self._batch(waves, self._encoder)
        floats = (np.asarray(wave, dtype=np.float32) * self._scale for wave in waves)
        return self._packed.features([torch.from_numpy(np.ascontiguousarray(wave)) for wave in floats])

    def _batch(self, waves: Sequence[np.ndarray], encoder: ContentEncoder) -> list[Tensor]:
        if not waves:
            return []
        lengths = torch.tensor([len(wave) for wave in waves])
        dtype = next(encoder.parameters()).dtype
        padded = torch.zeros(len(waves), int(lengths.max()))
        for row, wave in zip(padded, waves, strict=True):
            row[: len(wave)] = torch.from_numpy(np.ascontiguousarray(wave, dtype=np.float32))
        frames = encoder.frames(lengths)
        equal = bool((lengths == lengths[0]).all())
        with exact_matrices():
            batch = (padded * self._scale).to(self.device, dtype)
            content = encoder.features(batch, None if equal else lengths.to(self.device))
        content = content.float().cpu()
        return [content[i : i + 1, :, : int(frames[i])].clone() for i in range(len(waves))]

    def _checked(self, content: Tensor, wave: np.ndarray) -> Tensor | DataError:
        if not torch.isfinite(content).all() and self.dtype != torch.float32:
            logger.info("a clip is not finite in %s and is done again in float32", self.dtype)
            content = self._batch([wave], self._exact)[0]
        if not torch.isfinite(content).all():
            return DataError(
                "the content features are not numbers", "even in float32", "Export the clip again."
            )
        return content


def exact_matrices() -> AbstractContextManager[None]:
    """Float32 means float32: no TF32 convolutions while this lasts."""
    return torch.backends.cudnn.flags(allow_tf32=False)  # type: ignore[no-any-return]


def plan_batches(
    seconds: Sequence[float | None], names: Sequence[str], *, budget_seconds: float, most: int = 16
) -> list[list[int]]:
    """Indices of clips that are worked on together, fixed by the clips alone.

    Clips are sorted by length, then name; a batch holds at most `most` clips and `budget_seconds` of
    padded audio (one clip may exceed it). A clip of unknown length stands alone.
    """
    known = sorted((value, names[i], i) for i, value in enumerate(seconds) if value is not None)
    batches: list[list[int]] = []
    for value, _, index in known:
        fits = batches and len(batches[-1]) < most and (len(batches[-1]) + 1) * value <= budget_seconds
        if fits:
            batches[-1].append(index)
        else:
            batches.append([index])
    unknown = sorted((names[i], i) for i, value in enumerate(seconds) if value is None)
    return [*batches, *([index] for _, index in unknown)]


def self_test(
    encoder: ContentEncoder,
    device: torch.device,
    dtype: torch.dtype,
    waves: Sequence[np.ndarray],
    codes: Callable[[Tensor], Sequence[int]],
) -> bool:
    """Whether a reduced precision gives the same codes (99 %) on these clips, and a gain, on this machine."""
    waves = list(waves)[:_TEST_CLIPS]
    exact = ContentExtractor(encoder, device)
    reduced = ContentExtractor(encoder, device, dtype)
    wanted, slow = _timed(exact, waves)
    found, fast = _timed(reduced, waves)
    same = total = 0
    for first, second in zip(wanted, found, strict=True):
        if isinstance(first, DataError) or isinstance(second, DataError):
            continue
        pairs = list(zip(codes(first), codes(second), strict=True))
        same, total = same + sum(a == b for a, b in pairs), total + len(pairs)
    agreement = same / total if total else 0.0
    accepted = agreement >= REQUIRED_AGREEMENT and slow >= REQUIRED_GAIN * fast
    logger.info(
        "%s: %.2f %% equal codes, %.2f times as fast: %s", dtype, 100 * agreement, slow / fast, accepted
    )
    return accepted


def _timed(
    extractor: ContentExtractor, waves: Sequence[np.ndarray]
) -> tuple[list[Tensor | DataError], float]:
    results = extractor.features(waves)
    best = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        results = extractor.features(waves)
        best = min(best, time.perf_counter() - start)
    return results, best
