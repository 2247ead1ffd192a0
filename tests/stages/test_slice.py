"""The slice stage: clips of real files, resume, odd names, bad files, speech activity."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gsv.audio import read, write
from gsv.audio.slicing import SliceSettings
from gsv.errors import DataError, InputError
from gsv.events import RecordedEvents
from gsv.stages.separate import JOURNAL as SEPARATED
from gsv.stages.separate import SeparateOptions, separate_recordings
from gsv.stages.slice import SPEECH_SILENCE, SliceOptions, slice_recordings
from gsv.stages.sound_files import origins
from tests.audio.scenes import speech

RATE = 32000
NAME = re.compile(r"(.+)_(\d{10})_(\d{10})\.wav")


def speechlike(seed: int, parts: list[tuple[float, float]]) -> np.ndarray:
    generator = np.random.default_rng(seed)
    pieces = [generator.normal(size=int(RATE * seconds)) * level for seconds, level in parts]
    return np.concatenate(pieces).astype(np.float32).clip(-1, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / 'it\'s "raw" $(touch pwned) 你好 🎤'
    (root / "inner").mkdir(parents=True)
    write(root / "a.wav", speechlike(1, [(4.5, 0.2), (0.8, 0), (5.0, 0.3), (1.2, 0), (4.2, 0.1)]), RATE)
    write(root / "inner" / "a.wav", speechlike(2, [(5.0, 0.2), (1.0, 0.0), (25.0, 0.2)]), RATE, "FLOAT")
    write(root / "silent.wav", np.zeros(RATE, np.float32), RATE)
    (root / "broken.mp3").write_bytes(b"no sound")
    (root / "notes.txt").write_text("not for us")
    return root


def clips_in(output: Path) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for path in sorted(output.glob("*.wav")):
        match = NAME.fullmatch(path.name)
        assert match
        found.setdefault(match[1], []).append((int(match[2]), int(match[3])))
    return found


def test_the_script_slices_a_folder(folder: Path, tmp_path: Path, run: Callable[..., Any]) -> None:
    output = folder / "clips"
    ended = run("slice", "--input", folder, "--output", output, "--alpha", 0, "--float")
    assert ended.returncode == 0, ended.stderr
    assert "read 4  done 2  skipped 0  failed 2" in ended.stderr
    clips = clips_in(output)
    assert {name: len(pieces) for name, pieces in clips.items()} == {"a.wav": 3, "a-2.wav": 4}
    for name, source in (("a.wav", "a.wav"), ("a-2.wav", "inner/a.wav")):
        whole = read(folder / source).samples
        for start, end in clips[name]:
            clip = read(output / f"{name}_{start:010d}_{end:010d}.wav")
            assert clip.rate == RATE and np.array_equal(clip.samples, whole[start:end]), "untouched samples"
            assert end - start <= 12 * RATE
    again = run("slice", "--input", folder, "--output", output, "--alpha", 0, "--float")
    assert "read 4  done 0  skipped 2  failed 2" in again.stderr
    assert clips_in(output) == clips


def is_soft(part: np.ndarray, cutting: SliceSettings) -> bool:
    """Whether the level is below the threshold; what is shorter than a window is measured in a whole one."""
    power = np.sum(np.square(part)) / max(len(part), cutting.window_samples(RATE))
    return bool(np.sqrt(power) < cutting.threshold)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 40_000)), min_size=1, max_size=8),
    st.sampled_from([0.0, 2000.0, 12_000.0]),
    st.sampled_from([7.0, 10.0]),
)
def test_clips_and_what_is_dropped_make_the_recording(
    tmp_path: Path, parts: list[tuple[bool, int]], longest: float, hop: float
) -> None:
    """Exactly, sample by sample: no sample is lost, none is written twice, and only silence is dropped."""
    generator = np.random.default_rng(0)
    wave = np.concatenate([generator.normal(0, 0.2 if loud else 1e-4, size) for loud, size in parts])
    wave = wave.astype(np.float32)
    write(tmp_path / "in.wav", wave, RATE, "FLOAT")
    cutting = SliceSettings(min_length=500, max_clip=longest, hop=hop)
    options = SliceOptions(cutting, alpha=0, as_float=True)
    output = tmp_path / "clips"
    try:
        slice_recordings(tmp_path / "in.wav", output, options)
    except DataError:
        assert is_soft(wave, cutting)
        return
    position, pieces = 0, []
    for start, end in clips_in(output)["in.wav"]:
        assert position <= start < end <= len(wave)
        if start > position:
            assert is_soft(wave[position:start], cutting)
        pieces += [wave[position:start], read(output / f"in.wav_{start:010d}_{end:010d}.wav").samples]
        position = end
    assert np.array_equal(np.concatenate([*pieces, wave[position:]]), wave)
    assert position == len(wave) or is_soft(wave[position:], cutting)


def test_other_options_or_another_recording_replace_the_clips(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "clips"
    assert slice_recordings(folder / "a.wav", output).done == 1
    first = clips_in(output)
    (start, end) = first["a.wav"][0]
    peak = np.abs(read(folder / "a.wav").samples[start:end]).max()
    clip = read(output / f"a.wav_{start:010d}_{end:010d}.wav").samples
    assert np.abs(clip).max() == pytest.approx(0.225 + 0.75 * peak, abs=1e-3)
    write(folder / "a.wav", speechlike(3, [(4.5, 0.2), (0.8, 0), (5.0, 0.3)]), RATE)
    assert slice_recordings(folder / "a.wav", output).done == 1
    assert len(clips_in(output)["a.wav"]) == 2 and clips_in(output) != first
    assert slice_recordings(folder / "a.wav", output, SliceOptions(alpha=0.5)).done == 1
    next(output.glob("*.wav")).unlink()
    assert slice_recordings(folder / "a.wav", output, SliceOptions(alpha=0.5)).done == 1


def test_any_number_of_workers_gives_the_same_clips(folder: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        slice_recordings(folder, tmp_path / str(workers), workers=workers)
    files = [{path.name: path.read_bytes() for path in (tmp_path / w).iterdir()} for w in ("1", "2")]
    assert files[0] == files[1] and len(files[0]) == 8


def test_bad_sources_are_typed_errors(folder: Path, tmp_path: Path) -> None:
    events = RecordedEvents()
    with pytest.raises(DataError, match="nothing"):
        slice_recordings(folder / "silent.wav", tmp_path / "x", events=events)
    assert events.of("counts")[0]["failed"] == 1
    for source in (folder / "nowhere", folder / "inner" / "nowhere.wav", tmp_path / "x"):
        with pytest.raises(InputError):
            slice_recordings(source, tmp_path / "y")
    with pytest.raises(InputError, match="another folder"):
        slice_recordings(folder, folder)
    with pytest.raises(InputError):
        SliceOptions(alpha=2)


def test_long_names_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / f"{'长' * 60}.wav"
    write(path, speechlike(1, [(1.0, 0.2)]), RATE)
    slice_recordings(path, tmp_path / "clips")
    (clip,) = (tmp_path / "clips").glob("*.wav")
    assert clip.name.endswith(f".wav_0000000000_{RATE:010d}.wav") and len(clip.name.encode()) <= 100


def test_speech_activity_takes_noise_for_silence(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("silero_vad", reason="needs silero-vad")
    counts = slice_recordings(folder / "a.wav", tmp_path / "loud")
    assert counts.done == 1
    with pytest.raises(DataError, match="no speech"):
        slice_recordings(folder / "a.wav", tmp_path / "speech", SliceOptions(speech_activity=True))


def test_speech_of_a_separated_voice_is_listened_for_in_the_recording(tmp_path: Path) -> None:
    """What is left of music before a sentence is no speech, however much it sounds like it when it is alone."""
    pytest.importorskip("silero_vad")
    source, voices = tmp_path / "raw 录音", tmp_path / "voices"
    noise = np.random.default_rng(0).normal(size=4 * RATE).astype(np.float32)
    said = speech(RATE, 0, 1)
    write(source / "a.wav", np.concatenate([0.01 * noise, said]), RATE)
    separate_recordings(source, voices, SeparateOptions(keep_rest=True))
    assert list(origins(voices, SEPARATED).values()) == [source / "a.wav"], "the music is no voice"
    (voices / "a.music.wav").unlink()
    # A separation that left speech where nobody spoke.
    write(voices / "a.wav", np.concatenate([speech(RATE, 2, 1)[: len(noise)], said]), RATE)
    options, events = (
        SliceOptions(SliceSettings(max_silence=SPEECH_SILENCE), speech_activity=True),
        RecordedEvents(),
    )
    slice_recordings(voices, tmp_path / "clips", options, events=events)
    assert any("separated from" in event["text"] for event in events.of("message"))
    first = min(start for clips in clips_in(tmp_path / "clips").values() for start, _ in clips)
    assert first > 3.5 * RATE
    # Without its recording, or with another length, a voice is heard itself.
    write(source / "a.wav", said, RATE)
    slice_recordings(voices, tmp_path / "clips", options)
    assert min(start for clips in clips_in(tmp_path / "clips").values() for start, _ in clips) < 1.5 * RATE
