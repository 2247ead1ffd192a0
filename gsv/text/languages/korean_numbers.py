"""Numbers in hangul: Sino-Korean, native, digit by digit.

Knows numbers alone; which kind counts what is `korean_rules`.
"""

from __future__ import annotations

_DIGITS = "영일이삼사오육칠팔구"
_PLACES = ("", "십", "백", "천")
_GROUPS = ("", "만", "억", "조", "경")
_NATIVE_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")


def digits(text: str, zero: str = "공") -> str:
    """Each digit by itself, as telephone numbers are read."""
    return "".join(zero if digit == "0" else _DIGITS[int(digit)] for digit in text if digit.isdigit())


def sino(number: int) -> str:
    """`3000` as 삼천, `10000` as 만."""
    if number == 0:
        return "영"
    if number >= 10 ** (4 * len(_GROUPS)):
        return digits(str(number), "영")
    words = ""
    for height in range(len(_GROUPS) - 1, -1, -1):
        group = number // 10 ** (4 * height) % 10_000
        if not group:
            continue
        part = ""
        for place, digit in enumerate(f"{group:04d}"):
            value = int(digit)
            if value:
                part += ("" if value == 1 and place < 3 else _DIGITS[value]) + _PLACES[3 - place]
        words += ("" if part == "일" and height == 1 and not words else part) + _GROUPS[height]
    return words


def native(number: int) -> str:
    """`21` as 스물한, `20` as 스무; from 100 on the hundreds are Sino-Korean."""
    hundreds, rest = divmod(number, 100)
    head = sino(hundreds * 100) if hundreds else ""
    if rest == 20:
        return head + "스무"
    tens, ones = divmod(rest, 10)
    return head + _NATIVE_TENS[tens] + _NATIVE_ONES[ones] or "영"


def number(text: str) -> str:
    """`1234.5` as 천이백삼십사 점 오."""
    whole, _, fraction = text.replace(",", "").partition(".")
    spoken = sino(int(whole or 0))
    return f"{spoken}점{digits(fraction, '영')}" if fraction else spoken
