"""A text into a file: parts, resume after a stop, the script, subtitles and report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gsv.audio import probe, read, read_tags
from gsv.errors import Cancelled, InputError
from gsv.events import RecordedEvents
from gsv.settings import Workspace
from gsv.synthesis.command import SpeakCommand, command_options, command_voice, run_command
from gsv.synthesis.engine import Synthesizer
from gsv.synthesis.long_text import speak_to_file
from gsv.synthesis.options import SpeakOptions
from gsv.synthesis.voice import Voice

TEXT = "One day. Two days. Three days. Four days."


class StopAfter(RecordedEvents):
    """Asks for a stop once so many sentences are there."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._left = count

    def item(self, name: str, state: str, reason: str = "") -> None:
        super().item(name, state, reason)
        self._left -= 1
        if self._left == 0:
            self.request_stop()


def test_a_stopped_text_goes_on_and_is_the_same(engine: Synthesizer, voice: Voice, tmp_path: Path) -> None:
    options = SpeakOptions(seed=5, pause=0.2)
    whole = speak_to_file(engine, TEXT, voice, tmp_path / "whole.flac", options)
    parts, output = tmp_path / "parts", tmp_path / "out.flac"
    with pytest.raises(Cancelled):
        speak_to_file(engine, TEXT, voice, output, options, parts=parts, events=StopAfter(2))
    assert not output.exists()
    assert sorted(path.name for path in parts.glob("*.flac")) == ["0001.flac", "0002.flac"]
    events = RecordedEvents()
    report = speak_to_file(engine, TEXT, voice, output, options, parts=parts, events=events)
    assert report.reused == 2 and len(report.sentences) == 4
    counts = events.of("counts")[0]
    assert counts["read"] == 4 and counts["failed"] == len(report.failed)
    assert counts["done"] + counts["skipped"] + counts["failed"] == 4, "each sentence counts once"
    assert counts["skipped"] == sum(item.passed for item in report.sentences[:2])
    assert abs(read(output).samples - read(tmp_path / "whole.flac").samples).max() < 1e-4
    assert [item.start for item in report.sentences] == [item.start for item in whole.sentences]
    assert probe(output).seconds == pytest.approx(report.seconds)
    assert read_tags(output)["comment"] == "synthetic"


def test_what_changed_is_said_again(engine: Synthesizer, voice: Voice, tmp_path: Path) -> None:
    parts = tmp_path / "parts"

    def reused(text: str, options: SpeakOptions) -> int:
        return speak_to_file(engine, text, voice, tmp_path / "o.wav", options, parts=parts).reused

    assert reused(TEXT, SpeakOptions(seed=5)) == 0
    assert reused(TEXT, SpeakOptions(seed=5, pause=1)) == 4
    assert reused(TEXT.replace("Two", "Ten"), SpeakOptions(seed=5)) == 3
    assert reused(TEXT, SpeakOptions(seed=5, speed=1.5)) == 0
    (parts / "0003.flac").write_bytes(b"damaged")
    (parts / "0004.json").write_text("{")
    assert reused(TEXT, SpeakOptions(seed=5, speed=1.5)) == 2
    assert reused(TEXT, SpeakOptions(seed=6, speed=1.5)) == 0


