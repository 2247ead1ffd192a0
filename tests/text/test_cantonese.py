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
    ("今日係3月15日", "今日系三月十五日"), ("聽日10:30", "聽日十点半"), ("1/2", "二分之一"), ("5kg", "五千克"),
    # what people write
    ("電話2345 6789", "电话二三四五六七八九"), ("手機9876-5432", "手机九八七六五四三二"), ("賣$299", "卖二百九十九蚊"),
    ("車費$40.5。", "车费四十点五蚊."), ("HK$8,599", "八千五百九十九港元"), ("US$5", "五美元"), ("2隻貓", "两隻猫"),
    ("20%嘅", "百分之二十嘅"),
    ("8折", "八折"), ("12樓1203室", "十二楼一二零三室"), ("速度100km/h", "速度一百千米每小时"),
    ("離開", "離开"), ("3:2", "三比二"), ("下晝3點半", "下昼三点半"), ("1,020億", "一千零二十亿"),
])  # fmt: skip
def test_said(written: str, said: str) -> None:
    assert normalize(written) == said
    assert normalize(said) == said


# A clause, and the Jyutping of the characters in brackets.
TOLD_APART = """
一【隻】貓 zek3|两【只】狗 zek3|【只】有 zi2|輕【鬆】 sung1|轻【松】 sung1|【松】樹 cung4|【離】開 lei4
【离】开 lei4|【醫】生 ji1
【医】生 ji1|【適】合 sik1|【适】合 sik1|【幹】部 gon3|【乾】淨 gon1|【曾】志偉 zang1|【曾】經 cang4
【單】先生 sin6|【簡】單 gaan2
【區】小姐 au1|地【區】 keoi1|張【相】 soeng2|互【相】 soeng1|【長】大 zoeng2|頭髮好【長】 coeng4
【行】路 haang4|銀【行】 hong4
【重】複 cung4|【重】要 zung6|音【樂】 ngok6|快【樂】 lok6|【調】整 tiu4|【調】查 diu6|【會】計 wui6
勝【利】 lei6|種【種】 zung2
【會】落雨 wui5|唔【會】 wui5|【會】議 wui6
"""


@pytest.mark.parametrize("case", TOLD_APART.replace("\n", "|").strip("|").split("|"))
def test_told_apart(case: str) -> None:
    marked, jyutping = case.split()
    place = marked.index("【")
    found = phones_of(marked.replace("【", "").replace("】", ""), "yue")
    assert found.phones[2 * place : 2 * place + 2] == list(split(jyutping))


def test_every_reading_is_in_the_table() -> None:
    table = symbols.table("v2")
    found = {reading for start in range(0x4E00, 0x9FA6) for reading in readings(chr(start)) if reading}
    assert len(found) > 1000
    missing = {reading for reading in found if any(part not in table for part in split(reading))}
    assert not missing


def test_a_character_without_reading_is_listed() -> None:
    found = phones_of("好\U0003134a", "yue")
    assert [item.position for item in found.unread] == [1]
