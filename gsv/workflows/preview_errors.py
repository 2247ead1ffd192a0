"""Error rates of previews: what a recogniser hears in them against what it hears in the originals.

Knows: the recogniser and the rates. Does not know: how previews are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gsv import audio
from gsv.evaluation.rates import error_rate
from gsv.listening.recognition import WhisperRecogniser


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
