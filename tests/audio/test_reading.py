"""Real files of every kind go through the reader: good, odd, broken, very long."""

from __future__ import annotations

import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gsv.audio import Limits, blocks, probe, read, write
from gsv.errors import DataError, GsvError, InputError

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")

RATE = 16_000


def tone(seconds: float = 1.0, rate: int = RATE, hertz: float = 440.0) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def convert(source: Path, target: Path, *options: str) -> Path:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *options, "-i", f"file:{source}"]
    subprocess.run([*command, f"file:{target}"], check=True, timeout=60)
    return target


def loudest_hertz(samples: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write(tmp_path / "clip.wav", tone(), RATE)
    return tmp_path / "clip.wav"


@pytest.mark.parametrize("suffix", ["flac", "mp3", "ogg", "opus", "m4a", "mp4", "mkv", "aiff", "webm"])
def test_formats(clip: Path, tmp_path: Path, suffix: str) -> None:
    audio = read(convert(clip, tmp_path / f"clip.{suffix}"), 24_000)
    assert audio.rate == 24_000 and audio.samples.dtype == np.float32 and audio.samples.ndim == 1
    assert 0.95 < audio.seconds < 1.15
    assert abs(loudest_hertz(audio.samples, 24_000) - 440) < 5


def test_video_gives_its_sound(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "film.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "color=black:s=64x64:d=1"]
    subprocess.run([*command, "-i", str(clip), "-shortest", str(target)], check=True, timeout=60)
    assert probe(target).decoder == "ffmpeg"
    assert read(target).seconds > 0.9


@pytest.mark.parametrize(
    "name",
    ["a b.wav", 'it\'s "q".wav', "$(touch x) `id`.wav", "录音文件.wav", "😀🎤.wav", "-y.wav", "%d|;&.wav"],
)
def test_odd_names(clip: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "文件 夹 $(x)"
    write(folder / name, tone(), RATE)
    assert read(folder / name).seconds == 1.0
    converted = convert(clip, folder / (name + ".m4a"))
    assert read(converted).seconds > 0.9
    assert len(list(folder.iterdir())) == 2


def test_misnamed_file(clip: Path, tmp_path: Path) -> None:
    for suffix in ("mp3", "m4a"):
        source = convert(clip, tmp_path / f"x.{suffix}")
        renamed = source.rename(tmp_path / f"{suffix}-inside.wav")
        assert read(renamed).seconds > 0.9
    assert read(clip.rename(tmp_path / "wave.mp3")).seconds == 1.0


def test_eight_bit_many_channels_and_high_rate(tmp_path: Path) -> None:
    path = tmp_path / "eight.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 8_000, 0, "NONE", ""))
        file.writeframes((128 + 100 * tone(rate=8_000)).astype(np.uint8).tobytes())
    assert abs(loudest_hertz(read(path).samples, 8_000) - 440) < 5
    six = np.stack([tone(rate=192_000)] * 6, axis=1)
    soundfile.write(tmp_path / "six.wav", six, 192_000)
    audio = read(tmp_path / "six.wav", 32_000)
    assert len(audio.samples) == 32_000 and abs(np.abs(audio.samples).max() - 0.5) < 0.02


def test_channels_are_averaged(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "two.wav", np.stack([tone(), 0 * tone()], axis=1), RATE)
    assert abs(np.abs(read(tmp_path / "two.wav").samples).max() - 0.25) < 1e-3


def test_silence_is_a_result(tmp_path: Path) -> None:
    write(tmp_path / "silent.wav", np.zeros(100), RATE)
    assert not read(tmp_path / "silent.wav").samples.any()


def test_broken_files_give_typed_errors(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("this is no recording\n" * 50)
    (tmp_path / "zeros.mp3").write_bytes(bytes(5000))
    (tmp_path / "noise.wav").write_bytes(np.random.default_rng(0).bytes(20_000))
    (tmp_path / "header.wav").write_bytes(clip.read_bytes()[:30])
    write(tmp_path / "nothing.wav", np.zeros(0), RATE)
    (tmp_path / "list.wav").write_text(f"ffconcat version 1.0\nfile '{clip.name}'\n")
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n")
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan, 0.1] * 99), RATE, subtype="FLOAT")
    names = ["empty.wav", "text.wav", "zeros.mp3", "noise.wav", "header.wav", "nothing.wav", "list.wav"]
    names += ["list.m3u8", "nan.wav"]
    for name in names:
        with pytest.raises(DataError) as caught:
            read(tmp_path / name)
        assert name in str(caught.value)
    for missing in (tmp_path / "none.wav", tmp_path):
        with pytest.raises(InputError):
            read(missing)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "m4a"])
def test_truncated_files_give_a_result_or_a_typed_error(clip: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut.{suffix}"
    whole = clip if suffix == "wav" else convert(clip, tmp_path / f"whole.{suffix}")
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    try:
        assert 0 < read(path).seconds < 1.1
    except GsvError as error:
        assert error.what


def test_limits_hold_before_decoding(clip: Path) -> None:
    for limits in (Limits(bytes=100, seconds=600), Limits(bytes=1 << 30, seconds=0.5)):
        with pytest.raises(InputError, match="too l"):
            read(clip, limits=limits)
    with pytest.raises(InputError, match="Hz"):
        read(clip, 5)


def test_too_many_channels(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "wide.wav", np.zeros((100, 70)), RATE)
    with pytest.raises(InputError, match="70 channels"):
        read(tmp_path / "wide.wav")


@pytest.mark.parametrize("rate", [RATE, 22_050])
def test_blocks_join_to_the_clip(tmp_path: Path, rate: int) -> None:
    generator = np.random.default_rng(1)
    write(tmp_path / "long.wav", generator.normal(0, 0.1, 5 * RATE + 77), RATE)
    pieces = list(blocks(tmp_path / "long.wav", rate, 0.7))
    whole = read(tmp_path / "long.wav", rate).samples
    assert all(len(piece) == round(0.7 * rate) for piece in pieces[:-1])
    joined = np.concatenate(pieces)
    assert abs(len(joined) - len(whole)) <= 1
    size = min(len(joined), len(whole))
    assert np.abs(joined[:size] - whole[:size]).max() < 1e-4


def sparse_wav(path: Path, seconds: int, rate: int) -> Path:
    """16-bit silence that takes no room on disk."""
    size = seconds * rate * 2
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
    header = bytearray(path.read_bytes())
    header[4:8], header[40:44] = (36 + size).to_bytes(4, "little"), size.to_bytes(4, "little")
    path.write_bytes(header)
    with path.open("r+b") as file:
        file.truncate(len(header) + size)
    return path


def test_three_hours_pass_in_little_memory(tmp_path: Path) -> None:
    path = sparse_wav(tmp_path / "three hours.wav", 3 * 3600, 16_000)
    with pytest.raises(InputError, match="too long"):
        read(path)
    # In a process of its own: the memory of this one depends on which tests ran before.
    program = (
        "import sys, psutil\n"
        "from gsv.audio import blocks\n"
        "total, peak = 0, 0\n"
        "for block in blocks(sys.argv[1], 32000, 30):\n"
        "    total, peak = total + len(block), max(peak, psutil.Process().memory_info().rss)\n"
        "assert total == 3 * 3600 * 32000, total\n"
        "assert peak < 400e6, peak\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=300)
