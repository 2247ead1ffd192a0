"""The recogniser's folder checks and, where a model is at hand, what it hears."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gsv.audio import read
from gsv.errors import InputError
from gsv.listening.recognition import PocketsphinxRecogniser, Recognition, Segment, WhisperRecogniser

MODEL = Path.home() / ".cache" / "gsv" / "whisper-base"
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "recordings"
CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model\.bin"):
        WhisperRecogniser(tmp_path)


def test_confidence_is_weighted_by_duration() -> None:
    segments = (Segment(0, 3, "a", 0.0, 0), Segment(3, 4, "b", -1.0, 0))
    assert abs(Recognition("a b", "en", 1, segments).confidence - np.exp(-0.25)) < 1e-6
    assert Recognition("", "en", 1).confidence == 0


@pytest.mark.skipif(not (MODEL / "model.bin").is_file(), reason=f"no Whisper model in {MODEL}")
@pytest.mark.skipif(not CORPUS.is_dir(), reason="the speech corpus is not here")
def test_hears_a_sentence() -> None:
    pytest.importorskip("faster_whisper")
    recogniser = WhisperRecogniser(MODEL, threads=1)
    clip = read(CORPUS / "audio" / "en_af_alloy-af_bella_0039.opus")
    found = recogniser.transcribe(clip.samples, clip.rate, "en")
    assert "many roads" in found.text.lower() and 0.3 < found.confidence <= 1
    assert recogniser.transcribe(np.zeros(16_000, np.float32), 16_000, "en").text == ""
    with pytest.raises(InputError, match="language"):
        recogniser.transcribe(clip.samples, clip.rate, "xx")


def test_the_second_recogniser_hears_english_and_nothing_else() -> None:
    recogniser = PocketsphinxRecogniser()
    clip = read(EXAMPLES / "03.opus")
    heard = [recogniser.transcribe(clip.samples, clip.rate, "en").text for _ in range(2)]
    assert "an idea is not responsible" in heard[0] and heard[0] == heard[1]
    assert recogniser.transcribe(np.zeros(8_000, np.float32), 16_000, "en").text == ""
    with pytest.raises(InputError, match="English only"):
        recogniser.transcribe(clip.samples, clip.rate, "zh")
