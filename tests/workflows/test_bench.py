"""The bench at miniature size: both sides compute the same, and the report says what was measured. No times."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gsv.errors import Cancelled, InputError
from gsv.events import Events, RecordedEvents
from gsv.workflows.bench import bench, table
from gsv.workflows.bench_measure import BenchSettings, Case, measure

EXACT = 1e-4


def test_both_sides_agree(tmp_path: Path) -> None:
    events = RecordedEvents()
    settings = BenchSettings(seconds=(0.5, 0.8), repeats=1, small=True)
    text = bench(settings, events, tmp_path / "bench.json")
    report = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in report["measurements"]}
    assert {
        "training step, tiny, 2 x 1 s",
        "gpt, batch 1, float32",
        "gpt, batch 8, float32",
        "content, base size, float32",
    } <= set(rows)
    assert "tiny decode(), 0.5 s" in rows
    # Aims are for whole networks: nothing is judged at miniature size.
    assert all(row["aim"] is None and row["reached"] is None for row in rows.values())
    assert "below its aim" not in text
    for name, row in rows.items():
        assert name in text and row["plain_seconds"] > 0 and row["seconds"] > 0
        if row["difference"] is not None:
            if row["equal"] is not None:
                assert row["equal"] >= (1.0 if name.endswith("float32") else 0.8), name
            exact = not {"bfloat16", "int8"} & set(name.replace(",", "").split())
            assert row["difference"] <= (EXACT if exact else 0.05), name
    assert rows["v2 decode(), 0.8 s"]["difference"] is not None
    assert rows["tiny decode(), 0.8 s"]["difference"] is None, "two networks are not alike"
    assert report["machine"]["threads"] == torch.get_num_threads() and len(events.of("metric")) == len(rows)


def test_sides_take_turns_and_medians_are_kept() -> None:
    called: list[str] = []

    def side(name: str) -> list[torch.Tensor]:
        called.append(name)
        return [torch.tensor([2.0 if name == "plain" else 2.5])]

    case = Case("name", "other", lambda: side("plain"), lambda: side("ours"), 3.0, aim=1e9)
    found = measure(case, 3)
    assert called == ["plain", "ours", "ours", "plain", "plain", "ours", "ours", "plain"]
    assert found.difference == pytest.approx(0.25) and found.reached is False
    assert found.per_second == pytest.approx(3.0 / found.seconds)
    report = {
        "machine": dict.fromkeys(("processor", "cores", "capability", "torch", "threads"), 1) | {"load": 0.5}
    }
    text = table(report | {"settings": {"repeats": 3}, "measurements": [vars(found)]})
    assert "below its aim: name" in text


def test_what_is_asked_for_wrongly() -> None:
    with pytest.raises(InputError, match="no section 'none'"):
        bench(BenchSettings(("none",)), Events())
    events = RecordedEvents()
    events.request_stop()
    with pytest.raises(Cancelled):
        bench(BenchSettings(("decode",), (0.5,), 1, small=True), events)


def test_the_script(tmp_path: Path, repository: Path) -> None:
    command = [sys.executable, str(repository / "tools" / "bench.py"), "--small", "--repeats", "1"]
    command += ["--section", "decode", "--seconds", "0.5", "--threads", "1", "--json", "out.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert "1 threads" in done.stdout and "v2 decode(), 0.5 s" in done.stdout
    assert json.loads((tmp_path / "out.json").read_text())["machine"]["threads"] == 1
