"""FunASR's SenseVoice as a recogniser: Mandarin and Cantonese above all, also English, Japanese and Korean.

Knows the optional package `funasr`, imported on first use, and a local model folder. Code that lies in such a
folder is never run, and nothing is fetched. Does not know annotation lists.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from gsv.audio import resample
from gsv.errors import DataError, InputError, import_optional
from gsv.listening.recognition import RATE, Recognition, Segment, Word
from gsv.text import LANGUAGES

FILES = ("model.pt", "config.yaml")
COMMAND = 'pip install "funasr>=1.2,<2"'
_KIND = re.compile(r"^model:\s*[\"']?(\w+)", re.MULTILINE)
_TAG = re.compile(r"<\|([^|<>]*)\|>")


def is_sensevoice(folder: Path) -> bool:
    """Whether the folder holds a SenseVoice model, judged by its configuration."""
    if not all((folder / name).is_file() for name in FILES):
        return False
    found = _KIND.search((folder / "config.yaml").read_text(encoding="utf-8", errors="replace"))
    return found is not None and found[1] == "SenseVoiceSmall"


class SenseVoiceRecogniser:
    """SenseVoiceSmall from a local folder. It gives word times, and does not say how sure it is."""

    def __init__(self, folder: Path | str, device: str = "cpu", threads: int = 0) -> None:
        """`threads` 0 leaves the number to torch.

        Raises InputError when the folder holds no such model, DependencyError naming the command when the
        package is missing, DataError when the model cannot be loaded.
        """
        self.folder = Path(folder)
        if not is_sensevoice(self.folder):
            raise InputError(
                f"{self.folder} is no folder of SenseVoiceSmall",
                f"{' and '.join(FILES)} of that model are expected",
                "Run: python tools/models.py download sensevoice-small",
            )
        package: Any = import_optional("funasr", COMMAND)
        self.name = f"SenseVoice {self.folder.name}"
        try:
            self._model: Any = package.AutoModel(
                model=str(self.folder), device=device, trust_remote_code=False, disable_update=True,
                disable_pbar=True, log_level="ERROR", **({"ncpu": threads} if threads else {}),
            )  # fmt: skip
        except Exception as error:  # the package raises whatever its parts raise
            raise DataError(
                f"The SenseVoice model in {self.folder} cannot be loaded", str(error), "Fetch it again."
            ) from error

    def transcribe(self, samples: np.ndarray, rate: int, language: str | None = None) -> Recognition:
        """As the protocol says; raises InputError for a language that the model does not know."""
        if language is not None and language not in LANGUAGES:
            raise InputError(f"SenseVoice does not know the language {language!r}")
        wave = resample(samples, rate, RATE).astype(np.float32, copy=False)
        if not wave.any():
            return Recognition("", language or "", 0.0)
        answer = self._model.generate(
            input=wave, cache={}, language=language or "auto", use_itn=True, output_timestamp=True
        )[0]
        tags = _TAG.findall(answer["text"])
        text = _TAG.sub("", answer["text"]).strip()
        heard = language or (tags[0] if tags else "")
        if not text or "nospeech" in tags:
            return Recognition("", heard if heard in LANGUAGES else "", 0.0)
        words = tuple(
            Word(str(word), start / 1000, end / 1000)
            for word, (start, end) in zip(answer.get("words", ()), answer.get("timestamp", ()), strict=False)
        )
        whole = Segment(0.0, len(wave) / RATE, text, math.nan, 0.0, words)
        return Recognition(text, heard, 1.0, (whole,))
