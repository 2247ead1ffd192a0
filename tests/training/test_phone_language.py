"""The language of phones: what it learns from and what not, a stopped run, and what it is good for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from gsv.errors import Cancelled, DataError
from gsv.events import RecordedEvents
from gsv.files import write_json
from gsv.listening.beam import BeamSettings, read_with_language
from gsv.models.phone_language import PhoneLanguage
from gsv.training.arrays import ITEMS_FILE, WAVE_FILES, PreparedArrays
from gsv.training.phone_language import (
    SENTENCES_FILE,
    Drawn,
    PhoneLanguageTraining,
    Sentences,
    perplexities,
    train_phone_language,
)

ROOT = Path(__file__).resolve().parents[2]
SYMBOLS = 12
SETTINGS = PhoneLanguageTraining(
    steps=60, rows=8, length=16, embedding=8, hidden=16, symbols=SYMBOLS, learning_rate=2e-2, warmup_steps=5
)
HELD = [9, 8, 7, 6]


@pytest.fixture
def arrays(tmp_path: Path) -> PreparedArrays:
    """Clips in which each phone is followed by the next one; a held-out one goes the other way."""
    said = [[start + i for i in range(4)] for start in range(7)] + [HELD, HELD]
    rows = [
        {
            "name": f"clip{number}", "speaker": "a", "language": "en" if number % 2 else "ja", "text": "",
            "phones": phones, "spoken": phones, "part": "train", "offset16": 0, "length16": 10, "offset32": 0,
            "length32": 20, "source_rate": 24000,
        }
        for number, phones in enumerate(said)
    ]  # fmt: skip
    rows[-1]["part"] = "held"
    for name in WAVE_FILES.values():
        (tmp_path / name).write_bytes(bytes(40))
    write_json(tmp_path / ITEMS_FILE, rows)
    return PreparedArrays.open(tmp_path)


def test_what_held_out_clips_say_is_not_learnt(arrays: PreparedArrays) -> None:
    Sentences.of([HELD, [], [1, 3, 5]]).save(arrays.folder / SENTENCES_FILE)
    drawn = Drawn(arrays, SETTINGS)
    learnt = [sentence.tolist() for pool in drawn.pools for sentence in pool]
    assert HELD not in learnt and [1, 3, 5] in learnt and len(learnt) == 8
    assert drawn.weights == pytest.approx([0.1, 0.1, 0.8]) and drawn.chances.sum() == pytest.approx(1)
    batch = drawn.batch(3)
    assert batch.shape == (8, 17) and (batch[:, 0] == SYMBOLS).all()
    assert torch.equal(batch, Drawn(arrays, SETTINGS).batch(3)) and not torch.equal(batch, drawn.batch(4))
    (arrays.folder / SENTENCES_FILE).write_bytes(b"nothing")
    with pytest.raises(DataError, match="texts"):
        Drawn(arrays, SETTINGS)


def test_a_stopped_run_ends_like_a_whole_one_and_helps_a_doubtful_ear(
    arrays: PreparedArrays, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    result = train_phone_language(arrays, tmp_path / "one", SETTINGS, RecordedEvents(), whole)
    assert set(result) == {"perplexity_ja"}

    class Stopping(RecordedEvents):
        def metric(self, step: int, values: dict[str, float], **extra: object) -> None:
            self.request_stop()

    with pytest.raises(Cancelled):
        train_phone_language(arrays, tmp_path / "two", SETTINGS, Stopping(), parts)
    assert not parts.exists()
    events = RecordedEvents()
    train_phone_language(arrays, tmp_path / "two", SETTINGS, events, parts)
    assert parts.read_bytes() == whole.read_bytes()
    assert any("going on from step" in event["text"] for event in events.of("message"))

    network = PhoneLanguage.load(whole, SYMBOLS)
    row, _ = network.follow(torch.tensor([3]), network.follow(torch.tensor([SYMBOLS]))[1])
    assert int(row[0].argmax()) == 4
    assert perplexities(network, arrays)
    # Between 5, which is likelier after 4, and 9, which the ear likes a little better, the text decides.
    scores = np.full((3, SYMBOLS + 1), -9.0, dtype=np.float32)
    scores[0, 3] = scores[1, 4] = -0.001
    scores[2, 9], scores[2, 5] = np.log(0.55), np.log(0.45)
    assert read_with_language(scores, network, BeamSettings(weight=0.0, reward=0.0)) == [3, 4, 9]
    assert read_with_language(scores, network) == [3, 4, 5]


def test_nothing_to_learn_is_said(arrays: PreparedArrays) -> None:
    rows = json.loads((arrays.folder / ITEMS_FILE).read_text())
    write_json(arrays.folder / ITEMS_FILE, [row | {"part": "held"} for row in rows])
    with pytest.raises(DataError, match="no text to learn"):
        Drawn(PreparedArrays.open(arrays.folder), SETTINGS)


def test_the_scripts_make_a_language_from_texts(arrays: PreparedArrays, tmp_path: Path) -> None:
    book = tmp_path / "book.txt"
    book.write_text(
        "The cat sat on the mat. It was 3 o'clock.\n\nNobody knew why it sat there.", encoding="utf-8"
    )
    tool = [sys.executable, str(ROOT / "tools" / "pretrain_content.py")]
    done = subprocess.run(
        [*tool, "texts", "--arrays", str(arrays.folder), "--prose", str(book)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 sentences" in done.stdout + done.stderr
    found = Sentences.load(arrays.folder / SENTENCES_FILE)
    assert len(found) == 2 and all(len(sentence) > 10 for sentence in found)
    output = tmp_path / "language"
    done = subprocess.run(
        [*tool, "language", "--arrays", str(arrays.folder), "--output", str(output), "--steps", "2"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert PhoneLanguage.load(output / "language.safetensors", 732).symbols == 732
    empty = tmp_path / "empty.txt"
    empty.write_text("123\n")
    done = subprocess.run(
        [*tool, "texts", "--arrays", str(arrays.folder), "--prose", str(empty)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "usable" in done.stderr
