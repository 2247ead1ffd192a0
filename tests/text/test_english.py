"""English: what is written and what is said, known and unknown words."""

from __future__ import annotations

import re

import pytest

from gsv.text import phones_of, symbols
from gsv.text.languages.english import normalize, word_phones
from gsv.text.languages.english_context import heard
from gsv.text.reading import PUBLISHED

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
    # what people write
    "Is it 1st? As I said; Us too.": "Is it first? As I said, Us too.",
    "It ended in 1945; then room 5: done": "It ended in nineteen forty-five, then room five, done",
    "beds (80.3%) of 1,500 (all)": "beds, eighty point three percent, of one thousand, five hundred, all",
    "Call 1-800-555-0199 ext. 23": "Call one, eight oh oh, five five five, oh one nine nine extension twenty-three",
    "My SSN is 123-45-6789.": "My S S N is one two three, four five, six seven eight nine.",
    "Washington, DC 20500; Las Vegas, NV.": "Washington, D C two zero five zero zero, Las Vegas, Nevada.",
    "9am-5pm, 9:00-17:30, 5:00 a.m. sharp": (
        "nine A M to five P M, nine o'clock to seventeen thirty, five A M sharp"
    ),
    "the 2023-24 season, c. 500 BC": "the twenty twenty-three to twenty-four season, circa five hundred B C",
    "He is 6'2\" and pays £9.99/kg": "He is six foot two and pays nine pounds and ninety-nine pence per kilogram",
    "3 1/2 tbsp. butter, 2 lbs. of it, 50/50": (
        "three and a half tablespoons butter, two pounds of it, fifty fifty"
    ),
    "24/7 and 9/11": "twenty-four seven and nine eleven",
    "Elizabeth II, Act III, Scene I, Super Bowl LVIII": (
        "Elizabeth the second, Act three, Scene one, Super Bowl fifty-eight"
    ),
    "U.S. President; made in the U.S. The end.": "U S President, made in the U S. The end.",
    "12.3k fans, 1.5M views, .75, 1e-4": (
        "twelve point three thousand fans, one point five million views, point seven five, one e minus four"
    ),
    "20%–30%, a 6-pack, Fig. 3a": "twenty to thirty percent, a six-pack, Figure three A",
    "run ./train.sh, b==2.1.0": "run dot slash train dot sh, b equals two point one point zero",
    "go w/ it b/c x <= 5 <3 #MachineLearning": (
        "go with it because x less than or equal to five heart hashtag Machine Learning"
    ),
    "rock 'n' roll, VERY good, GPUs and CDs": "rock and roll, VERY good, G P U's and C D's",
    "by Fri 3/15, on 3/15 and 3/15 of it": (
        "by Friday March fifteenth, on March fifteenth and three fifteenths of it"
    ),
    "about 180 g), 27 y/o, €1.234,56": (
        "about one hundred eighty grams, twenty-seven years old, one thousand, two hundred thirty-four euros and "
        "fifty-six cents"
    ),
    "Mr. and Mrs. Lee, Mon-Fri 9-5, Sat. 10-2": (
        "Mister and Missis Lee, Monday to Friday nine to five, Saturday ten to two"
    ),
    "at 0630 hours; C# code; Settings > General; @sam.lee": (
        "at oh six thirty hours, C sharp code, Settings, General, at sam dot lee"
    ),
    "order AB1234567": "order A B one two three four five six seven",
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
    "shouldn't've": "SH UH1 D AH0 N T AH0 V",
    "sooo": "S OW1",
    "iOS": "AY1 OW1 EH1 S",
    "brb": "B IY1 AA1 R B IY1",
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


# A sentence, and the phones of the word in brackets.
TOLD_APART = """
I have 【read】 it R EH1 D|please 【read】 it R IY1 D|he 【read】 it aloud R EH1 D|I 【read】 it last week R EH1 D
I 【read】 books every day R IY1 D|a 【lead】 pipe L EH1 D|he will 【lead】 us L IY1 D|the 【wind】 blows W IH1 N D
【wind】 up the clock W AY1 N D|they 【live】 here L IH1 V|we saw 【live】 music L AY1 V
the show was 【live】, L AY1 V
a 【record】 R EH1 K ER0 D|to 【record】 it R IH0 K AO1 R D|they 【use】 it Y UW1 Z|what's the 【use】? Y UW1 S
it is 【close】 to us K L OW1 S|【close】 the door K L OW1 Z|the 【close】 of day K L OW1 Z
she shed a 【tear】 T IH1 R
a 【tear】 in her dress T EH1 R|I 【refuse】 it R AH0 F Y UW1 Z|【excuse】 me IH0 K S K Y UW1 Z
an 【excuse】 IH0 K S K Y UW1 S
the 【content】 K AA1 N T EH0 N T|she was 【content】 K AH0 N T EH1 N T|in a 【minute】 M IH1 N AH0 T
【used】 to live Y UW1 S T
a 【wound】 W UW1 N D|it 【wound】 up W AW1 N D|the 【Polish】 table P OW1 L IH0 SH|【polish】 it P AA1 L IH0 SH
he plays 【bass】 B EY1 S|he caught a 【bass】 B AE1 S|it 【dove】 into it D OW1 V|a 【present】 P R EH1 Z AH0 N T
they 【present】 it P R IY0 Z EH1 N T|the 【permit】 P ER1 M IH2 T|to 【permit】 P ER0 M IH1 T
a 【bow】 and arrow B OW1
"""


@pytest.mark.parametrize("case", TOLD_APART.replace("\n", "|").strip("|").split("|"))
def test_told_apart(case: str) -> None:
    sentence, word, phones = re.split("[【】]", case)
    rest, said = re.fullmatch(r"(.*?) ?((?:[A-Z]{1,2}[0-2]? ?)+)", phones).groups()  # type: ignore[union-attr]
    tokens = re.findall(r"[A-Za-z'-]+|[,.?!]", f"{sentence}{word}{rest}")
    place = len(re.findall(r"[A-Za-z'-]+|[,.?!]", sentence))
    assert " ".join(heard(tokens)[place]) == said
    assert said in " ".join(phones_of(f"{sentence}{word}{rest}", "en").phones)


def test_published_manner_reads_word_by_word() -> None:
    assert phones_of("please read it", "en", manner=PUBLISHED).phones[4:7] == ["R", "EH1", "D"]
