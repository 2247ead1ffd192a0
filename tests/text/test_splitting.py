"""Pieces and sentences: the published methods without their faults, and sentences that a reader would see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gsv.errors import InputError
from gsv.text.plan import plan
from gsv.text.splitting import METHODS, at_most, breaths, cut, only_marks, prepared, sentences, width


@pytest.mark.parametrize(("clauses", "groups"), [
    (1, [1]), (4, [4]), (5, [5]), (8, [8]), (9, [4, 5]), (12, [4, 8]), (13, [4, 4, 5]), (16, [4, 4, 8]),
])  # fmt: skip
def test_four_clauses(clauses: int, groups: list[int]) -> None:
    assert [len(piece) // 2 for piece in cut("一。" * clauses, "cut1")] == groups


def test_fifty_characters() -> None:
    assert [len(piece) for piece in cut("一二三四五六。" * 30, "cut2")] == [56, 56, 98]


@pytest.mark.parametrize(("method", "text", "pieces"), [
    ("cut0", "a。b", ["a。b"]),
    ("cut3", "。好。是。", ["好", "是"]),
    ("cut4", "a...b", ["a", "b"]),
    ("cut4", "Pi is 3.14. Yes. No; maybe", ["Pi is 3.14. Yes", " No; maybe"]),
    ("cut5", "Pi is 3.14. Yes. No; maybe", ["Pi is 3.14.", " Yes.", " No;", " maybe"]),
    ("cut5", "好；的、是", ["好；", "的、", "是"]),
    ("cut0", "一\n二", ["一", "二"]),
])  # fmt: skip
def test_methods(method: str, text: str, pieces: list[str]) -> None:
    assert cut(text, method) == pieces


@pytest.mark.parametrize("method", METHODS)
def test_nothing_but_marks(method: str) -> None:
    assert cut("……", method) == []
    assert cut("", method) == []


@pytest.mark.parametrize("method", ["cut1", "cut2"])
def test_numbers_stay_whole(method: str) -> None:
    text = "价格3.5元，好。时间10:30，对。" * 8
    pieces = cut(text, method)
    assert len(pieces) > 1
    assert sum(piece.count("3.5元") + piece.count("10:30") for piece in pieces) == 16


def test_unknown_method() -> None:
    with pytest.raises(InputError, match="unknown way"):
        cut("好", "cut9")


def test_prepared() -> None:
    assert prepared(["你好", "我是谁呀。", "啊"]) == ["你好我是谁呀。啊。"]
    assert prepared(["Hello there"], english=True) == ["Hello there."]


SENTENCES = [
    'Dr. Smith paid $3.50 at 5 p.m. |He left. |"Is it?" she said. |See example.com now.',
    "他说：“你好。再见。”然后走了。|真的吗？！|是的……|好",
    "He lives in the U.S. and works. |E.g. this. |J. R. R. Tolkien wrote.",
    "東京（とうきょう。）です。|はい。",
    "one\n\n|two",
    "v1.2.3 is out. |OK.",
    "Wait... what? |Yes.",
    "안녕하세요. |반갑습니다!",
    '그는 "네, 좋아요!"라고 말했다. |끝.',
    "「はい。」と言った。|次。",
    "1. 첫째, 2. 둘째. |3. 셋째",
    "1600 Pennsylvania Ave. NW. |Sec. 4.2, c. 500 BC. |I have 5. |Then",
]


@pytest.mark.parametrize("marked", SENTENCES)
def test_sentences(marked: str) -> None:
    assert sentences(marked.replace("|", "")) == marked.split("|")


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200), st.integers(1, 40))
def test_sentences_lose_nothing(text: str, longest: int) -> None:
    pieces = sentences(text, longest)
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= longest for piece in pieces)


@given(st.text(alphabet="a好。,. ！", max_size=120), st.integers(1, 30))
def test_no_part_is_empty_or_long(text: str, longest: int) -> None:
    parts = at_most(text, longest)
    assert "".join(parts) == text
    assert all(0 < len(part) <= longest for part in parts)


@given(st.text(alphabet="a1好。,. …！?;；\n", max_size=120), st.sampled_from(sorted(METHODS)))
def test_methods_keep_every_word(text: str, method: str) -> None:
    kept = "".join(character for piece in cut(text, method) for character in piece if character in "a1好")
    assert kept == "".join(character for character in text if character in "a1好")
    assert not any(only_marks(piece) for piece in cut(text, method))


@pytest.mark.parametrize(
    ("text", "most", "count"),
    [
        ("One two three, four five six, seven eight nine, ten eleven twelve.", 40, 2),
        ("今天天气很好，我们去公园走走，然后回家吃饭，晚上一起看书。", 60, 2),
        ("Short.", 40, 1),
        ("Short, but free.", 0, 1),
    ],
)
def test_breaths_are_equal_parts(text: str, most: int, count: int) -> None:
    parts = breaths(text, most)
    assert "".join(parts) == text and len(parts) == count
    assert all(width(part) <= most or most == 0 for part in parts)
    assert min(map(width, parts)) > 0.4 * max(map(width, parts))


def test_no_word_of_katakana_is_cut() -> None:
    text = "起動に問題があった際のトラブルシューティングの手順についても紹介します"
    for longest in range(8, len(text)):
        parts = at_most(text, longest)
        assert "".join(parts) == text and all(len(part) <= longest for part in parts)
        if longest >= 26:
            assert any("トラブルシューティング" in part for part in parts), parts
    assert at_most(text, 20) == [
        "起動に問題があった際の",
        "トラブルシューティングの手順についても",
        "紹介します",
    ]
    assert at_most("トラブルシューティング", 4)[0] == "トラブル", "there is no other place"


def test_a_long_sentence_is_planned_in_breaths() -> None:
    text = (
        "This is a long sentence, which goes on, and on, and on, until somebody, who listens, has had enough."
    )
    assert len(plan(text).utterances) == 1
    parts = plan(text, breath=60).utterances
    assert len(parts) == 2 and "".join(part.text for part in parts) == text
