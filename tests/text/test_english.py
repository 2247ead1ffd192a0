"""English: what is written and what is said, known and unknown words."""

from __future__ import annotations

import pytest

from gsv.text import phones_of, symbols
from gsv.text.languages.english import normalize, word_phones

SAID = {
    # money
    "I have $6.24 and £5.": "I have six dollars and twenty-four cents and five pounds.",
    "It made $1.5 million, €20k, 100 USD, $1 and $0.50.": (
        "It made one point five million dollars, twenty thousand euros, one hundred U S dollars, "
        "one dollar and fifty cents."
    ),
    # years and cardinals
    "2024 and 1999, 2005, 2000, 1900, 3500": (
        "twenty twenty-four and nineteen ninety-nine, two thousand five, two thousand, nineteen hundred, "
        "three thousand, five hundred"
    ),
    "100,000 dollars; 1,234.5": "one hundred thousand dollars, one thousand, two hundred thirty-four point five",
    "the '90s and 1990s, 1900s": "the nineties and nineteen nineties, nineteen hundreds",
    "agent 007": "agent zero zero seven",
    # fractions, ordinals, percentages, decimals
    "3/4 cup, 1/2": "three fourths cup, one half",
    "½ cup, 1½ miles": "one half cup, one and a half miles",
    "The 3rd and 22nd": "The third and twenty-second",
    "50% off": "fifty percent off",
    "3.14": "three point one four",
    # dates and times
    "at 9:30 on March 15, 2024.": "at nine thirty on March fifteenth, twenty twenty-four.",
    "2024-05-06 and 05/06/2024": "May sixth, twenty twenty-four and May sixth, twenty twenty-four",
    "on 3 Jan 2020": "on third of January twenty twenty",
    "12:05 pm, 0:30, 8:00": "twelve oh five P M, zero thirty, eight o'clock",
    "We met at 5 p.m. Then we left.": "We met at five P M. Then we left.",
    # telephone numbers and ranges
    "Call 555-0134 or (212) 555-0199.": (
        "Call five five five, oh one three four or two one two, five five five, oh one nine nine."
    ),
    "pages 10-20, 3–5 kg, 1990–1995": (
        "pages ten to twenty, three to five kilograms, nineteen ninety to nineteen ninety-five"
    ),
    "score 3:2": "score three to two",
    # units
    "1km 5km 20h 10min": "one kilometer five kilometers twenty hours ten minutes",
    "4°F, 23°C": "four degrees fahrenheit, twenty-three degrees celsius",
    "It is -19°C here.": "It is negative nineteen degrees celsius here.",
    "120km/h": "one hundred twenty kilometers per hour",
    "16GB of RAM": "sixteen gigabytes of RAM",
    # versions and arithmetic
    "v1.2.3": "version one point two point three",
    "x² + y³ = 2": "x squared plus y cubed equals two",
    # abbreviations
    "Dr. Smith lives on 5th St. with Mrs. Jones.": "Doctor Smith lives on fifth Street with Missis Jones.",
    "St. John's on Main St. was old.": "Saint John's on Main Street was old.",
    "e.g. this, i.e. that, etc.": "for example this, that is that, et cetera.",
    "No. 5 and no.": "number five and no.",
    "The U.S. economy": "The U S economy",
    "Chapter IV": "Chapter four",
    # addresses
    "See https://example.com/a-b or me@site.org.": "See example dot com slash a dash b or me at site dot org.",
    # spelling
    "Café naïve": "Cafe naive",
    "USA NASA": "U S A NASA",
    "OpenAI's GPT-4": "Open A I's G P T-four",
    "THE QUICK FOX! STOP IT.": "THE QUICK FOX! STOP IT.",
    "don’t “worry”； it’s fine：ok": "don't worry, it's fine, ok",
    "Tom & Jerry": "Tom and Jerry",
    "well—no -- maybe": "well, no, maybe",
    "wait...... what?!": "wait… what?",
}


@pytest.mark.parametrize(("written", "said"), SAID.items())
def test_said(written: str, said: str) -> None:
    assert normalize(written) == said
    assert normalize(said) == said


PRONOUNCED = {
    "hello": "HH AH0 L OW1",
    "o'clock": "AH0 K L AA1 K",
    "Giles's": "JH AY1 L Z AH0 Z",
    "don't": "D OW1 N T",
    "A": "EY1",
    "a": "AH0",
    "bootloader": "B UW1 T L OW1 D ER0",
    "unfriended": "AH0 N F R EH1 N D AH0 D",
    "magician's": "M AH0 JH IH1 SH AH0 N Z",
    "xqz": "EH1 K S K Y UW1 Z IY1",
}


@pytest.mark.parametrize(("word", "phones"), PRONOUNCED.items())
def test_pronounced(word: str, phones: str) -> None:
    assert " ".join(word_phones(word)) == phones


@pytest.mark.parametrize(
    "word", ["zorblatt", "quenvil", "snarkton", "gradiofy", "iaouy", "zz", "brrrr", "x" * 60]
)
def test_unknown_words_have_phones(word: str) -> None:
    phones = word_phones(word)
    assert phones
    assert all(phone in symbols.table("v1") for phone in phones)


def test_short_text_has_a_leading_comma() -> None:
    assert phones_of("OK", "en").phones == [",", "OW1", "K", "EY1"]
    assert phones_of("Hello", "en").phones[0] == "HH"
