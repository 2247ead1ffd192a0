"""Tables of sentences are spoken for scoring; faults put into clips are what they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gsv.audio import probe, write
from gsv.errors import DataError, InputError
from gsv.evaluation.faults import FAULTS, UNTOUCHED, Clip, faults, measure_checks
from gsv.evaluation.scoring import read_rows
from gsv.evaluation.speaking import SpokenRow, held_out_rows, read_spoken_rows, speak_rows
from gsv.events import RecordedEvents
from gsv.listening.listener import PhoneListener
from gsv.settings import Workspace
from gsv.synthesis.engine import Synthesizer
from gsv.synthesis.options import SpeakOptions
from gsv.text.plan import plan
from tests.synthesis.conftest import RATE, make_workspace, small_encoder, speech
from tests.synthesis.speaking import add_gpt, voice_of


def test_rows_are_spoken_and_can_be_scored(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "root")
    add_gpt(root)
    write(root / "clip.wav", speech(3.5), RATE)
    rows = [
        {"text": "One day.", "lang": "en", "reference": "clip.wav", "reference_text": "The lamp is lit."},
        {"text": "。", "lang": "zh", "reference": "clip.wav"},
    ]
    table = root / "rows.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    events = RecordedEvents()
    engine, voice = Synthesizer(Workspace(root), "cpu"), voice_of(root, "tiny")
    spoken = read_spoken_rows(table)
    counts = speak_rows(engine, voice, spoken, tmp_path / "out", SpeakOptions(seed=1), events)
    assert (counts.done, counts.failed) == (1, 1) and "nothing to say" in next(iter(counts.reasons.values()))
    scored = read_rows(tmp_path / "out" / "rows.jsonl")
    assert len(scored) == 1 and scored[0].groups == ("flagged",) and probe(scored[0].wav).seconds
    reports = json.loads((tmp_path / "out" / "speech.json").read_text(encoding="utf-8"))
    assert reports[0]["sentences"][0]["checks"]
    with pytest.raises(DataError):
        speak_rows(engine, voice, spoken[1:], tmp_path / "none", SpeakOptions(seed=1), events)
    table.write_text('{"text": "a"}\n', encoding="utf-8")
    with pytest.raises(InputError, match="line 1"):
        read_spoken_rows(table)


def test_held_out_sentences_get_voices_that_say_something_else(tmp_path: Path) -> None:
    rows = [
        {
            "file": f"{speaker}{n}.wav",
            "speaker": speaker,
            "lang": "en",
            "text": f"{speaker} says {n}.",
            "seconds": 4,
        }
        for speaker in ("anna", "bert", "carl")
        for n in range(6)
    ]
    table = tmp_path / "corpus.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = held_out_rows(table, 3, seed=1)
    assert len(found) == 3 and found == held_out_rows(table, 3, seed=1)
    assert all(isinstance(row, SpokenRow) and row.reference_text != row.text for row in found)


def test_faults_are_what_they_say() -> None:
    listener = PhoneListener(small_encoder(733))
    wave, other = speech(3), speech(2, 200, seed=4)
    utterance = plan("Little lamps light every window.", "en").utterances[0]
    made = faults(listener, wave, utterance, other, np.random.default_rng(1))
    assert set(made) == {UNTOUCHED, *FAULTS}
    seconds = {kind: len(samples) / RATE for kind, samples in made.items()}
    assert seconds["cut in half"] == 1.5 and seconds["3 s of silence"] == pytest.approx(6, abs=0.1)
    assert seconds["word removed"] < 3 < seconds["word repeated"]
    assert seconds["leading speech"] == pytest.approx(4.5, abs=0.1) and made["another sentence"] is other


def test_bad_clips_are_left_out_of_the_measure(tmp_path: Path) -> None:
    write(tmp_path / "good.wav", speech(2), RATE)
    events = RecordedEvents()
    clips = [Clip(tmp_path / name, "Hello there.", "en") for name in ("none.wav", "good.wav")]
    found = measure_checks(PhoneListener(small_encoder(733)), clips, events)
    assert found[UNTOUCHED].checked == 1 and found["3 s of silence"].flagged == 1
    assert "none.wav" in events.of("message")[0]["text"]
