"""Whole numbers, digits and decimals in Chinese characters.

Knows numbers alone; what they count or date is `mandarin_rules`.
"""

from __future__ import annotations

_DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿", "万亿", "兆亿", "万兆亿")


def digits(text: str, one: str = "一") -> str:
    """Each digit by itself; `one` is 幺 in numbers that people dictate."""
    return "".join(one if digit == "1" else _DIGITS[int(digit)] for digit in text if digit.isdigit())


def _below_ten_thousand(number: int) -> str:
    words = ""
    skipped = False
    for place, digit in enumerate(str(number)):
        height = len(str(number)) - 1 - place
        if digit == "0":
            skipped = True
            continue
        if skipped and words:
            words += "零"
        skipped = False
        words += _DIGITS[int(digit)] + _PLACES[height]
    return words


def cardinal(number: int) -> str:
    """`1005` as 一千零五, `10` as 十, `100000` as 十万. Beyond the named groups it is read digit by digit."""
    if number < 0:
        return "负" + cardinal(-number)
    if number == 0:
        return "零"
    if number >= 10 ** (4 * len(_GROUPS)):
        return digits(str(number))
    words = ""
    gap = False
    for height in range(len(_GROUPS) - 1, -1, -1):
        group = number // 10 ** (4 * height) % 10_000
        if not group:
            gap = bool(words)
            continue
        if words and (gap or group < 1000):
            words += "零"
        gap = False
        words += _below_ten_thousand(group) + _GROUPS[height]
    return words.removeprefix("一") if words.startswith("一十") else words


def number(text: str) -> str:
    """`-1,234.50` as 负一千二百三十四点五零."""
    sign = "负" if text[:1] in "-−" and text else ""
    whole, _, fraction = text.lstrip("-−+").replace(",", "").partition(".")
    spoken = cardinal(int(whole or 0))
    return sign + spoken + (f"点{digits(fraction)}" if fraction else "")
