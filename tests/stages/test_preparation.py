"""The preparation as a person meets it: scripts as child processes, awkward paths, bad rows, changes, kills."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gsv.files
from gsv.audio import read, write
from gsv.corpus.experiment import Experiment
from gsv.corpus.items import training_items
from gsv.corpus.tables import load_content, read_semantic_table, read_text_table
from gsv.errors import Cancelled, DataError, InputError
from gsv.events import Counts, Events, RecordedEvents
from gsv.stages.inputs import PreparationInputs
from gsv.workflows.prepare import prepare

NAME = "voice of 安娜"
Snapshot = Callable[[Path], dict[str, bytes]]


def list_of(workspace: Path) -> Path:
    return workspace / "my clips" / "voice's.list"


def inputs(workspace: Path, **changes: Any) -> PreparationInputs:
    values = {
        "experiment": NAME,
        "list_path": list_of(workspace),
        "workspace": workspace,
        "workers": 1,
        **changes,
    }
    return PreparationInputs(**values)


def folder_of(workspace: Path) -> Path:
    return workspace / "logs" / NAME


def tallies(counts: dict[str, Counts]) -> dict[str, tuple[int, int, int]]:
    return {stage: (value.done, value.skipped, value.failed) for stage, value in counts.items()}


def test_scripts_with_two_workers_make_what_one_process_makes(
    workspace: Path, run: Callable[..., Any], snapshot: Snapshot, tmp_path: Path
) -> None:
    events = tmp_path / "events" / "e.jsonl"
    common = ("--experiment", NAME, "--workspace", workspace, "--workers", 2)
    for tool in ("extract_text", "extract_content", "extract_semantic", "extract_speaker"):
        lists = ("--list", list_of(workspace)) if tool in ("extract_text", "extract_content") else ()
        ended = run(tool, *common, *lists, "--events", events)
        assert ended.returncode == 0, ended.stderr
    by_scripts = snapshot(folder_of(workspace))
    assert len(by_scripts) == 3 + 3 * 7
    lines = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    assert [line["kind"] for line in lines].count("finished") == 4
    counts = [line for line in lines if line["kind"] == "counts"]
    assert [(c["read"], c["done"], c["skipped"], c["failed"]) for c in counts] == [(10, 7, 0, 3)] * 2 + [
        (7, 7, 0, 0)
    ] * 2
    shutil.rmtree(workspace / "logs")
    assert tallies(prepare(inputs(workspace))) == {
        "text": (7, 0, 3), "content": (7, 0, 3), "semantic": (7, 0, 0), "speaker": (7, 0, 0),
    }  # fmt: skip
    assert snapshot(folder_of(workspace)) == by_scripts
    again = run("prepare", *common, "--list", list_of(workspace), "--events", events)
    assert again.returncode == 0, again.stderr
    assert snapshot(folder_of(workspace)) == by_scripts


def test_the_folder_holds_the_published_layout(workspace: Path) -> None:
    events = RecordedEvents()
    prepare(inputs(workspace), events)
    experiment = Experiment.open(folder_of(workspace))
    texts = read_text_table(experiment.text_table)
    assert next(iter(texts)) == "take _0_ $x 声.wav" and len(texts) == 7
    assert texts["take _0_ $x 声.wav"].phones == ("HH", "AH0", "L", "OW1", "DH", "EH1", "R", ".")
    assert [(row, stage) for row, stage, _ in experiment.read_rejected()] == [
        (3, "list"),
        (5, "list"),
        (10, "list"),
    ]
    first_work = next(
        i for i, line in enumerate(events.lines) if line["kind"] == "item" and line["state"] == "done"
    )
    bad = [i for i, line in enumerate(events.lines) if line["kind"] == "item" and line["state"] == "failed"]
    assert len(bad) == 3 and max(bad) < first_work, "bad rows are named before work starts"
    codes = read_semantic_table(experiment.semantic_table)
    for item in training_items(experiment, need_codes=True).items:
        content = load_content(item.content_path)
        wave = read(item.wave_path)
        assert wave.rate == 32000 and content.shape[:2] == (1, 16)
        assert abs(content.shape[-1] * 0.02 - wave.seconds) < 0.05
        assert len(codes[item.name]) == content.shape[-1] // 2
        assert item.speaker == "anna"
        # The level rule: half the clip as it was, half of it at 0.95.
        source = read(Path(experiment.record.items[item.name].source), 32000).samples
        peak = np.abs(source).max()
        assert np.abs(wave.samples).max() == pytest.approx(min(1.0, 0.475 + 0.5 * peak), abs=2e-4)


def test_an_edited_label_or_recording_is_done_again(workspace: Path, snapshot: Snapshot) -> None:
    prepare(inputs(workspace))
    before = snapshot(folder_of(workspace))
    path = list_of(workspace)
    path.write_text(path.read_text(encoding="utf-8").replace("Hello there.", "Goodbye."), encoding="utf-8")
    assert tallies(prepare(inputs(workspace))) == {
        "text": (1, 6, 3), "content": (0, 7, 3), "semantic": (0, 7, 0), "speaker": (0, 7, 0),
    }  # fmt: skip
    after = snapshot(folder_of(workspace))
    assert {name for name in before if before[name] != after[name]} == {"2-name2text.txt"}
    recording = next((workspace / "my clips" / "right").iterdir())
    write(recording, read(recording).samples[::-1].copy(), 16000)
    assert tallies(prepare(inputs(workspace))) == {
        "text": (1, 6, 3), "content": (1, 6, 3), "semantic": (1, 6, 0), "speaker": (1, 6, 0),
    }  # fmt: skip


def test_a_clip_that_is_gone_or_spoilt_leaves_the_experiment(workspace: Path) -> None:
    prepare(inputs(workspace))
    left = sorted((workspace / "my clips" / "left").iterdir())
    write(left[0], np.full(20000, 3.0, np.float32), 16000, "FLOAT")  # far above full scale
    lines = list_of(workspace).read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if left[1].name not in line or "left" not in line]
    list_of(workspace).write_text("\n".join(kept), encoding="utf-8")
    counts = prepare(inputs(workspace))
    assert tallies(counts)["content"] == (0, 5, 4)
    names = {item.name for item in training_items(Experiment.open(folder_of(workspace))).items}
    assert len(names) == 5
    reasons = Experiment.open(folder_of(workspace)).read_rejected()
    assert any(stage == "content" and "peak" in reason for _, stage, reason in reasons)


def test_another_base_encoder_or_family_is_refused(workspace: Path, run: Callable[..., Any]) -> None:
    prepare(inputs(workspace))
    other = workspace / "pretrained_models" / "other"
    with pytest.raises(DataError, match=r"content.*miniature-1.*miniature-2"):
        prepare(inputs(workspace, content=other / "content"))
    with pytest.raises(DataError, match=r"sovits\.safetensors \(codes-.*sovits\.safetensors \(codes-"):
        prepare(inputs(workspace, base=other / "sovits.safetensors"))
    with pytest.raises(InputError, match="download hubert"):
        prepare(inputs(workspace, family="v2"))
    ended = run("extract_text", "--experiment", NAME, "--workspace", workspace, "--list", list_of(workspace),
                "--family", "v2")  # fmt: skip
    assert ended.returncode == 1
    assert "family tiny" in ended.stderr and "v2" in ended.stderr


class StopsAfter(Events):
    """Asks for a stop once so many items are done."""

    def __init__(self, items: int) -> None:
        super().__init__()
        self.left = items

    def item(self, name: str, state: str, reason: str = "") -> None:
        self.left -= state == "done"
        if self.left <= 0:
            self.request_stop()


def test_a_stop_request_keeps_what_is_done(
    workspace: Path, snapshot: Snapshot, run: Callable[..., Any]
) -> None:
    for items in (1, 3):
        with pytest.raises(Cancelled):
            prepare(inputs(workspace), StopsAfter(items))
    counts = prepare(inputs(workspace))
    assert counts["text"].skipped == 7 and counts["content"].skipped == 5
    stopped = snapshot(folder_of(workspace))
    shutil.rmtree(workspace / "logs")
    prepare(inputs(workspace))
    assert snapshot(folder_of(workspace)) == stopped
    (workspace / "stop").touch()
    ended = run("extract_text", "--experiment", "x", "--workspace", workspace, "--list", list_of(workspace),
                "--events", workspace / "events.jsonl")  # fmt: skip
    assert ended.returncode == 130


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_run_resumes_to_the_same_files(workspace: Path, snapshot: Snapshot) -> None:
    prepare(inputs(workspace))
    whole = snapshot(folder_of(workspace))
    finished = False
    for operation in range(1, 80, 6):
        shutil.rmtree(workspace / "logs")
        child = os.fork()
        if child == 0:
            _die_at(operation)
            prepare(inputs(workspace))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        finished = status == 0
        assert finished or os.WTERMSIG(status) == signal.SIGKILL
        prepare(inputs(workspace))
        assert snapshot(folder_of(workspace)) == whole
        assert not list(folder_of(workspace).rglob(".tmp-*"))
        if finished:
            break
    assert finished, "more operations than the loop reaches"


def _die_at(operation: int) -> None:
    """SIGKILL this process when it renames a file for the n-th time."""
    rename, count = gsv.files._replace, [0]

    def counted(source: Path, target: Path) -> None:
        count[0] += 1
        if count[0] == operation:
            os.kill(os.getpid(), signal.SIGKILL)
        rename(source, target)

    gsv.files._replace = counted


def test_a_list_without_one_good_row_fails_as_a_whole(workspace: Path) -> None:
    list_of(workspace).write_text("nowhere.wav|s|en|Hi.\n", encoding="utf-8")
    with pytest.raises(DataError, match="missing file"):
        prepare(inputs(workspace))
    assert (folder_of(workspace) / "rejected.tsv").read_text(encoding="utf-8").count("\n") == 2
