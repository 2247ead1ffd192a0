"""English text as it is said: numbers, dates, money, units, abbreviations, addresses and signs become words.

Knows writing. Does not know pronunciation (`english`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gsv.text.characters import WORDS, latin, power, settle, simplify
from gsv.text.emoji_names import named
from gsv.text.languages.english_dictionary import dictionary
from gsv.text.languages.english_numbers import cardinal, digits, number, ordinal, plural, year
from gsv.text.languages.english_tables import (
    ABBREVIATIONS,
    ADDRESS_SIGNS,
    BEFORE_NUMBERS,
    CURRENCIES,
    GREEK,
    MONTH_FORMS,
    MONTHS,
    SAID_AS_WORDS,
    SCALES,
    SHOUTED,
    SIGNS,
    TITLES,
    UNITS,
    WEEKDAYS,
)
from gsv.text.punctuation import collapse_runs

Match = re.Match[str]
Rule = tuple[re.Pattern[str], Callable[[Match], str]]


def _either(names: object) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))  # type: ignore[call-overload]


_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_NO_DIGIT_BEFORE = r"(?<![\d.,])"
_MONTH = rf"(?:{_either(MONTH_FORMS)})"
_MARKS = str.maketrans({
    "。": ". ", "！": "! ", "？": "? ", "，": ", ", "；": ", ", "：": ": ", "、": ", ", "—": " - ", "–": "–", "’": "'",
    "‘": "'", "`": "'", "“": '"', "”": '"', "«": '"', "»": '"', "「": '"', "」": '"', "‐": "-", "‑": "-",
    "〜": "~", "～": "~",
    "・": " ", "·": " ", "\n": " ", "−": "-",
})  # fmt: skip


def _address(match: Match) -> str:
    text = match[0]
    tail = ""
    while text and text[-1] in ".,?!:;":
        text, tail = text[:-1], text[-1] + tail
    text = re.sub(r"^https?://|/$", "", text, flags=re.IGNORECASE)
    text = re.sub(r"^www\.", "W W W dot ", text, flags=re.IGNORECASE)
    words = re.sub(r"[^\w\s]|_", lambda sign: f" {ADDRESS_SIGNS.get(sign[0], ' ')} ", text)
    words = re.sub(r"\d+", lambda run: f" {digits(run[0])} ", words)
    return f" {words} {tail[:1]}"


def _iso_date(match: Match) -> str:
    month, day = int(match[3]), int(match[4])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{MONTHS[month - 1]} {ordinal(day)}, {number(match[1])}"


def _slash_date(match: Match) -> str:
    first, second = int(match[1]), int(match[2])
    month, day = (first, second) if first <= 12 else (second, first)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{MONTHS[month - 1]} {ordinal(day)}, {number(match[3])}"


def _month_day(match: Match) -> str:
    month = MONTH_FORMS[match[1]]
    day = f" {ordinal(int(match[2]))}"
    return f"{month}{day}" + (f", {number(match[3])}" if match[3] else "")


def _day_month(match: Match) -> str:
    end = f" {number(match[3])}" if match[3] else ""
    return f"{ordinal(int(match[1]))} of {MONTH_FORMS[match[2]]}{end}"


def _half_of_day(text: str | None) -> str:
    return f" {text[0].upper()} M" if text else ""


def _time(match: Match) -> str:
    hour, minute = int(match[1]), int(match[2])
    if hour > 24 or minute > 59:
        return f"{cardinal(hour)} to {cardinal(minute)}"
    words = cardinal(hour)
    if minute:
        words += f" {cardinal(minute)}" if minute > 9 else f" oh {cardinal(minute)}"
    elif not match[4]:
        words += " o'clock" if 1 <= hour <= 12 else " hundred hours"
    if match[3]:
        words += f" and {cardinal(int(match[3]))} seconds"
    return words + _half_of_day(match[4])


def _clock_half(match: Match) -> str:
    stop = "." if match[2].endswith(".") and _ends_sentence(match) else ""
    return f"{match[1] or ''}{match[2][0].upper()} M{stop}"


def _ends_sentence(match: Match) -> bool:
    rest = match.string[match.end() :].lstrip("\"') ")
    return not rest or (match.string[match.end() : match.end() + 1].isspace() and rest[:1].isupper())


def _amount(text: str, one: str, many: str) -> str:
    words = number(text, as_year=False)
    return f"{words} {one if text == '1' else many}"


def _money(text: str, sign: str, scale: str | None) -> str:
    one, many, cent, cents = CURRENCIES[sign]
    if scale:
        return f"{number(text, as_year=False)} {SCALES.get(scale, scale)} {many}"
    whole, _, fraction = text.partition(".")
    if not cent or len(fraction) != 2 or not fraction.strip("0"):
        return _amount(whole if not fraction.strip("0") else text, one, many)
    small = _amount(str(int(fraction)), cent, cents)
    return small if not whole.strip("0,") else f"{_amount(whole, one, many)} and {small}"


def _unit(match: Match) -> str:
    sign = re.sub(r"^° ?([CF])$", r"°\1", match[2])
    one, many = UNITS[sign.replace("μ", "µ")]
    return f"{_amount(match[1], one, many)} "


def _fraction(match: Match) -> str:
    whole, top, bottom = match[1], int(match[2]), int(match[3])
    if bottom == 0 or bottom > 100 or top > 100:
        return (f"{number(whole)} " if whole else "") + f"{cardinal(top)} over {cardinal(bottom)}"
    name = {2: "half", 4: "quarter"}.get(bottom) or ordinal(bottom)
    if top != 1:
        name = {2: "halves", 4: "fourths"}.get(bottom) or plural(name)
    words = f"{'a' if whole and top == 1 else cardinal(top)} {name}"
    return f"{number(whole)} and {words}" if whole else words


def _decade(match: Match) -> str:
    digits_ = match[2]
    if match[1]:
        return plural(cardinal(int(digits_)))
    words = year(int(digits_)) if len(digits_) == 4 else cardinal(int(digits_))
    return plural(words)


def _phone(match: Match) -> str:
    groups = re.findall(r"\d+", match[0])
    words = ", ".join(digits(group, "oh") for group in groups)
    return f"plus {words}" if match[0].startswith("+") else words


def _range(match: Match) -> str:
    return f"{number(match[1])} to {number(match[2])}"


def _title(match: Match) -> str:
    return TITLES[match[1]] + " "


def _abbreviation(match: Match) -> str:
    stop = (
        "."
        if _ends_sentence(match) and match[1] in ("etc", "Inc", "Ltd", "Jr", "Sr", "Co", "Corp", "al")
        else ""
    )
    return ABBREVIATIONS[match[1]] + stop


def _street(match: Match) -> str:
    stop = "." if _ends_sentence(match) and not re.match(r"\s+[A-Z]", match.string[match.end() :]) else ""
    return f"{match[1]} {'Street' if match[2] == 'St' else 'Drive'}{stop}"


def _dotted(match: Match) -> str:
    stop = "." if _ends_sentence(match) else ""
    return " ".join(match[0].replace(".", "").upper()) + stop


def _rule(pattern: str, replacement: Callable[[Match], str] | str, ignore_case: bool = False) -> Rule:
    flags = re.IGNORECASE if ignore_case else 0
    if isinstance(replacement, str):
        template = replacement
        return re.compile(pattern, flags), lambda match: match.expand(template)
    return re.compile(pattern, flags), replacement


_CURRENCY_SIGNS = _either([sign for sign in CURRENCIES if not sign.isalpha()])
_CURRENCY_CODES = _either([sign for sign in CURRENCIES if sign.isalpha()])
_SCALE = rf"(?:\s?(thousand|million|billion|trillion)\b|({_either(SCALES)})\b)?"
_HALF = r"(?:\s?([AaPp])\.?[Mm]\b\.?)?"

_UNMISTAKABLE = _either(key for key in UNITS if key.endswith(("²", "³", "°", "/h", "/s")))
# After a space a single letter is more often a word than a unit.
_SPACED = _either(key for key in UNITS if key not in ("m", "s", "h", "t", "g", "in", "L", "l", "V", "W"))
RULES: list[Rule] = [
    _rule(
        r"\b(?:https?://|www\.)[^\s\"'<>()]+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
        r"|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|edu|gov|io|ai|co|uk|de|cn|jp|app|dev|info)\b(?:/[^\s\"'<>()]*)?",
        _address,
        True,
    ),
    _rule(r"(\d ?)?\b([AaPp]\.\s?[Mm]\.?|(?<=\d)[AaPp][Mm]\b|(?<=\d )[AaPp][Mm]\b)(?!\w)", _clock_half),
    _rule(rf"\b({_either(TITLES)})\.\s*(?=[A-Z])", _title),
    _rule(r"\bDr\.\s*(?=[A-Z])(?<![a-z] Dr\. )", "Doctor "),
    _rule(r"\bSt\.\s*(?=[A-Z])(?<![a-zA-Z] St\. )(?<!\d(?:st|nd|rd|th) St\. )", "Saint "),
    _rule(r"\b((?:[A-Z][a-z]+|\d+(?:st|nd|rd|th))) (St|Dr)\.", _street),
    _rule(r"\bSt\.\s*(?=[A-Z])", "Saint "),
    _rule(r"\bDr\.", "Doctor"),
    _rule(rf"\b({_either(BEFORE_NUMBERS)})\.\s*(?=\d)", lambda match: BEFORE_NUMBERS[match[1]] + " "),
    _rule(
        rf"\b({_either(key for key in ABBREVIATIONS if key not in ('no', 'min', 'ed', 'max', 'al'))})\.(?![\w])",
        _abbreviation,
    ),
    _rule(r"\bet al\.", "and others"),
    _rule(rf"\b({_either(WEEKDAYS)})\.?,(?= )", lambda match: WEEKDAYS[match[1]] + ","),
    _rule(r"(?<![A-Za-z.])(?:[A-Za-z]\.){2,}(?![A-Za-z])", _dotted),
    _rule(r"(?<![\d/.-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d/-])", _iso_date),
    _rule(r"(?<![\d/.-])(\d{1,2})/(\d{1,2})/(\d{4})(?![\d/])", _slash_date),
    _rule(rf"\b({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}})\b)?(?![\d:])", _month_day),
    _rule(rf"\b(\d{{1,2}})(?:st|nd|rd|th)? ({_MONTH})\b\.?(?:,? (\d{{4}})\b)?", _day_month),
    _rule(rf"{_NO_DIGIT_BEFORE}(\d{{1,2}}):(\d{{2}})(?::(\d{{2}}))?(?![\d:]){_HALF}", _time),
    _rule(r"(?<![\d:])(\d+):(\d+)(?![\d:])", lambda match: f"{number(match[1])} to {number(match[2])}"),
    _rule(
        rf"({_CURRENCY_SIGNS})\s?({_NUMBER}){_SCALE}",
        lambda match: _money(match[2], match[1], match[3] or match[4]),
    ),
    _rule(
        rf"{_NO_DIGIT_BEFORE}({_NUMBER})\s?({_CURRENCY_SIGNS})(?!\d)",
        lambda match: _money(match[1], match[2], None),
    ),
    _rule(
        rf"{_NO_DIGIT_BEFORE}({_NUMBER}) ?({_CURRENCY_CODES})\b",
        lambda match: _money(match[1], match[2], None),
    ),
    _rule(rf"\b({_CURRENCY_CODES}) ?({_NUMBER})", lambda match: _money(match[2], match[1], None)),
    _rule(rf"{_NO_DIGIT_BEFORE}({_NUMBER}) ?¢", lambda match: _amount(match[1], "cent", "cents")),
    _rule(
        r"(?<![\w.+-])(?:\+\d{1,3}[ -]?)?(?:\(\d{3}\)|\d{3,4})[ .-]?\d{3,4}[.-]\d{4}\b"
        r"|(?<![\w.-])\d{3}-\d{4}\b|(?<!\w)\+\d[\d -]{6,}\d\b",
        _phone,
    ),
    _rule(r"(?<![\w.])[vV]\.? ?(\d+(?:\.\d+)+)\b", lambda match: "version " + _version(match[1])),
    _rule(r"(?<![\w.])(\d+(?:\.\d+){2,})\b", lambda match: _version(match[1])),
    _rule(r"\b(\d+)D\b", lambda match: f"{number(match[1])} D"),
    _rule(r"(?<![\w])(')?(\d{4}|\d0)'?s\b", _decade),
    _rule(
        rf"(?<![\w.,])({_NUMBER}) ?[-–~] ?(?={_NUMBER} ?(?:{_either(UNITS)}|%|st\b|nd\b|rd\b|th\b))",
        lambda match: f"{number(match[1], False)} to ",
    ),
    _rule(rf"(?<![\w.,])[-−]({_NUMBER})(?![\d-])", r"negative \1"),
    _rule(
        rf"{_NO_DIGIT_BEFORE}({_NUMBER}) ?({_UNMISTAKABLE}|° ?[CF])(?![A-Za-z])",
        _unit,
    ),
    _rule(rf"{_NO_DIGIT_BEFORE}({_NUMBER})({_either(UNITS)})(?![A-Za-z\d²³])", _unit),
    _rule(
        rf"{_NO_DIGIT_BEFORE}({_NUMBER}) ({_SPACED})(?![A-Za-z\d²³'])",
        _unit,
    ),
    _rule(rf"{_NO_DIGIT_BEFORE}({_NUMBER}) ?%", lambda match: number(match[1], False) + " percent "),
    _rule(r"(?<![\d/.])(?:(\d+) )?(\d+)/(\d+)(?![\d/])", _fraction),
    _rule(r"\b(\d[\d,]*)(?:st|nd|rd|th)\b", lambda match: ordinal(int(match[1].replace(",", ""))), True),
    _rule(
        r"(\d|\b[A-Za-z]) ?([×*÷]) ?(?=[\d(]|[A-Za-z]\b)",
        lambda match: f"{match[1]} {'divided by' if match[2] == '÷' else 'times'} ",
    ),
    _rule(r"(\d|\b[A-Za-z]) - (?=[\d(])", r"\1 minus "),
    _rule(
        r"(\d|\b[A-Za-z]|\)) ?([+=]) ?(?=[\d(]|[A-Za-z]\b)",
        lambda match: f"{match[1]} {'plus' if match[2] == '+' else 'equals'} ",
    ),
    _rule(rf"(?<![\w.,-])({_NUMBER}) ?[-–~] ?({_NUMBER})(?![\d-])", _range),
    _rule(r"([\w)])([⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+)", lambda match: match[1] + _power(power(match[2]))),
    _rule(
        r"(?i)\b(chapter|part|act|volume|book|war|section|phase|type|class|king|henry|louis|george|elizabeth) "
        r"([IVX]{1,6})\b",
        lambda match: f"{match[1]} {_roman(match[2])}",
    ),
    _rule(r"#(?=\d)", "number "),
    _rule(rf"{_NO_DIGIT_BEFORE}({_NUMBER})\+(?!\d)", r"\1 plus "),
    _rule(_NUMBER, lambda match: f" {number(match[0])} "),
]


def _version(text: str) -> str:
    return " point ".join(number(part, as_year=False) for part in text.split("."))


def _power(text: str) -> str:
    if text in ("2", "3"):
        return " squared " if text == "2" else " cubed "
    if not re.fullmatch(r"[+-]?\d+", text):
        return f" to the power of {' '.join(text)} "
    return f" to the {'minus ' if text[0] == '-' else ''}{ordinal(int(text.lstrip('+-')))} "


def _roman(text: str) -> str:
    values = {"I": 1, "V": 5, "X": 10}
    total = 0
    for place, letter in enumerate(text):
        value = values[letter]
        total += -value if any(values[later] > value for later in text[place + 1 : place + 2]) else value
    return cardinal(total)


def _letters(text: str) -> str:
    """Accents off, Greek letters by name; what has no English letter stays for the caller to drop."""
    spelled = []
    for character in text:
        if character.isascii() or not character.isalpha():
            spelled.append(character)
        else:
            greek = GREEK.get(character.lower())
            spelled.append(f" {greek} " if greek else latin(character) or character)
    return "".join(spelled)


def _shouting(text: str) -> bool:
    """Whether the whole text is in capitals, as a shout or a headline and not as an acronym."""
    words = re.findall("[A-Za-z]+", text)
    return all(word.isupper() for word in words) and any(word in SHOUTED and len(word) > 1 for word in words)


def _capitals(match: Match) -> str:
    word, suffix = match[1], match[2] or ""
    if word in SAID_AS_WORDS or len(word) > 6 or (_shouting(match.string) and re.search("[AEIOUY]", word)):
        return match[0]
    return " ".join(word) + suffix


def normalize(text: str) -> str:
    """English words and the kept marks; idempotent. Letters of other scripts are dropped."""
    return settle(_rewrite, text)


def _rewrite(text: str) -> str:
    text = _letters(simplify(named(text, "en")).translate(_MARKS))
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    text = re.sub(rf"[{re.escape(''.join(SIGNS))}]", lambda sign: f" {SIGNS[sign[0]]} ", text)
    text = re.sub(r"\b[A-Za-z]*[a-z][A-Z][A-Za-z]*", _camel, text)
    text = re.sub(r"\b([A-Z]{2,})('?s)?\b", _capitals, text)
    text = re.sub(r"\b([A-Z])(s)\b", r"\1's", text)
    text = re.sub(r"(?<=\w)[:;](?=\s|$)", ",", text).replace("...", "…")
    text = re.sub(r"(?<=\w)[/:](?=\w)", " ", text)
    text = re.sub(r"\s-+\s|--+|\s–\s", ", ", text)
    text = re.sub(rf"[^ A-Za-z'.,?!\-…{WORDS}]+", " ", text)
    text = re.sub(r"(?<![A-Za-z])'+|'+(?![A-Za-z])(?!\s*$)", _apostrophe, text)
    text = re.sub(r"(?<=\w)- (?=[a-z])", "-", text)
    text = re.sub(r" +([.,?!…])", r"\1", re.sub(r" {2,}", " ", text))
    return collapse_runs(text).strip()


def _camel(match: Match) -> str:
    """Words grown together at capitals, unless the whole is a word: GitHub stays, OpenAI does not."""
    word = match[0]
    if word.lower() in dictionary():
        return word
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", word)


def _apostrophe(match: Match) -> str:
    after = match.string[match.end() : match.end() + 5].lower()
    return "'" if re.match(r"(?:tis|twas|em|bout|cause|til|round)\b", after) else ""
