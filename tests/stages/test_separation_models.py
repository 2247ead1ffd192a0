"""Separation models: which file a name means, what lies beside it for the package, what a missing one says."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
import soundfile

from gsv.audio import read, write
from gsv.errors import DataError, InputError, WeightsError
from gsv.stages import separation_models
from gsv.stages.separate import AudioSeparator, SeparateOptions, separate_recordings
from gsv.stages.separation_models import FOLDER, LISTS, MDX_SETTINGS, RECOMMENDED, VR_SETTINGS
from gsv.weights.catalogue import find

RATE = 16_000
VOC_FT = "UVR-MDX-NET-Voc_FT.onnx"


class Package:
    """Stands for audio_separator.separator.Separator: halves the sound, and notes what lay in its folder.

    Like the package with MDX models it multiplies by the loudest sample, and it wants a program called ffmpeg.
    """

    made: ClassVar[list[Package]] = []
    error: ClassVar[str] = ""

    def __init__(self, model_file_dir: str, output_dir: str, **settings: Any) -> None:
        # As the package does: its variable wins over the argument.
        self.model_file_dir = os.environ.get("AUDIO_SEPARATOR_MODEL_DIR", model_file_dir)
        self.output = Path(output_dir)
        self.stem = settings["output_single_stem"]
        self.beside: dict[str, bytes] = {}
        self.check_ffmpeg_installed()
        Package.made.append(self)

    def check_ffmpeg_installed(self) -> None:
        raise FileNotFoundError("ffmpeg")

    def load_model(self, name: str) -> None:
        if Package.error:
            raise ValueError(Package.error)
        self.beside = {path.name: path.read_bytes() for path in Path(self.model_file_dir).iterdir()}
        assert name in self.beside

    def separate(self, path: str) -> list[str]:
        samples, rate = soundfile.read(path, dtype="float32")
        name = f"sound_({self.stem}).wav"
        soundfile.write(self.output / name, samples / 2 * np.abs(samples).max(), rate, "FLOAT")
        return [name]


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> type[Package]:
    module = ModuleType("audio_separator.separator")
    module.Separator = Package  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "audio_separator", ModuleType("audio_separator"))
    monkeypatch.setitem(sys.modules, "audio_separator.separator", module)
    monkeypatch.setattr(Package, "made", [])
    monkeypatch.setattr(Package, "error", "")
    return Package


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A second of noise below 5 kHz, which a change of rate leaves alone."""
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=RATE))
    spectrum[5000:] = 0
    write(tmp_path / "in.wav", 0.1 * np.fft.irfft(spectrum).astype(np.float32), RATE, "FLOAT")
    return tmp_path / "in.wav"


def separate(sound: Path, model: str, models: Path | None = None) -> None:
    options = SeparateOptions(model=model)
    separate_recordings(sound, sound.parent / "out", options, models=models or sound.parent, workers=1)


def fill(models: Path, name: str) -> Path:
    """Put bytes where the files of an entry belong; returns the folder."""
    entry = find(name)
    for file in entry.files:
        place = entry.place(file, models)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.path.encode())
    return models / FOLDER


def test_what_the_warning_recommends_is_in_the_catalogue() -> None:
    assert find(RECOMMENDED) in separation_models.published()
    for entry in separation_models.published():
        assert entry.folder == FOLDER and entry.licence and entry.hashed and entry.size


def test_names_files_and_paths(tmp_path: Path) -> None:
    expected = tmp_path / FOLDER / VOC_FT
    assert separation_models.located(RECOMMENDED, tmp_path) == expected
    assert separation_models.located(VOC_FT, tmp_path) == expected
    assert separation_models.located(str(expected), None) == expected
    assert separation_models.located("own.pth", tmp_path) == tmp_path / FOLDER / "own.pth"
    with pytest.raises(InputError, match="no separation model was named"):
        separation_models.located("", tmp_path)


