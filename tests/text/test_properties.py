"""Any Unicode text: what can be said is said, what cannot is listed, normalising twice changes nothing."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gsv.errors import InputError
from gsv.text import LANGUAGES, Phones, phones_of, symbols
from gsv.text.characters import script_of, simplify
from gsv.text.languages import cantonese, english_rules, japanese_rules, korean_rules, mandarin_rules
from gsv.text.plan import plan
from gsv.text.routing import CHOICES
from gsv.text.wordlist import words

NORMALIZERS = {
    "zh": mandarin_rules.normalize,
    "en": english_rules.normalize,
    "ja": japanese_rules.normalize,
    "ko": korean_rules.normalize,
    "yue": cantonese.normalize,
}
ANY = st.text(alphabet=st.characters(codec="utf-8"), max_size=30)
WRITTEN = st.text(
    alphabet=st.sampled_from(
        "aAbZ'éß0129.,:;/-~%$¥€°+=×&@#()[]\"?! \n年月日时点个元克米好的一不儿女ありがとうーッ"
        "漢字한국어값²½①Ⅳ，。、！？…—～％５ｋ😀👍αж"
    ),
    max_size=30,
)


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=ANY | WRITTEN)
@hypothesis_settings(max_examples=40)
def test_any_text(language: str, text: str) -> None:
    speakable = [character for character in text if script_of(character) not in ("mark", "other")]
    try:
        found = phones_of(text, language)
    except InputError as error:
        assert "nothing to say" in error.what
        assert not speakable or all(_unreadable(character, language) for character in speakable)
        return
    table = symbols.table("v2")
    assert all(phone in table for phone in found.phones)
    for item in found.unread:
        assert text[item.position] == item.character
    if found.word2ph is not None:
        assert sum(found.word2ph) == len(found.phones)
        assert len(found.word2ph) == len(found.normalized)


def _unreadable(character: str, language: str) -> bool:
    try:
        return bool(phones_of(character, language).unread)
    except InputError:
        return True


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=WRITTEN)
@hypothesis_settings(max_examples=60)
def test_normalising_twice_changes_nothing(language: str, text: str) -> None:
    once = NORMALIZERS[language](text)
    assert NORMALIZERS[language](once) == once


@pytest.mark.parametrize("language", LANGUAGES)
@given(character=st.characters(codec="utf-8", categories=("Ll", "Lu", "Lo", "Lm", "Nd")))
@hypothesis_settings(max_examples=60)
def test_every_letter_is_said_or_listed(language: str, character: str) -> None:
    """A letter between two words adds a sound or is listed."""
    around = {"zh": "好", "yue": "好", "ja": "あ", "ko": "아", "en": " no "}[language]
    found = phones_of(f"{around}{character}{around}", language)
    listed = [item.character for item in found.unread]
    plain = phones_of(f"{around}{around}", language)
    assert listed == [character] or _sounds(found) > _sounds(plain) or _composes(character)


def _sounds(found: Phones) -> int:
    """Phones without marks of pitch and phrase, which move when a word changes."""
    return sum(phone not in ("[", "]", "UNK", "_") for phone in found.phones)


PIECES = st.lists(
    st.sampled_from(
        words("你好 银行 2024年 hello GPT-4 こんにちは 東京タワー 안녕하세요 값이 我哋 3.14 10:30 $5 50% e.g.")
        + words("https://a.com/b?c=1 me@x.org")
        + words("😀 （笑） 「はい」 ж ★ ， 。 … ~ - 5km/h ℃ ① ½ x² [ja]日本[/ja] 重(chong2)庆")
        + ("Dr. Smith", "<break time='1s'/>", ". ", "! ", " ", "\n")
    ),
    max_size=8,
)  # fmt: skip


@given(
    pieces=PIECES,
    choice=st.sampled_from(sorted(CHOICES)),
    method=st.sampled_from(["sentences", "cut0", "cut1", "cut2", "cut3", "cut4", "cut5"]),
    version=st.sampled_from(["v1", "v2"]),
)
@hypothesis_settings(max_examples=80)
def test_no_character_vanishes(pieces: list[str], choice: str, method: str, version: str) -> None:
    """Whatever the way to cut and the choice: what can be said is in a segment with phones, or is listed."""
    text = "".join(pieces)
    try:
        made = plan(text, choice, version, method)
    except InputError as error:
        assert "nothing to say" in error.what or "no phones for" in error.what
        return
    spoken = [part for utterance in made.utterances for part in utterance.segments]
    wanted = Counter(
        character for character in _without_markup(text) if script_of(character) not in ("mark", "other")
    )
    held = Counter(character for part in spoken for character in part.segment.text)
    held += Counter(
        item.character for item in made.unread
    )  # a piece of nothing else is not among the utterances
    assert not wanted - held
    for part in spoken:
        speakable = {
            character for character in part.segment.text if script_of(character) not in ("mark", "other")
        }
        assert part.reading.phones or speakable <= {item.character for item in part.unread}
    for item in made.unread:
        assert text[item.position] == item.character
    table = symbols.table(version)
    assert all(phone in table for utterance in made.utterances for phone in utterance.phones.phones)


def _without_markup(text: str) -> str:
    return re.sub(r"\[/?ja\]|\(chong2\)|<[^>]*>", "", text)


def _composes(character: str) -> bool:
    """Whether a character joins the one before it: accents, and Korean letters inside a block."""
    return bool(unicodedata.combining(character)) or "\u1100" <= character <= "\u11ff"


@given(ANY)
def test_plain_form_is_stable(text: str) -> None:
    assert simplify(simplify(text)) == simplify(text)
