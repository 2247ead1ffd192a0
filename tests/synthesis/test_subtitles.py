"""Words with their times, and the three forms of subtitles."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest

from gsv.errors import InputError
from gsv.listening.alignment import AlignedPhone
from gsv.synthesis.sentences import SentenceReport
from gsv.synthesis.subtitles import captions, save_subtitles, srt, vtt
from gsv.synthesis.words import WordTime, timed_words, words_of
from gsv.text.plan import plan


def report(text: str, start: float, words: tuple[WordTime, ...] = (), seconds: float = 2.0) -> SentenceReport:
    return SentenceReport(0, text, "en", ("AH0",), 1, 1, seconds, 30, True, (), start, 0.0, words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello there, world.", ["Hello", "there,", "world."]),
        ("今天天气很好。", ["今", "天", "天", "气", "很", "好。"]),
        ("我有3个 apple。", ["我", "有", "3", "个", "apple。"]),
        ("おはよう、世界。", ["おはよう、", "世界。"]),
        ("안녕하세요 여러분.", ["안녕하세요", "여러분."]),
    ],
)
def test_words_cover_the_phones_in_order(text: str, words: list[str]) -> None:
    utterance = plan(text).utterances[0]
    spans = words_of(utterance)
    assert [span.text for span in spans] == words
    ends = [(span.first, span.end) for span in spans]
    assert all(first < end for first, end in ends)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(ends))
    assert ends[-1][1] <= len(utterance.phones.phones)


def test_english_words_have_their_own_phones() -> None:
    utterance = plan("Good morning, world.", least=6).utterances[0]
    phones = utterance.phones.phones
    assert [phones[span.first : span.end] for span in words_of(utterance)] == [
        ["G", "UH1", "D"], ["M", "AO1", "R", "N", "IH0", "NG"], ["W", "ER1", "L", "D"],
    ]  # fmt: skip
    aligned = [AlignedPhone(phone, 0.1 * n, 0.1 * n + 0.1) for n, phone in enumerate(phones)]
    times = timed_words(words_of(utterance), aligned, 9, len(phones))
    assert times[1].start == pytest.approx(0.3) and not times[1].estimated
    assert all(word.estimated for word in timed_words(words_of(utterance), None, 9, len(phones)))


def test_forms(tmp_path: Path) -> None:
    words = (WordTime("One", 0.1, 0.5), WordTime("<two>.", 0.5, 1.9))
    sentences = [report("One <two>.", 0.0, words), report("三。", 3661.5)]
    assert srt(sentences) == (
        "1\n00:00:00,000 --> 00:00:02,000\nOne <two>.\n\n2\n01:01:01,500 --> 01:01:03,500\n三。\n"
    )
    assert vtt(sentences).startswith("WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nOne &lt;two&gt;.\n")
    save_subtitles(tmp_path / "a.json", sentences)
    parsed = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["sentences"]
    assert parsed[0]["words"][1] == {"text": "<two>.", "start": 0.5, "end": 1.9, "estimated": False}
    with pytest.raises(InputError, match="srt"):
        save_subtitles(tmp_path / "a.txt", sentences)
    assert captions([report("nothing", 0, seconds=0)]) == []


def test_long_sentences_become_several_captions() -> None:
    names = [f"word{number}" for number in range(30)]
    words = tuple(WordTime(name, 0.3 * n, 0.3 * n + 0.3) for n, name in enumerate(names))
    found = captions([report(" ".join(names), 10, words, seconds=9)])
    assert len(found) > 2 and found[0].start == 10 and found[-1].end == 19
    assert " ".join(item.text for item in found) == " ".join(names)
    assert all(first.end == second.start for first, second in itertools.pairwise(found))
    assert all(len(item.text) <= 90 for item in found)
    assert not re.search(r"-->.*-->", srt([report(" ".join(names), 10, words, seconds=9)]))
