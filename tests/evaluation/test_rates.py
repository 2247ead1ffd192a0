"""How texts are made comparable and how edits are counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gsv.evaluation.rates import characters, edit_distance, error_rate, heard_phones, phone_error_rate, words

SEQUENCE = st.lists(st.sampled_from("abc"), max_size=8)


def test_english_words() -> None:
    assert words("Don’t stop — it's 9 O'Clock, 'now'!") == ["don't", "stop", "it's", "9", "o'clock", "now"]
    assert words("Café naïve") == ["cafe", "naive"]
    rate = error_rate("The cat sat.", "the cat sat down", "EN")
    assert (rate.edits, rate.length) == (1, 3)


def test_chinese_and_japanese_characters() -> None:
    assert characters("漢語，ＡＢ 1。") == list("汉语ab1")
    assert error_rate("你好，世界！", "你好世界", "zh").rate == 0
    assert error_rate("プログラムを書く。", "プログラムを书く", "ja").rate == 0
    assert error_rate("你好", "", "zh").rate == 1


def test_phones_are_compared_without_tone_and_marks() -> None:
    assert heard_phones(["n", "i3", ",", "_", "AH0", "UNK"]) == ["n", "i", "AH"]
    assert phone_error_rate(["n", "i3", "h", "ao3", "."], ["n", "i2", "ao3"]).edits == 1


@given(SEQUENCE, SEQUENCE, SEQUENCE)
def test_edit_distance_is_a_metric(first: list[str], second: list[str], third: list[str]) -> None:
    distance = edit_distance(first, second)
    assert distance == edit_distance(second, first)
    assert (distance == 0) == (first == second)
    assert abs(len(first) - len(second)) <= distance <= max(len(first), len(second))
    assert distance <= edit_distance(first, third) + edit_distance(third, second)


def test_known_distance() -> None:
    assert edit_distance("kitten", "sitting") == 3
    assert error_rate("", "", "en").rate == 0
