"""Lexicons and models of a workspace, and of what lies in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gsv.errors import WeightsError
from gsv.settings import Workspace
from gsv.text import phones_of
from gsv.text.lexicon import Lexicon
from gsv.text.pronunciations import LEXICON, lexicon_files, pronunciations


def test_the_nearest_lexicon_wins(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    weights = workspace.experiment("anna") / "weights" / "gpt-s1.safetensors"
    weights.parent.mkdir(parents=True)
    files = lexicon_files(workspace, weights)
    assert files[0] == tmp_path.resolve() / LEXICON
    assert files.index(weights.parent.parent / LEXICON) < files.index(weights.parent / LEXICON)
    (tmp_path / LEXICON).write_text("en\tgsv\tJH IY1\nen\tanna\tAE1 N AH0\n", encoding="utf-8")
    (workspace.experiment("anna") / LEXICON).write_text("en\tanna\tAA1 N AA0\n", encoding="utf-8")
    said = pronunciations(workspace, weights)
    assert phones_of("anna gsv", "en", lexicon=said.lexicon).phones == ["AA1", "N", "AA0", "JH", "IY1"]
    assert phones_of("anna gsv", "en", lexicon=pronunciations(workspace).lexicon).phones[:3] == [
        "AE1",
        "N",
        "AH0",
    ]


def test_outside_of_the_workspace_only_its_own_counts(tmp_path: Path) -> None:
    inside, outside = tmp_path / "studio", tmp_path / "else" / "gpt.safetensors"
    inside.mkdir()
    assert lexicon_files(Workspace(inside), outside) == (inside.resolve() / LEXICON,)


def test_words_that_a_reading_rests_on(tmp_path: Path) -> None:
    path = tmp_path / LEXICON
    path.write_text("zh\t行\txing2\nen\tAnna\tAE1 N AH0\n", encoding="utf-8")
    lexicon = Lexicon(path)
    assert lexicon.touching("银行", "zh") == [("行", "xing2")]
    assert lexicon.touching("ANNA came", "en") == [("anna", "AE1 N AH0")]
    assert lexicon.touching("银行", "yue") == []


def test_counts_stay_right_with_a_lexicon(tmp_path: Path) -> None:
    path = tmp_path / LEXICON
    path.write_text("zh\t行长\thang2 chang2\nyue\t行\thang4\n", encoding="utf-8")
    found = phones_of("银行行长说GPT。", "zh", lexicon=Lexicon(path))
    assert found.phones[4:8] == ["h", "ang2", "ch", "ang2"]
    assert found.word2ph is not None
    assert len(found.word2ph) == len(found.normalized)
    assert sum(found.word2ph) == len(found.phones)
    assert phones_of("行", "yue", lexicon=Lexicon(path)).phones == ["Yh", "Yang4"]


def test_half_a_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "pretrained_models" / "G2PWModel").mkdir(parents=True)
    with pytest.raises(WeightsError, match="is not whole"):
        pronunciations(Workspace(tmp_path))
