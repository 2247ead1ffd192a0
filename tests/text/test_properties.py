"""Any Unicode text: what can be said is said, what cannot is listed, normalising twice changes nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gsv.errors import InputError
from gsv.text import LANGUAGES, phones_of, symbols
from gsv.text.characters import script_of, simplify
from gsv.text.languages import cantonese, english_rules, japanese_rules, korean_rules, mandarin_rules

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
    assert listed == [character] or len(found.phones) > len(plain.phones) or _composes(character)


def _composes(character: str) -> bool:
    """Whether a character joins the one before it: accents, and Korean letters inside a block."""
    return bool(unicodedata.combining(character)) or "\u1100" <= character <= "\u11ff"


@given(ANY)
def test_plain_form_is_stable(text: str) -> None:
    assert simplify(simplify(text)) == simplify(text)
