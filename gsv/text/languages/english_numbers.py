"""Whole numbers, digits and decimals in English spoken.

Knows numbers alone; what they count or date is `english_rules`.
"""

from __future__ import annotations

from gsv.text.wordlist import words

_SMALL = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS = words("_ _ twenty thirty forty fifty sixty seventy eighty ninety")
_SCALES = words(
    "thousand million billion trillion quadrillion quintillion sextillion septillion octillion nonillion decillion"
)
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip


def _below_hundred(number: int) -> str:
    if number < 20:
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_SMALL[ones]}" if ones else "")


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    spoken = [f"{_SMALL[hundreds]} hundred"] if hundreds else []
    if rest or not spoken:
        spoken.append(_below_hundred(rest))
    return " ".join(spoken)


def cardinal(number: int) -> str:
    """`3500` as three thousand, five hundred. A number beyond the named scales is read digit by digit."""
    if number < 0:
        return f"minus {cardinal(-number)}"
    if number < 1000:
        return _below_thousand(number)
    if number >= 1000 ** (len(_SCALES) + 1):
        return digits(str(number))
    groups: list[str] = []
    scale = -1
    rest = number
    while rest:
        rest, group = divmod(rest, 1000)
        if group:
            name = f" {_SCALES[scale]}" if scale >= 0 else ""
            groups.append(_below_thousand(group) + name)
        scale += 1
    head, last = ", ".join(groups[:0:-1]), groups[0]
    if not head:
        return last
    return f"{head}, {last}" if " " in last else f"{head} {last}"


def ordinal_of(spoken: str) -> str:
    """The ordinal of a cardinal in words: twenty-one becomes twenty-first."""
    cut = max(spoken.rfind(" "), spoken.rfind("-")) + 1
    last = spoken[cut:]
    if last in _ORDINALS:
        return spoken[:cut] + _ORDINALS[last]
    return spoken[:cut] + (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")


def ordinal(number: int) -> str:
    """`22` as twenty-second."""
    return ordinal_of(cardinal(number))


def digits(text: str, zero: str = "zero") -> str:
    """Each digit by itself."""
    return " ".join(zero if digit == "0" else _SMALL[int(digit)] for digit in text if digit.isdigit())


def year(number: int) -> str:
    """`1999` as nineteen ninety-nine, `2005` as two thousand five, `1905` as nineteen oh-five."""
    century, rest = divmod(number, 100)
    if 2000 <= number < 2010 or number % 1000 == 0:
        return cardinal(number)
    if rest == 0:
        return f"{_below_hundred(century)} hundred"
    return f"{_below_hundred(century)} {_below_hundred(rest) if rest > 9 else f'oh {_SMALL[rest]}'}"


def number(text: str, as_year: bool = True) -> str:
    """`1,234.50`, `007`, `1999` or `12` in words. `as_year` reads plain 1001 to 2999 in pairs, as published."""
    whole, _, fraction = text.partition(".")
    grouped = "," in whole
    whole = whole.replace(",", "")
    if fraction:
        return f"{cardinal(int(whole or 0))} point {digits(fraction)}"
    if len(whole) > 1 and whole[0] == "0":
        return digits(whole)
    value = int(whole)
    if as_year and not grouped and 1000 < value < 3000:
        return year(value)
    return cardinal(value)


def plural(spoken: str) -> str:
    """The plural of a number in words, as in nineties or thousands."""
    if spoken.endswith("y"):
        return spoken[:-1] + "ies"
    return spoken + ("es" if spoken.endswith("x") else "s")
