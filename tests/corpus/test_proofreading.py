"""Edits of a list: kept at once, taken back exactly, safe against kills and against other writers."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gsv import audio, files
from gsv.corpus.annotation import read_annotations
from gsv.corpus.proofreading import ConflictError, Proofreading
from gsv.errors import GsvError, InputError, ResourceError

RATE = 8000
LINES = (
    "clips/a.wav|ann|en|One two three four.",
    "clips/b.wav|ann|EN|  Five six. ",
    "broken line with no separators",
    "clips/c.wav|bob|zh|你好|世界",
    "clips/d.wav|bob|xx|Who knows.",
    "clips/e.wav|bob|zh|今天天气很好。",
)


def make_list(folder: Path, lines: tuple[str, ...] = LINES) -> Path:
    """A list with one-second clips."""
    (folder / "clips").mkdir(parents=True)
    generator = np.random.default_rng(0)
    for name in "abcde":
        audio.write(folder / "clips" / f"{name}.wav", generator.uniform(-0.9, 0.9, RATE).astype("f"), RATE)
    path = folder / "voice.list"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    return make_list(tmp_path / "声音 $(x)")


def snapshot(opened: Proofreading) -> object:
    """Everything that undo has to give back."""
    with opened.held() as state:
        return dict(state.rows), list(state.order), state.written()


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_opening_changes_nothing_and_no_row_vanishes(voice: Path) -> None:
    before = voice.read_bytes()
    opened = Proofreading(voice)
    assert [row.written for row in opened.rows()] == list(LINES)
    assert [row.faults for row in opened.rows()] == [(), (), ("fields",), ("separator",), ("language",), ()]
    assert voice.read_bytes() == before and not list(voice.parent.glob("*.jsonl"))
    opened.change(1, text="One, two;\n three.")
    assert lines_of(voice) == ["clips/a.wav|ann|en|One, two; three.", *LINES[1:]]


def test_an_edit_is_kept_at_once_and_undone_after_reopening(voice: Path) -> None:
    before = snapshot(Proofreading(voice))
    Proofreading(voice).change(6, text="今天很好", language="yue", speaker="小 白")
    assert lines_of(voice)[5] == "clips/e.wav|小 白|yue|今天很好"
    reopened = Proofreading(voice)
    reopened.undo()
    assert snapshot(reopened) == before and lines_of(voice) == list(LINES)
    Proofreading(voice).redo()
    assert lines_of(voice)[5] == "clips/e.wav|小 白|yue|今天很好"
    with pytest.raises(InputError, match="nothing to do again"):
        Proofreading(voice).redo()


def test_what_a_list_cannot_hold_is_refused(voice: Path) -> None:
    opened = Proofreading(voice)
    for fields in ({"text": "a|b"}, {"speaker": "a|b"}, {"language": "klingon"}, {"path": "x"}):
        with pytest.raises(InputError):
            opened.change(1, **fields)
    with pytest.raises(InputError, match="no clip 99"):
        opened.delete(99)
    with pytest.raises(InputError, match="nothing to undo"):
        opened.undo()
    with pytest.raises(InputError, match="no list"):
        Proofreading(voice.with_name("other.list"))
    assert lines_of(voice) == list(LINES)


def test_a_broken_row_can_be_repaired(voice: Path) -> None:
    opened = Proofreading(voice)
    opened.change(4, text="你好世界")
    opened.change(5, language="EN")
    assert [row.faults for row in opened.rows()][3:5] == [(), ()]
    assert lines_of(voice)[3:5] == ["clips/c.wav|bob|zh|你好世界", "clips/d.wav|bob|en|Who knows."]


def test_delete_and_restore_at_the_same_place(voice: Path) -> None:
    opened = Proofreading(voice)
    opened.delete(2)
    opened.delete(1)
    assert lines_of(voice) == list(LINES[2:])
    with pytest.raises(InputError, match="no longer in the list"):
        opened.change(2, text="x")
    Proofreading(voice).restore(2)
    assert lines_of(voice) == list(LINES[1:])
    with pytest.raises(InputError, match="not deleted"):
        opened.restore(2)


def test_split_holds_each_sample_once_and_the_source_stays(voice: Path) -> None:
    source = voice.parent / "clips" / "a.wav"
    before = source.read_bytes()
    opened = Proofreading(voice)
    left, right = opened.split(1, 0.4)
    halves = [audio.read(opened.place(row)).samples for row in (left, right)]
    assert len(halves[0]) == round(0.4 * RATE)
    assert np.array_equal(np.concatenate(halves), audio.read(source).samples)
    assert source.read_bytes() == before
    assert (left.text, right.text) == ("One two", "three four.")
    found = read_annotations(voice, check_audio=False)
    assert [row.path.is_file() for row in found.rows[:2]] == [True, True]
    assert all(line.startswith("voice.edits/") for line in lines_of(voice)[:2])
    with pytest.raises(InputError, match="cannot be cut there"):
        opened.split(left.id, 0.4)
    again = opened.split(right.id, 0.2, ("three", "four."))
    assert [part.start for row in again for part in row.parts] == pytest.approx([0.4, 0.6])
    opened.undo()
    opened.undo()
    assert lines_of(voice) == list(LINES)


def test_merge_neighbours(voice: Path) -> None:
    opened = Proofreading(voice)
    merged = opened.merge(1, pause=0.25)
    assert merged.text == "One two three four. Five six." and lines_of(voice)[1:] == list(LINES[2:])
    joined = audio.read(opened.place(merged)).samples
    sources = [audio.read(voice.parent / "clips" / f"{name}.wav").samples for name in "ab"]
    assert np.array_equal(joined[:RATE], sources[0]) and np.array_equal(joined[-RATE:], sources[1])
    assert not joined[RATE:-RATE].any() and len(joined) == 2 * RATE + RATE // 4
    right = opened.split(merged.id, 1.1)[1]
    assert [(part.path, part.start) for part in right.parts] == [("clips/b.wav", 0.0)]
    with pytest.raises(InputError, match="no other follows"):
        opened.merge(6)
    with pytest.raises(InputError, match="one speaker"):
        Proofreading(make_list(voice.parent / "2", (LINES[0], LINES[5]))).merge(1)
    with pytest.raises(InputError, match="pause"):
        opened.merge(5, pause=9)


def test_clips_too_long_together_stay_apart(voice: Path) -> None:
    for name in "ab":
        audio.write(voice.parent / "clips" / f"{name}.wav", np.zeros(30 * RATE, "f"), RATE)
    with pytest.raises(InputError, match="too long"):
        Proofreading(voice).merge(1)
    assert lines_of(voice) == list(LINES)


def test_an_audio_folder_of_its_own(voice: Path, tmp_path: Path) -> None:
    """The list names files by their base names, as published lists do; new clips are found all the same."""
    voice.write_text("a.wav|ann|en|One two.\nb.wav|ann|en|Three.\n", encoding="utf-8")
    opened = Proofreading(voice, voice.parent / "clips")
    opened.split(1, 0.5)
    found = read_annotations(voice, voice.parent / "clips", minimum_seconds=0.1)
    assert len(found.rows) == 3 and not found.bad


ACTIONS = (
    "text",
    "speaker",
    "language",
    "check",
    "delete",
    "restore",
    "split",
    "merge",
    "undo",
    "redo",
    "open",
)


def act(opened: Proofreading, action: str, number: int, text: str) -> Proofreading:
    """One random deed; what is not possible does nothing."""
    try:
        match action:
            case "text" | "speaker":
                opened.change(number, **{action: text})
            case "language":
                opened.change(number, language="ja")
            case "split":
                opened.split(number, 0.5, (text.replace("|", ""), "b"))
            case "open":
                return Proofreading(opened.path)
            case "undo" | "redo":
                getattr(opened, action)()
            case _:
                getattr(opened, action)(number)
    except InputError:
        pass
    return opened


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    deeds=st.lists(
        st.tuples(st.sampled_from(ACTIONS), st.integers(1, 12), st.text(max_size=4)), min_size=1, max_size=10
    )
)
def test_any_edits_undone_give_the_start(tmp_path: Path, deeds: list[tuple[str, int, str]]) -> None:
    shutil.rmtree(tmp_path / "x", ignore_errors=True)
    path = make_list(tmp_path / "x")
    opened = Proofreading(path)
    start = snapshot(opened)
    for deed in deeds:
        opened = act(opened, *deed)
        assert snapshot(Proofreading(path)) == snapshot(opened)
        assert path.read_text(encoding="utf-8") == "".join(row.written + "\n" for row in opened.rows())
    end = snapshot(opened)
    undone = 0
    while True:
        try:
            opened.undo()
            undone += 1
        except InputError:
            break
    assert snapshot(opened) == start
    for _ in range(undone):
        opened.redo()
    with opened.held() as state:
        assert state.undone or snapshot(opened) == end


def killed_before(operation: int, deed: Callable[[], object], folder: Path) -> bool:
    """Do the deed in a child process that dies at its n-th use of a file in the folder; True where it died."""
    child = os.fork()
    if child == 0:
        left = operation
        mark = str(folder)

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in ("open", "os.rename", "os.truncate", "os.remove", "os.mkdir") and any(
                mark in str(argument) for argument in arguments
            ):
                left -= 1
                if left == 0:
                    os._exit(9)

        sys.addaudithook(watch)
        try:
            deed()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 9


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a child is forked, which Windows cannot")
@pytest.mark.parametrize("action", ["first", "split", "undo"])
def test_a_kill_between_any_two_file_operations_loses_at_most_the_last_edit(
    tmp_path: Path, action: str
) -> None:
    deeds: dict[str, Callable[[Proofreading], object]] = {
        "first": lambda opened: opened.change(1, text="new"),
        "split": lambda opened: opened.split(1, 0.5, ("a", "b")),
        "undo": lambda opened: opened.undo(),
    }
    outcomes = set()
    for operation in range(1, 100):
        path = make_list(tmp_path / f"{action}{operation}")
        if action != "first":
            Proofreading(path).change(2, text="kept")
        before = [row.written for row in Proofreading(path).rows()]
        died = killed_before(operation, lambda path=path: deeds[action](Proofreading(path)), path.parent)
        reopened = Proofreading(path)
        now = [row.written for row in reopened.rows()]
        assert lines_of(path) == now and all(reopened.place(row) for row in reopened.rows())
        assert not reopened.notes()
        outcomes.add(now == before)
        # Whatever is left lets the next edit be kept.
        reopened.change(5, language="ja")
        assert lines_of(path) == [row.written for row in Proofreading(path).rows()]
        shutil.rmtree(path.parent)
        if not died:
            assert now != before
            break
    else:
        pytest.fail("the deed never came to its end")
    assert outcomes == {True, False} and operation > 3


def test_a_torn_line_of_the_log_never_counts(voice: Path) -> None:
    opened = Proofreading(voice)
    opened.change(1, text="first")
    log = voice.with_suffix(".edits.jsonl")
    kept, listed = log.read_bytes(), voice.read_bytes()
    opened.change(2, text="second")
    whole = log.read_bytes()
    for length in (*range(len(kept), len(whole), 37), len(whole) - 1):
        log.write_bytes(whole[:length])
        voice.write_bytes(listed)
        torn = Proofreading(voice)
        assert [row.text for row in torn.rows()][:2] == ["first", "Five six."]
        torn.change(2, text="again")
        assert [row.text for row in Proofreading(voice).rows()][:2] == ["first", "again"]
        assert not Proofreading(voice).notes()


def test_a_log_that_cannot_be_read_is_kept_and_told(voice: Path) -> None:
    opened = Proofreading(voice)
    opened.change(1, text="first")
    opened.change(2, text="second")
    log = voice.with_suffix(".edits.jsonl")
    damaged = log.read_bytes().replace(b'"revision":1', b'"revision":7')
    log.write_bytes(damaged)
    reopened = Proofreading(voice)
    assert "starts anew" in reopened.notes()[0] and not reopened.notes()
    assert [row.text for row in reopened.rows()][:2] == ["first", "second"]
    aside = next(voice.parent.glob("*unreadable*"))
    assert aside.read_bytes() == damaged
    reopened.change(1, text="third")
    assert [row.text for row in Proofreading(voice).rows()][:2] == ["third", "second"]


def test_an_edit_of_what_has_changed_is_refused(voice: Path) -> None:
    here, there = Proofreading(voice), Proofreading(voice)
    seen = here.seen
    there.change(1, seen=seen, text="theirs")
    with pytest.raises(ConflictError, match="another window"):
        here.change(1, seen=seen, text="mine")
    with pytest.raises(ConflictError):
        here.merge(1, seen=seen)
    with pytest.raises(ConflictError):
        here.undo(seen)
    here.change(2, seen=seen, text="another row is free")
    assert [row.text for row in here.rows()][:2] == ["theirs", "another row is free"]
    here.change(1, seen=here.seen, text="mine")
    assert there.rows()[0].text == "mine"


def test_concurrent_writers_lose_nothing(voice: Path) -> None:
    lines = tuple(f"clips/a.wav|ann|en|row {number}" for number in range(8))
    path = make_list(voice.parent / "many", lines)
    writers, each = 4, 6
    failures: list[BaseException] = []

    def write(writer: int) -> None:
        opened = Proofreading(path)
        try:
            for turn in range(each):
                opened.change(2 * writer + 1 + turn % 2, text=f"writer {writer} turn {turn}")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    texts = [row.text for row in Proofreading(path).rows()]
    assert texts == [f"writer {number // 2} turn {each - 2 + number % 2}" for number in range(8)]
    log = path.with_suffix(".edits.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["revision"] for line in log[1:]] == list(range(1, writers * each + 1))


def test_a_list_held_by_another_program_is_told(voice: Path) -> None:
    with files.locked(voice.with_suffix(".edits.lock")), pytest.raises(ResourceError, match="busy"):
        Proofreading(voice, patience=0.05)
    assert len(Proofreading(voice, patience=0.05).rows()) == len(LINES)


def test_what_another_program_writes_is_taken_over(voice: Path) -> None:
    opened = Proofreading(voice)
    opened.delete(2)
    opened.check(1)
    new = [LINES[5], LINES[0].replace("four", "FOUR"), "clips/d.wav|bob|ja|新しい", "clips/x.wav|eve|en|New."]
    voice.write_text("\n".join(new), encoding="utf-8")
    assert [row.written for row in opened.rows()] == new
    assert [(row.id, row.checked) for row in opened.rows()[:3]] == [(6, False), (1, True), (5, False)]
    opened.restore(2)
    assert lines_of(voice)[2] == LINES[1]
    assert snapshot(Proofreading(voice)) == snapshot(opened)
    opened.undo()
    with pytest.raises(InputError, match="nothing to undo"):
        opened.undo()
    assert lines_of(voice) == new


def test_a_list_replaced_before_the_first_edit_is_another_list(voice: Path) -> None:
    opened = Proofreading(voice)
    seen = opened.seen
    voice.write_text("\n".join(reversed(LINES)) + "\n", encoding="utf-8")
    with pytest.raises(ConflictError):
        opened.change(1, seen=seen, text="x")
    assert lines_of(voice) == list(reversed(LINES))


def test_odd_lists(tmp_path: Path) -> None:
    path = tmp_path / "odd.list"
    path.write_bytes("\ufeffa.wav|x|en|Hi.\r\n\r\nb.wav|x|en|Ho.".encode())
    opened = Proofreading(path)
    assert [row.path for row in opened.rows()] == ["a.wav", "b.wav"]
    with pytest.raises(GsvError, match="no such file"):
        opened.split(1, 0.5, ("a", "b"))
    opened.delete(1)
    assert path.read_bytes() == b"b.wav|x|en|Ho.\n"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        Proofreading(path)
