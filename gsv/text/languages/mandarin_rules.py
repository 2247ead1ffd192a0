"""Mandarin text as it is said: numbers, dates, money, units and signs become characters.

Knows writing. Does not know pronunciation (`mandarin`); Latin words are left for English.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from gsv.errors import import_optional
from gsv.text.characters import READINGS, latin, power, settle, simplify
from gsv.text.emoji_names import named
from gsv.text.languages.mandarin_numbers import cardinal, digits, number
from gsv.text.languages.mandarin_tables import CURRENCIES, GREEK, MEASURES, ORDINAL_MEASURES, SIGNS, UNITS
from gsv.text.punctuation import MARKS, collapse_runs

Match = re.Match[str]
Rule = tuple[re.Pattern[str], Callable[[Match], str]]

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3006\u3007\U00020000-\U0003ffff"
_MARKS = str.maketrans({
    "：": ",", "；": ",", "，": ",", "·": ",", "、": ",", ":": ",", ";": ",", "。": ".", "！": "!", "？": "?", "~": "…",
    "～": "…", "〜": "…",
})  # fmt: skip


def _either(names: object) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))  # type: ignore[call-overload]


_N = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_ALONE = r"(?<![\d.A-Za-z])"
_TO = r" ?[-~～〜–—] ?"
_UNIT = rf"(?:{_either(UNITS)})(?![A-Za-z\d²³])"
_MEASURE = _either(MEASURES)


@cache
def _to_simplified() -> Any:
    return import_optional("opencc", "pip install opencc").OpenCC("t2s")


@lru_cache(maxsize=32768)
def _simplified(character: str) -> str:
    plain: str = _to_simplified().convert(character)
    return plain if len(plain) == 1 else character


def simplified(text: str) -> str:
    """Traditional characters in their simplified form, one for one."""
    return "".join(_simplified(character) if ord(character) > 0x33FF else character for character in text)


def _year(text: str) -> str:
    return digits(text)


def _date(match: Match) -> str:
    month, day = int(match[3]), int(match[4])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{_year(match[1])}年{cardinal(month)}月{cardinal(day)}日"


def _written_date(match: Match) -> str:
    day = f"{cardinal(int(match[3]))}{match[4]}" if match[3] else ""
    return f"{_year(match[1])}年{cardinal(int(match[2]))}月{day}"


def _clock(hour: str, minute: str, second: str | None) -> str:
    words = f"{cardinal(int(hour)) if int(hour) != 2 else '两'}点"
    if int(minute) == 30 and not second:
        words += "半"
    elif int(minute) or second:
        words += ("零" if int(minute) < 10 else "") + f"{cardinal(int(minute))}分" if int(minute) else "零分"
    if second and int(second):
        words += ("零" if int(second) < 10 else "") + f"{cardinal(int(second))}秒"
    return words


def _time(match: Match) -> str:
    if int(match[1]) > 24 or int(match[2]) > 59:
        return f"{cardinal(int(match[1]))}比{cardinal(int(match[2]))}"
    return _clock(match[1], match[2], match[3])


def _time_range(match: Match) -> str:
    return f"{_clock(match[1], match[2], match[3])}至{_clock(match[4], match[5], match[6])}"


def _amount(text: str) -> str:
    return "两" if text == "2" else number(text)


def _money(match: Match) -> str:
    value = re.sub(r"\.0+$", "", match[2])
    return f"{_amount(value)}{match[3] or ''}{CURRENCIES[match[1]]}"


def _degree(sign: str) -> str:
    return {"°F": "华氏度", "摄氏度": "摄氏度", "华氏度": "华氏度"}.get(sign.replace(" ", ""), "度")


def _below(minus: str | None, text: str) -> str:
    return f"{'零下' if minus else ''}{number(text)}"


def _degrees(match: Match) -> str:
    return _below(match[1], match[2]) + _degree(match[3])


def _counted(match: Match) -> str:
    before, value, more, measure = match[1] or "", match[2], match[3] or "", match[4]
    more = "多" if more == "+" else more
    keeps = before == "第" or measure in ORDINAL_MEASURES or (measure == "分" and "点" in before)
    spoken = number(value) if keeps or value != "2" else "两"
    if len(value) > 1 and value[0] == "0" and "." not in value:
        spoken = digits(value)
    return f"{before}{spoken}{more}{measure}"


def _plain(match: Match) -> str:
    """A number with nothing to count: a row of digits, unless it is small or round."""
    text = match[0]
    if "," in text or "." in text:
        return number(text)
    if len(text) > 1 and text[0] == "0":
        return digits(text, "幺" if len(text) > 2 else "一")
    if len(text) < 3 or (text[-1] == "0" and len(text) < 12) or len(text.rstrip("0")) < 3:
        return number(text)
    return digits(text, "幺")


def _dictated(match: Match) -> str:
    return ",".join(digits(group, "幺") for group in re.findall(r"\d+", match[0]))


def _mobile(match: Match) -> str:
    return digits(match[0], "幺")


def _version(match: Match) -> str:
    return "点".join(digits(part) if part[0] == "0" else cardinal(int(part)) for part in match[0].split("."))


def _fraction(match: Match) -> str:
    return f"{'负' if match[1] else ''}{cardinal(int(match[3]))}分之{cardinal(int(match[2]))}"


def _operator(match: Match) -> str:
    names = {"+": "加", "-": "减", "−": "减", "×": "乘", "*": "乘", "÷": "除以", "=": "等于"}
    return f"{match[1]}{names[match[2]]}"


def _rule(pattern: str, replacement: Callable[[Match], str] | str) -> Rule:
    if isinstance(replacement, str):
        template = replacement
        return re.compile(pattern), lambda match: match.expand(template)
    return re.compile(pattern), replacement


_SIGN = _either(CURRENCIES)
_CLOCK = r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?"
RULES: list[Rule] = [
    _rule(rf"(?<=[{HAN}]) +(?=[\d{HAN}])|(?<=\d) +(?=[{HAN}])", ""),
    _rule(rf"{_ALONE}(\d{{4}}|\d{{2}})年(\d{{1,2}})月(?:(\d{{1,2}})([日号]))?", _written_date),
    _rule(rf"{_ALONE}(\d{{4}}){_TO}(\d{{4}})年", lambda match: f"{_year(match[1])}到{_year(match[2])}年"),
    _rule(
        rf"{_ALONE}[12]\d{{3}}年(?![前后来间]|的?历史|之久|以[上来])|(?<=公元)\d{{3,4}}年|(?<=公元前)\d{{3,4}}年",
        lambda match: f"{_year(match[0][:-1])}年",
    ),
    _rule(r"(?<![\d/.-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d/-])", _date),
    _rule(r"(?<=\d[日月号年时点分元岁])\s?[-~～—–]\s?(?=\d)", "到"),
    _rule(r"315(?=晚会)|996(?=[，,。.制的工]|$)", lambda match: digits(match[0], "幺")),
    _rule(
        r"(比分(?:是|为|[:：])?|总分|战成|[以赢输胜负平])(\d{1,3}) ?[-–:] ?(\d{1,3})(?![\d:-])",
        lambda match: f"{match[1]}{cardinal(int(match[2]))}比{cardinal(int(match[3]))}",
    ),
    _rule(rf"{_ALONE}{_CLOCK}{_TO}{_CLOCK}(?![\d:])", _time_range),
    _rule(rf"{_ALONE}{_CLOCK}(?![\d:])", _time),
    _rule(rf"{_ALONE}({_N}):({_N})(?![\d:])", lambda match: f"{number(match[1])}比{number(match[2])}"),
    _rule(r"(?<!\d)(?:\+?86 ?)?1[3-9]\d{9}(?!\d)", _mobile),
    _rule(r"(?<![\d-])(?:\+86[ -]?)?0\d{2,3}-\d{7,8}(?!\d)|(?<![\d-])[48]00-?\d{3}-?\d{4}(?!\d)", _dictated),
    _rule(
        r"(?<!\d)1[3-9]\d[ -]\d{4}[ -]\d{4}(?!\d)|(?<![\d.-])(?!20\d\d)[2-9]\d{3}[ -]\d{4}(?![\d-])", _mobile
    ),
    _rule(r"(?<=[打拨线警])(?:110|119|120|122|114|12\d{3}|1\d{4})(?!\d)", _mobile),
    _rule(rf"({_SIGN}) ?({_N})([千万亿]*)(?:元|块)?(?![\d])", _money),
    _rule(
        r"(\d{2,3})/(\d{2,3}) ?(?:mmHg|毫米汞柱)",
        lambda match: f"{cardinal(int(match[1]))},{cardinal(int(match[2]))}毫米汞柱",
    ),
    _rule(r"(\d+)米(\d{2})(?!\d|[年月个])", lambda match: f"{_amount(match[1])}米{digits(match[2])}"),
    _rule(rf"{_ALONE}({_N})(?= ?[KMGT]B(?![A-Za-z]))", lambda match: number(match[1])),
    _rule(rf"{_ALONE}({_N}) ?({_SIGN})", lambda match: f"{_amount(match[1])}{CURRENCIES[match[2]]}"),
    _rule(
        rf"(?<![\d.A-Za-z%])([-−])?({_N})(?:° ?C|℃)?{_TO}(?:零下|([-−]))?({_N}) ?(° ?[CF]|℃|°|摄氏度|华氏度|度)",
        lambda match: (
            _below(match[1], match[2])
            + ("到零上" if match[1] and not match[3] else "到")
            + _below(match[3], match[4])
            + _degree(match[5])
        ),
    ),
    _rule(rf"(?<![\d.A-Za-z%])([-−])?({_N}) ?(° ?[CF]|℃|°|摄氏度|华氏度)", _degrees),
    _rule(rf"(?<![\dA-Za-z%])([-−])({_N})(度)", _degrees),
    _rule(
        rf"([-−])?({_N})%(?:{_TO}({_N})%)",
        lambda match: f"{_percent(match[1], match[2])}至{_percent('', match[3])}",
    ),
    _rule(
        rf"(?<![\d%])({_N}){_TO}({_N})%", lambda match: f"{_percent('', match[1])}到{_percent('', match[2])}"
    ),
    _rule(rf"(?<!\d)([-−])?({_N})%", lambda match: _percent(match[1], match[2])),
    _rule(rf"(?<!\d)({_N})‰", lambda match: f"千分之{number(match[1])}"),
    _rule(
        rf"(?<![\d.])(\d+(?:\.\d+)?)({_UNIT})?{_TO}(\d+(?:\.\d+)?) ?({_UNIT})",
        lambda match: f"{number(match[1])}到{_amount(match[3])}{UNITS[match[4]]}",
    ),
    _rule(rf"(?<![\d.])({_N}) ?({_UNIT})", lambda match: f"{_amount(match[1])}{UNITS[match[2]]}"),
    _rule(rf"/(?:{_either(UNITS)})(?![A-Za-z])", lambda match: f"每{UNITS[match[0][1:]]}"),
    _rule(r"(?<![\d/])([-−])?(\d+)/(\d+)(?![\d/])", _fraction),
    _rule(r"(?<![\d.])\d+(?:\.\d+){2,}(?![\d])", _version),
    _rule(
        rf"((?:{_N}|(?<![A-Za-z])[A-Za-z])[⁰¹²³⁴⁵⁶⁷⁸⁹]*) ?([+×÷=*]) ?(?=[-−]?\d|[A-Za-z](?![A-Za-z])|\()",
        _operator,
    ),
    _rule(rf"((?:{_N})) ?([-−]) ?(?=[\d.]+ ?(?:=|等于))", _operator),
    _rule(r"([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)", lambda match: f"的{_exponent(power(match[1]))}次方"),
    _rule(
        rf"(?<![\d{HAN}A-Za-z-])([-−]?{_N}){_TO}({_N})(?![\d-])",
        lambda match: f"{number(match[1])}到{match[2]}",
    ),
    _rule(rf"(?<![\d.])({_N}){_TO}(?={_N}(?![\d-]))", lambda match: f"{number(match[1])}到"),
    _rule(rf"(?<![\dA-Za-z{HAN}.)])[-−]({_N})", lambda match: number(f"-{match[1]}")),
    _rule(rf"(第|点)?(?<![\dA-Za-z.])({_N})([多余几来+])?({_MEASURE})", _counted),
    _rule(rf"(?<=第)\d+|(?<=[约近共超达])({_N})(?!\d)", lambda match: number(match[0])),
    _rule(rf"{_N}", _plain),
    _rule(rf"(?<=[{HAN}])/(?=[{HAN}])", "每"),
]


def _percent(sign: str | None, text: str) -> str:
    return f"{'负' if sign else ''}百分之{number(text)}"


def _exponent(text: str) -> str:
    return number(text) if re.fullmatch(r"-?\d+", text) else text


def spoken(text: str, script: Callable[[str], str] = simplified) -> str:
    """Text whose numbers and signs are written out; Latin words and marks stay as they are.

    `script` puts characters into the form that the rules know, one for one.
    """
    text = script(simplify(named(text, "zh"))).replace("−", "-")
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    text = re.sub(rf"[{re.escape(''.join(SIGNS))}]", lambda sign: SIGNS[sign[0]], text)
    return "".join(GREEK.get(character.lower(), character) for character in text)


def normalize(text: str) -> str:
    """`written`, with the two interjections that published models spell otherwise; idempotent."""
    return written(text).replace("嗯", "恩").replace("呣", "母")


def written(text: str, script: Callable[[str], str] = simplified) -> str:
    """Characters, Latin words (one space between two) and the kept marks; idempotent. `script` as for `spoken`."""
    return settle(lambda before: _rewrite(before, script), text)


def _rewrite(text: str, script: Callable[[str], str]) -> str:
    text = spoken(text, script).replace("...", "…")
    text = re.sub(r"\s*\n\s*", ".", text.strip()).translate(_MARKS).replace("/", ",")
    text = "".join(
        latin(character) or character if not character.isascii() else character for character in text
    )
    text = re.sub(rf"[^{HAN}{READINGS}A-Za-z' {re.escape(MARKS)}]+", " ", text.replace("’", "'"))
    text = re.sub(r"(?<![A-Za-z])'|'(?![A-Za-z])", "", text)
    text = re.sub(r"(?<![A-Za-z]) +| +(?![A-Za-z])", "", re.sub(r" +", " ", text))
    return collapse_runs(text)
