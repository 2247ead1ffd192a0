"""What was said: one interface for speech recognition, and an engine behind it.

Knows: waves in, text with times out; faster-whisper models in a local folder. Nothing is fetched: a model
comes from the catalogue or from a person. Does not know annotation lists or what the text is for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gsv.audio import resample
from gsv.errors import DataError, InputError, import_optional
from gsv.text import LANGUAGES

RATE = 16_000
WHISPER_FILES = ("model.bin", "config.json")
_SPOKEN_AS = {"yue": "zh"}
"""Languages that smaller models know only under another name."""
_SURE = 0.5
"""From this probability on, a language that is none of ours is believed."""
_WITHOUT_SPACES = ("zh", "ja", "yue")


@dataclass(frozen=True)
class Word:
    """A word as it was heard: seconds from the start of the clip, probability from 0 to 1."""

    text: str
    start: float
    end: float
    probability: float = math.nan


@dataclass(frozen=True)
class Segment:
    """A stretch of speech: seconds from the start of the clip, and how sure the engine was (NaN: unsaid)."""

    start: float
    end: float
    text: str
    log_probability: float
    silence_probability: float
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Recognition:
    """What was heard in one clip; `language` as a lower-case code, `confidence` from 0 to 1."""

    text: str
    language: str
    language_probability: float
    segments: tuple[Segment, ...] = field(default=())

    @property
    def confidence(self) -> float:
        """Mean token probability, weighted by duration; 0 where nothing was heard, NaN where it is unsaid."""
        weights = np.array([max(segment.end - segment.start, 1e-3) for segment in self.segments])
        if not len(weights):
            return 0.0
        return float(
            np.exp(np.average([segment.log_probability for segment in self.segments], weights=weights))
        )

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of all segments; empty where the engine was not asked for them."""
        return tuple(word for segment in self.segments for word in segment.words)


class Recogniser(Protocol):
    """Whatever turns speech into text."""

    name: str

    def transcribe(self, samples: np.ndarray, rate: int, language: str | None = None) -> Recognition:
        """Text of a clip `samples` `[T]` at `rate` Hz; `language` None lets the engine find it.

        A clip in a language that is surely none of ours comes back without text, under that language.
        """


class WhisperRecogniser:
    """faster-whisper from a local folder, each clip on its own: equal clips give equal text."""

    def __init__(
        self,
        folder: Path | str,
        device: str = "cpu",
        compute_type: str = "int8",
        threads: int = 0,
        *,
        beam_size: int = 1,
        words: bool = False,
    ) -> None:
        """`threads` 0 leaves the number to the engine; a beam of 1 is greedy; `words` asks for their times.

        Raises InputError when the folder holds no such model, DependencyError when the package is missing,
        DataError when the model cannot be loaded.
        """
        self.folder = Path(folder)
        missing = [name for name in WHISPER_FILES if not (self.folder / name).is_file()]
        if missing:
            raise InputError(
                f"{self.folder} is no folder of a Whisper model",
                f"{', '.join(missing)} is not in it",
                "Choose a folder made for faster-whisper (model.bin, config.json, tokenizer.json).",
            )
        package = import_optional("faster_whisper", "pip install faster-whisper")
        self.name = f"faster-whisper {self.folder.name} {compute_type}"
        self._beam_size, self._words = beam_size, words
        kind, _, index = device.partition(":")
        try:
            self._model: Any = package.WhisperModel(
                str(self.folder),
                device=kind,
                device_index=int(index or 0),
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
        probability = 1.0
        if language is None:
            language, probability = self._language(wave)
            if language not in LANGUAGES:
                return Recognition("", language, probability)
        try:
            found, _ = self._model.transcribe(
                wave,
                language=self._spoken(language),
                beam_size=self._beam_size,
                temperature=0.0,
                condition_on_previous_text=False,
                word_timestamps=self._words,
            )
        except ValueError as error:
            raise InputError(f"The recogniser does not know the language {language!r}", str(error)) from error
        segments = tuple(_segment(part) for part in found)
        joint = "" if language in _WITHOUT_SPACES else " "
        text = joint.join(segment.text for segment in segments).strip()
        return Recognition(text, language, probability, segments)

    def _spoken(self, language: str) -> str:
        known = self._model.supported_languages
        return _SPOKEN_AS.get(language, language) if language not in known else language

    def _language(self, wave: np.ndarray) -> tuple[str, float]:
        """The likeliest of our languages with its probability, unless another one is beyond doubt."""
        if not self._model.model.is_multilingual:
            return "en", 1.0
        best, probability, every = self._model.detect_language(audio=wave)
        if best in LANGUAGES or probability >= _SURE:
            return str(best), float(probability)
        ours = {str(code): float(chance) for code, chance in every if code in LANGUAGES}
        language = max(ours, key=lambda code: ours[code])
        return language, ours[language]


def _segment(part: Any) -> Segment:
    words = tuple(
        Word(word.word.strip(), float(word.start), float(word.end), float(word.probability))
        for word in part.words or ()
    )
    return Segment(part.start, part.end, part.text.strip(), part.avg_logprob, part.no_speech_prob, words)


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
