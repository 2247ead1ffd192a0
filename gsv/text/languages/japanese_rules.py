"""Japanese text as it is said: dates, money, units, signs and addresses in kana or in forms that Open JTalk reads.

Knows writing. Whole numbers, counters and decimals stay as digits: Open JTalk reads those better than a table.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from gsv.errors import import_optional
from gsv.text.characters import latin, power, script_of, settle, simplify
from gsv.text.emoji_names import named
from gsv.text.punctuation import collapse_runs

Match = re.Match[str]
Rule = tuple[re.Pattern[str], Callable[[Match], str]]

UNITS = {
    "Gbps": "ギガビーピーエス", "Mbps": "メガビーピーエス", "kbps": "キロビーピーエス", "ppm": "ピーピーエム",
    "mmHg": "ミリメートルエイチジー", "mg/dL": "ミリグラムパーデシリットル", "mmol/L": "ミリモルパーリットル",
    "MPa": "メガパスカル",
    "MW": "メガワット", "µm": "マイクロメートル", "Wh": "ワット時", "dm": "デシメートル", "μg": "マイクログラム",
    "km/h": "キロメートル毎時", "km/L": "キロメートル毎リットル", "m/s": "メートル毎秒",
    "km²": "平方キロメートル", "m²": "平方メートル",
    "cm²": "平方センチメートル", "m³": "立方メートル", "cm³": "立方センチメートル", "m2": "平方メートル",
    "m3": "立方メートル", "km": "キロメートル", "m": "メートル", "cm": "センチメートル", "mm": "ミリメートル",
    "nm": "ナノメートル", "μm": "マイクロメートル", "kg": "キログラム",
    "g": "グラム", "mg": "ミリグラム", "t": "トン",
    "L": "リットル", "l": "リットル", "mL": "ミリリットル",
    "ml": "ミリリットル", "dL": "デシリットル", "ha": "ヘクタール",
    "h": "時間", "min": "分", "s": "秒", "ms": "ミリ秒", "Hz": "ヘルツ", "kHz": "キロヘルツ", "MHz": "メガヘルツ",
    "GHz": "ギガヘルツ", "W": "ワット", "kW": "キロワット", "kWh": "キロワット時", "V": "ボルト", "A": "アンペア",
    "mA": "ミリアンペア", "mAh": "ミリアンペアアワー",
    "dB": "デシベル", "hPa": "ヘクトパスカル", "kPa": "キロパスカル",
    "Pa": "パスカル", "J": "ジュール", "kJ": "キロジュール",
    "cal": "カロリー", "kcal": "キロカロリー", "KB": "キロバイト",
    "MB": "メガバイト", "GB": "ギガバイト", "TB": "テラバイト", "ft": "フィート", "in": "インチ", "lb": "ポンド",
    "oz": "オンス", "mph": "マイル毎時", "rpm": "回転毎分", "px": "ピクセル", "°C": "度", "°F": "度", "°": "度",
    "Ω": "オーム", "%": "パーセント", "‰": "パーミル",
}  # fmt: skip
CURRENCIES = {
    "$": "ドル", "US$": "米ドル", "¥": "円", "€": "ユーロ",
    "£": "ポンド", "₩": "ウォン", "HK$": "香港ドル", "₹": "ルピー",
    "USD": "米ドル", "JPY": "円", "EUR": "ユーロ", "GBP": "ポンド", "CNY": "人民元",
}  # fmt: skip
SIGNS = {
    "%": "パーセント", "&": "アンド", "@": "アットマーク",
    "#": "シャープ", "+": "プラス", "=": "イコール", "×": "かける",
    "÷": "わる", "±": "プラスマイナス", "≈": "ニアリーイコール",
    "≠": "ノットイコール", "≤": "以下", "≥": "以上", "<": "小なり",
    ">": "大なり", "√": "ルート", "∞": "無限大", "→": "から",
    "°": "度", "$": "ドル", "¥": "円", "€": "ユーロ", "£": "ポンド",
    "№": "ナンバー", "π": "パイ", "〒": "郵便番号",
}  # fmt: skip
GREEK = {
    "α": "アルファ", "β": "ベータ", "γ": "ガンマ", "δ": "デルタ", "ε": "イプシロン", "ζ": "ゼータ", "η": "イータ",
    "θ": "シータ", "ι": "イオタ", "κ": "カッパ", "λ": "ラムダ", "μ": "ミュー", "ν": "ニュー", "ξ": "クサイ",
    "ο": "オミクロン", "ρ": "ロー", "σ": "シグマ", "ς": "シグマ", "τ": "タウ", "υ": "ユプシロン", "φ": "ファイ",
    "χ": "カイ", "ψ": "プサイ", "ω": "オメガ",
}  # fmt: skip
_RARE_KANA = {
    "ヷ": "ヴァ", "ヸ": "ヴィ", "ヹ": "ヴェ", "ヺ": "ヴォ",
    "ゟ": "より", "ヿ": "コト", "ㇰ": "ク", "ㇱ": "シ", "ㇲ": "ス",
    "ㇳ": "ト", "ㇴ": "ヌ", "ㇵ": "ハ", "ㇶ": "ヒ", "ㇷ": "フ",
    "ㇸ": "ヘ", "ㇹ": "ホ", "ㇺ": "ム", "ㇻ": "ラ", "ㇼ": "リ",
    "ㇽ": "ル", "ㇾ": "レ", "ㇿ": "ロ", "ヵ": "カ", "ヶ": "ケ", "ゕ": "か", "ゖ": "け", "ゎ": "わ", "ヮ": "ワ",
}  # fmt: skip
_DIGITS = ("ゼロ", "イチ", "ニー", "サン", "ヨン", "ゴー", "ロク", "ナナ", "ハチ", "キュー")
_ADDRESS = {
    ".": "ドット",
    "/": "スラッシュ",
    "-": "ハイフン",
    "_": "アンダーバー",
    "@": "アットマーク",
    ":": "コロン",
}


def _either(names: object) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))  # type: ignore[call-overload]


_N = r"\d+(?:\.\d+)?"
_TO = r" ?[-~〜～–—] ?"
_SIGN = _either(CURRENCIES)


def _dictated(match: Match) -> str:
    groups = re.findall(r"\d+", match[0])
    return "、".join("".join(_DIGITS[int(digit)] for digit in group) for group in groups)


def _date(match: Match) -> str:
    month, day = int(match[3]), int(match[4])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{match[1]}年{month}月{day}日"


def _time(match: Match) -> str:
    hour, minute = int(match[1]), int(match[2])
    if hour > 24:
        return f"{hour}対{minute}"
    second = f"{int(match[3])}秒" if match[3] else ""
    return f"{hour}時{f'{minute}分' if minute or second else ''}{second}"


def _address(match: Match) -> str:
    text = re.sub(r"^https?://|/$", "", match[0].rstrip(".,"), flags=re.IGNORECASE)
    return re.sub(r"[^\w]|_", lambda sign: _ADDRESS.get(sign[0], ""), text)


def _place(match: Match) -> str:
    """A block of an address, `1-9-2`; a date or a telephone number is left for its own rule."""
    if len(match[1]) == 4 or len(match[3]) == 4 or match[1][0] == "0":
        return match[0]
    return f"{match[1]}の{match[2]}の{match[3]}"


def _rule(pattern: str, replacement: Callable[[Match], str] | str) -> Rule:
    if isinstance(replacement, str):
        template = replacement
        return re.compile(pattern), lambda match: match.expand(template)
    return re.compile(pattern), replacement


# Where Open JTalk chooses another reading than the words beside it ask for.
READINGS: list[Rule] = [
    _rule(r"[（(]笑[)）]|(?<=[ぁ-ヿ一-鿿。、！!])[wｗ]+(?![A-Za-z.])", "わら"),
    _rule(
        r"(?<=[日])[（(]([月火水木金土日])(・?祝)?[)）]",
        lambda match: f"{match[1]}曜日{'、祝日' if match[2] else ''}",
    ),
    _rule(r"(?<=[ぁ-ゟ])[〜～~]+", "ー"),
    _rule(r"(?<=[一-鿿ァ-ヶ])[〜～~]+(?=[、。！？!?…\s]|$)", "ー"),
    _rule(r"(?<=[一-鿿])[〜～~](?=[一-鿿])|(?<=[ァ-ヶー]{2})[〜～~](?=[ァ-ヶ]{2})", "から"),
    _rule(r"[▲△](?=\d)", "マイナス"),
    _rule(r"(?<=[ぁ-ヿ一-鿿])[=＝](?=\d)", "は"),
    _rule(
        r"(?<=[\d分時])(発|着)(?=[。、でにのを]|$)", lambda match: {"発": "ハツ", "着": "チャク"}[match[1]]
    ),
    _rule(r"打率(は|が|、)?0?\.(\d)(\d)(\d)", r"打率\1\2割\3分\4厘"),
    _rule(r"(?<![\d.])\.(\d)", r"0.\1"),
    _rule(
        r"(?<![\d.:/-])(\d{1,3}) ?[-–ー] ?(\d{1,3})(?=(?:で|と|の)?(?:勝|敗|負|引き分|逆転|完封|リード|圧勝|快勝))",
        r"\1対\2",
    ),
    _rule(r"(?<![\d-])(\d{1,4})-(\d{1,4})-(\d{1,4})(?![\d-])(?!年)", _place),
    _rule(r"辛い(?=料理|もの|物|食べ|カレー|味|ラーメン|鍋|唐辛子|ソース|スープ|お菓子)", "カライ"),
    _rule(
        r"上手から下手|下手から上手",
        lambda match: "カミテからシモテ" if match[0][0] == "上" else "シモテからカミテ",
    ),
    _rule(r"(?<=[魚青朝])市場|市場(?=で(?:魚|野菜|果物))", "イチバ"),
    _rule(r"(?<=[ぁ-ヿー。！!])笑+(?=[。、\s]|$)", "わら"),
    _rule(r"(?<![ぁ-ゟ])は{3,}(?=[っと。、！!…]|$)", lambda match: "ハ" * len(match[0])),
    _rule(r"(?<=[店窓扉門口目穴アン]が)開(?=[いかきくけ])", "ア"),
    _rule(r"間(?=が悪い|の悪い|もなく)", "マ"),
    _rule(r"Wi-?Fi", "ワイファイ"),
    _rule(r"(?<=[あこそど]の)方(?=[はがもをに々、。])", "カタ"),
    _rule(r"(?<=[会議式業査験究動営行事修]を)行(?=[っいわうえお])", "オコナ"),
]
RULES: list[Rule] = [
    _rule(
        r"(?:https?://|www\.)[A-Za-z0-9./_?=&%#:-]+|[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
        _address,
    ),
    _rule(r"(?<![\d.])(\d{1,3}(?:,\d{3})+)(?!\d)", lambda match: match[1].replace(",", "")),
    _rule(r"(?<![\d/.-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d/-])", _date),
    _rule(r"(?<![\d:.])(\d{1,2}):([0-5]\d)(?::([0-5]\d))?(?![\d:])", _time),
    _rule(rf"(?<![\d.:])({_N}):({_N})(?![\d:])", r"\1対\2"),
    _rule(r"(?<![\d.-])(?:\+\d{1,3}[ -]?)?0\d{1,3}-\d{1,4}-\d{3,4}(?![\d-])", _dictated),
    _rule(r"〒 ?\d{3}-\d{4}(?!\d)", lambda match: f"郵便番号{_dictated(match)}"),
    _rule(rf"({_SIGN}) ?({_N})([千万億兆]*)", lambda match: f"{match[2]}{match[3]}{CURRENCIES[match[1]]}"),
    _rule(rf"({_N}) ?({_SIGN})", lambda match: f"{match[1]}{CURRENCIES[match[2]]}"),
    _rule(rf"({_N}) ?({_either(UNITS)}|° ?[CF])(?![A-Za-z\d²³])", lambda match: match[1] + _unit(match[2])),
    _rule(r"(?<![\d/])(\d+)/(\d+)(?![\d/])", r"\2分の\1"),
    _rule(r"(?<![\dA-Za-z.])[vV]?(\d+(?:\.\d+){2,})(?!\d)", lambda match: match[1].replace(".", "テン")),
    _rule(rf"(?<![\d.])({_N}[^\d\s、。,.]{{0,7}}?)[~〜～–] ?(?={_N})", r"\1から"),
    _rule(rf"(?<![\d.A-Za-z-])({_N})-(?={_N}(?![\d-]))", r"\1から"),
    _rule(rf"(?<![\dA-Za-z一-鿿ぁ-ヿ)])[-−](?={_N})", "マイナス"),
    _rule(rf"({_N}|[A-Za-z]) ?[−-] ?(?={_N} ?=)", r"\1ひく"),
    _rule(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda match: f"の{power(match[0]).replace('-', 'マイナス')}乗"),
]


def _unit(sign: str) -> str:
    return UNITS[sign.replace(" ", "")]


def normalize(text: str) -> str:
    """Text that Open JTalk reads as people say it; idempotent."""
    return settle(_rewrite, text)


def _rewrite(text: str) -> str:
    text = simplify(named(text, "ja")).replace("％", "%").replace("－", "-")
    for pattern, replacement in [*READINGS, *RULES]:
        text = pattern.sub(replacement, text)
    text = re.sub(r"(?<![A-Za-z])([A-Z]?[a-z]+)(?=[A-Z]{2,}(?![a-z]))", r"\1 ", text)
    text = "".join(_plain(character) for character in text)
    return collapse_runs(text)


@cache
def _converters() -> tuple[Any, Any]:
    opencc = import_optional("opencc", "pip install opencc")
    return opencc.OpenCC("s2t"), opencc.OpenCC("t2jp")


@lru_cache(maxsize=32768)
def written_here(character: str) -> bool:
    """Whether Japanese texts have a character: one that they lack would silence the word around it."""
    try:
        character.encode("cp932")
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=32768)
def _japanese_form(character: str) -> str:
    """A simplified Chinese character as Japanese writes it: 银 as 銀."""
    to_full, to_japanese = _converters()
    form: str = to_japanese.convert(to_full.convert(character))
    return form if len(form) == 1 and written_here(form) else character


def _plain(character: str) -> str:
    if script_of(character) == "han" and not written_here(character):
        return _japanese_form(character)
    found = SIGNS.get(character) or _RARE_KANA.get(character) or GREEK.get(character.lower())
    if found or character.isascii():
        return found or character
    return latin(character) if unicodedata.category(character)[0] == "L" and latin(character) else character