def test_a_free_seed_stays_the_same_over_a_stop(engine: Synthesizer, voice: Voice, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    with pytest.raises(Cancelled):
        speak_to_file(engine, TEXT, voice, tmp_path / "o.wav", None, parts=parts, events=StopAfter(3))
    report = speak_to_file(engine, TEXT, voice, tmp_path / "o.wav", None, parts=parts)
    assert report.reused == 3


def test_one_sentence_is_redone_and_the_others_stay(
    engine: Synthesizer, voice: Voice, tmp_path: Path
) -> None:
    parts = tmp_path / "parts"

    def speak(*redo: int) -> tuple[int, list[int]]:
        report = speak_to_file(engine, TEXT, voice, tmp_path / "o.wav", None, parts=parts, redo=redo)
        return report.reused, [item.seed for item in report.sentences]

    _, first = speak()
    reused, second = speak(3)
    assert reused == 3 and [a == b for a, b in zip(first, second, strict=True)] == [True, True, False, True]
    assert speak() == (4, second)
    _, third = speak(3)
    assert third[2] not in (first[2], second[2])
    with pytest.raises(InputError, match="no sentence 5"):
        speak(5)


def test_flagged_sentences_are_told(engine: Synthesizer, voice: Voice, tmp_path: Path) -> None:
    events = RecordedEvents()
    report = speak_to_file(engine, TEXT, voice, tmp_path / "o.wav", SpeakOptions(seed=5), events=events)
    flagged = [line for line in events.of("item") if line["state"] == "failed"]
    assert len(flagged) == len(report.failed) > 0
    assert flagged[0]["reason"].startswith("said, but: ")


def test_settings_of_a_command_line(speaking_root: Path, tmp_path: Path) -> None:
    def options(*settings: str) -> SpeakOptions:
        return command_options(SpeakCommand(output=tmp_path / "o.wav", settings=settings))

    assert options("top_k=7", "loudness=none", "ref_free=True", "cut=cut5").model_dump(exclude_unset=True) == {
        "language": "auto", "top_k": 7, "loudness": None, "ref_free": True, "cut": "cut5",
    }  # fmt: skip
    for wrong in ("top_k", "top_k=x", "louder=1"):
        with pytest.raises(InputError):
            options(wrong)
    workspace = Workspace(speaking_root)
    for fields in ({"sovits": tmp_path}, {"voice": tmp_path}, {}):
        with pytest.raises(InputError):
            command_voice(SpeakCommand(output=tmp_path / "o.wav", **fields), workspace)  # type: ignore[arg-type]
    for fields in ({}, {"text": "a", "text_file": tmp_path}):
        command = SpeakCommand(
            output=tmp_path / "o.wav", references=(speaking_root / "long.wav",), **fields  # type: ignore[arg-type]
        )  # fmt: skip
        with pytest.raises(InputError, match="one text"):
            run_command(command, workspace, RecordedEvents())


def test_the_script(speaking_root: Path, tmp_path: Path, repository: Path) -> None:
    command = [sys.executable, str(repository / "tools" / "speak.py"), "--workspace", str(speaking_root)]
    command += ["--reference", str(speaking_root / "reference.wav"), "--reference-text", "The lamp is lit."]
    command += ["--device", "cpu", "--set", "retries=0", "--set", "top_k=0", "--set", "ref_free=false"]

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *more], cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=300
        )

    text = tmp_path / "text.txt"
    text.write_text("\ufeffOne day.\n两天。\n", encoding="utf-8")
    corrected = [{"sentence": 2, "text": "两天。", "phones": ["l", "iang3", "t", "ian1", "."]}]
    (tmp_path / "p.json").write_text(json.dumps(corrected), encoding="utf-8")
    done = run(
        "--text-file", str(text), "--output", "说 $(x).wav", "--seed", "3", "--subtitles", "s.srt",
        "--subtitles", "s.vtt", "--report", "r.json", "--events", "e.jsonl", "--phones", "p.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert [item["language"] for item in report["sentences"]] == ["en", "zh"] and report["seed"] == 3
    assert (report["reference"]["start"], report["reference"]["end"]) == (0, 4)
    assert report["precision"] == "float32"
    told = (tmp_path / "e.jsonl").read_text(encoding="utf-8")
    assert "reference: 0.0 to 4.0 s of reference.wav (timbre and manner, " in told
    assert probe(tmp_path / "说 $(x).wav").seconds == pytest.approx(report["seconds"])
    assert report["sentences"][1]["phones"] == corrected[0]["phones"]
    for name in ("s.srt", "s.vtt"):
        assert "两天。" in (tmp_path / name).read_text(encoding="utf-8")
    failed = run("--text", "。", "--output", "x.wav")
    assert failed.returncode == 1 and "nothing to say" in failed.stderr.splitlines()[-1]
    assert not (tmp_path / "x.wav").exists()
