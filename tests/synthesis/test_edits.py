"""Phones that a person corrected reach their sentence, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsv.errors import DataError, InputError
from gsv.synthesis.edits import PhoneEdit, edited, read_edits, with_phones
from gsv.synthesis.words import words_of
from gsv.text import symbols
from gsv.text.plan import plan

TABLE = symbols.table("v2")
TEXT = "Hello there. 两天 two days 好。"


def test_only_the_named_sentence_changes() -> None:
    before = plan(TEXT)
    phones = ("HH", "AY1", ".")
    after = edited(before, [PhoneEdit(sentence=1, text=" Hello  there.", phones=phones)], TABLE)
    assert tuple(after.utterances[0].phones.phones) == phones
    assert after.utterances[1] == before.utterances[1]


def test_a_correction_keeps_the_counts_that_still_hold() -> None:
    said = plan("两天。").utterances[0]
    phones = said.phones.phones
    other_tone = [phones[0], phones[1][:-1] + "4", *phones[2:]]
    kept = with_phones(said, other_tone)
    assert kept.phones.word2ph == said.phones.word2ph and kept.segments[0].reading.phones == other_tone
    assert with_phones(said, phones[:-1]).phones.word2ph is None
    assert with_phones(said, phones) is said


@given(st.lists(st.sampled_from(["HH", "AY1", ".", "t", "ian1", "SP"]), min_size=1, max_size=30))
def test_words_stay_within_the_phones(phones: list[str]) -> None:
    for said in plan(TEXT, least=40).utterances:
        changed = with_phones(said, phones)
        assert sum(len(part.reading.phones) for part in changed.segments) <= len(phones)
        assert all(0 <= span.first < span.end <= len(phones) for span in words_of(changed))


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    before = plan(TEXT)
    for sentence, text, phones, why in (
        (3, "Hello there.", ("HH",), "no sentence 3"),
        (1, "Something else.", ("HH",), "another one"),
        (1, "Hello there.", ("HH", "QQ9"), "no phone QQ9"),
    ):
        with pytest.raises(InputError, match=why):
            edited(before, [PhoneEdit(sentence=sentence, text=text, phones=phones)], TABLE)
    file = tmp_path / "p.json"
    for content in ("{", "[1]", json.dumps([{"sentence": 0, "text": "", "phones": ["HH"]}])):
        file.write_text(content, encoding="utf-8")
        with pytest.raises(DataError):
            read_edits(file)
