"""Each step from raw recordings to a checked list, as a script, over files that are no good: named, and survived."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest

from gsv.audio import write

from .raw_recording import EXAMPLES, REPOSITORY

WHISPER = Path.home() / ".cache" / "gsv" / "whisper-base"
ODD = "it's $(touch pwned); & `x` 数据"
GOOD = "-good 名 'q' $(touch pwned).opus"
UNUSABLE = ("empty.wav", "mute.mp4", "noise.mp3", "text.wav", "torn.flac")
"""Files in which there is nothing that could be heard."""
STEPS = ("separate", "slice", "denoise", "transcribe", "check_dataset")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One good recording, a silent one, and files of every bad kind, in a folder with a hard name."""
    folder = tmp_path_factory.mktemp("bad") / ODD
    folder.mkdir()
    shutil.copy(EXAMPLES / "recordings" / "06.opus", folder / GOOD)
    write(folder / "silent.wav", np.zeros(3 * 16_000, np.float32), 16_000)
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("this is a text\n" * 50, encoding="utf-8")
    (folder / "noise.mp3").write_bytes(np.random.default_rng(0).bytes(4000))
    (folder / "torn.flac").write_bytes(b"fLaC" + bytes(60))
    program = imageio_ffmpeg.get_ffmpeg_exe()
    picture = [program, "-loglevel", "error", "-f", "lavfi", "-i", "color=c=black:s=64x64:d=1:r=5"]
    subprocess.run([*picture, str(folder / "mute.mp4")], check=True, timeout=120)
    return folder


def run(
    step: str, source: Path, output: Path
) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
    """The script's end and its events."""
    if step == "transcribe" and not (WHISPER / "model.bin").is_file():
        pytest.skip(f"no Whisper model in {WHISPER} (shared/checks/whisper_base.py fetches it)")
    events = output.parent / f"{output.name}.events"
    more = {
        "transcribe": [f"--model={WHISPER}", "--language=en"],
        "check_dataset": ["--no-listen", "--workers=1"],
    }
    command = [sys.executable, "-X", "utf8", str(REPOSITORY / "tools" / f"{step}.py"), f"--input={source}"]
    command += [f"--output={output}", f"--events={events}", *more.get(step, ["--workers=1"])]
    ended = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    lines = events.read_text(encoding="utf-8").splitlines() if events.is_file() else []
    return ended, [json.loads(line) for line in lines]


def output_of(step: str, folder: Path) -> Path:
    return folder / ("made.list" if step == "transcribe" else "made 物")


def source_of(step: str, sounds: Path) -> Path:
    """The folder, or for the doctor a list of what is in it with broken rows between."""
    if step != "check_dataset":
        return sounds
    rows = [f"{path.name}|me|en|Secrecy is the beginning of tyranny." for path in sorted(sounds.iterdir())]
    path = sounds.parent / "broken rows.list"
    broken = [
        "no separators",
        "a|b|c",
        "x.wav|me|klingon|Hello.",
        f"{GOOD}|me|en|",
        "|me|en|Hello.",
        "a|b|en|c|d",
    ]
    path.write_text(
        "\n".join(f"{sounds.name}/{row}" if row in rows else row for row in [*broken, *rows]), "utf-8"
    )
    return path


@pytest.mark.parametrize("step", STEPS)
def test_bad_recordings_are_named_and_the_good_one_goes_on(step: str, sounds: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in sounds.iterdir()}
    output = output_of(step, tmp_path)
    ended, events = run(step, source_of(step, sounds), output)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert output.exists()
    counts = [event for event in events if event["kind"] == "counts"][-1]
    told = " ".join(f"{name}: {reason}" for name, reason in counts["reasons"].items())
    assert counts["done"] >= 1 and counts["failed"] >= len(UNUSABLE), told
    if step != "check_dataset":  # it names rows
        assert set(UNUSABLE) <= set(counts["reasons"]), told
        assert GOOD not in counts["reasons"]
    assert all(reason.strip() and "Traceback" not in reason for reason in counts["reasons"].values())
    assert "Traceback" not in ended.stderr
    assert {path.name: path.read_bytes() for path in sounds.iterdir() if path.is_file()} == before
    assert not list(sounds.parent.rglob("pwned")) and not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("kind", ["missing", "no audio", "empty.wav", "mute.mp4"])
@pytest.mark.parametrize("step", STEPS)
def test_nothing_usable_is_a_failure_with_a_reason(
    step: str, kind: str, sounds: Path, tmp_path: Path
) -> None:
    source = sounds / kind
    if kind == "no audio":
        source = tmp_path / "no audio"
        source.mkdir()
        (source / "notes.txt").write_text("nothing to hear", encoding="utf-8")
    if step == "check_dataset" and kind in UNUSABLE:
        source = tmp_path / "only.list"
        source.write_text(f"{sounds / kind}|me|en|Hello there.\n", encoding="utf-8")
    ended, events = run(step, source, output_of(step, tmp_path))
    assert ended.returncode == 1, ended.stderr[-2000:]
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("failed: ") and "unexpected" not in last, last
    assert "Traceback" not in ended.stderr
    assert [event["kind"] for event in events][-1:] in ([], ["failed"])
