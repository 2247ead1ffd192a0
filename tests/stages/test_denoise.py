"""The denoise stage: rate, length and place are kept, noise is measured, better scores and no more errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gsv.audio import read, write
from gsv.errors import DataError, InputError, WeightsError
from gsv.events import RecordedEvents
from gsv.stages.denoise import DenoiseOptions, denoise_recordings
from tests.audio.scenes import EXAMPLES, delay, mixed, si_sdr, speech

WHISPER = Path.home() / ".cache" / "gsv" / "whisper-base"


def noisy(path: Path, rate: int, clips: int = 1, first: int = 0) -> np.ndarray:
    """Write speech with white noise 5 dB below it; returns the speech at the same level."""
    voice = speech(rate, first, clips)
    mixture = mixed(voice, np.random.default_rng(0).normal(size=len(voice)), 5.0)
    scale = 0.5 / np.abs(mixture).max()
    write(path, scale * mixture, rate)
    return scale * voice


@pytest.mark.parametrize("rate", [11_025, 44_100, 48_000])
def test_rate_length_and_place_are_kept(tmp_path: Path, rate: int) -> None:
    voice = noisy(tmp_path / "in.wav", rate)
    denoise_recordings(tmp_path / "in.wav", tmp_path / "out.wav")
    found = read(tmp_path / "out.wav")
    assert found.rate == rate and len(found.samples) == len(voice)
    assert abs(delay(found.samples, voice)) <= rate / 1000
    assert si_sdr(found.samples, voice) > si_sdr(read(tmp_path / "in.wav").samples, voice) + 3


def test_the_script_denoises_a_folder(tmp_path: Path, run: Callable[..., Any]) -> None:
    folder, output = tmp_path / "it's $(x) 录音", tmp_path / "out"
    (folder / "inner").mkdir(parents=True)
    noisy(folder / "inner" / "hiss.wav", 16_000)
    write(folder / "silent.wav", np.zeros(16_000, np.float32), 16_000)
    (folder / "broken.ogg").write_bytes(b"x")
    arguments = ("--input", folder, "--output", output, "--strength", "0.9", "--workers", "1")
    ended = run("denoise", *arguments)
    assert ended.returncode == 0 and "read 3  done 2  skipped 0  failed 1" in ended.stderr, ended.stderr
    assert "Noise between the words" in ended.stderr
    assert (output / "inner" / "hiss.wav").is_file()
    assert not read(output / "silent.wav").samples.any()
    assert "skipped 2" in run("denoise", *arguments).stderr


def test_noise_is_measured_before_and_after(tmp_path: Path) -> None:
    pytest.importorskip("silero_vad")
    voice = noisy(tmp_path / "in.wav", 16_000)
    noise = read(tmp_path / "in.wav").samples - voice
    events = RecordedEvents()
    denoise_recordings(tmp_path / "in.wav", tmp_path / "out", DenoiseOptions(strength=1.0), events=events)
    (said,) = [event["reason"] for event in events.of("item")]
    before = float(said.split("noise ")[1].split(" dB")[0])
    after = float(said.split("before, ")[1].split(" dB")[0])
    assert before == pytest.approx(20 * np.log10(np.std(noise)), abs=1.5)
    assert after < before - 15


def test_a_strength_keeps_a_share(tmp_path: Path) -> None:
    noisy(tmp_path / "in.wav", 16_000)
    for strength in (1.0, 0.5):
        options = DenoiseOptions(strength=strength)
        denoise_recordings(tmp_path / "in.wav", tmp_path / f"{strength}.wav", options)
    half = (read(tmp_path / "in.wav").samples + read(tmp_path / "1.0.wav").samples) / 2
    assert np.abs(read(tmp_path / "0.5.wav").samples - half).max() < 1e-4


def test_results_of_recordings_that_are_gone_go_too(tmp_path: Path) -> None:
    """Slicing again makes other clips; what was cleaned of the old ones must not be transcribed."""
    folder, output = tmp_path / "clips", tmp_path / "clean"
    folder.mkdir()
    for name in ("a.flac", "a.wav", "b.wav"):
        write(folder / name, np.full(100, 0.1, np.float32), 16_000)
    output.mkdir()
    (output / "mine.wav").write_bytes(b"a person's own file")
    denoise_recordings(folder, output)
    names = {"a.wav", "a-2.wav", "b.wav", "mine.wav"}
    assert {path.name for path in output.glob("*.wav")} == names
    (folder / "a.flac").unlink()
    (folder / "b.wav").unlink()
    assert denoise_recordings(folder, output).done == 1
    assert {path.name for path in output.glob("*.wav")} == {"a.wav", "mine.wav"}


def test_bad_requests(tmp_path: Path) -> None:
    for changes in ({"model": "magic"}, {"strength": 0.0}, {"strength": 1.5}):
        with pytest.raises(InputError):
            DenoiseOptions(**changes)
    write(tmp_path / "a.wav", np.zeros(100, np.float32), 16_000)
    with pytest.raises(WeightsError, match="download deepfilternet3"):
        denoise_recordings(tmp_path, tmp_path / "x", DenoiseOptions(model="deepfilternet3"), models=tmp_path)
    with pytest.raises(InputError):
        denoise_recordings(tmp_path / "a.wav", tmp_path)
    (tmp_path / "b.wav").write_bytes(b"")
    with pytest.raises(DataError):
        denoise_recordings(tmp_path / "b.wav", tmp_path / "x")


def test_the_sound_is_judged_better(tmp_path: Path) -> None:
    pytest.importorskip("speechmos.dnsmos", reason="the extra 'quality' is not installed")
    from gsv.listening.quality import QualityScorer

    noisy(tmp_path / "in.wav", 16_000)
    denoise_recordings(tmp_path / "in.wav", tmp_path / "out.wav")
    scorer = QualityScorer()
    before, after = (
        scorer.score(read(tmp_path / name).samples, 16_000).overall for name in ("in.wav", "out.wav")
    )
    assert after > before + 0.3


def test_the_recogniser_hears_no_less(tmp_path: Path) -> None:
    if not (WHISPER / "model.bin").is_file():
        pytest.skip(f"no Whisper model in {WHISPER}")
    pytest.importorskip("faster_whisper")
    from gsv.evaluation.rates import error_rate
    from gsv.listening.recognition import WhisperRecogniser

    noisy(tmp_path / "in.wav", 16_000, clips=3)
    denoise_recordings(tmp_path / "in.wav", tmp_path / "out.wav")
    recogniser = WhisperRecogniser(WHISPER, threads=1)
    lines = (EXAMPLES.parent / "recordings.list").read_text(encoding="utf-8").splitlines()[:3]
    text = " ".join(line.split("|")[3] for line in lines)
    errors = [
        error_rate(text, recogniser.transcribe(read(tmp_path / name).samples, 16_000, "en").text, "en").edits
        for name in ("in.wav", "out.wav")
    ]
    assert errors[1] <= errors[0]
