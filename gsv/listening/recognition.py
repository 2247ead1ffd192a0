"""What was said: one interface for speech recognition, and an engine behind it.

Knows: waves in, text with times out; faster-whisper models in a local folder. Nothing is fetched: a model
comes from the catalogue or from a person. Does not know annotation lists or what the text is for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gsv.audio import resample
from gsv.errors import DataError, InputError, import_optional

RATE = 16_000
_WHISPER_FILES = ("model.bin", "config.json")
_SPOKEN_AS = {"yue": "zh"}
"""Languages that smaller models know only under another name."""


@dataclass(frozen=True)
class Segment:
    """A stretch of speech: seconds from the start of the clip, and how sure the engine was."""

    start: float
    end: float
    text: str
    log_probability: float
    silence_probability: float


@dataclass(frozen=True)
class Recognition:
    """What was heard in one clip; `language` as a lower-case code, `confidence` from 0 to 1."""

    text: str
    language: str
    language_probability: float
    segments: tuple[Segment, ...] = field(default=())

    @property
    def confidence(self) -> float:
        """Mean token probability, weighted by duration; 0 where nothing was heard."""
        weights = np.array([max(segment.end - segment.start, 1e-3) for segment in self.segments])
        if not len(weights):
            return 0.0
        return float(
            np.exp(np.average([segment.log_probability for segment in self.segments], weights=weights))
        )


class Recogniser(Protocol):
    """Whatever turns speech into text."""

    name: str

    def transcribe(self, samples: np.ndarray, rate: int, language: str | None = None) -> Recognition:
        """Text of a clip `samples` `[T]` at `rate` Hz; `language` None lets the engine find it."""


class WhisperRecogniser:
    """faster-whisper from a local folder, greedy, each clip on its own: equal clips give equal text."""

    def __init__(
        self, folder: Path | str, device: str = "cpu", compute_type: str = "int8", threads: int = 0
    ) -> None:
        """`threads` 0 leaves the number to the engine.

        Raises InputError when the folder holds no such model, DependencyError when the package is missing,
        DataError when the model cannot be loaded.
        """
        self.folder = Path(folder)
        missing = [name for name in _WHISPER_FILES if not (self.folder / name).is_file()]
        if missing:
            raise InputError(
                f"{self.folder} is no folder of a Whisper model",
                f"{', '.join(missing)} is not in it",
                "Choose a folder made for faster-whisper (model.bin, config.json, tokenizer.json).",
            )
        package = import_optional("faster_whisper", "pip install faster-whisper")
        self.name = f"faster-whisper {self.folder.name} {compute_type}"
        try:
            self._model: Any = package.WhisperModel(
                str(self.folder),
                device=device,
                compute_type=compute_type,
                cpu_threads=threads,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise DataError(f"The Whisper model in {self.folder} cannot be loaded", str(error)) from error

    def transcribe(self, samples: np.ndarray, rate: int, language: str | None = None) -> Recognition:
        """As the protocol says; raises InputError for a language that the model does not know."""
        wave = resample(samples, rate, RATE)
        if not wave.any():
            return Recognition("", language or "", 0.0)
        try:
            found, information = self._model.transcribe(
                wave,
                language=self._spoken(language),
                beam_size=1,
                temperature=0.0,
                condition_on_previous_text=False,
            )
        except ValueError as error:
            raise InputError(f"The recogniser does not know the language {language!r}", str(error)) from error
        segments = tuple(
            Segment(part.start, part.end, part.text.strip(), part.avg_logprob, part.no_speech_prob)
            for part in found
        )
        joint = "" if information.language in ("zh", "ja", "yue") else " "
        text = joint.join(segment.text for segment in segments).strip()
        heard = language or str(information.language)
        return Recognition(text, heard, float(information.language_probability), segments)

    def _spoken(self, language: str | None) -> str | None:
        known = self._model.supported_languages
        return _SPOKEN_AS.get(language, language) if language and language not in known else language


class PocketsphinxRecogniser:
    """The English recogniser that comes inside the wheel of pocketsphinx: weaker than Whisper, and wholly other.

    A second ear for measuring: where Whisper taught a network, its own judgement of it is no proof.
    """

    name = "pocketsphinx"
    languages = frozenset({"en"})

    def __init__(self) -> None:
        """Raises DependencyError when the package is missing."""
        self._package = import_optional("pocketsphinx", "pip install pocketsphinx")

    def transcribe(self, samples: np.ndarray, rate: int, language: str | None = None) -> Recognition:
        """As the protocol says; raises InputError for any language but English.

        Every clip has a decoder of its own: one adapts to what it hears, and results would depend on the order.
        """
        if language not in (None, *self.languages):
            raise InputError("pocketsphinx knows English only", f"{language!r} was asked for")
        wave = np.clip(resample(samples, rate, RATE), -1.0, 1.0)
        if not wave.any():
            return Recognition("", "en", 0.0)
        decoder = self._package.Decoder(samprate=RATE, loglevel="FATAL")
        decoder.start_utt()
        decoder.process_raw((wave * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        return Recognition(found.hypstr if found is not None else "", "en", 1.0)
