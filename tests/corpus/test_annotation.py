"""Annotation lists: every bad row is found before the work, and good ones survive odd paths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsv.audio import write
from gsv.corpus.annotation import AnnotationRow, length_fault, read_annotations, write_annotations
from gsv.errors import InputError

ODD = """it's a "test" $(touch x) 你好 🎤 & ; %TEMP%"""


def clip(path: Path, seconds: float = 1.0, rate: int = 16000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).normal(size=int(rate * seconds)).astype(np.float32) * 0.1
    write(path, noise, rate)
    return path


def test_every_bad_row_is_named_with_its_number_and_reason(tmp_path: Path) -> None:
    clip(tmp_path / "good.wav")
    clip(tmp_path / "good2.wav")
    clip(tmp_path / "short.wav", 0.5)
    clip(tmp_path / "long.wav", 54.5, 8000)
    (tmp_path / "broken.wav").write_bytes(b"RIFF is all there is")
    (tmp_path / "empty.wav").write_bytes(b"")
    lines = [
        "good.wav|s|EN|Hello.",
        "missing.wav|s|en|Hello.",
        "good2.wav|s|AUTO|Hello.",
        "good2.wav|s|en|a|b",
        "good2.wav|s|en",
        "good2.wav|s|en|  ",
        "short.wav|s|en|Hello.",
        "long.wav|s|en|Hello.",
        "broken.wav|s|en|Hello.",
        "empty.wav|s|en|Hello.",
        "./good.wav|s|en|Again.",
        "",
        "good2.wav|s|jp|やあ。",
        "|s|en|Hello.",
    ]
    path = tmp_path / "a.list"
    path.write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    found = read_annotations(path)
    assert [(row.number, row.path.name, row.language) for row in found.rows] == [
        (1, "good.wav", "en"),
        (13, "good2.wav", "ja"),
    ]
    assert found.rows[0].seconds == pytest.approx(1.0)
    words = {
        2: "missing", 3: "language", 4: "|", 5: "3 fields", 6: "empty text", 7: "too short", 8: "too long",
        9: "unreadable", 10: "unreadable", 11: "row 1", 14: "no path",
    }  # fmt: skip
    assert [row.number for row in found.bad] == list(words)
    for row in found.bad:
        assert words[row.number] in row.reason, row


@pytest.mark.parametrize("written", ["absolute", "base", "windows", "quoted", "inner"])
def test_paths_are_found(tmp_path: Path, written: str) -> None:
    audio = clip(tmp_path / "audio" / "in ner" / "a b.wav")
    forms = {
        "absolute": (str(audio), None),
        "base": ("/elsewhere/a b.wav", audio.parent),
        "windows": ("D:\\data\\a b.wav", audio.parent),
        "quoted": (f' "{audio}" ', None),
        "inner": ("in ner/a b.wav", tmp_path / "audio"),
    }
    source, folder = forms[written]
    path = tmp_path / "a.list"
    path.write_text(f"{source}|s|en|Hi.\n", encoding="utf-8")
    found = read_annotations(path, folder)
    assert not found.bad
    assert found.rows[0].path.samefile(audio)


def test_one_recording_under_two_names_is_a_repeat(tmp_path: Path) -> None:
    clip(tmp_path / "a.wav")
    (tmp_path / "b.wav").symlink_to(tmp_path / "a.wav")
    path = tmp_path / "a.list"
    path.write_text("a.wav|s|en|Hi.\nb.wav|s|en|Hi.\n", encoding="utf-8")
    found = read_annotations(path)
    assert len(found.rows) == 1 and "row 1" in found.bad[0].reason


def test_a_bad_list_is_a_typed_error(tmp_path: Path) -> None:
    path = tmp_path / "a.list"
    with pytest.raises(InputError, match="no text file"):
        read_annotations(path)
    path.write_text("\n \n", encoding="utf-8")
    with pytest.raises(InputError, match="no row"):
        read_annotations(path)
    path.write_bytes("a.wav|s|zh|你好".encode("gbk"))
    with pytest.raises(InputError, match="UTF-8"):
        read_annotations(path)
    with pytest.raises(InputError, match="audio folder"):
        read_annotations(path, tmp_path / "nowhere")


field = st.text(st.characters(exclude_categories=["C"], exclude_characters="|\u2028\u2029\x85"), min_size=1)
clean = field.map(lambda text: " ".join(text.strip("\"'").split())).filter(bool)


@given(st.lists(st.tuples(clean, clean), min_size=1, max_size=5))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    written = [
        AnnotationRow(number, folder / f"{number} {ODD}.wav", speaker, "en", text)
        for number, (speaker, text) in enumerate(rows, start=1)
    ]
    write_annotations(folder / "a.list", written, relative_to=folder)
    assert read_annotations(folder / "a.list", check_audio=False).rows == written


def test_a_field_that_the_format_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        write_annotations(tmp_path / "a.list", [AnnotationRow(1, tmp_path / "a.wav", "s", "en", "a|b")])


def test_length_limits_are_the_published_ones() -> None:
    assert length_fault(0.6) and not length_fault(0.61)
    assert length_fault(54.0) and not length_fault(53.9)
