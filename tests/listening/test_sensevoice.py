"""SenseVoice through FunASR: which folders are one, and the way through the package with a tiny untrained model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gsv.errors import DataError, InputError
from gsv.listening.sensevoice import SenseVoiceRecogniser, is_sensevoice

CONFIG: dict[str, Any] = {
    "model": "SenseVoiceSmall",
    "model_conf": {"length_normalized_loss": True, "sos": 1, "eos": 2, "ignore_id": -1},
    "encoder": "SenseVoiceEncoderSmall",
    "encoder_conf": {
        "output_size": 16, "attention_heads": 2, "linear_units": 16, "num_blocks": 1, "tp_blocks": 1,
        "input_layer": "pe", "normalize_before": True, "kernel_size": 11, "sanm_shfit": 0,
    },
    "tokenizer": "SentencepiecesTokenizer",
    "tokenizer_conf": {"bpemodel": None, "unk_symbol": "<unk>", "split_with_space": True},
    "frontend": "WavFrontend",
    "frontend_conf": {"fs": 16000, "window": "hamming", "n_mels": 80, "lfr_m": 7, "lfr_n": 6, "cmvn_file": None},
}  # fmt: skip
SIGNS = "".join(chr(0x4E00 + number) for number in range(200))  # the package expects more than 124 tokens


def test_only_its_own_folders_are_taken(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"")
    (tmp_path / "config.yaml").write_text("model: Paraformer\n")
    assert not is_sensevoice(tmp_path)
    with pytest.raises(InputError, match="download sensevoice-small"):
        SenseVoiceRecogniser(tmp_path)
    (tmp_path / "config.yaml").write_text("frontend: x\nmodel: 'SenseVoiceSmall'\n")
    assert is_sensevoice(tmp_path)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder laid out like the published one, with random weights and a tokenizer of a few pieces."""
    pytest.importorskip("funasr", reason="the optional package funasr is not installed")
    pieces = pytest.importorskip("sentencepiece", reason="it comes with funasr")
    import torch
    from funasr.models.sense_voice.model import SenseVoiceSmall

    folder = tmp_path_factory.mktemp("SenseVoiceSmall")
    (folder / "text.txt").write_text("\n".join([SIGNS, *SIGNS]), encoding="utf-8")
    pieces.SentencePieceTrainer.train(
        input=str(folder / "text.txt"), model_prefix=str(folder / "bpe"), vocab_size=203, model_type="char"
    )
    torch.manual_seed(1)
    network = SenseVoiceSmall(
        encoder=CONFIG["encoder"], encoder_conf=CONFIG["encoder_conf"], input_size=560, vocab_size=204,
        **CONFIG["model_conf"],
    )  # fmt: skip
    torch.save(network.state_dict(), folder / "model.pt")
    lines = (f"{name}: {json.dumps(value)}\n" for name, value in CONFIG.items())
    (folder / "config.yaml").write_text("".join(lines))
    return folder


def test_the_way_through_the_package(tiny: Path) -> None:
    recogniser = SenseVoiceRecogniser(tiny, threads=1)
    noise = np.random.default_rng(0).normal(0, 0.1, 24_000).astype(np.float32)
    first = recogniser.transcribe(noise, 24_000, "yue")
    assert first == recogniser.transcribe(noise, 24_000, "yue") or first.text == ""
    assert first.language == "yue" and "<|" not in first.text
    assert all(0 <= word.start <= word.end <= 1.1 for word in first.words)
    if first.text:
        assert np.isnan(first.confidence)
    assert recogniser.transcribe(np.zeros(16_000, np.float32), 16_000, "zh").text == ""
    with pytest.raises(InputError, match="'fr'"):
        recogniser.transcribe(noise, 24_000, "fr")


def test_a_broken_model_is_an_error_in_words(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text((tiny / "config.yaml").read_text())
    (tmp_path / "model.pt").write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be loaded"):
        SenseVoiceRecogniser(tmp_path)
