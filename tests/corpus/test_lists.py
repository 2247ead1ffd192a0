"""Lists and the training split: no held-out voice or sentence is ever trained on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsv.corpus.annotation import read_annotations
from gsv.corpus.lists import Selection, make_lists, read_table
from gsv.corpus.splits import CorpusRow, held_out, parts_of, sentence_key
from gsv.errors import DataError, InputError

MIXES = {"mix0": {"a": 0.5, "c": 0.5}, "mix1": {"b": 0.9, "d": 0.1}}
speakers = st.sampled_from(["a", "b", "c", "d", "a-b", "c-d", "mix0", "mix1"])


@given(
    st.lists(st.tuples(speakers, st.sampled_from(["en", "zh"]), st.integers(0, 40)), min_size=8, max_size=60),
    st.sampled_from([0.02, 0.1, 0.5]),
)
def test_nothing_held_out_leaks_into_training(values: list[tuple[str, str, int]], share: float) -> None:
    rows = [CorpusRow(f"{i}.wav", s, lang, f"Sentence {t}!", 1.0) for i, (s, lang, t) in enumerate(values)]
    try:
        reasons = held_out(rows, MIXES, share=share)
    except DataError:
        return
    gone = [row for row in rows if row.file in reasons]
    train = [row for row in rows if row.file not in reasons]
    assert train
    said = {(row.language, sentence_key(row.text)) for row in gone}
    assert not said & {(row.language, sentence_key(row.text)) for row in train}
    for language in ("en", "zh"):
        alone = {
            row.speaker for row in rows if row.language == language and len(parts_of(row.speaker, MIXES)) == 1
        }
        if len(alone) > 1:
            heard = {part for row in train for part in parts_of(row.speaker, MIXES)}
            assert alone - heard, "one base voice of each language is never heard"


def test_the_last_clips_of_each_speaker_and_a_named_voice_are_held_out() -> None:
    rows = [
        CorpusRow(f"{s}{i}", s, "en", f"{s} says {i}", 2.0) for s in ("a", "b", "a-b", "x") for i in range(60)
    ]
    reasons = held_out(rows, voices={"en": "a"})
    assert {file for file, reason in reasons.items() if reason == "last"} == {"b58", "b59", "x58", "x59"}
    assert sum(reason == "voice" for reason in reasons.values()) == 120
    with pytest.raises(InputError, match="no base voice"):
        held_out(rows, voices={"en": "a-b"})


def corpus(folder: Path) -> Path:
    rows = [
        {
            "file": f"audio/{lang}_{s}_{i}.opus",
            "speaker": s,
            "lang": lang,
            "text": f"{s} {i} {lang}",
            "seconds": 1 + i,
        }
        for lang in ("en", "zh")
        for s in ("a", "b", "c")
        for i in range(4)
    ]
    path = folder / "corpus.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_tables_folders_and_lists_become_one_list(tmp_path: Path) -> None:
    table = corpus(tmp_path)
    folder = tmp_path / "pairs" / "anna"
    folder.mkdir(parents=True)
    (folder / "1.wav").write_bytes(b"x")
    (folder / "1.txt").write_text("你好。\n", encoding="utf-8")
    (folder / "2.wav").write_bytes(b"x")
    output = tmp_path / "all.list"
    counts = make_lists([table, tmp_path / "pairs"], output, language="ZH", selection=Selection(limit=99))
    assert (counts.read, counts.done) == (25, 25)
    rows = read_annotations(output, check_audio=False).rows
    assert rows[0].path == tmp_path / "audio" / "en_a_0.opus"
    assert (rows[-1].speaker, rows[-1].language, rows[-1].text) == ("anna", "zh", "你好。")
    assert [row.text for row in read_table(output)] == [row.text for row in rows]
    chosen = Selection(speakers=("b",), languages=("en",), minimum_seconds=2, maximum_seconds=3)
    assert make_lists([table], output, selection=chosen).done == 2


def test_bad_sources_are_named(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"file": "a", "lang": "en", "text": "x"}\n{"file": "b", "lang": "xx", "text": "y"}\n')
    with pytest.raises(DataError, match="line 2"):
        read_table(path)
    with pytest.raises(InputError, match="--language"):
        read_table(tmp_path)
    with pytest.raises(InputError):
        read_table(tmp_path / "nothing.csv")


def test_the_script_writes_list_and_split(tmp_path: Path, repository: Path) -> None:
    folder = tmp_path / "it's $(here) 你好 🎤"
    folder.mkdir()
    corpus(folder)
    command = [
        sys.executable, str(repository / "tools" / "make_list.py"), str(folder / "corpus.jsonl"),
        "--output", str(folder / "out.list"), "--split", "--hold-voice", "en=a", "--hold-voice", "zh=b",
    ]  # fmt: skip
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    split = json.loads((folder / "out.split.json").read_text(encoding="utf-8"))
    train = read_annotations(folder / "out.train.list", check_audio=False).rows
    gone = read_annotations(folder / "out.held-out.list", check_audio=False).rows
    assert len(train) + len(gone) == 24 and len(split["held_out"]) == len(gone)
    assert {row.speaker for row in train} == {"c"} or "a" not in {
        r.speaker for r in train if r.language == "en"
    }
    assert (folder / "out.list").read_text(encoding="utf-8").startswith("audio/en_a_0.opus|a|en|a 0 en\n")
    command[command.index("en=a")] = "en"
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 2
