"""The separate stage: odd names, bad files, resume, endings, what is said of a weak separation."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest

from gsv.audio import read, write
from gsv.errors import DataError, DependencyError, InputError
from gsv.events import RecordedEvents
from gsv.stages.separate import JOURNAL, SeparateOptions, separate_recordings
from tests.audio.scenes import babble, mixed, music, si_sdr, speech

RATE = 16_000


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    return speech(RATE, clips=2)


@pytest.fixture
def folder(tmp_path: Path, voice: np.ndarray) -> Path:
    root = tmp_path / 'it\'s "raw" $(touch pwned) 你好 🎤'
    (root / "inner").mkdir(parents=True)
    mixture = mixed(voice, music(RATE, len(voice)), 0.0)
    write(root / "a.wav", 0.3 * mixture / np.abs(mixture).max(), RATE)
    write(root / "inner" / "a.flac", 0.3 * voice, RATE)
    write(root / "A.FLAC", np.zeros(RATE, np.float32), RATE)
    (root / "broken.mp3").write_bytes(b"no sound")
    (root / "empty.wav").write_bytes(b"")
    picture = ["-f", "lavfi", "-i", "color=size=16x16:duration=1", "-c:v", "mpeg4"]
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *picture, str(root / "mute.mp4")], check=True
    )
    return root


def test_the_script_separates_a_folder(folder: Path, voice: np.ndarray, run: Callable[..., Any]) -> None:
    output = folder / "voices"
    ended = run("separate", "--input", folder, "--output", output, "--format", "flac", "--workers", "1")
    assert ended.returncode == 0, ended.stderr
    assert "read 6  done 3  skipped 0  failed 3" in ended.stderr
    made = {path.relative_to(output).as_posix() for path in output.rglob("*.flac")}
    assert made == {"A.flac", "a-2.flac", "inner/a.flac"}
    found, original = read(output / "a-2.flac"), read(folder / "a.wav")
    assert found.rate == RATE and len(found.samples) == len(original.samples)
    assert si_sdr(found.samples, voice) - si_sdr(original.samples, voice) >= 3.0
    assert not read(output / "A.flac").samples.any()
    again = run("separate", "--input", folder, "--output", output, "--format", "flac", "--workers", "1")
    assert "read 6  done 0  skipped 3  failed 3" in again.stderr
    assert not list(folder.rglob("pwned"))


def test_voice_and_rest_make_the_recording(folder: Path, tmp_path: Path) -> None:
    events = RecordedEvents()
    options = SeparateOptions(keep_rest=True)
    counts = separate_recordings(folder / "a.wav", tmp_path / "one.wav", options, events=events)
    assert counts.done == 1
    whole = read(tmp_path / "one.wav").samples + read(tmp_path / "one.music.wav").samples
    assert np.abs(whole - read(folder / "a.wav").samples).max() < 1e-4
    assert "before" in events.of("item")[-1]["reason"], "the level of the music is reported"
    (tmp_path / "one.music.wav").unlink()
    assert separate_recordings(folder / "a.wav", tmp_path / "one.wav", options).done == 1
    assert separate_recordings(folder / "a.wav", tmp_path / "one.wav", options).skipped == 1
    assert (tmp_path / JOURNAL).is_file()


@pytest.mark.parametrize("kind", [music, babble])
def test_a_gain_or_a_warning(tmp_path: Path, voice: np.ndarray, kind: Callable[..., np.ndarray]) -> None:
    """What cannot be told from a voice stays: then the stage says so, and names what does it better."""
    pytest.importorskip("silero_vad")
    mixture = mixed(voice, kind(RATE, len(voice), 3), 0.0)
    write(tmp_path / "in.wav", mixture, RATE, "FLOAT")
    events = RecordedEvents()
    separate_recordings(tmp_path / "in.wav", tmp_path / "out", events=events)
    gain = si_sdr(read(tmp_path / "out" / "in.wav").samples, voice) - si_sdr(mixture, voice)
    warned = [event["text"] for event in events.of("message") if event["level"] == "warning"]
    assert gain >= 3.0 or ("weak" in warned[0] and "--model" in warned[0])
    assert bool(warned) == (kind is babble)


def test_bad_requests(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    for source, output in (
        (tmp_path / "nothing", tmp_path / "x"),
        (tmp_path / "nowhere.wav", tmp_path / "x"),
        (folder, folder),
        (folder / "a.wav", folder / "a.wav"),
        (folder / "a.wav", folder),
        (folder / "a.wav", tmp_path / "x.exe"),
    ):
        with pytest.raises(InputError):
            separate_recordings(source, output)
    with pytest.raises(InputError):
        separate_recordings(folder, tmp_path / "x", SeparateOptions(ending="aiff"))
    before = (folder / "a.wav").read_bytes()
    for name in ("broken.mp3", "empty.wav", "mute.mp4"):
        with pytest.raises(DataError):
            separate_recordings(folder / name, tmp_path / "x")
    assert (folder / "a.wav").read_bytes() == before


def test_a_model_without_its_package_names_the_command(folder: Path, tmp_path: Path) -> None:
    try:
        import audio_separator.separator  # noqa: F401
    except ImportError:
        with pytest.raises(DependencyError, match="pip install"):
            separate_recordings(folder, tmp_path / "x", SeparateOptions(model="a.onnx"), models=tmp_path)
    else:
        pytest.skip("audio-separator is installed")
