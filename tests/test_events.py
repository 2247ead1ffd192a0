"""The event stream and the end of a script: what is written, how a stop arrives, the exit codes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gsv import events as ev
from gsv.errors import Cancelled, DataError, InputError


def read_lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_kind_is_one_json_line(tmp_path: Path) -> None:
    path = tmp_path / "job" / "events.jsonl"
    sink = ev.JsonLinesEvents(path)
    sink.progress(1, 3, "剪辑")
    sink.metric(7, {"loss": float("nan"), "mel": 0.5}, path=Path("p.wav"))
    sink.item("a.wav", "failed", "line one\nline two")
    sink.message("hello", "warning")
    sink.counts(ev.Counts(read=2, done=1, failed=1, reasons={"a.wav": "empty"}))
    sink.failed(InputError("x", "y", "z"))
    sink.finished(weights="a.safetensors")
    lines = read_lines(path)
    assert [line["kind"] for line in lines] == [
        "progress", "metric", "item", "message", "counts", "failed", "finished",
    ]  # fmt: skip
    assert all(isinstance(line["t"], float) for line in lines)
    assert lines[1]["values"] == {"loss": None, "mel": 0.5} and lines[1]["path"] == "p.wav"
    assert lines[4]["reasons"] == {"a.wav": "empty"}
    assert lines[5]["error"] == {"type": "InputError", "what": "x", "why": "y", "remedy": "z"}
    sink.close()


def test_progress_is_thinned_but_its_end_is_kept(tmp_path: Path) -> None:
    now = [100.0]
    sink = ev.JsonLinesEvents(tmp_path / "e.jsonl", interval=1.0, clock=lambda: now[0])
    for done in range(1, 101):
        now[0] += 0.03125
        sink.progress(done, 100, "items")
    sink.progress(0, 5, "another phase")
    shown = [(line["done"], line["what"]) for line in read_lines(tmp_path / "e.jsonl")]
    assert shown == [
        (1, "items"),
        (33, "items"),
        (65, "items"),
        (97, "items"),
        (100, "items"),
        (0, "another phase"),
    ]


def test_lines_of_several_threads_do_not_mix(tmp_path: Path) -> None:
    sink = ev.JsonLinesEvents(tmp_path / "e.jsonl")
    workers = [
        threading.Thread(target=lambda: [sink.item("x" * 500, "done") for _ in range(50)]) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(read_lines(tmp_path / "e.jsonl")) == 200


def test_the_stop_file_is_a_stop_request(tmp_path: Path) -> None:
    sink = ev.open_events(tmp_path / "events.jsonl")
    sink.check_stop()
    (tmp_path / ev.STOP_FILE).touch()
    assert sink.stop_requested()
    with pytest.raises(Cancelled):
        sink.check_stop()


def test_a_stop_can_be_requested_of_any_sink() -> None:
    for sink in (ev.Events(), ev.RecordedEvents(), ev.TerminalEvents(io.StringIO())):
        assert not sink.stop_requested()
        sink.request_stop()
        assert sink.stop_requested()


def test_recorded_events_keep_the_story() -> None:
    sink = ev.RecordedEvents()
    sink.message("a")
    sink.metric(1, {"loss": 2})
    assert sink.of("metric") == [{"kind": "metric", "step": 1, "values": {"loss": 2.0}}]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_terminal_shows_a_bar_and_a_pipe_gets_lines() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        sink = ev.TerminalEvents(stream)
        for done in range(101):
            sink.progress(done, 100, "items")
        sink.message("careful", "warning")
        sink.item("a.wav", "failed", "empty")
        sink.item("b.wav", "done")
        sink.counts(ev.Counts(read=2, done=1, failed=1))
        sink.finished()
    assert (
        terminal.getvalue().count("\r") == 101 and "[" + "#" * 30 + "] items 100/100\n" in terminal.getvalue()
    )
    lines = pipe.getvalue().splitlines()
    assert lines[0] == "items 0/100" and lines[10] == "items 100/100"
    assert lines[11:] == ["warning: careful", "a.wav: empty", "read 2  done 1  skipped 0  failed 1"]


def test_a_stage_with_nothing_left_fails_as_a_whole() -> None:
    counts = ev.Counts(read=1)
    counts.fail("a.wav", "empty")
    with pytest.raises(DataError, match=r"a\.wav: empty"):
        counts.require_some("content features")
    ev.Counts(read=2, skipped=2).require_some("content features")


SCRIPT = """
import sys, time
from pathlib import Path
from gsv.errors import InputError
from gsv.events import run_stage

def polling(events):
    print("ready", flush=True)
    while True:
        events.check_stop()
        time.sleep(0.01)

def deaf(events):
    print("ready", flush=True)
    while True:
        time.sleep(0.01)

def done(events):
    events.message("all good")

def failing(events):
    raise InputError("the list is empty", "it has no row", "Add one.")

def defect(events):
    return 1 // 0

def full(events):
    raise OSError(28, "No space left on device", "a.bin")

run_stage(globals()[sys.argv[1]], Path(sys.argv[2]) if len(sys.argv) > 2 else None)
"""


def start(name: str, *rest: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, name, *rest], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(
    ("name", "code", "last"),
    [
        ("done", 0, ""),
        ("failing", 1, "failed: the list is empty: it has no row. Add one."),
        ("defect", 1, "failed: an unexpected error: ZeroDivisionError"),
        ("full", 1, "failed: a file operation failed: No space left on device (a.bin)"),
    ],
)
def test_exit_codes_of_a_real_process(name: str, code: int, last: str, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    child = start(name, str(path))
    _, complaint = child.communicate()
    assert child.returncode == code
    assert (complaint.splitlines() or [""])[-1].startswith(last)
    assert ("Traceback" in complaint) == (name == "defect")
    lines = read_lines(path)
    assert lines[-1]["kind"] == ("finished" if code == 0 else "failed")


@pytest.mark.skipif(os.name == "nt", reason="sends Unix signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_exit_code_is_130(number: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    child = start("polling", str(path))
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    child.send_signal(number)
    _, complaint = child.communicate()
    assert child.returncode == 130 and "Traceback" not in complaint
    assert complaint.splitlines()[-1] == "cancelled: stopped on request"
    assert read_lines(path)[-1]["cancelled"] is True


@pytest.mark.skipif(os.name == "nt", reason="sends Unix signals")
def test_the_second_signal_interrupts_at_once() -> None:
    child = start("deaf")
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    # Signals that arrive together are merged into one, so it is sent until the child has gone.
    while child.poll() is None:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    child.communicate()
    assert child.returncode == 130


def test_the_stop_file_ends_a_real_process(tmp_path: Path) -> None:
    child = start("polling", str(tmp_path / "events.jsonl"))
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    (tmp_path / "stop").touch()
    child.communicate()
    assert child.returncode == 130


def test_an_events_path_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    child = start("done", str(tmp_path / "file" / "events.jsonl"))
    _, complaint = child.communicate()
    assert child.returncode == 1 and complaint.startswith("failed: ")
