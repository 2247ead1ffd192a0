"""Conversion of what people really bring: bad files and references, several references, cuts into windows."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from gsv.audio import read, write
from gsv.errors import DataError, InputError
from gsv.events import Events
from gsv.settings import Workspace
from gsv.synthesis.conversion import ConversionOptions, Converter, convert_file
from gsv.synthesis.loading import load_converter
from tests.synthesis.conftest import RATE, speech


@pytest.fixture(scope="module")
def converter(workspace: Path) -> Converter:
    return load_converter(Workspace(workspace))


@pytest.fixture(scope="module")
def local(converter: Converter) -> Converter:
    """The same networks without attention, so that a sample depends on a stretch around it alone."""
    synthesizer, encoder = copy.deepcopy(converter.synthesizer), copy.deepcopy(converter.encoder)
    cut = 0
    for name, parameter in [*synthesizer.named_parameters(), *encoder.named_parameters()]:
        if ".conv_o." in name or ".attention.out_proj." in name:
            parameter.data.zero_()
            cut += 1
    assert cut >= 6
    return Converter(synthesizer, encoder, embedder=converter.embedder)


@pytest.mark.parametrize("seconds", [9.0, 14.3])
@pytest.mark.parametrize(("window", "overlap"), [(4.0, 1.5), (6.0, 2.0), (8.0, 2.0)])
def test_windows_give_what_one_piece_gives(
    local: Converter, clips: Path, seconds: float, window: float, overlap: float
) -> None:
    wave, speaker = speech(seconds), local.speaker([clips / "reference.wav"])
    whole = local.convert(wave, RATE, speaker, ConversionOptions(seed=3, window_seconds=50))
    pieces = local.convert(
        wave, RATE, speaker, ConversionOptions(seed=3, window_seconds=window, overlap_seconds=overlap)
    )
    assert len(pieces) == len(whole) == round(seconds * 32_000)
    assert np.abs(pieces - whole).max() <= 1e-3 * np.abs(whole).max()


def test_several_references_are_averaged(converter: Converter, clips: Path, tmp_path: Path) -> None:
    write(tmp_path / "other.wav", speech(4, 120, seed=2), RATE)
    paths = [clips / "reference.wav", tmp_path / "other.wav"]
    first, second = (converter.speaker([path]) for path in paths)
    both = converter.speaker(paths)
    assert torch.allclose(both, (first + second) / 2, atol=1e-6) and not torch.allclose(first, second)
    report = convert_file(
        converter, clips / "source.wav", paths, tmp_path / "out.wav", ConversionOptions(), Events()
    )
    assert report.output_seconds == pytest.approx(7)


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("missing", InputError),
        ("empty", DataError),
        ("nan", DataError),
        ("short", InputError),
        ("silent", DataError),
        ("text", DataError),
    ],
)
def test_references_that_cannot_be_used(
    converter: Converter, clips: Path, tmp_path: Path, what: str, error: type[Exception]
) -> None:
    path = spoilt(tmp_path, what)
    with pytest.raises(error) as caught:
        convert_file(
            converter, clips / "source.wav", [path], tmp_path / "out.wav", ConversionOptions(), Events()
        )
    assert str(caught.value) and not (tmp_path / "out.wav").exists()
    with pytest.raises(InputError, match="No reference"):
        converter.speaker([])


@pytest.mark.parametrize(
    ("what", "error"),
    [("missing", InputError), ("empty", DataError), ("nan", DataError), ("text", DataError)],
)
def test_sources_that_cannot_be_used(
    converter: Converter, clips: Path, tmp_path: Path, what: str, error: type[Exception]
) -> None:
    source, reference = spoilt(tmp_path, what), clips / "reference.wav"
    with pytest.raises(error):
        convert_file(converter, source, [reference], tmp_path / "out.wav", ConversionOptions(), Events())
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.parametrize(("what", "seconds"), [("silent", 2.0), ("short", 0.01), ("loud", 2.0)])
def test_odd_sources_give_a_file_of_their_length(
    converter: Converter, clips: Path, tmp_path: Path, what: str, seconds: float
) -> None:
    source, output = spoilt(tmp_path, what), tmp_path / "out.flac"
    convert_file(converter, source, [clips / "reference.wav"], output, ConversionOptions(), Events())
    found = read(output)
    assert len(found.samples) == round(seconds * 32_000) and np.isfinite(found.samples).all()


def spoilt(folder: Path, what: str) -> Path:
    """A file that is `what`."""
    path = folder / f"{what}.wav"
    bad = speech(2)
    bad[1000:1010] = np.nan
    waves = {
        "empty": np.zeros(0, np.float32),
        "silent": np.zeros(2 * RATE, np.float32),
        "short": speech(0.01),
        "loud": np.clip(100 * speech(2), -50, 50),
    }
    if what in waves:
        write(path, waves[what], RATE, "FLOAT")
    elif what == "nan":
        # Our own writer refuses such samples.
        import soundfile

        soundfile.write(path, bad, RATE, "FLOAT")
    elif what == "text":
        path.write_text("This is no recording.")
    return path
