"""Korean text as it is said: numbers, dates, money, units, letters and signs in hangul.

Knows writing. Does not know pronunciation (`korean`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gsv.text.characters import latin, power, settle, simplify
from gsv.text.emoji_names import named
from gsv.text.languages.korean_numbers import digits, native, number, sino
from gsv.text.punctuation import MARKS, collapse_runs
from gsv.text.wordlist import words

Match = re.Match[str]
Rule = tuple[re.Pattern[str], Callable[[Match], str]]

LETTERS = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        words(
            "에이 비 시 디 이 에프 지 에이치 아이 제이 케이 엘 엠 "
            "엔 오 피 큐 아르 에스 티 유 브이 더블유 엑스 와이 제트"
        ),
        strict=True,
    )
)
# Counters of native numbers; everything else is counted in Sino-Korean ones.
NATIVE = words(
    "개 명 사람 살 시간 시 마리 대 장 병 잔 권 번째 달 켤레 그루 채 송이 벌 자루 곳 가지 통 척 쌍 판 모금 "
    "조각 봉지 갑 다발 가닥 줄 바퀴 걸음 숟갈 그릇 상자 묶음 방울 군데 끼 배 해 집 알 톨 포기 단 접시 입"
)
UNITS = {
    "km/L": "킬로미터 퍼 리터",
    "mmHg": "밀리미터 수은주", "mmol/L": "밀리몰 퍼 리터", "mg/dL": "밀리그램 퍼 데시리터", "ppm": "피피엠",
    "Gbps": "기가비피에스",
    "Mbps": "메가비피에스", "kPa": "킬로파스칼", "kWh": "킬로와트시", "MW": "메가와트", "μm": "마이크로미터",
    "µm": "마이크로미터",
    "rpm": "알피엠", "mph": "마일 매 시", "km2": "제곱킬로미터",
    "km/h": "킬로미터 매 시", "m/s": "미터 매 초", "km²": "제곱킬로미터", "m²": "제곱미터", "cm²": "제곱센티미터",
    "m³": "세제곱미터", "m2": "제곱미터", "m3": "세제곱미터", "km": "킬로미터", "m": "미터", "cm": "센티미터",
    "mm": "밀리미터",
    "nm": "나노미터", "kg": "킬로그램", "g": "그램", "mg": "밀리그램", "t": "톤", "L": "리터", "l": "리터",
    "mL": "밀리리터",
    "ml": "밀리리터", "Hz": "헤르츠", "kHz": "킬로헤르츠", "MHz": "메가헤르츠", "GHz": "기가헤르츠",
    "W": "와트", "kW": "킬로와트",
    "V": "볼트", "mA": "밀리암페어", "mAh": "밀리암페어시", "dB": "데시벨", "hPa": "헥토파스칼",
    "Pa": "파스칼", "cal": "칼로리",
    "kcal": "킬로칼로리", "KB": "킬로바이트", "MB": "메가바이트", "GB": "기가바이트", "TB": "테라바이트",
    "ft": "피트",
    "in": "인치", "lb": "파운드", "oz": "온스", "ms": "밀리초", "s": "초", "h": "시간", "min": "분",
    "°C": "도", "°F": "화씨도",
    "°": "도", "%": "퍼센트", "‰": "퍼밀", "ha": "헥타르", "px": "픽셀",
}  # fmt: skip
CURRENCIES = {
    "$": "달러", "US$": "미국 달러", "₩": "원", "¥": "엔", "€": "유로", "£": "파운드", "USD": "달러",
    "KRW": "원", "JPY": "엔",
    "EUR": "유로", "CNY": "위안",
}  # fmt: skip
SIGNS = {
    "%": "퍼센트", "&": "앤드", "@": "골뱅이", "#": "샵", "+": "더하기", "=": "는", "×": "곱하기",
    "÷": "나누기", "±": "플러스마이너스",
    "<": "작다", ">": "크다", "≤": "이하", "≥": "이상", "√": "루트", "∞": "무한대", "→": "에서", "°": "도",
    "$": "달러",
    "€": "유로", "£": "파운드", "₩": "원", "¥": "엔",
}  # fmt: skip
GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        words(
            "알파 베타 감마 델타 엡실론 제타 에타 세타 요타 카파 람다 뮤 뉴 크사이 오미크론 파이 로 시그마 시그마 타우 "
            "입실론 피 카이 프사이 오메가"
        ),
        strict=True,
    )
)
_ADDRESS = {".": " 닷 ", "/": " 슬래시 ", "-": " 하이픈 ", "_": " 언더바 ", "@": " 골뱅이 ", ":": " 콜론 "}
_MARKS = str.maketrans({
    "：": ",", "；": ",", "，": ",", "·": ",", "、": ",", ":": ",", ";": ",", "。": ".", "！": "!", "？": "?",
    "—": "-", "–": "-", "~": "…", "～": "…", "〜": "…", "’": "'", "‘": "'",
})  # fmt: skip


def _either(names: object) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))  # type: ignore[call-overload]


_N = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_TO = r" ?[-~～〜–] ?"
_COUNTER = _either(NATIVE)


def _month(value: int) -> str:
    return {6: "유월", 10: "시월"}.get(value, f"{sino(value)}월")


def _date(match: Match) -> str:
    month, day = int(match[3]), int(match[4])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{sino(int(match[1]))}년 {_month(month)} {sino(day)}일"


def _time(match: Match) -> str:
    hour, minute = int(match[1]), int(match[2])
    spoken = f"{native(hour) if 0 < hour < 13 else sino(hour)}시"
    if minute:
        spoken += f" {sino(minute)}분"
    return spoken + (f" {sino(int(match[3]))}초" if match[3] else "")


def _count(text: str) -> str:
    plain = text.replace(",", "")
    return native(int(plain)) if plain.isdigit() and 0 < int(plain) < 100 else number(text)


def _counted(match: Match) -> str:
    value, space, counter = match[1], match[2], match[3]
    if counter == "시" and not (value.isdigit() and int(value) < 13):
        return f"{number(value)}{space}{counter}"
    return f"{_count(value)}{space}{counter}"


def _dictated(match: Match) -> str:
    return ", ".join(digits(group) for group in re.findall(r"\d+", match[0]))


def _address(match: Match) -> str:
    text = re.sub(r"^https?://|/$", "", match[0].rstrip(".,"), flags=re.IGNORECASE)
    return re.sub(r"[^\w]|_", lambda sign: _ADDRESS.get(sign[0], " "), text)


def _plain(match: Match) -> str:
    text = match[0]
    if len(text) > 1 and text[0] == "0" and text.isdigit():
        return digits(text)
    return number(text)


def _rule(pattern: str, replacement: Callable[[Match], str]) -> Rule:
    return re.compile(pattern), replacement


RULES: list[Rule] = [
    _rule(r"(?:https?://|www\.)[A-Za-z0-9./_?=&%#:-]+|[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", _address),
    _rule(r"(?<![\d/.-])(\d{4})([-/.]) ?(\d{1,2})\2 ?(\d{1,2})(?![\d/-])", _date),
    _rule(r"(?<=[일\d]) ?\(([월화수목금토일])\)", lambda match: f" {match[1]}요일"),
    _rule(r"(?<=\d:\d\d) ?[-~～〜–] ?(?=\d)", lambda match: "에서 "),
    _rule(r"(?<!\d)(\d{1,2})월", lambda match: _month(int(match[1]))),
    _rule(r"(?<![\d:.])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])", _time),
    _rule(rf"(?<![\d.:])({_N}):({_N})(?![\d:])", lambda match: f"{number(match[1])} 대 {number(match[2])}"),
    _rule(r"(?<![\d.-])(?:\+\d{1,3}[ -]?)?0?\d{1,3}-\d{3,4}-\d{4}(?![\d-])"
          r"|(?<![\d.-])\d{4}-\d{4}(?![\d-])|(?<!\d)0\d{1,2} \d{3,4} \d{4}(?!\d)", _dictated),
    _rule(rf"({_either(CURRENCIES)}) ?({_N})([만억조천]*)(?: ?(?:원|달러|엔|유로))?",
          lambda match: f"{number(match[2])}{match[3]} {CURRENCIES[match[1]]}"),
    _rule(rf"({_N}) ?({_either(CURRENCIES)})", lambda match: f"{number(match[1])} {CURRENCIES[match[2]]}"),
    _rule(rf"(?<![\d가-힣A-Za-z])[-−]({_N})", lambda match: f"마이너스 {match[1]}"),
    _rule(rf"(?<![\d.])({_N}){_TO}(?={_N} ?(?:{_COUNTER})(?![가-힣]*월))", lambda match: f"{_count(match[1])}에서 "),
    _rule(rf"(?<![\d.-])({_N}){_TO}(?={_N}(?![\d-]))", lambda match: f"{number(match[1])}에서 "),
    _rule(rf"({_N}) ?({_either(UNITS)}|° ?[CF])(?![A-Za-z\d²³])",
          lambda match: f"{number(match[1])} {UNITS[match[2].replace(' ', '')]}"),
    _rule(r"(?<![\d/])(\d+)/(\d+)(?![\d/])", lambda match: f"{sino(int(match[2]))}분의 {sino(int(match[1]))}"),
    _rule(r"(?<![\dA-Za-z.])[vV]?\d+(?:\.\d+){2,}(?!\d)",
          lambda match: "점".join(sino(int(part)) for part in re.findall(r"\d+", match[0]))),
    _rule(r"(?<!\d)([1-9]0)대(?=[\s,.]*(?:여성|남성|여자|남자|청년|학생|부부|초반|중반|후반|이상|이하|들|의|가|는|에|부터|때|까지))",
          lambda match: f"{sino(int(match[1]))}대"),
    _rule(rf"(?<=제) ?({_N})", lambda match: number(match[1])),
    _rule(rf"(?<![\d.])({_N})( ?)({_COUNTER})(?![년월일])", _counted),
    _rule(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda match: f"의 {power(match[0]).replace('-', '마이너스 ')}제곱"),
    _rule(_N, _plain),
]  # fmt: skip


def _letter_names(match: Match) -> str:
    return "".join(LETTERS[letter.lower()] for letter in match[0])


def normalize(text: str) -> str:
    """Hangul, Latin words with small letters, spaces and the kept marks; idempotent."""
    return settle(_rewrite, text)


def _rewrite(text: str) -> str:
    text = simplify(named(text, "ko"))
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    text = "".join(
        f" {SIGNS[character]} " if character in SIGNS
        else GREEK.get(character.lower()) or (character if character.isascii() else latin(character) or character)
        for character in text
    )  # fmt: skip
    text = re.sub(
        r"(?<![A-Za-z])[A-Z]+(?![a-z'])",
        lambda run: "".join(LETTERS[letter.lower()] for letter in run[0]),
        text,
    )
    text = re.sub(r"\s*\n\s*", ".", text.strip()).translate(_MARKS).replace("...", "…").replace("/", ",")
    return re.sub(rf" +(?=[{re.escape(MARKS)}])", "", collapse_runs(re.sub(r" +", " ", text)))
