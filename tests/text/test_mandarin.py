"""Mandarin: what is written and what is said, tones in context, counts per character."""

from __future__ import annotations

import pytest

from gsv.text import phones_of
from gsv.text.languages.mandarin_rules import normalize
from gsv.text.languages.pinyin import syllable

SAID = {
    # numbers alone
    "27149": "二七幺四九", "123": "幺二三", "007": "零零七",
    "150": "一百五十", "1.50": "一点五零", "１２３": "幺二三",
    "1,234.5": "一千二百三十四点五",
    # counted
    "324.75克": "三百二十四点七五克", "2个": "两个", "22个": "二十二个", "2万元": "两万元", "1000万": "一千万",
    "20多人": "二十多人", "50+人": "五十多人", "第10页": "第十页",
    "第2名": "第二名", "0元": "零元", "10005人": "一万零五人",
    "1234567890元": "十二亿三千四百五十六万七千八百九十元", "100,000元": "十万元", "①号": "一号",
    # dates and times
    "86年8月18日": "八六年八月十八日", "2024年5月6日": "二零二四年五月六日", "2024-05-06": "二零二四年五月六日",
    "1990-1995年": "一九九零到一九九五年", "3000年前": "三千年前", "12:05": "十二点零五分", "12:30": "十二点半",
    "8:30-12:45": "八点半至十二点四十五分", "10:30:05": "十点三十分零五秒", "3:00": "三点",
    # ranges, fractions, percentages, ratios
    "12~23": "十二到二十三", "-1.5~2": "负一点五到二", "5-10个": "五到十个", "3～5个": "三到五个", "1/2": "二分之一",
    "7/12": "十二分之七", "62.5%": "百分之六十二点五", "62％": "百分之六十二", "10%~20%": "百分之十至百分之二十",
    "3:2": "三比二",
    # telephone numbers
    "13800138000": "幺三八零零幺三八零零零", "+86 18544139121": "八六幺八五四四幺三九幺二幺",
    "0421-33441122": "零四二幺,三三四四幺幺二二", "400-123-4567": "四零零,幺二三,四五六七",
    # money
    "$100": "一百美元", "¥100": "一百元", "￥3.5": "三点五元", "5欧元": "五欧元",
    # units
    "-10°C": "零下十度", "温度-5度": "温度零下五度", "5kg": "五千克",
    "5g": "五克", "3m2": "三平方米", "10m/s": "十米每秒",
    "元/吨": "元每吨", "3.5kg~5kg": "三点五到五千克",
    # arithmetic, versions, letters of formulas
    "1+1=2": "一加一等于二", "5-3=2": "五减三等于二",
    "x²": "x的二次方", "v1.2.3": "v一点二点三", "α射线": "阿尔法射线",
    # marks and scripts
    "他说：“好”。": "他说,好.", "你好……世界": "你好…世界",
    "讀書": "读书", "AI技术": "AI技术", "你好\n世界": "你好.世界",
    "12GB内存": "十二GB内存",
}  # fmt: skip


@pytest.mark.parametrize(("written", "said"), SAID.items())
def test_said(written: str, said: str) -> None:
    assert normalize(written) == said
    assert normalize(said) == said


PRONOUNCED = {
    "你好,世界!": "n i2 h ao3 , sh ir4 j ie4 !",
    "不怕": "b u2 p a4", "看不懂": "k an4 b u5 d ong3", "一天": "y i4 t ian1", "一段": "y i2 d uan4",
    "一个人": "y i2 g e5 r en2", "第一": "d i4 y i1", "看一看": "k an4 y i5 k an4", "老虎": "l ao2 h u3",
    "纸老虎": "zh ir3 l ao2 h u3", "蒙古包": "m eng2 g u3 b ao1", "爸爸": "b a4 b a5", "东西": "d ong1 x i5",
    "女儿": "n v3 EE er2", "绿色": "l v4 s e4", "月亮": "y ve4 l iang5", "语言": "y v3 y En2", "云": "y vn2",
    "翁": "w eng1", "儿子": "EE er2 z i05",
    "嗯": "EE en1", "...": "…", "我有3个苹果。": "w o2 y ou3 s an1 g e5 p ing2 g uo3 .",
    "重庆": "ch ong2 q ing4", "银行": "y in2 h ang2",
}  # fmt: skip


@pytest.mark.parametrize(("text", "phones"), PRONOUNCED.items())
def test_pronounced(text: str, phones: str) -> None:
    found = phones_of(text, "zh")
    assert " ".join(found.phones) == phones
    assert found.word2ph is not None
    assert sum(found.word2ph) == len(found.phones)
    assert len(found.word2ph) == len(found.normalized)


def test_erhua_from_the_second_version_on() -> None:
    assert phones_of("一会儿", "zh", "v1").phones[-2:] == ["EE", "er5"]
    assert phones_of("一会儿", "zh", "v2").phones[-2:] == ["EE", "er4"]


def test_latin_words_are_read_and_counted() -> None:
    found = phones_of("GPT模型", "zh")
    assert found.phones == ["JH", "IY1", "P", "IY1", "T", "IY1", "m", "o2", "x", "ing2"]
    assert found.word2ph == [6, 0, 0, 2, 2]


@pytest.mark.parametrize(("pinyin", "phones"), [
    ("yan2", ("y", "En2")), ("ye3", ("y", "E3")), ("yuan2", ("y", "van2")), ("xue2", ("x", "ve2")),
    ("zi4", ("z", "i04")),
    ("zhi1", ("zh", "ir1")), ("an1", ("AA", "an1")), ("er2", ("EE", "er2")), ("ou3", ("OO", "ou3")),
    ("lv4", ("l", "v4")),
    ("hm", ("h", "en5")), ("ng2", ("EE", "eng2")), ("lo5", ("l", "o5")),
])  # fmt: skip
def test_syllables(pinyin: str, phones: tuple[str, str]) -> None:
    found = syllable(pinyin)
    assert found is not None
    assert found.phones == phones


def test_no_syllable() -> None:
    assert syllable("xyz1") is None
    assert syllable("") is None