@pytest.mark.parametrize("name", [entry.name for entry in separation_models.published()])
def test_a_model_of_the_catalogue_has_all_beside_it(
    name: str, sound: Path, package: type[Package], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(sound.parent, name)
    before = sorted(folder.iterdir())
    monkeypatch.setenv("AUDIO_SEPARATOR_MODEL_DIR", str(sound.parent / "elsewhere"))
    separate(sound, name)
    left = read(sound.parent / "out" / "in.wav").samples - read(sound).samples / 2
    assert np.abs(left[200:-200]).max() < 1e-3
    assert sorted(folder.iterdir()) == before, "nothing is written into a person's folder"
    (worker,) = package.made
    files = {file.path: file.path.encode() for file in find(name).files}
    assert {path: worker.beside[path] for path in files} == files
    assert set(worker.beside) == {*files, LISTS, MDX_SETTINGS, VR_SETTINGS}
    lists = json.loads(worker.beside[LISTS])
    named = [files for group in lists.values() for files in group.values()]
    first, *rest = (file.path for file in find(name).files)
    assert named == [{first: rest[0]} if rest else first]
    if name == RECOMMENDED:
        (settings,) = json.loads(worker.beside[MDX_SETTINGS]).values()
        assert settings["primary_stem"] == "Vocals" and settings["mdx_n_fft_scale_set"] == 7680


def test_pieces_keep_level_and_place(
    sound: Path, package: type[Package], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each piece has its own loudest sample, one is silent."""
    monkeypatch.setattr(AudioSeparator, "_PIECE_SECONDS", 0.25)
    monkeypatch.setattr(AudioSeparator, "_OVERLAP_SECONDS", 0.05)
    loudness = np.repeat(np.float32([0.01, 0.0, 1.0, 0.3]), RATE // 4)
    noise = read(sound).samples * loudness
    write(sound, noise, RATE, "FLOAT")
    fill(sound.parent, RECOMMENDED)
    voice = np.concatenate(
        list(AudioSeparator(separation_models.located(RECOMMENDED, sound.parent)).voice(sound, RATE))
    )
    assert len(voice) == RATE and len(package.made) == 1
    left = np.abs(voice[:RATE] - noise[: len(voice)] / 2).reshape(4, -1)
    assert left[:, 400:-400].max() < 1e-3, "apart from the sudden changes of loudness"


@pytest.mark.parametrize("seconds", [0.01, 0.2, 0.3, 0.77, 1.0])
def test_what_a_model_does_at_the_ends_of_a_piece_is_not_heard(
    sound: Path, package: type[Package], monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    plain = package.separate

    def deaf_at_the_ends(self: Package, path: str) -> list[str]:
        samples, rate = soundfile.read(path, dtype="float32")
        edge = round(0.02 * rate)
        samples[:edge] = samples[-edge:] = 0
        soundfile.write(path, samples, rate, "FLOAT")
        return plain(self, path)

    monkeypatch.setattr(AudioSeparator, "_PIECE_SECONDS", 0.25)
    monkeypatch.setattr(AudioSeparator, "_OVERLAP_SECONDS", 0.1)
    monkeypatch.setattr(package, "separate", deaf_at_the_ends)
    time = np.arange(round(seconds * RATE), dtype=np.float32) / RATE
    level = 0.5 * np.clip(np.minimum(time, seconds - time) / 0.02, 0, 1)  # a step would ring in resampling
    write(sound, level, RATE, "FLOAT")
    fill(sound.parent, RECOMMENDED)
    model = separation_models.located(RECOMMENDED, sound.parent)
    voice = np.concatenate(list(AudioSeparator(model).voice(sound, RATE)))
    assert abs(len(voice) - len(level)) <= 1
    inside = voice[round(0.03 * RATE) : -round(0.03 * RATE)]
    assert np.allclose(inside, 0.25, atol=0.01) or not len(inside)


def test_name_and_file_are_one_model(sound: Path, package: type[Package]) -> None:
    fill(sound.parent, RECOMMENDED)
    separate(sound, RECOMMENDED)
    separate(sound, VOC_FT)
    assert len(package.made) == 1, "what was separated with the same model is kept"


def test_a_model_of_ones_own_stays_where_it_is(sound: Path, package: type[Package]) -> None:
    folder = sound.parent / "mine"
    folder.mkdir()
    (folder / "own.pth").write_bytes(b"weights")
    (folder / LISTS).write_text("theirs")
    separate(sound, str(folder / "own.pth"))
    assert package.made[0].model_file_dir == str(folder)
    assert package.made[0].beside == {"own.pth": b"weights", LISTS: b"theirs"}


def test_a_missing_model_names_its_download(sound: Path, package: type[Package]) -> None:
    for model in (RECOMMENDED, VOC_FT, str(sound.parent / VOC_FT)):
        with pytest.raises(WeightsError, match=rf"{VOC_FT}.*tools/models\.py download {RECOMMENDED}"):
            separate(sound, model)
    with pytest.raises(WeightsError, match=rf"own\.onnx.*tools/models\.py download {RECOMMENDED}"):
        separate(sound, "own.onnx")
    (fill(sound.parent, "mel-band-roformer") / "vocals_mel_band_roformer.yaml").unlink()
    with pytest.raises(WeightsError, match=r"\.yaml.*download mel-band-roformer"):
        separate(sound, "mel-band-roformer")


def test_a_model_that_does_not_load_is_fetched_again(sound: Path, package: type[Package]) -> None:
    fill(sound.parent, RECOMMENDED)
    package.error = "parameters for MD5 hash 0 could not be found"
    with pytest.raises(DataError, match=rf"does not load: parameters.*download {RECOMMENDED}"):
        separate(sound, RECOMMENDED)


@pytest.mark.parametrize("refused", [(), ("symlink",), ("symlink", "link")])
def test_systems_without_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: tuple[str, ...]
) -> None:
    def refuse(*paths: object) -> None:
        raise OSError("not here")

    for name in refused:
        monkeypatch.setattr(os, name, refuse)
    copies: list[object] = []
    copy: Callable[..., Any] = shutil.copy
    monkeypatch.setattr(shutil, "copy", lambda *paths: copies.append(copy(*paths)))
    folder = fill(tmp_path, RECOMMENDED)
    made = separation_models.laid_out(folder / VOC_FT, tmp_path / "made")
    assert (made / VOC_FT).read_bytes() == VOC_FT.encode()
    assert bool(copies) == (len(refused) == 2)
