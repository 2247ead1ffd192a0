"""Spectrograms against the recorded cases of the published framing, and at their edges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from gsv.audio import spectrogram
from gsv.errors import InputError

CASES = Path(__file__).parents[2].parent / "shared" / "golden" / "cases"


@pytest.mark.parametrize("name", ["linear32k", "mel24k", "mel32k"])
def test_published_framings(name: str) -> None:
    path = CASES / f"spectrogram-{name}.safetensors"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    with safe_open(path, "pt") as file:
        case = json.loads(file.metadata()["case"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    framing = (case["n_fft"], case["hop"], case["win"])
    spectrum = spectrogram.linear(tensors["in.wav"], *framing)
    mels = spectrogram.mel(
        tensors["in.wav"], case["sample_rate"], *framing, n_mels=tensors["out.mel"].shape[1]
    )
    for ours, key in ((spectrum, "out.spec"), (mels, "out.mel")):
        if key in tensors:
            allowed = 1e-4 * max(1.0, float(tensors[key].abs().max()))
            assert (ours - tensors[key]).abs().max() <= allowed


def test_filters_have_unit_area() -> None:
    filters = spectrogram.mel_filters(32000, 2048, 40)
    assert filters.shape == (40, 1025)
    areas = filters[5:].sum(axis=1) * 16000 / 1024
    assert abs(areas - 1).max() < 0.05


def test_frames_are_whole_hops_and_gradient_survives_silence() -> None:
    wave = torch.zeros(2, 3333, requires_grad=True)
    result = spectrogram.mel(wave, 32000, 2048, 640, 2048, 20)
    assert result.shape == (2, 20, 5)
    result.sum().backward()
    assert wave.grad is not None and bool(torch.isfinite(wave.grad).all())


def test_first_call_in_inference_mode_does_not_block_training() -> None:
    with torch.inference_mode():
        spectrogram.mel(torch.randn(1, 5000), 32000, 1026, 300, 1026, 17)
    wave = torch.randn(1, 5000, requires_grad=True)
    spectrogram.mel(wave, 32000, 1026, 300, 1026, 17).sum().backward()
    assert wave.grad is not None


def test_too_short_is_a_typed_error() -> None:
    with pytest.raises(InputError, match="too short"):
        spectrogram.linear(torch.zeros(1, 704), 2048, 640, 2048)
