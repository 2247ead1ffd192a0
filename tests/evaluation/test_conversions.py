"""Pairs are drawn fairly from what training never heard; conversions of a table are made, scored and judged."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from gsv.audio import read, read_tags, write
from gsv.errors import DataError, InputError
from gsv.evaluation.conversions import ConversionSetup, asked, evaluate_conversions
from gsv.evaluation.pairs import (
    OTHER_REGISTER,
    RECORDING,
    Voice,
    choose_pairs,
    median_pitch,
    pairs_of_arrays,
    read_pairs,
)
from gsv.events import RecordedEvents
from gsv.settings import Workspace
from gsv.synthesis.conversion import ConversionOptions
from gsv.training.arrays import ArrayItem
from tests.synthesis.conftest import make_workspace, speech

RATE = 16_000


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("workspace"))


def vowel(pitch: float, formant: float, seconds: float = 3.0) -> np.ndarray:
    """A buzz with one formant: two of them differ in pitch and in timbre."""
    time = np.arange(round(seconds * RATE)) / RATE
    harmonics = np.arange(1, int(7000 / pitch))
    loud = 1 / (1 + ((harmonics * pitch - formant) / 300) ** 2) + 0.02
    wave = sum(gain * np.sin(2 * np.pi * pitch * n * time) for n, gain in zip(harmonics, loud, strict=True))
    return (0.1 * wave * (1 + 0.5 * np.sin(2 * np.pi * 3 * time))).astype(np.float32)


@pytest.mark.parametrize("pitch", [85.0, 130.0, 210.0, 320.0])
@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_pitch_is_that_of_the_buzz(pitch: float, rate: int) -> None:
    time = np.arange(rate) / rate
    wave = sum(np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 20))
    assert median_pitch(wave, rate) == pytest.approx(pitch, rel=0.03)
    assert median_pitch(np.random.default_rng(0).normal(size=rate), rate) == pytest.approx(0, abs=401)
    assert median_pitch(np.zeros(100, np.float32), rate) == 0


def test_pairs_are_spread_over_languages_registers_and_speakers() -> None:
    voices = [
        Voice(f"{language}{speaker}-{clip}", f"{language}{speaker}", language, "text", bool(speaker % 2))
        for language in ("en", "zh") for speaker in range(6) for clip in range(5)
    ]  # fmt: skip
    recordings = [Voice(f"r{n}", "stranger", "en", "text", True) for n in range(3)]
    pairs = choose_pairs(
        voices, voices, recordings, 40, 1, lambda a, b: {a.speaker, b.speaker} == {"en0", "en1"}
    )
    assert pairs == choose_pairs(
        voices, voices, recordings, 40, 1, lambda a, b: {a.speaker, b.speaker} == {"en0", "en1"}
    )
    for source, target in pairs:
        assert source.speaker != target.speaker and {source.speaker, target.speaker} != {"en0", "en1"}
        assert source.language == target.language or target.speaker == "stranger"
    assert Counter(source.language for source, _ in pairs) == {"en": 20, "zh": 20}
    assert sum(source.high != target.high for source, target in pairs) == 20
    assert sum(target.speaker == "stranger" for _, target in pairs) == 8
    spread = Counter(source.speaker for source, _ in pairs)
    assert len(spread) == 12 and max(spread.values()) <= 5
    with pytest.raises(DataError, match="No pair"):
        choose_pairs(voices[:5], voices[:5], [], 1, 1, lambda a, b: False)


def arrays_of(folder: Path, clips: list[tuple[str, str, str, np.ndarray]]) -> None:
    """Prepared arrays of (name, speaker, part, wave at 16 kHz)."""
    folder.mkdir()
    items, waves, start = [], [], 0
    for name, speaker, part, wave in clips:
        items.append(
            ArrayItem(
                name, speaker, "en", f"This is {name}.", [], [], part, start, len(wave), 2 * start,
                2 * len(wave), RATE,
            )
        )  # fmt: skip
        waves.append((wave * 32767).astype("<i2"))
        start += len(wave)
    whole = np.concatenate(waves)
    whole.tofile(folder / "wave16.i16")
    np.repeat(whole, 2).tofile(folder / "wave32.i16")
    (folder / "items.json").write_text(json.dumps([asdict(item) for item in items]))


def test_pairs_of_arrays_take_unheard_voices_only(tmp_path: Path) -> None:
    sounds = {"low": vowel(100, 500), "high": vowel(230, 1800), "heard": vowel(150, 900)}
    clips = [(f"{name}{n}", name, "held", wave) for name, wave in sounds.items() for n in range(2)]
    clips += [("taught", "heard", "train", sounds["heard"]), ("short", "low", "held", sounds["low"][:8000])]
    arrays_of(tmp_path / "arrays", clips)
    write(tmp_path / "stranger.wav", vowel(140, 2600, 4), RATE)
    (tmp_path / "real.list").write_text("stranger.wav|stranger|en|Hello.\n")
    table = pairs_of_arrays(tmp_path / "arrays", tmp_path / "out", 6, tmp_path / "real.list", seed=3)
    pairs = read_pairs(table)
    assert len(pairs) == 6 and {pair.speaker for pair in pairs} == {"low", "high", "stranger"}
    assert all("heard" not in pair.source.name and "short" not in pair.source.name for pair in pairs)
    recorded = [pair for pair in pairs if RECORDING in pair.groups]
    assert [pair.reference for pair in recorded] == [tmp_path / "stranger.wav"]
    across = [pair for pair in pairs if OTHER_REGISTER in pair.groups and pair not in recorded]
    assert across and all(pair.source.name[:3] != pair.reference.name[:3] for pair in across)
    found = read(pairs[0].source)
    with pytest.raises(InputError, match="No clips"):
        pairs_of_arrays(None, tmp_path / "out", 6)
    assert found.rate == 32000 and found.seconds == pytest.approx(3)


def test_faults_of_a_table_are_named_together(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", speech(1), RATE)
    path = tmp_path / "pairs.jsonl"
    good = {"source": "a.wav", "reference": "a.wav", "text": "x", "lang": "EN"}
    bad = [good | {"lang": "xx"}, good | {"source": "none.wav"}, good | {"extra": 1}, good | {"text": ""}]
    path.write_text("\n".join(json.dumps(row) for row in [good, *bad]) + "\nnothing\n\n")
    with pytest.raises(InputError, match=r"5 faults.*line 2.*line 3.*none.wav.*line 4.*line 5.*line 6"):
        read_pairs(path)
    path.write_text(json.dumps(good))
    assert read_pairs(path)[0].source == tmp_path / "a.wav"
    path.write_text("\n")
    with pytest.raises(InputError, match="no pairs"):
        read_pairs(path)


def test_what_is_asked_is_judged() -> None:
    def figure(mean: float, ceiling: float = 0.1) -> dict[str, float]:
        return {"mean": mean, "ceiling_mean": ceiling}

    english = {"error_rate": figure(0.25), "similarity_target": figure(0.7), "margin": figure(0.05)}
    judged = asked({"summary": {"en": english}})
    assert [entry["reached"] for entry in judged] == [True, True, False]
    assert judged[0]["value"] == pytest.approx(0.15)
    every = {"similarity_target": figure(0.6)}
    judged = asked({"summary": {"en": {"error_rate": figure(0.35)}, "zh": {}, "all": every}})
    assert [entry["reached"] for entry in judged] == [False, False]


def test_pairs_are_converted_and_scored(workspace: Path, tmp_path: Path) -> None:
    write(tmp_path / "a.wav", speech(2, 120), RATE)
    write(tmp_path / "b.wav", speech(2, 250, seed=1), RATE)
    write(tmp_path / "silent.wav", np.zeros(RATE, np.float32), RATE)
    row = {"text": "Hello there.", "lang": "en"}
    rows = [
        row | {"source": "a.wav", "reference": "b.wav", "speaker": "b", "groups": ["other"]},
        row | {"source": "a.wav", "reference": "silent.wav"},
        row | {"source": "b.wav", "reference": "a.wav", "speaker": "a"},
    ]
    table = tmp_path / "pairs.jsonl"
    table.write_text("\n".join(map(json.dumps, rows)))
    events = RecordedEvents()
    setup = ConversionSetup(Workspace(workspace))
    text = evaluate_conversions(table, tmp_path / "out", setup, ConversionOptions(seed=4), events)
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert (report["clips"], report["failed"]) == (3, 1) and "silent" in text and "NOT reached" in text
    good = [entry for entry in report["rows"] if not entry["reason"]]
    for entry in good:
        figures = entry["figures"]
        between = figures["similarity_target"] - figures["similarity_source"]
        assert figures["margin"] == pytest.approx(between)
        assert figures["nearest"] in (0, 1) and "margin_others" in figures and "phone_error_rate" in figures
    assert report["summary"]["other"]["margin"]["count"] == 1
    assert report["conversion"]["options"]["seed"] == 4 and report["conversion"]["family"] == "tiny"
    assert read(tmp_path / "out" / "0000.wav").seconds == 2
    assert read_tags(tmp_path / "out" / "0000.wav")["comment"] == "synthetic"
    told = ConversionSetup(Workspace(workspace), told_text=True)
    text = evaluate_conversions(table, tmp_path / "told", told, ConversionOptions(seed=4), RecordedEvents())
    report = json.loads((tmp_path / "told" / "report.json").read_text(encoding="utf-8"))
    assert report["conversion"]["told_text"] and not report["asked"] and "nothing is asked" in text
    heard, known = (read(tmp_path / name / "0000.wav").samples for name in ("out", "told"))
    assert not np.array_equal(heard, known)  # the words that it was told are heard in it
    table.write_text(json.dumps(rows[1]))
    with pytest.raises(DataError, match="No pair could"):
        evaluate_conversions(table, tmp_path / "none", setup, ConversionOptions(), events)


def test_the_script(workspace: Path, tmp_path: Path, repository: Path) -> None:
    script = [sys.executable, str(repository / "tools" / "evaluate_conversions.py"), "--output", "out"]

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*script, "--workspace", str(workspace), *more],
            cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=300,
        )  # fmt: skip

    assert run().returncode == 2 == run("--pairs", "x", "--arrays", "y").returncode
    sounds = [("one", vowel(100, 500)), ("two", vowel(230, 1800))]
    arrays_of(tmp_path / "arrays", [(name, name, "held", wave) for name, wave in sounds])
    done = run("--arrays", "arrays", "--count", "2", "--threads", "1", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert "Asked of a base" in done.stdout and (tmp_path / "out" / "pairs" / "pairs.jsonl").is_file()
    again = run("--pairs", str(tmp_path / "out" / "pairs" / "pairs.jsonl"), "--weights", "none.safetensors")
    assert again.returncode == 1 and "no voice" in again.stderr
