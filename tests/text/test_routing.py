"""Which part of a mixed text is read in which language."""

from __future__ import annotations

import pytest

from gsv.errors import InputError
from gsv.text import language_code, phones_of, route

ROUTES = [
    ("auto", "你好hello안녕こんにちは123", "zh:你好 en:hello ko:안녕 ja:こんにちは123"),
    ("auto", "123", "zh:123"),
    ("auto", "OK，我知道了", "en:OK， zh:我知道了"),
    ("zh", "价格是100元，not 50 dollars。", "zh:价格是100元， en:not 50 dollars。"),
    ("auto", "価格は100円です。我喜欢。", "ja:価格は100円です。 zh:我喜欢。"),
    ("zh", "我用iPhone 15看", "zh:我用 en:iPhone  zh:15看"),
    ("zh", "长约12km，GPT-4很好，5G网络", "zh:长约12km， en:GPT-4 zh:很好， en:5G zh:网络"),
    ("ja", "AIと日本「hello」です", "en:AI ja:と日本 en:「hello」 ja:です"),
    ("auto", "我喜欢「ありがとう」这个词", "zh:我喜欢 ja:「ありがとう」 zh:这个词"),
    ("en", "I like 你好 and 東京タワー, 3 times", "en:I like  zh:你好  en:and  ja:東京タワー,  en:3 times"),
    ("auto_yue", "我食飯okay 3次", "yue:我食飯 en:okay  yue:3次"),
    ("auto", "我哋今日去食嘢。", "yue:我哋今日去食嘢。"),
    ("auto", "銀行員は働く。", "ja:銀行員は働く。"),
    ("all_ja", "東京大学", "ja:東京大学"),
    ("all_zh", "東京大学", "zh:東京大学"),
    (
        "zh",
        "访问https://a.com/b?id=1或发到me@b.cn。",
        "zh:访问 en:https://a.com/b?id=1 zh:或发到 en:me@b.cn。",
    ),
    ("ja", "PM2.5が", "en:PM2.5 ja:が"),
    ("ja", "草ｗｗｗ、www.a.jpへ", "ja:草ｗｗｗ、 en:www.a.jp ja:へ"),
    ("ko", "시속 100km/h로", "ko:시속 100km/h로"),
    ("auto", "全长12km，血糖5.6mmol/L", "zh:全长12km，血糖5.6mmol/L"),
    ("auto", "It is 5 km, and 12km more", "en:It is 5 km, and 12km more"),
    ("yue", "每部HK$8,599", "yue:每部HK$8,599"),
    ("zh", "MP3s很好", "en:MP3s zh:很好"),
]


@pytest.mark.parametrize(("choice", "text", "expected"), ROUTES)
def test_route(choice: str, text: str, expected: str) -> None:
    segments = route(text, choice)
    assert " ".join(f"{segment.language}:{segment.text}" for segment in segments) == expected
    assert "".join(segment.text for segment in segments) == text
    assert all(text[segment.start :].startswith(segment.text) for segment in segments)


@pytest.mark.parametrize(("spelling", "code"), [
    ("ZH", "zh"), ("zh", "zh"), ("JP", "ja"), ("jp", "ja"), ("JA", "ja"), ("ja", "ja"), ("EN", "en"), ("En", "en"),
    ("KO", "ko"), ("Ko", "ko"), ("YUE", "yue"), ("Yue", "yue"),
])  # fmt: skip
def test_spellings(spelling: str, code: str) -> None:
    assert language_code(spelling) == code


@pytest.mark.parametrize("spelling", ["AUTO", "", "chinese", "zh-cn"])
def test_unknown_language(spelling: str) -> None:
    with pytest.raises(InputError, match="unknown language"):
        phones_of("hello", spelling)


def test_unknown_choice() -> None:
    with pytest.raises(InputError, match="unknown language"):
        route("hello", "all_fr")


def test_first_table_refuses_what_it_lacks() -> None:
    for language in ("ko", "yue"):
        with pytest.raises(InputError, match="v1 has no phones"):
            phones_of("好", language, "v1")


def test_what_has_no_reading_is_listed() -> None:
    found = phones_of("ж你好Ж𠮷", "zh")
    assert [(item.position, item.character) for item in found.unread] == [(0, "ж"), (3, "Ж"), (4, "𠮷")]
    assert len(found.warnings) == 3


@pytest.mark.parametrize("text", ["", " ", "ж", "(((", "\u200b"])
@pytest.mark.parametrize("language", ["zh", "en", "ja"])
def test_nothing_to_say(text: str, language: str) -> None:
    if language == "ja" and text == "(((":
        pytest.skip("published Japanese keeps brackets as phones")
    with pytest.raises(InputError, match="nothing to say"):
        phones_of(text, language)
