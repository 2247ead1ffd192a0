"""Conversion of files of any length: exact length, equal files for equal seeds, honest errors."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from gsv.audio import read, read_tags
from gsv.errors import Cancelled, DataError, DependencyError, InputError, WeightsError
from gsv.events import Events, RecordedEvents
from gsv.listening.beam import read_with_language
from gsv.listening.recognition import Recognition
from gsv.models.content import SAMPLE_RATE
from gsv.models.phone_language import LANGUAGE_FILE, PhoneLanguage
from gsv.settings import Workspace
from gsv.synthesis import phones
from gsv.synthesis.conversion import Conversion, ConversionOptions, Converter, convert_file
from gsv.synthesis.loading import content_folder, load_converter
from gsv.synthesis.phones import GivenText, HeardPhones, Stretch, in_both
from tests.synthesis.conftest import RATE, small_encoder, speech


@pytest.fixture(scope="module")
def converter(workspace: Path) -> Converter:
    return load_converter(Workspace(workspace))


@pytest.fixture(scope="module")
def speaker(converter: Converter, clips: Path) -> torch.Tensor:
    return converter.speaker([clips / "reference.wav"])


def test_a_short_clip_is_what_decode_gives(converter: Converter, speaker: torch.Tensor) -> None:
    wave = speech(2.0)
    found = converter.convert(wave, RATE, speaker, ConversionOptions(seed=5, noise_scale=0))
    content, logits = converter.listen(wave)
    ids = HeardPhones("v2").phones(Stretch(wave, logits, 0, 1)).ids or [converter.config.blank_phone]
    codes = converter.synthesizer.extract_latent(content)
    unknown = torch.full((1, codes.shape[2] * converter.config.quantizer.frames_per_code), -1)
    expected = converter.synthesizer.decode(
        codes, torch.tensor([ids]), speaker=speaker, noise_scale=0, phone_places=unknown
    )
    assert found.shape == (64_000,)
    assert np.abs(found - expected[0, 0].numpy()).max() < 1e-5


def test_what_ear_and_language_agree_on_is_trusted() -> None:
    assert in_both([1, 2, 3, 4], [1, 9, 3, 4, 4]) == [True, False, True, True, False]
    assert in_both([], [5]) == [False] and in_both([5], []) == []


@pytest.mark.parametrize("agreed", [0.0, 1.01])
def test_what_is_read_with_a_language_is_held_to_where_the_two_agree(
    workspace: Path, tmp_path: Path, speaker: torch.Tensor, monkeypatch: pytest.MonkeyPatch, agreed: float
) -> None:
    monkeypatch.setattr(phones, "_AGREED", agreed)
    room = Workspace(workspace)
    folder = tmp_path / "content"
    shutil.copytree(content_folder(room, load_converter(room).config), folder)
    torch.manual_seed(3)
    PhoneLanguage(732, 4, 8).save(folder / LANGUAGE_FILE)
    converter = load_converter(room, content=folder)
    assert converter.phone_language is not None
    wave = speech(2.0)
    content, logits = converter.listen(wave)
    source = HeardPhones("v2", converter.phone_language)
    said = source.phones(Stretch(wave, logits, 0, 1))
    ids, merely = said.ids, HeardPhones("v2").phones(Stretch(wave, logits, 0, 1))
    both = in_both(merely.ids, ids)
    assert any(both) and not any(merely.trusted)
    assert said.trusted == (both if agreed == 0.0 else [False] * len(both))
    scores = logits[0].log_softmax(-1).numpy()
    assert ids and ids == read_with_language(scores, PhoneLanguage.load(folder / LANGUAGE_FILE, 732))
    found = converter.convert(wave, RATE, speaker, ConversionOptions(noise_scale=0))
    codes = converter.synthesizer.extract_latent(content)
    network, read = converter.synthesizer, torch.tensor([ids])
    features = network.features_of(codes[:, 0])
    counts = torch.tensor([features.shape[2]]), torch.tensor([len(ids)])
    path = network.text_places(features, counts[0], read, counts[1])
    assert path is not None
    held = torch.tensor([[place if said.trusted[place] else -1 for place in path[0].tolist()]])
    expected = network.decode(codes, read, speaker=speaker, noise_scale=0, phone_places=held)
    assert np.abs(found - expected[0, 0].numpy()).max() < 1e-5
    (folder / LANGUAGE_FILE).write_bytes(b"cut short")
    with pytest.raises(WeightsError, match="cannot be used"):
        load_converter(room, content=folder)


def test_a_given_text_is_held_to(converter: Converter, speaker: torch.Tensor) -> None:
    assert converter.config.prior.follows_text
    wave, said = speech(2.0), "Hello there."
    options = ConversionOptions(noise_scale=0, text=said, language="en")
    found = converter.convert(wave, RATE, speaker, options)
    codes = converter.synthesizer.extract_latent(converter.listen(wave)[0])
    given = torch.tensor([GivenText(said, "en", "v2").phones(Stretch(wave, None, 0, 1)).ids])
    expected = converter.synthesizer.decode(codes, given, speaker=speaker, noise_scale=0)
    assert np.abs(found - expected[0, 0].numpy()).max() < 1e-5


@pytest.mark.parametrize("speed", [0.7, 1.0, 1.3])
@pytest.mark.parametrize("seconds", [0.05, 3.99, 9.013])
def test_length_is_the_source_over_the_speed(
    converter: Converter, speaker: torch.Tensor, seconds: float, speed: float
) -> None:
    wave = speech(seconds)
    options = ConversionOptions(speed=speed, window_seconds=4, overlap_seconds=0.5)
    found = converter.convert(wave, RATE, speaker, options)
    assert len(found) == round(len(wave) * 2 / speed)
    assert np.isfinite(found).all()
    # Nothing was left out: the end sounds like the rest (the padding of the last frame aside).
    assert np.abs(found[: len(found) // 2]).max() > 0 and np.abs(found[-1000:-100]).max() > 0


def test_windows_join_where_nothing_depends_on_them(converter: Converter, speaker: torch.Tensor) -> None:
    # Silence is the same in every window, so the seams must not be heard.
    silent = ConversionOptions(noise_scale=0, window_seconds=4, overlap_seconds=1)
    found = converter.convert(np.zeros(10 * RATE, np.float32), RATE, speaker, silent)
    # Beyond the reach of the ends every 40 ms repeat the ones before.
    middle = found[2 * 32_000 : 8 * 32_000].reshape(-1, 1280)
    assert np.abs(np.diff(middle, axis=0)).max() < 0.05 * max(1e-3, np.abs(found).max())


def test_same_seed_same_file(converter: Converter, clips: Path, tmp_path: Path) -> None:
    written = []
    for name, seed in (("a.wav", 1), ("b.wav", 1), ("c.wav", 2)):
        options = ConversionOptions(seed=seed, window_seconds=4, overlap_seconds=0.5)
        report = convert_file(
            converter, clips / "source.wav", [clips / "reference.wav"], tmp_path / name, options, Events()
        )
        assert report.windows == 2 and report.output_seconds == pytest.approx(7)
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1] != written[2]
    assert read_tags(tmp_path / "a.wav")["comment"] == "synthetic"


def test_text_is_used(converter: Converter, speaker: torch.Tensor) -> None:
    wave = speech(6)
    heard = converter.convert(wave, RATE, speaker)
    given = converter.convert(wave, RATE, speaker, ConversionOptions(text="Hello there.", language="EN"))
    spread = converter.convert(
        wave, RATE, speaker, ConversionOptions(text="Hello there.", language="EN", window_seconds=4)
    )
    assert len(heard) == len(given) == len(spread)
    assert np.abs(heard - given).max() > 1e-4
    with pytest.raises(InputError, match="no language"):
        converter.convert(wave, RATE, speaker, ConversionOptions(text="Hello"))


class Hears:
    """A recogniser with a fixed opinion."""

    name = "fixed"

    def __init__(self, text: str, language: str) -> None:
        self.found = Recognition(text, language, 1.0)

    def transcribe(self, samples: np.ndarray, rate: int, language: str | None = None) -> Recognition:
        assert rate == SAMPLE_RATE
        return self.found


def test_published_families_need_to_know_the_words(workspace: Path, clips: Path) -> None:
    weights = workspace / "pretrained_models" / "v2" / "sovits.safetensors"
    published = load_converter(Workspace(workspace), weights)
    speaker = published.speaker([clips / "reference.wav"])
    with pytest.raises(DependencyError, match="needs to know"):
        published.convert(speech(1), RATE, speaker)
    assert (
        len(published.convert(speech(1), RATE, speaker, ConversionOptions(text="hi", language="en")))
        == 32_000
    )
    for hears in (Hears("hello", "en"), Hears("", "en")):
        published.recogniser = hears
        assert len(published.convert(speech(1), RATE, speaker)) == 32_000
    published.recogniser = Hears("bonjour", "fr")
    with pytest.raises(InputError, match="'fr'"):
        published.convert(speech(1), RATE, speaker)


def test_an_encoder_of_another_width_is_refused(converter: Converter) -> None:
    other = small_encoder(0)
    other.hubert.config.hidden_size = 20
    with pytest.raises(WeightsError, match="does not fit"):
        Converter(converter.synthesizer, other)


def test_bad_files_leave_no_output(converter: Converter, clips: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF and nothing")
    good = clips / "source.wav"
    for source, reference in (
        (tmp_path / "broken.wav", good),
        (good, tmp_path / "broken.wav"),
        (good, tmp_path),
    ):
        with pytest.raises((DataError, InputError)):
            convert_file(converter, source, [reference], tmp_path / "out.wav", ConversionOptions(), Events())
    with pytest.raises(InputError, match="suffix"):
        convert_file(converter, good, [good], tmp_path / "out.txt", ConversionOptions(), Events())
    assert [path.name for path in tmp_path.iterdir()] == ["broken.wav"]


def test_stop_is_heard_between_windows(converter: Converter, clips: Path, tmp_path: Path) -> None:
    events = RecordedEvents()
    events.request_stop()
    with pytest.raises(Cancelled):
        convert_file(
            converter,
            clips / "source.wav",
            [clips / "reference.wav"],
            tmp_path / "o.wav",
            ConversionOptions(),
            events,
        )
    assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_the_length(converter: Converter, speaker: torch.Tensor) -> None:
    block = speech(5)
    options = ConversionOptions(window_seconds=4, overlap_seconds=0.5)
    conversion = Conversion(converter, speaker, options)
    process, levels = psutil.Process(), []
    for number, piece in enumerate(conversion.run(block for _ in range(120))):
        assert len(piece) <= 32_000 * 10
        if number % 10 == 9:
            levels.append(process.memory_info().rss)
    assert conversion.given == 120 * 5 * 32_000
    assert max(levels[3:]) - levels[2] < 50e6


def test_the_script(workspace: Path, clips: Path, tmp_path: Path, repository: Path) -> None:
    command = [sys.executable, str(repository / "tools" / "convert.py"), "--workspace", str(workspace)]
    command += ["--source", str(clips / "source.wav"), "--reference", str(clips / "reference.wav")]

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *more], cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=300
        )

    output = tmp_path / "转换 $(x).flac"
    done = run("--output", str(output), "--seed", "3", "--events", str(tmp_path / "events.jsonl"))
    assert done.returncode == 0, done.stderr
    assert read(output).seconds == 7 and read_tags(output)["comment"] == "synthetic"
    assert '"finished"' in (tmp_path / "events.jsonl").read_text()
    failed = run("--output", "x.wav", "--weights", str(workspace / "pretrained_models/v2/sovits.safetensors"))
    assert failed.returncode == 1
    assert "--whisper" in failed.stderr.strip().splitlines()[-1]
    assert not (tmp_path / "x.wav").exists()
