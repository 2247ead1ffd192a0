"""A table of clips through real listeners: figures, ceilings, bad rows, the report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from gsv.audio import write
from gsv.errors import DataError, InputError
from gsv.evaluation.report import summarise, table
from gsv.evaluation.scoring import Evaluator, Listeners, Row, Score, read_rows
from gsv.events import RecordedEvents
from gsv.listening.recognition import Recognition
from gsv.listening.similarity import SpeakerEncoder
from gsv.listening.voice_statistics import CEPSTRA, VoiceStatistics
from gsv.models.content import ContentEncoder, ContentSettings, tiny_hubert_config

RATE = 16_000


def buzz(path: Path, pitch: float, seconds: float = 2.0) -> Path:
    time = np.arange(round(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * pitch * harmonic * time) / harmonic for harmonic in range(1, 15))
    write(path, 0.1 * wave * (1 + 0.5 * np.sin(20 * time)), RATE)
    return path


class Parrot:
    """A recogniser that hears one sentence in everything: the only way to know its errors beforehand."""

    name = "parrot"

    def transcribe(self, samples: np.ndarray, rate: int, language: str | None = None) -> Recognition:
        return Recognition("one two three", language or "en", 1.0)


@pytest.fixture
def listeners() -> Listeners:
    torch.manual_seed(0)
    config = tiny_hubert_config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, conv_dim=(8,) * 7,
        num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    encoder = ContentEncoder(config, ContentSettings("test", phone_classes=733)).eval()
    return Listeners(Parrot(), encoder, SpeakerEncoder.load())


def test_figures_beside_their_ceilings(tmp_path: Path, listeners: Listeners) -> None:
    voice, other = buzz(tmp_path / "voice.wav", 110), buzz(tmp_path / "other.wav", 260)
    row = Row(wav=voice, text="one two four", lang="EN", reference=voice, source=other)
    score = Evaluator(listeners).score(row)
    assert score.figures["error_rate"] == pytest.approx(1 / 3) == score.ceilings["error_rate"]
    assert score.figures["similarity_target"] > 0.999 > score.ceilings["similarity_target"] > 0.8
    assert score.figures["similarity_source"] == pytest.approx(score.ceilings["similarity_source"])
    assert score.figures["phone_error_rate"] > 0 and score.heard == "one two three"


def test_second_judges_stand_beside_the_first(tmp_path: Path, listeners: Listeners) -> None:
    voice, other = buzz(tmp_path / "voice.wav", 110), buzz(tmp_path / "other.wav", 260)
    draw = np.random.default_rng(0)
    examples = [(draw.normal(size=2 * CEPSTRA + 2) + 3 * n, str(n)) for n in range(6) for _ in range(3)]
    listeners.second, listeners.second_speaker = Parrot(), VoiceStatistics.fit(examples)
    row = Row(wav=voice, text="one two four", lang="en", reference=voice, source=other)
    figures = Evaluator(listeners).score(row).figures
    assert figures["error_rate_second"] == pytest.approx(1 / 3)
    assert figures["second_similarity_target"] == pytest.approx(1, abs=1e-5) and figures["second_margin"] > 0
    chinese = Row(wav=voice, text="一二", lang="zh", reference=voice)
    score = Evaluator(listeners).score(chinese)
    assert "error_rate_second" not in score.figures and "second_margin" not in score.figures
    assert "second judge" in table(summarise([score]))


def test_a_bad_row_is_listed_and_the_rest_goes_on(tmp_path: Path, listeners: Listeners) -> None:
    rows = [Row(wav=buzz(tmp_path / "a.wav", 110), text="one", lang="en"), Row(wav=tmp_path / "none.wav")]
    events = RecordedEvents()
    scores = Evaluator(listeners).run(rows, events)
    report = summarise(scores)
    assert (report["clips"], report["failed"]) == (2, 1)
    assert "none.wav" in table(report)
    json.dumps(report, allow_nan=False)
    with pytest.raises(DataError, match="No clip"):
        Evaluator(listeners).run(rows[1:], events)


def test_bad_lines_are_named_together(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"wav": "a.wav", "text": "x", "lang": "en"}\nnothing\n{"text": 1}\n{"wav": "a", "text": "x"}\n'
    )
    with pytest.raises(InputError, match=r"3 bad lines.*line 2.*line 3.*line 4"):
        read_rows(path)
    path.write_text('{"wav": "a.wav", "reference": "b/c.wav", "extra": 1}\n')
    assert read_rows(path)[0].reference == tmp_path / "b" / "c.wav"
    path.write_text("\n")
    with pytest.raises(InputError, match="no rows"):
        read_rows(path)


def test_summary_keeps_languages_apart_and_finds_the_worst() -> None:
    scores = [Score(f"{i}.wav", "en", {"error_rate": i / 20, "similarity_target": i / 20}) for i in range(20)]
    scores.append(Score("z.wav", "zh", {"error_rate": 9.0, "similarity_target": 0.5}))
    summary = summarise(scores)["summary"]
    english = summary["en"]["error_rate"]
    assert english["mean"] == pytest.approx(0.475) == english["median"]
    assert [entry["wav"] for entry in english["worst"]][:2] == ["19.wav", "18.wav"] and len(
        english["worst"]
    ) == 10
    assert summary["en"]["similarity_target"]["worst"][0]["wav"] == "0.wav"
    assert "error_rate" not in summary["all"] and summary["all"]["similarity_target"]["count"] == 21


def test_the_script(tmp_path: Path, repository: Path) -> None:
    voice = buzz(tmp_path / "voice 1.wav", 110)
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        json.dumps({"wav": voice.name, "reference": voice.name, "lang": "en", "text": "x"}) + "\n"
    )
    command = [sys.executable, str(repository / "tools" / "evaluate.py"), "--rows", str(rows)]
    done = subprocess.run(
        [*command, "--json", str(tmp_path / "out.json"), "--workspace", str(tmp_path)],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "similarity to the target" in done.stdout
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["summary"]["en"]["similarity_target"]["mean"] == pytest.approx(1, abs=1e-4)
    assert (
        subprocess.run([*command[:-1], "none"], cwd=tmp_path, capture_output=True, timeout=60).returncode == 1
    )
