"""Which script a character belongs to, and plain forms of wide, styled and combined ones.

Knows single characters only: no words, no languages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

# Private characters that stand for a pronunciation: a word said as given phones, or a reading of the character before.
FIRST_WORD, FIRST_READING, INSERT_PLACES = "\ue000", "\uf000", 0x800
WORDS, READINGS = "\ue000-\ue7ff", "\uf000-\uf7ff"
INSERTS = re.compile(f"[{WORDS}{READINGS}]")
_WORD = re.compile(f"[{WORDS}]")

Script = Literal["han", "kana", "hangul", "latin", "digit", "mark", "other"]

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3005-\u3007\U00020000-\U0003ffff]")
_KANA = re.compile(
    "[\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9d\U0001b000-\U0001b16f]"
)
_HANGUL = re.compile("[\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\uac00-\ud7a3\ud7b0-\ud7ff\uffa0-\uffdc]")
_LATIN_NAME = re.compile(
    r"(?:LATIN|FULLWIDTH LATIN) (?:SMALL |CAPITAL )?(?:LETTER|LIGATURE) (?:SMALL CAPITAL )?(.+)"
)
_LATIN_NAMED = {
    "AE": "ae", "OE": "oe", "IJ": "ij", "SHARP S": "ss", "THORN": "th", "ETH": "th", "ENG": "ng", "DOTLESS I": "i",
    "LONG S": "s", "KRA": "k", "SCHWA": "a", "EZH": "zh", "ESH": "sh", "OPEN E": "e", "OPEN O": "o", "ALPHA": "a",
    "DOTLESS J": "j", "IOTA": "i", "UPSILON": "u", "GAMMA": "g", "WYNN": "w", "YOGH": "y", "HWAIR": "hv", "DZ": "dz",
    "LJ": "lj", "NJ": "nj", "FF": "ff", "FI": "fi", "FL": "fl",
}  # fmt: skip
# Marks whose compatible form would lose what they say: a Chinese comma is no decimal one.
_KEPT = frozenset("，。！？；：、…～〜（）［］｛｝＂＇｀´¨¯˙·‥․")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n")
_SPACES = re.compile(r"[^\S\n]+|[\u200b-\u200f\u2060\ufeff\u00ad\u202a-\u202e\u2066-\u2069]+")


@lru_cache(maxsize=65536)
def script_of(character: str) -> Script:
    """The script of one character; whatever is neither letter nor number is a `mark`."""
    if _HAN.match(character):
        return "han"
    if _KANA.match(character):
        return "kana"
    if _HANGUL.match(character):
        return "hangul"
    if _WORD.match(character):
        return "latin"
    category = unicodedata.category(character)
    if category[0] == "N":
        return "digit" if _has_digits(character) else "latin" if latin(character) else "other"
    if category[0] == "L":
        return "latin" if latin(character) else _compatible_script(character)
    if category == "So" and latin(character):  # Ⓐ
        return "latin"
    return "mark"


def is_sign(character: str) -> bool:
    """Whether a mark is a sign that people say (`+`, `€`, an emoji), and no part of a flag or a skin colour."""
    category = unicodedata.category(character)
    return category in ("Sm", "Sc", "So") and not "\U0001f1e6" <= character <= "\U0001f1ff"


def _has_digits(character: str) -> bool:
    return any(unicodedata.digit(part, None) is not None for part in unicodedata.normalize("NFKC", character))


def _compatible_script(character: str) -> Script:
    plain = unicodedata.normalize("NFKC", character)
    return script_of(plain) if len(plain) == 1 and plain != character else "other"


@lru_cache(maxsize=8192)
def latin(character: str) -> str:
    """The letters a-z or A-Z that stand for a Latin letter (`é` e, `ß` ss, `Ａ` A), or an empty string."""
    plain = "".join(
        part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part)
    )
    if plain.isascii() and plain.isalpha():
        return plain
    match = _LATIN_NAME.fullmatch(unicodedata.name(character, ""))
    if match is None:
        return ""
    name = re.sub(
        r"^(TURNED|REVERSED|OPEN|CLOSED|BARRED|INVERTED|SIDEWAYS|STRETCHED) (?=[A-Z]$)", "", match[1]
    )
    base = _LATIN_NAMED.get(name.split(" WITH ")[0], "")
    if not base and re.fullmatch(r"[A-Z]( WITH .+| DIGRAPH)?", name):
        base = name[0].lower()
    return base.upper() if base and character.isupper() else base


@lru_cache(maxsize=65536)
def _plain(character: str) -> str:
    if character in _KEPT:
        return character
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.digit(character))
    if 0x2070 <= ord(character) <= 0x207F or character in "¹²³":
        return character  # powers are read by the languages
    plain = unicodedata.normalize("NFKC", character)
    if _HANGUL.match(character):
        return character if 0xAC00 <= ord(character) <= 0xD7A3 else _letter(character)
    if unicodedata.category(character) == "No" and plain.isdigit():
        return f" {plain} "  # ①② are two numbers
    return plain.replace("\u2044", "/")


def _letter(character: str) -> str:
    """A Korean letter of any form as the one that stands alone (ㄱ)."""
    name = unicodedata.name(character, "")
    for form in ("CHOSEONG", "JUNGSEONG", "JONGSEONG"):
        name = name.replace(form, "LETTER")
    try:
        return unicodedata.lookup(name.replace("HALFWIDTH ", ""))
    except KeyError:
        return character


def simplify(text: str) -> str:
    """Text in its plain form: composed, half-width letters and digits, ordinary spaces, no invisible characters."""
    composed = unicodedata.normalize("NFC", text)
    spaced = re.sub(r"(?<=\d)(?=[¼-¾⅐-⅞])", " ", composed)  # 1½ is one and a half, not eleven halves
    return _SPACES.sub(_space, "".join(map(_plain, spaced)))


def settle(rewrite: Callable[[str], str], text: str, rounds: int = 4) -> str:
    """`rewrite` applied until it changes nothing more, so that normalising twice is normalising once."""
    for _ in range(rounds):
        again = rewrite(text)
        if again == text:
            break
        text = again
    return text


def _space(match: re.Match[str]) -> str:
    return " " if match[0].isspace() else ""


def power(text: str) -> str:
    """Superscript digits and signs as plain ones."""
    return text.translate(_SUPERSCRIPTS)
