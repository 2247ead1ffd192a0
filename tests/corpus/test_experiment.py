"""The experiment folder: names, identity, journals, and several writers at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsv.corpus.annotation import AnnotationRow
from gsv.corpus.experiment import Experiment, ItemRecord, ModelIdentity, assign_names, name_key
from gsv.corpus.journal import Journal, item_key
from gsv.errors import DataError, InputError


def rows(*paths: str) -> list[AnnotationRow]:
    return [AnnotationRow(i, Path(path), "s", "en", "Hi.") for i, path in enumerate(paths, start=1)]


def test_equal_base_names_get_distinct_names_that_stay() -> None:
    first = assign_names({}, rows("/a/clip.wav", "/b/clip.wav", "/c/CLIP.WAV"))
    assert next(iter(first)) == "clip.wav"
    assert len({name_key(name) for name in first}) == 3
    known = {name: ItemRecord(source=str(row.path), row=row.number) for name, row in first.items()}
    later = assign_names(known, rows("/c/CLIP.WAV", "/new/clip.wav", "/b/clip.wav"))
    by_path = {str(row.path): name for name, row in later.items()}
    for name, row in first.items():
        if str(row.path) in by_path:
            assert by_path[str(row.path)] == name
    assert [row.number for row in later.values()] == [1, 2, 3]


names = st.text(st.sampled_from("aAáÁ .-_1你"), min_size=1, max_size=4).filter(lambda n: n not in (".", ".."))


@given(st.lists(st.tuples(st.sampled_from("xyz"), names), min_size=1, max_size=12, unique=True))
def test_names_are_unique_without_case_on_any_system(files: list[tuple[str, str]]) -> None:
    found = assign_names({}, rows(*(f"/{folder}/{name}.wav" for folder, name in files)))
    assert len(found) == len(files) == len({name_key(name) for name in found})
    assert all("/" not in name and len(name.encode()) <= 100 for name in found)


def test_another_family_encoder_or_base_is_refused_with_both_names(tmp_path: Path) -> None:
    experiment = Experiment.open_or_create(tmp_path / "x", "tiny")
    with pytest.raises(DataError, match=r"tiny.*v2"):
        Experiment.open_or_create(tmp_path / "x", "v2")
    experiment.check_base(ModelIdentity(name="one.safetensors", version="codes-1"))
    experiment.check_base(ModelIdentity(name="renamed.safetensors", version="codes-1"))
    with pytest.raises(DataError, match=r"renamed\.safetensors.*two\.safetensors"):
        Experiment.open(tmp_path / "x").check_base(ModelIdentity(name="two.safetensors", version="codes-2"))
    experiment.check_content(ModelIdentity(name="ours", version="a"))
    with pytest.raises(DataError, match=r"ours.*theirs"):
        experiment.check_content(ModelIdentity(name="theirs", version="b"))


def test_missing_and_damaged_experiments_are_typed_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no experiment"):
        Experiment.open(tmp_path / "nowhere")
    with pytest.raises(InputError):
        Experiment.create(tmp_path / "x", "v99")
    Experiment.create(tmp_path / "x", "tiny")
    with pytest.raises(InputError, match="exists"):
        Experiment.create(tmp_path / "x", "tiny")
    path = tmp_path / "x" / "experiment.json"
    value = json.loads(path.read_text())
    path.write_text(json.dumps({**value, "surprise": 1}))
    with pytest.raises(DataError, match="surprise"):
        Experiment.open(tmp_path / "x")
    path.write_text("{")
    with pytest.raises(DataError, match="damaged"):
        Experiment.open(tmp_path / "x")


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    Experiment.create(tmp_path / "x", "tiny")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: Experiment.open(tmp_path / "x").add_job(f"job-{n}"), range(24)))
    assert set(Experiment.open(tmp_path / "x").record.jobs) == {f"job-{n}" for n in range(24)}


def test_a_failed_update_saves_nothing(tmp_path: Path) -> None:
    experiment = Experiment.create(tmp_path / "x", "tiny")
    with pytest.raises(RuntimeError), experiment.updating() as record:
        record.jobs.append("never")
        raise RuntimeError
    assert Experiment.open(tmp_path / "x").record.jobs == []


def test_rejected_rows_of_one_stage_leave_those_of_others(tmp_path: Path) -> None:
    experiment = Experiment.create(tmp_path / "x", "tiny")
    experiment.write_rejected({"list": {3: "missing\tfile\n"}, "text": {1: "nothing to say"}})
    experiment.write_rejected({"text": {}})
    assert experiment.read_rejected() == [(3, "list", "missing file")]
    assert (tmp_path / "x" / "rejected.tsv").read_text() == "row\tstage\treason\n3\tlist\tmissing file\n"


def test_a_journal_survives_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "state" / "text.jsonl"
    with Journal(path) as journal:
        journal.add("a", "k1", phones="A")
        journal.add("b", "k1", phones="B")
        journal.add("a", "k2", phones="AA")
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        with Journal(path) as journal:
            journal.add("c", "k1")
        entries = Journal(path).entries
        assert "c" in entries and set(entries) <= {"a", "b", "c"}
    path.write_bytes(whole)
    journal = Journal(path)
    assert journal.done("a", "k1") is None and (journal.done("a", "k2") or {})["phones"] == "AA"
    journal.compact()
    assert Journal(path).entries == journal.entries and len(path.read_text().splitlines()) == 2


def test_a_key_changes_with_every_input() -> None:
    assert item_key(a=1, b="x") == item_key(b="x", a=1)
    assert len({item_key(a=1), item_key(a=2), item_key(b=1), item_key(a="1")}) == 4
