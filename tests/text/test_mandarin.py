"""Mandarin: what is written and what is said, tones in context, counts per character."""

from __future__ import annotations

import pytest

from gsv.text import phones_of
from gsv.text.languages.mandarin_rules import normalize
from gsv.text.languages.pinyin import syllable
from gsv.text.reading import PUBLISHED

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
    "12~23": "十二到二十三", "-1.5~2": "负一点五到二", "5-10个": "五到十个", "3～5个": "三到五个",
    "1/2": "二分之一",
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
    "12GB内存": "十二GB内存", "256GB版本": "二百五十六GB版本",
    # what people write
    "2024-05-06 19:30举行": "二零二四年五月六日十九点半举行", "¥1,299.00": "一千二百九十九元",
    "￥0.50": "零点五零元",
    "比分3-2": "比分三比二", "以3-2获胜": "以三比二获胜", "身高1米78": "身高一米七八",
    "5.6mmol/L": "五点六毫摩尔每升",
    "血压120/80mmHg": "血压一百二十,八十毫米汞柱", "300年历史": "三百年历史", "公元618年": "公元六一八年",
    "2000年的历史": "二千年的历史", "15~22℃": "十五到二十二度", "-5~3℃": "零下五到零上三度",
    "-10℃~-5℃": "零下十到零下五度", "5月6日-8日": "五月六日到八日", "138 0013 8000": "幺三八零零幺三八零零零",
    "8765-4321": "八七六五四三二幺", "客服热线12345": "客服热线幺二三四五", "315晚会": "三幺五晚会",
    "20%~30%": "百分之二十至百分之三十", "100℃": "一百度", "1:1": "一比一", "第1-3章": "第一到三章",
    "9:00-18:00": "九点至十八点", "0.5个百分点": "零点五个百分点", "1.2亿股": "一点二亿股", "3～5年": "三到五年",
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


# What stands around a character tells its reading: a clause, and the reading of the character in brackets.
POLYPHONES = """
头发不【长】 chang2|他【长】得很高 zhang3|十米【长】 chang2|越【长】越高 zhang3|时间很【长】 chang2
孩子【长】大了 zhang3
还【得】你去 dei3|我【得】走了 dei3|我【得】了奖 de2|跑【得】快 de5|还不还【得】了 de5|就【得】了 de2
他们【得】到了 de2
受得【了】 liao3|去不【了】 liao3|为【了】你 le5|吃【了】 le5|看【着】我 zhe5|睡不【着】 zhao2|空【着】手 zhe5
【着】急 zhao2
慢慢【地】走 de5|这块【地】很大 di4|高兴【地】跳 de5|目的【地】 di4|一遍又一遍【地】读 de5|种了一亩【地】 di4
殖民【地】 di4
科学【地】分析 de5|被称【为】英雄 wei2|沸点【为】一百度 wei2|【为】人民服务 wei4|以和【为】贵 wei2
因【为】 wei4|总分【为】 wei2
排了一【行】队 hang2|第二【行】 hang2|【行】不行 xing2|银【行】 hang2|一【行】人 xing2|进京【都】 du1
我们【都】去 dou1
他还没【还】书 huan2|【还】有 hai2|归【还】 huan2|钱【还】不还 huan2|姓【曾】 zeng1|【曾】经 ceng2|【曾】国藩 zeng1
姓【单】 shan4|【单】位 dan1|姓【任】 ren2|【任】务 ren4|【查】先生 zha1|检【查】 cha2|姓【解】 xie4|【解】决 jie3
【中】了大奖 zhong4|击【中】 zhong4|【中】间 zhong1|两【只】猫 zhi1|【只】有 zhi3|【干】什么 gan4
晒【干】了 gan1|【干】净 gan1
【倒】杯水 dao4|摔【倒】 dao3|数【数】 shu4|【数】了数 shu3|【教】我数学 jiao1|【教】育 jiao4
【种】了花 zhong4|三【种】 zhong3
有【空】来 kong4|【空】气 kong1|【系】鞋带 ji4|关【系】 xi5|睡了一【觉】 jiao4|【觉】得 jue2|【背】着书包 bei1
【背】后 bei4
【转】身 zhuan3|【转】了一圈 zhuan4|【吐】了血 tu4|不亦【说】乎 yue4|【子】曰 zi3|【待】了三天 dai1
三天【假】 jia4|打【的】去 di1
一【一】对应 yi1|一九【一】九年 yi1|【六】安 lu4|目【的】 di4|【重】新 chong2|【重】量 zhong4
心宽体【胖】 pan2|【否】极泰来 pi3
十【一】月 yi1|【一】月一日 yi1|一月【一】日 yi1|【一】点五 yi1|【一】个月 yi2|【一】天 yi4|【朝】辞白帝 zhao1
【露】了一手 lou4
【露】出 lu4|撞【倒】了 dao3|【脏】衣服 zang1|心【脏】 zang4|果实【累】累 lei2|不【着】边际 zhuo2|【将】进酒 qiang1
重【重】地摔 zhong4|【给】予 ji3|头【发】 fa5|【发】现 fa1|【朝】阳区 chao2|【朝】阳 zhao1|【盛】饭 cheng2
【盛】大 sheng4
"""


@pytest.mark.parametrize("case", POLYPHONES.replace("\n", "|").strip("|").split("|"))
def test_polyphones(case: str) -> None:
    marked, reading = case.split()
    place = marked.index("【")
    found = phones_of(marked.replace("【", "").replace("】", ""), "zh")
    expected = syllable(reading)
    assert expected is not None
    assert found.word2ph is not None
    start = sum(found.word2ph[:place])
    got = found.phones[start : start + 2]
    # A third tone may have changed before another one.
    assert got[0] == expected.initial and got[1] in (
        expected.phones[1],
        f"{expected.final}2" if expected.tone == 3 else "",
    )


def test_published_manner_leaves_the_clause_alone() -> None:
    assert phones_of("头发很长", "zh", manner=PUBLISHED).phones[-1] == "ang3"
    assert phones_of("头发很长", "zh").phones[-1] == "ang2"
