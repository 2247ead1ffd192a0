"""Prepared arrays from generated clips: parts, samples, and rows that cannot be used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile
from safetensors.numpy import load_file

from gsv.corpus.splits import CorpusRow
from gsv.listening.similarity import SpeakerEncoder
from gsv.training.arrays import PreparedArrays
from gsv.training.clips import SPEAKER_VECTORS_FILE
from gsv.workflows.prepare_arrays import array_parts

ROOT = Path(__file__).resolve().parents[2]


def test_parts_keep_voices_and_sentences_apart() -> None:
    rows = [
        CorpusRow(f"{voice}{i}", voice, "en", f"{voice} says {i}")
        for voice in ("a", "b", "a-c")
        for i in range(25)
    ]
    rows += [CorpusRow("x", "a", "en", "b says 3"), CorpusRow("y", "b", "en", "nobody else says this")]
    parts = dict(zip((row.file for row in rows), array_parts(rows, {}, frozenset({"c"})), strict=True))
    assert {parts[f"a-c{i}"] for i in range(25)} == {"held"}
    assert parts["a0"] == "train" and parts["b24"] == "train" and parts["y"] == "held"
    # "b says 3" was last of its speaker, but training hears that sentence from b: it goes back.
    assert parts["x"] == "train"


def test_the_script_writes_arrays_and_lists_what_it_left_out(tmp_path: Path) -> None:
    rate = 24000
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(rate) / rate)
    for name in ("one.wav", "two.flac"):
        soundfile.write(tmp_path / name, tone, rate)
    (tmp_path / "broken.wav").write_bytes(b"RIFF not a wave")
    rows = [
        {"file": name, "speaker": "s", "lang": "en", "text": "Hello, world.", "seconds": 1.0}
        for name in ("one.wav", "two.flac", "broken.wav", "missing.wav")
    ]
    table = tmp_path / "corpus.jsonl"
    table.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    events = tmp_path / "events.jsonl"
    command = [
        sys.executable,
        ROOT / "tools" / "prepare_arrays.py",
        "--table",
        table,
        "--output",
        tmp_path / "arrays",
    ]
    done = subprocess.run(
        [*map(str, command), "--workers", "1", "--events", str(events)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    arrays = PreparedArrays.open(tmp_path / "arrays")
    assert [item.name for item in arrays.items] == ["one", "two"]
    first = arrays.items[0]
    assert first.length16 == 16000 and first.length32 == 32000 and first.source_rate == rate
    assert 0.29 < np.abs(arrays.wave(arrays.items[1], 16000)).max() < 0.31
    assert len(first.spoken) < len(first.phones)
    failed = [e for e in map(json.loads, events.read_text().splitlines()) if e["kind"] == "item"]
    assert {Path(e["name"]).name for e in failed} == {"broken.wav", "missing.wav"}
    assert _vectors_of(tmp_path / "arrays", arrays) == {"one", "two"}


def _vectors_of(folder: Path, arrays: PreparedArrays) -> set[str]:
    """Names with a speaker vector after the script was run on the arrays; each is that of the clip."""
    script = ROOT / "tools" / "extract_speaker.py"
    done = subprocess.run(
        [sys.executable, str(script), "--arrays", str(folder)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert subprocess.run([sys.executable, str(script)], capture_output=True).returncode == 2
    vectors = load_file(folder / SPEAKER_VECTORS_FILE)
    first = arrays.items[0]
    expected = SpeakerEncoder.load().embed(arrays.wave(first, 16000), 16000)
    assert np.allclose(vectors[first.name], expected, atol=1e-6)
    return set(vectors)
