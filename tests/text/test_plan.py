"""Tags, breaks, pronunciations and the lexicon in a text, and what is said of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gsv.errors import InputError
from gsv.text.lexicon import Lexicon, parse_line
from gsv.text.markup import Break, parse
from gsv.text.plan import Utterance, plan


def _phones(text: str, choice: str = "auto", lexicon: Lexicon | None = None) -> str:
    return " ".join(
        phone for part in plan(text, choice, lexicon=lexicon).utterances for phone in part.phones.phones
    )


@pytest.mark.parametrize(("text", "choice", "phones"), [
    ("重(zhong4)庆", "zh", "zh ong4 q ing4"),
    ("重庆（chong2 qing4）", "zh", "ch ong2 q ing4"),
    ("行(hang4)", "yue", "Yh Yang4"),
    ("I have [R EH1 D] it", "en", "AY1 HH AE1 V R EH1 D IH1 T"),
    ("我[R EH1 D]了", "zh", "w o3 R EH1 D l e5"),
    ("今日(きょう)", "ja", "ky o ] o"),
    ("今日（コンニチ）", "ja", "k o ] N n i ch i"),
    ('<phoneme alphabet="x-arpabet" ph="R EH1 D">read</phoneme> it, yes', "en", "R EH1 D IH1 T , Y EH1 S"),
    ('<phoneme alphabet="pinyin" ph="zhong4 qing4">重庆</phoneme>', "zh", "zh ong4 q ing4"),
    ('<sub alias="World">W</sub> wide', "en", "W ER1 L D W AY1 D"),
    ("[ja]日本[/ja]", "zh", "n i [ h o ] N"),
    ('<lang xml:lang="zh-CN">日本</lang>', "ja", "r ir4 b en3"),
    ("<speak>you &amp; me now</speak>", "en", "Y UW1 AH0 N D M IY1 N AW1"),
])  # fmt: skip
def test_said(text: str, choice: str, phones: str) -> None:
    assert _phones(text, choice) == phones


def test_breaks_and_rates() -> None:
    made = plan(
        'One two three. <break time="500ms"/>Four five six <prosody rate="120%">seven eight</prosody>', "en"
    )
    kinds = [item if isinstance(item, Break) else item.rate for item in made.items]
    assert kinds == [1.0, Break(0.5), 1.0, 1.2]


def test_text_shows_the_notation() -> None:
    assert plan("重(zhong4)庆和[R EH1 D]", "zh").utterances[0].text == "重(zhong4)庆和[R EH1 D]"


@pytest.mark.parametrize(
    "text", ["3 < 5", "a[0] [X] [B] [note]", "重(abc)", "<b>bold</b>", "x<y>z", "[/ja] x", "</speak> x"]
)
def test_what_only_looks_like_markup_stays(text: str) -> None:
    assert plan(text).utterances
    if "/" not in text:
        assert "".join(item.text for item in parse(text).items if not isinstance(item, Break)) == text


@pytest.mark.parametrize("text", [
    '<break time="x"/>a', '<break time="1000s"/>a',
    '<prosody rate="quick">a</prosody>', '<prosody rate="900%">a</prosody>',
    '<lang xml:lang="fr">a</lang>',
])  # fmt: skip
def test_wrong_markup(text: str) -> None:
    with pytest.raises(InputError):
        plan(text)


@pytest.mark.parametrize("text", ["", "……", "。", "!", " \n ", "<break time='1s'/>", "ж"])
def test_nothing_to_say(text: str) -> None:
    with pytest.raises(InputError, match="nothing to say"):
        plan(text)


def test_unread_characters_have_places_in_the_source() -> None:
    text = "重(zhong4)庆ж。<break time='1s'/>Hello ж there."
    assert [item.position for item in plan(text).unread] == [
        i for i, character in enumerate(text) if character == "ж"
    ]


@pytest.mark.parametrize("method", ["cut0", "cut1", "cut2", "cut3", "cut4", "cut5"])
def test_published_methods(method: str) -> None:
    made = plan("今天天气很好。我们去公园，好吗？当然。走吧！Really. Yes.", "zh", method=method)
    spoken = "".join(part.phones.normalized for part in made.utterances)
    assert "今天天气很好" in spoken
    assert "Really" in spoken


def test_long_texts_are_cut() -> None:
    made = plan("好" * 1300, "zh")
    assert [len(part.text) for part in made.utterances] == [510, 510, 280]


def test_mixed_text_counts_per_character() -> None:
    part = plan("我用Python写こんにちは。", "zh").utterances[0]
    assert isinstance(part, Utterance)
    assert part.phones.word2ph is not None
    assert sum(part.phones.word2ph) == len(part.phones.phones)
    assert len(part.phones.word2ph) == len(part.phones.normalized)


def test_lexicon(tmp_path: Path) -> None:
    workspace, experiment = tmp_path / "workspace.txt", tmp_path / "experiment.txt"
    workspace.write_text(
        "en\tSovits\tS OW1 V IH0 T S\nzh\t行\txing2\nja\t東雲\tしののめ\n# a remark\n\n", encoding="utf-8"
    )
    lexicon = Lexicon(workspace, experiment)
    assert _phones("the sovits runs", "en", lexicon) == "DH AH0 S OW1 V IH0 T S R AH1 N Z"
    assert _phones("一行", "zh", lexicon).endswith("x ing2")
    assert _phones("東雲", "ja", lexicon) == "sh i [ n o n o m e"
    experiment.write_text("en\tsovits\tS OW1\nko\t값\t갑\n", encoding="utf-8")
    assert _phones("the sovits runs", "en", lexicon) == "DH AH0 S OW1 R AH1 N Z"
    experiment.write_text("en\tsovits\tS AY1 S\n", encoding="utf-8")
    os.utime(experiment, ns=(1, 1))
    assert _phones("the sovits runs", "en", lexicon) == "DH AH0 S AY1 S R AH1 N Z"
    experiment.unlink()
    assert _phones("the sovits runs", "en", lexicon) == "DH AH0 S OW1 V IH0 T S R AH1 N Z"


@pytest.mark.parametrize(
    "line", ["en\tword", "en\tword\tXX YY", "zh\t重庆\tchong2", "zh\t重\txyz1", "fr\ta\tb", "ja\t東\thigashi"]
)
def test_wrong_lexicon_lines(line: str) -> None:
    with pytest.raises(InputError, match="file line 3"):
        parse_line(line, "file line 3")


def test_short_utterances_begin_with_a_stop() -> None:
    assert plan("好", "zh", least=6).utterances[0].phones.phones == [".", "h", "ao3"]
    assert plan("好", "zh", least=6).utterances[0].phones.word2ph == [1, 2]
    assert plan("好好好", "zh", least=6).utterances[0].phones.phones[0] == "h"


def test_signs_that_nobody_says_are_listed() -> None:
    assert [item.character for item in plan("★好☞吗", "zh").unread] == ["★", "☞"]
    assert not plan("3 + 4 = 7 😀 «yes» (no)", "en").unread


def test_a_language_without_phones_is_refused() -> None:
    for choice in ("ko", "all_yue", "auto_yue"):
        with pytest.raises(InputError, match="v1 has no phones"):
            plan("好", choice, "v1")


def test_places_behind_dropped_line_feeds() -> None:
    text = "\n一ж。\n  二ж\n……三！\nж"
    for method in ("sentences", "cut0", "cut1", "cut5"):
        assert [item.position for item in plan(text, "zh", method=method).unread] == [
            place for place, character in enumerate(text) if character == "ж"
        ]
