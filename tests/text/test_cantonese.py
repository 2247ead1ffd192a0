"""Cantonese: the published cut of Jyutping syllables, what is written and what is said."""

from __future__ import annotations

import pytest

from gsv.text import phones_of, symbols
from gsv.text.languages.cantonese import normalize, readings, split


@pytest.mark.parametrize(("jyutping", "phones"), [
    ("m4", "Ym Ym4"), ("ng4", "Yng Yg4"), ("oi3", "Yoi Yi3"), ("aap3", "Yaa Yp3"), ("ngo5", "Yng Yo5"),
    ("gwong2", "Ygw Yong2"), ("ong3", "Yo Yong3"), ("ang1", "Ya Yang1"),
])  # fmt: skip
def test_split(jyutping: str, phones: str) -> None:
    assert " ".join(split(jyutping)) == phones


PRONOUNCED = {
    "你好,世界!": "Yn Yei5 Yh You2 , Ys Yai3 Yg Yaai3 !",
    "我哋今日去食嘢。": "Yng Yo5 Yd Yei6 Yg Yam1 Yj Yat6 Yh Yeoi3 Ys Yik6 Yj Ye5 .",
}


@pytest.mark.parametrize(("text", "phones"), PRONOUNCED.items())
def test_pronounced(text: str, phones: str) -> None:
    found = phones_of(text, "yue")
    assert " ".join(found.phones) == phones
    assert found.word2ph is not None
    assert sum(found.word2ph) == len(found.phones)
    assert len(found.word2ph) == len(found.normalized)


@pytest.mark.parametrize(("written", "said"), [
    ("呢件衫賣299蚊。", "呢件衫卖二百九十九蚊."), ("2個人", "两个人"),
    ("今日係3月15日", "今日系三月十五日"), ("聽日10:30", "听日十点半"), ("1/2", "二分之一"), ("5kg", "五千克"),
])  # fmt: skip
def test_said(written: str, said: str) -> None:
    assert normalize(written) == said
    assert normalize(said) == said


def test_every_reading_is_in_the_table() -> None:
    table = symbols.table("v2")
    found = {reading for start in range(0x4E00, 0x9FA6) for reading in readings(chr(start)) if reading}
    assert len(found) > 1000
    missing = {reading for reading in found if any(part not in table for part in split(reading))}
    assert not missing


def test_a_character_without_reading_is_listed() -> None:
    found = phones_of("好\U0003134a", "yue")
    assert [item.position for item in found.unread] == [1]
