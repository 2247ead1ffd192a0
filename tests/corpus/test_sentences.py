"""Sentences out of a dictionary and out of prose: what is taken, what is left, what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from gsv.corpus.sentences import glosses, plain_sentences, prose
from gsv.errors import InputError


def test_definitions_and_examples_come_out_of_a_dictionary(tmp_path: Path) -> None:
    licence = "  1 This is | no entry\n"
    entry = (
        '00001740 29 v 01 breathe 0 | draw air (as a rule) into the lungs; "she breathes; slowly"; be alive\n'
    )
    (tmp_path / "data.verb").write_text(licence + entry, encoding="latin-1")
    found = plain_sentences(glosses(tmp_path))
    assert found == ["she breathes; slowly", "draw air   into the lungs", "be alive"]
    with pytest.raises(InputError, match="holds no WordNet"):
        list(glosses(tmp_path / "none"))


def test_sentences_come_out_of_paragraphs(tmp_path: Path) -> None:
    text = ":foo: n. A sample name\n   for anything. It is used\nwith `bar'.\n\nLOUD WORDS HERE.\n\n"
    text += "It costs 3 francs. No.\n"
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(text.replace("francs", "caf\xe9s").encode("latin-1")))
    wanted = ["A sample name for anything.", "It is used with 'bar'."]
    assert plain_sentences(prose(tmp_path / "a.txt")) == wanted
    assert plain_sentences([*prose(tmp_path / "a.txt"), *prose(tmp_path / "b.txt.gz")]) == wanted
    (tmp_path / "c.txt.gz").write_bytes(b"no archive")
    for name in ("missing.txt", "c.txt.gz"):
        with pytest.raises(InputError, match="cannot be read"):
            list(prose(tmp_path / name))
