"""What one written form is in words: a date, a time, an amount of money, a telephone number, an address.

Knows a form that was found, as a match. Where one is found is `english_rules`.
"""

from __future__ import annotations

import re

from gsv.text.languages.english_numbers import cardinal, digits, number, ordinal, plural, year
from gsv.text.languages.english_tables import (
    ABBREVIATIONS,
    ADDRESS_SIGNS,
    CURRENCIES,
    MONTH_FORMS,
    MONTHS,
    PERIODS,
    SCALES,
    SENTENCE_STARTS,
    TITLES,
    UNITS,
)

Match = re.Match[str]


def address(match: Match) -> str:
    text = match[0]
    tail = ""
    while text and text[-1] in ".,?!:;":
        text, tail = text[:-1], text[-1] + tail
    text = re.sub(r"^https?://|/$", "", text, flags=re.IGNORECASE)
    text = re.sub(r"^www\.", "W W W dot ", text, flags=re.IGNORECASE)
    words = re.sub(r"[^\w\s]|_", lambda sign: f" {ADDRESS_SIGNS.get(sign[0], ' ')} ", text)
    words = re.sub(r"\d+", lambda run: f" {digits(run[0])} ", words)
    return f" {words} {tail[:1]}"


def iso_date(match: Match) -> str:
    month, day = int(match[3]), int(match[4])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{MONTHS[month - 1]} {ordinal(day)}, {number(match[1])}"


def slash_date(match: Match) -> str:
    first, second = int(match[1]), int(match[2])
    month, day = (first, second) if first <= 12 else (second, first)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{MONTHS[month - 1]} {ordinal(day)}, {number(match[3])}"


def short_date(match: Match) -> str:
    return f"{match[1]}{MONTHS[int(match[2]) - 1]} {ordinal(int(match[3]))}"


def month_day(match: Match) -> str:
    month = MONTH_FORMS[match[1]]
    day = f" {ordinal(int(match[2]))}"
    return f"{month}{day}" + (f", {number(match[3])}" if match[3] else "")


def day_month(match: Match) -> str:
    end = f" {number(match[3])}" if match[3] else ""
    return f"{ordinal(int(match[1]))} of {MONTH_FORMS[match[2]]}{end}"


def mark_of_half(match: Match) -> str:
    """`9am`, `5 p.m.`: the letters, and the stop where the sentence ends as well."""
    stop = "." if match[0].endswith(".") and ends_sentence(match) else ""
    return f" {(match[1] or match[2]).upper()} M{stop}"


def half_of_day(text: str | None) -> str:
    return f" {text[0].upper()} M" if text else ""


def time(match: Match) -> str:
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
    return words + half_of_day(match[4])


def ends_sentence(match: Match) -> bool:
    rest = match.string[match.end() :].lstrip("\"') ")
    return not rest or (match.string[match.end() : match.end() + 1].isspace() and rest[:1].isupper())


def amount(text: str, one: str, many: str) -> str:
    words = number(text, as_year=False)
    return f"{words} {one if text == '1' else many}"


def money(text: str, sign: str, scale: str | None) -> str:
    one, many, cent, cents = CURRENCIES[sign]
    if scale:
        return f"{number(text, as_year=False)} {SCALES.get(scale, scale)} {many}"
    whole, _, fraction = text.partition(".")
    if not cent or len(fraction) != 2 or not fraction.strip("0"):
        return amount(whole if not fraction.strip("0") else text, one, many)
    small = amount(str(int(fraction)), cent, cents)
    return small if not whole.strip("0,") else f"{amount(whole, one, many)} and {small}"


def unit(match: Match) -> str:
    sign = re.sub(r"^° ?([CF])$", r"°\1", match[2])
    one, many = UNITS[sign.replace("μ", "µ")]
    return f"{amount(match[1], one, many)} "


def fraction(match: Match) -> str:
    whole, top, bottom = match[1], int(match[2]), int(match[3])
    before = f"{number(whole)} " if whole else ""
    if not whole and (top + bottom == 100 or match[0] in ("24/7", "9/11", "20/20", "4/4")):
        return f"{cardinal(top)} {cardinal(bottom)}"
    if bottom == 0 or bottom > 100 or top > 100:
        return f"{before}{cardinal(top)} over {cardinal(bottom)}"
    name = {2: "half", 4: "quarter"}.get(bottom) or ordinal(bottom)
    if top != 1:
        name = {2: "halves", 4: "fourths"}.get(bottom) or plural(name)
    words = f"{'a' if whole and top == 1 else cardinal(top)} {name}"
    return f"{before}and {words} " if whole else f"{words} "


def decade(match: Match) -> str:
    digits_ = match[2]
    if match[1]:
        return plural(cardinal(int(digits_)))
    words = year(int(digits_)) if len(digits_) == 4 else cardinal(int(digits_))
    return plural(words)


def phone(match: Match) -> str:
    groups = re.findall(r"\d+", match[0])
    words = ", ".join(digits(group, "oh") for group in groups)
    return f"plus {words}" if match[0].startswith("+") else words


def range(match: Match) -> str:
    return f"{number(match[1])} to {number(match[2])}"


def title(match: Match) -> str:
    return TITLES[match[1]] + " "


def abbreviation(match: Match) -> str:
    stop = (
        "."
        if ends_sentence(match) and match[1] in ("etc", "Inc", "Ltd", "Jr", "Sr", "Co", "Corp", "al")
        else ""
    )
    return ABBREVIATIONS[match[1]] + stop


def street(match: Match) -> str:
    stop = "." if ends_sentence(match) and not re.match(r"\s+[A-Z]", match.string[match.end() :]) else ""
    return f"{match[1]} {'Street' if match[2] == 'St' else 'Drive'}{stop}"


def dotted(match: Match) -> str:
    """`U.S.` as letters. Before a capital it ends its sentence only where a usual beginning of one follows."""
    following = re.match(r"\s+([A-Z][a-z]*)", match.string[match.end() :])
    ends = ends_sentence(match) and (following is None or following[1] in SENTENCE_STARTS)
    return " ".join(match[0].replace(".", "").upper()) + ("." if ends else "")


def year_range(match: Match) -> str:
    """`2023-24` with both years said as years."""
    if int(match[2]) <= int(match[1][2:]):
        return match[0]
    return f"{year(int(match[1]))} to {cardinal(int(match[2]))}"


def per(match: Match) -> str:
    return f" per {UNITS[match[1]][0] if match[1] in UNITS else PERIODS[match[1]]}"


def file_name(match: Match) -> str:
    return (
        match[0]
        .replace("./", "dot slash ")
        .replace("/", " slash ")
        .replace("_", " underscore ")
        .replace(".", " dot ")
    )


def version(text: str) -> str:
    return " point ".join(number(part, as_year=False) for part in text.split("."))


def power(text: str) -> str:
    if text in ("2", "3"):
        return " squared " if text == "2" else " cubed "
    if not re.fullmatch(r"[+-]?\d+", text):
        return f" to the power of {' '.join(text)} "
    return f" to the {'minus ' if text[0] == '-' else ''}{ordinal(int(text.lstrip('+-')))} "


def _roman_value(text: str) -> int:
    values = {"I": 1, "V": 5, "X": 10, "L": 50}
    return sum(
        -values[letter]
        if any(values[later] > values[letter] for later in text[place + 1 : place + 2])
        else values[letter]
        for place, letter in enumerate(text)
    )


def roman(match: Match) -> str:
    return f"{match[1]} {cardinal(_roman_value(match[2]))}"


def roman_of_a_ruler(match: Match) -> str:
    return f"{match[1]} the {ordinal(_roman_value(match[2]))}"
