"""From a raw recording to a proofread and checked list, step by step on the page, with real speech and recogniser.

A minute of it, or as many as `--raw-minutes` asks for; `python -m tests.journeys.raw_recording` does twenty by the
scripts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gsv.corpus.annotation import read_annotations
from gsv.corpus.proofreading import Proofreading

from . import raw_recording, steps
from .conftest import RunningStudio

WHISPER = Path.home() / ".cache" / "gsv" / "whisper-base"
NAME = "it's $(touch pwned) 录音.wav"
EDITED = "This was proofread."
MORE_ERRORS = {"plain": 0.05, "noise": 0.05, "music": 0.10}
"""What the steps may cost the recogniser."""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """A studio over an empty workspace: what ships is found all the same."""
    if not (WHISPER / "model.bin").is_file():
        pytest.skip(f"no Whisper model in {WHISPER} (shared/checks/whisper_base.py fetches it)")
    workspace = tmp_path_factory.mktemp("raw") / "work 室"
    workspace.mkdir()
    running = RunningStudio(workspace)
    running.start()
    yield running
    running.kill()
    running.end_jobs()
    assert not list(workspace.parent.rglob("pwned")), "a name was run as a command"


def begin(page: Any, step: str) -> None:
    """Press a step's button, and wait for its job to end well."""
    steps.start(page, f"{step}-start", "data-job")
    assert steps.wait_for_state(page, "data-job") == "done", steps.text_of(page, "data-job")


def test_a_raw_recording_becomes_a_checked_list(
    page: Any, studio: RunningStudio, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    minutes: float = pytestconfig.getoption("--raw-minutes")
    whole = minutes >= 20
    page.set_default_timeout(120_000 + 60_000 * minutes)
    recording = studio.workspace / "raw" / NAME
    voice = "" if whole else "af_bella"
    said = raw_recording.make(
        recording, raw_recording.rows(voice=voice), 60 * minutes, seed=20 if whole else 0
    )
    assert {sentence.kind for sentence in said} == set(raw_recording.KINDS)
    before = hashlib.sha256(recording.read_bytes()).hexdigest()
    for step in ("separate", "slice", "denoise", "transcribe"):
        steps.unfold(page, f"step-{step}")
    steps.fill(page, "separate-input", str(recording))
    for step, later in (("separate", "slice"), ("slice", "denoise"), ("denoise", "transcribe")):
        begin(page, step)
        assert steps.value(page, f"{later}-input") == steps.value(page, f"{step}-output") != ""
    steps.choose(page, "transcribe-language", "English")
    model = page.locator("#transcribe-model input").first
    model.fill(str(WHISPER))
    model.press("Enter")
    begin(page, "transcribe")
    made = Path(steps.value(page, "data-list"))
    assert made.is_file() and steps.value(page, "data-audio") == ""
    assert hashlib.sha256(recording.read_bytes()).hexdigest() == before

    raw_recording.clean_copies(said, tmp_path / "sentences")
    raw_recording.transcribe(tmp_path / "sentences", tmp_path / "clean.list", WHISPER)
    found = raw_recording.score(said, made, tmp_path / "clean.list")
    (tmp_path / "found.json").write_text(json.dumps(vars(found)), encoding="utf-8")
    assert found.returned >= 0.95 * found.sentences - (0 if whole else 1), found
    for kind, allowed in MORE_ERRORS.items():
        # Of few sentences, one word more may be wrong in each kind.
        words = [len(sentence.text.split()) for sentence in said if sentence.kind == kind]
        spare = 0 if whole else 1 / sum(words)
        assert found.errors[kind] <= found.clean_errors[kind] + allowed + spare, (kind, found)

    proofread = Proofreading(made)
    first = proofread.rows()[0]
    proofread.change(first.id, text=EDITED)
    proofread.undo()
    assert read_annotations(made).rows[0].text == first.text
    proofread.change(first.id, text=EDITED)
    assert read_annotations(made).rows[0].text == EDITED

    steps.unfold(page, "data-check")
    steps.start(page, "data-check-start", "data-job")
    assert steps.wait_for_state(page, "data-job") == "done", steps.text_of(page, "data-job")
    page.wait_for_selector("#data-check-report [data-verdict]")
    told = page.locator("#data-check-report").inner_text()
    assert "of clean speech" in told and EDITED in told, "the wrong text was not noticed"


def test_the_recording_holds_what_it_says(tmp_path: Path) -> None:
    said = raw_recording.make(tmp_path / "a.wav", raw_recording.rows(), 30.0, seed=3)
    again = raw_recording.make(tmp_path / "b.wav", raw_recording.rows(), 30.0, seed=3)
    assert said == again and (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert np.all(np.diff([place for one in said for place in (one.start, one.end)]) > 0)
