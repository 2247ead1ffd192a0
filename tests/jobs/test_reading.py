"""Events and logs are read while they are written, whatever is in them."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gsv.jobs import JobState, State, logs
from gsv.jobs.progress import EventReader
from gsv.jobs.verdict import judge

json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.dictionaries(st.text(), inner),
    max_leaves=5,
)
events = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["progress", "metric", "item", "message", "counts", "finished", "failed"])
        | json_values
    },
    optional=dict.fromkeys(
        ("t", "done", "total", "what", "text", "state", "error", "cancelled"), json_values
    ),
)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(lines=st.lists(events | json_values, max_size=8), cuts=st.lists(st.integers(0, 4000), max_size=6))
def test_any_cut_of_the_stream_reads_as_the_whole(
    tmp_path: Path, lines: list[object], cuts: list[int]
) -> None:
    data = "".join(json.dumps(line) + "\n" for line in lines).encode()
    path = tmp_path / "events.jsonl"
    reader, whole = EventReader(path), EventReader(path)
    for cut in sorted(min(cut, len(data)) for cut in cuts):
        path.write_bytes(data[:cut])
        reader.update()
    path.write_bytes(data)
    assert reader.update() == whole.update()


@quick
@given(data=st.binary(max_size=400), lines=st.integers(1, 5))
def test_tail_is_printable_text_of_at_most_so_many_lines(tmp_path: Path, data: bytes, lines: int) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(data)
    text = logs.tail(path, lines)
    assert len(text.split("\n")) <= lines
    assert "\x1b" not in text and "\r" not in text


def test_a_redrawn_bar_counts_as_its_last_state(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes("start\r\n 10%\r 50%\r100%\r\n\x1b[31m红\x1b[0m\n".encode())
    assert logs.tail(path) == "start\n100%\n红"


def test_time_left_follows_the_recent_pace(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    lines = [{"t": 100.0 + 2 * n, "kind": "progress", "done": n, "total": 10, "what": "x"} for n in range(5)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    reader = EventReader(path)
    reader.update()
    assert reader.seconds_left(now=108.0) == 12.0
    assert reader.seconds_left(now=110.0) == 10.0


@quick
@given(
    code=st.none() | st.integers(-20, 300),
    asked=st.booleans(),
    finished=st.booleans(),
    failed=st.booleans(),
)
def test_success_is_claimed_only_with_proof(
    tmp_path: Path, code: int | None, asked: bool, finished: bool, failed: bool
) -> None:
    path = tmp_path / "events.jsonl"
    kinds = [{"kind": "finished"}] * finished + [{"kind": "failed", "error": {"what": "no"}}] * failed
    path.write_text("".join(json.dumps(kind) + "\n" for kind in kinds))
    reader = EventReader(path)
    state, reason = judge(
        State(stop_requested=1.0 if asked else None), code, reader.update(), tmp_path / "log.txt"
    )
    assert state.final
    if state is JobState.DONE:
        assert not failed and (code == 0 or (code is None and finished))
    assert (reason is not None) == (state is JobState.FAILED)
