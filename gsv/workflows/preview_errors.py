"""Error rates of previews: what a recogniser hears in them against what it hears in the originals.

Knows: the recogniser of words, the content encoder that reads phones, and the rates. Does not know: how
previews are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from gsv import audio
from gsv.evaluation.rates import error_rate
from gsv.listening.alignment import greedy_ids
from gsv.listening.recognition import WhisperRecogniser
from gsv.models.content import SAMPLE_RATE, ContentEncoder
from gsv.training.phone_error import phone_edits, plain_symbols


def error_rates(
    paths: Mapping[str, Sequence[Path]], languages: Sequence[str], recogniser_folder: Path
) -> dict[str, float]:
    """Mean error rate of each kind but `original`, as `error_KIND`; clips in which nothing is heard are
    left out.

    `paths`: files by kind, in the order of `languages`; `original` is among the kinds.

    Raises:
        GsvError: the recogniser cannot be loaded.
    """
    recogniser = WhisperRecogniser(recogniser_folder)

    def heard(path: Path, language: str) -> str:
        clip = audio.read(path, 16000)
        return recogniser.transcribe(clip.samples, clip.rate, language or None).text

    wanted = [heard(path, language) for path, language in zip(paths["original"], languages, strict=True)]
    rates: dict[str, float] = {}
    for kind, made in paths.items():
        if kind == "original":
            continue
        pairs = zip(made, wanted, languages, strict=True)
        found = [
            error_rate(text, heard(path, language), language or "en").rate
            for path, text, language in pairs
            if text.strip()
        ]
        if found:
            rates[f"error_{kind}"] = float(np.mean(found))
    return rates


@torch.inference_mode()
def phone_error_rates(paths: Mapping[str, Sequence[Path]], content_folder: Path) -> dict[str, float]:
    """Phones of each kind but `original` that a content encoder reads otherwise than in the originals.

    As `phone_error_KIND`, without tone and stress; empty where the encoder has no phone head or reads nothing.

    Raises:
        GsvError: the encoder cannot be loaded.
    """
    encoder = ContentEncoder.load(content_folder).eval()
    if not encoder.has_ctc:
        return {}
    plain = plain_symbols()

    def logits(path: Path) -> torch.Tensor:
        samples = audio.read(path, SAMPLE_RATE).samples
        return encoder.phone_logits(torch.from_numpy(samples)[None])[0].float()

    heard = [logits(path) for path in paths["original"]]
    wanted = [greedy_ids(rows.numpy(), rows.shape[-1] - 1) for rows in heard]
    said = sum(map(len, wanted))
    if not said:
        return {}
    rates: dict[str, float] = {}
    for kind, made in paths.items():
        if kind != "original":
            pairs = zip(made, wanted, strict=True)
            rates[f"phone_error_{kind}"] = sum(phone_edits(logits(p), ids, plain) for p, ids in pairs) / said
    return rates
