"""English text as it is said: numbers, dates, money, units, abbreviations, addresses and signs become words.

Knows writing. Does not know pronunciation (`english`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gsv.text.characters import WORDS, latin, power, settle, simplify
from gsv.text.emoji_names import named
from gsv.text.languages import english_forms as forms
from gsv.text.languages.english_dictionary import dictionary
from gsv.text.languages.english_numbers import digits, number, ordinal
from gsv.text.languages.english_tables import (
    ABBREVIATIONS,
    BEFORE_NUMBERS,
    CURRENCIES,
    GREEK,
    MONTH_FORMS,
    PERIODS,
    SAID_AS_WORDS,
    SCALES,
    SHORTENED,
    SHOUTED,
    SIGNS,
    STATES,
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
    "。": ". ", "！": "! ", "？": "? ", "，": ", ", "；": ", ", "：": ": ", "、": ", ", "—": " - ", "–": "–",
    "’": "'",
    "‘": "'", "`": "'", "“": '"', "”": '"', "«": '"', "»": '"', "「": '"', "」": '"', "‐": "-", "‑": "-",
    "〜": "~", "～": "~",
    "・": " ", "·": " ", "\n": " ", "−": "-",
})  # fmt: skip


def _rule(pattern: str, replacement: Callable[[Match], str] | str, ignore_case: bool = False) -> Rule:
    flags = re.IGNORECASE if ignore_case else 0
    if isinstance(replacement, str):
        template = replacement
        return re.compile(pattern, flags), lambda match: match.expand(template)
    return re.compile(pattern, flags), replacement


_CURRENCY_SIGNS = _either([sign for sign in CURRENCIES if not sign.isalpha()])
_CURRENCY_CODES = _either([sign for sign in CURRENCIES if sign.isalpha()])
_SCALE = rf"(?:\s?(thousand|million|billion|trillion)\b|({_either(SCALES)})\b)?"
_HALF = r"(?:\s?([AaPp])\.? ?[Mm]\b\.?)?"

_UNMISTAKABLE = _either(key for key in UNITS if key.endswith(("²", "³", "°", "/h", "/s")))
# After a space a single letter is more often a word than a unit.
_SPACED = _either(key for key in UNITS if key not in ("m", "s", "h", "t", "g", "in", "L", "l", "V", "W"))
RULES: list[Rule] = [
    _rule(
        r"\b(?:https?://|www\.)[^\s\"'<>()]+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
        r"|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|edu|gov|io|ai|co|uk|de|cn|jp|app|dev|info)\b(?:/[^\s\"'<>()]*)?",
        forms.address,
        True,
    ),
    _rule(r"(?<=\d[AaPp][Mm])\s?[-–]\s?(?=\d)|(?<=\d:\d\d)\s?[-–]\s?(?=\d{1,2}:\d\d)", " to "),
    _rule(r"(?<=\d) ?([AaPp])\.?[Mm]\b\.?(?!\w)|\b([AaPp])\.\s?[Mm]\.?(?!\w)", forms.mark_of_half),
    _rule(
        r"(?<![\w.])(?:\./)?[\w/]+\.(?:sh|py|txt|js|json|md|csv|exe|zip|wav|mp3|html?|ya?ml|pdf|docx?|xlsx?|png|jpe?g)\b",
        forms.file_name,
    ),
    _rule(rf"(?<![\w<>=!-])(?:{_either(SHORTENED)})(?![\w<>=/])", lambda match: f" {SHORTENED[match[0]]} "),
    _rule(r"(?<=\w)(?:==|=>|->|!=|<=|>=)(?=\w)", lambda match: f" {SHORTENED[match[0]]} "),
    _rule(
        rf"(?<=[a-z], )({_either(STATES)})(?: (\d{{5}})(?:-\d{{4}})?)?(?!\w|\.\w)",
        lambda match: STATES[match[1]] + (f" {digits(match[2])}" if match[2] else ""),
    ),
    _rule(r"\b([A-G])#(?!\w)", r"\1 sharp"),
    _rule(r"#(?=[A-Za-z])", "hashtag "),
    _rule(r"(?<!\w)@[A-Za-z_][\w.]*\w", forms.address),
    _rule(r"(?<=[a-z]{2}) > (?=[A-Z][a-z])", ", "),
    _rule(
        r"(?<![\d.,])\d{1,3}(?:\.\d{3})+,\d\d(?!\d)",
        lambda match: match[0].replace(".", "").replace(",", "."),
    ),
    _rule(r"\bMr\. (?=and |& )", "Mister "),
    _rule(
        rf"\b({_either(WEEKDAYS)})\.?[-–]({_either(WEEKDAYS)})\b\.?(?= )",
        lambda match: f"{WEEKDAYS[match[1]]} to {WEEKDAYS[match[2]]}",
    ),
    _rule(rf"\b({_either(WEEKDAYS)})\.?(?= \d)", lambda match: WEEKDAYS[match[1]]),
    _rule(
        r"\b((?:\w+day|on|by|until|since|due) )(1[0-2]|0?[1-9])/(3[01]|[12]\d|0?[1-9])(?![\d/])",
        forms.short_date,
    ),
    _rule(r"\b0(\d)([0-5]\d) hours\b", lambda match: f"oh {number(match[1])} {number(match[2])} hours"),
    _rule(r"\s'n'?\s|\sn'\s", " and "),
    _rule(r"(?<!\d)(\d)'\s?(\d{1,2})(?:\"|'')?(?![\d'])", r"\1 foot \2"),
    _rule(r"(?<=\d)a\b(?!\.)", "A"),
    _rule(r"\b([A-Z]{1,4})(\d{5,})\b", lambda match: f"{match[1]} {digits(match[2])}"),
    _rule(r"(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-])", forms.phone),
    _rule(rf"\b({_either(TITLES)})\.\s*(?=[A-Z])", forms.title),
    _rule(r"\bDr\.\s*(?=[A-Z])(?<![a-z] Dr\. )", "Doctor "),
    _rule(r"\bSt\.\s*(?=[A-Z])(?<![a-zA-Z] St\. )(?<!\d(?:st|nd|rd|th) St\. )", "Saint "),
    _rule(r"\b((?:[A-Z][a-z]+|\d+(?:st|nd|rd|th))) (St|Dr)\.", forms.street),
    _rule(r"\bSt\.\s*(?=[A-Z])", "Saint "),
    _rule(r"\bDr\.", "Doctor"),
    _rule(rf"\b({_either(BEFORE_NUMBERS)})\.\s*(?=\d)", lambda match: BEFORE_NUMBERS[match[1]] + " "),
    _rule(
        rf"\b({_either(key for key in ABBREVIATIONS if key not in ('no', 'min', 'ed', 'max', 'al'))})\.(?![\w])",
        forms.abbreviation,
    ),
    _rule(r"\bet al\.", "and others"),
    _rule(rf"\b({_either(WEEKDAYS)})\.?,(?= )", lambda match: WEEKDAYS[match[1]] + ","),
    _rule(r"(?<![A-Za-z.])(?:[A-Za-z]\.){2,}(?![A-Za-z])", forms.dotted),
    _rule(r"(?<![\d/.-])(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d/-])", forms.iso_date),
    _rule(r"(?<![\d/.-])(\d{1,2})/(\d{1,2})/(\d{4})(?![\d/])", forms.slash_date),
    _rule(rf"\b({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}})\b)?(?![\d:])", forms.month_day),
    _rule(rf"\b(\d{{1,2}})(?:st|nd|rd|th)? ({_MONTH})\b\.?(?:,? (\d{{4}})\b)?", forms.day_month),
    _rule(rf"{_NO_DIGIT_BEFORE}(\d{{1,2}}):(\d{{2}})(?::(\d{{2}}))?(?![\d:]){_HALF}", forms.time),
    _rule(r"(?<![\d:])(\d+):(\d+)(?![\d:])", lambda match: f"{number(match[1])} to {number(match[2])}"),
    _rule(
        rf"({_CURRENCY_SIGNS})\s?({_NUMBER}){_SCALE}",
        lambda match: forms.money(match[2], match[1], match[3] or match[4]),
    ),
    _rule(
        rf"{_NO_DIGIT_BEFORE}({_NUMBER})\s?({_CURRENCY_SIGNS})(?!\d)",
        lambda match: forms.money(match[1], match[2], None),
    ),
    _rule(
        rf"{_NO_DIGIT_BEFORE}({_NUMBER}) ?({_CURRENCY_CODES})\b",
        lambda match: forms.money(match[1], match[2], None),
    ),
    _rule(rf"\b({_CURRENCY_CODES}) ?({_NUMBER})", lambda match: forms.money(match[2], match[1], None)),
    _rule(rf"{_NO_DIGIT_BEFORE}({_NUMBER}) ?¢", lambda match: forms.amount(match[1], "cent", "cents")),
    _rule(
        r"(?<![\w.+-])(?:\+\d{1,3}[ -]?|1[ .-])?(?:\(\d{3}\)|\d{3,4})[ .-]?\d{3,4}[.-]\d{4}\b"
        r"|(?<![\w.-])\d{3}-\d{4}\b|(?<!\w)\+\d[\d -]{6,}\d\b",
        forms.phone,
    ),
    _rule(r"(?<![\w.])[vV]\.? ?(\d+(?:\.\d+)+)\b", lambda match: "version " + forms.version(match[1])),
    _rule(r"(?<![\w.])(\d+(?:\.\d+){2,})\b", lambda match: forms.version(match[1])),
    _rule(r"\b((?:1\d|20)\d\d)[-–](\d\d)\b(?![-\d])", forms.year_range),
    _rule(r"(?<![\d/.])(?:(\d+) )?(\d+)/(\d+)(?![\d/])", forms.fraction),
    _rule(r"(?<![\w.])\.(\d+)\b", lambda match: f"point {digits(match[1])}"),
    _rule(r"\b(\d+\.\d+|\d{2,})k\b", lambda match: f"{number(match[1], False)} thousand"),
    _rule(r"\b(\d+\.\d+)(M|B|bn)\b", lambda match: f"{number(match[1], False)} {SCALES[match[2]]}"),
    _rule(r"(?<=\d)e-(\d+)\b", r" e minus \1"),
    _rule(r"\b(\d+)D\b", lambda match: f"{number(match[1])} D"),
    _rule(r"(?<![\w])(')?(\d{4}|\d0)'?s\b", forms.decade),
    _rule(
        rf"(?<![\w.,])({_NUMBER})%? ?[-–~] ?(?={_NUMBER} ?(?:{_either(UNITS)}|%|st\b|nd\b|rd\b|th\b))",
        lambda match: f"{number(match[1], False)} to ",
    ),
    _rule(rf"(?<![\w.,])[-−]({_NUMBER})(?![\d-])", r"negative \1"),
    _rule(
        rf"{_NO_DIGIT_BEFORE}({_NUMBER}) ?({_UNMISTAKABLE}|° ?[CF])(?![A-Za-z])",
        forms.unit,
    ),
    _rule(
        rf"{_NO_DIGIT_BEFORE}({_NUMBER}) ([mgLlVW])(?=[),.;]|$| of | long| tall| wide| deep| high)",
        forms.unit,
    ),
    _rule(
        rf"{_NO_DIGIT_BEFORE}({_NUMBER})({_either(UNITS)})(?![A-Za-z\d²³])(?:\.(?=\s+[a-z,]))?", forms.unit
    ),
    _rule(
        rf"{_NO_DIGIT_BEFORE}({_NUMBER}) ({_SPACED})(?![A-Za-z\d²³'])(?:\.(?=\s+[a-z,]))?",
        forms.unit,
    ),
    _rule(
        rf"(?<=[a-z\d]) ?/ ?({_either([*(key for key in UNITS if key.isalpha()), *PERIODS])})\b", forms.per
    ),
    _rule(
        r"\b(tbsp|tsp|lbs?|oz|kg|mph|hrs|mins|secs)\b(?:\.(?=\s+[a-z,]))?", lambda match: UNITS[match[1]][1]
    ),
    _rule(rf"{_NO_DIGIT_BEFORE}({_NUMBER}) ?%", lambda match: number(match[1], False) + " percent "),
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
    _rule(rf"(?<![\w.,-])({_NUMBER}) ?[-–~] ?({_NUMBER})(?![\d-])", forms.range),
    _rule(r"([\w)])([⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+)", lambda match: match[1] + forms.power(power(match[2]))),
    _rule(
        r"\b(Henry|Louis|George|Elizabeth|Charles|Edward|James|Richard|William|Napoleon|Philip|Francis|Nicholas|Paul"
        r"|Alexander|Benedict|Pius|Catherine|Frederick|Ramses|Leo|Mary) ([IVXL]{1,6})\b(?!')",
        forms.roman_of_a_ruler,
    ),
    _rule(
        r"\b((?i:chapter|part|act|scene|volume|book|war|section|phase|type|class|bowl|figure|table|appendix|level"
        r"|grade|stage|mark|article|title)) ([IVXL]{1,7})\b(?!')",
        forms.roman,
    ),
    _rule(r"#(?=\d)", "number "),
    _rule(rf"{_NO_DIGIT_BEFORE}({_NUMBER})\+(?!\d)", r"\1 plus "),
    _rule(_NUMBER, lambda match: f" {number(match[0])} "),
]


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
    known = len(word) > 3 and re.search("[AEIOUY]", word) and word.lower() in dictionary()
    if word in SAID_AS_WORDS or word in SHOUTED or known or len(word) > 6:
        return match[0]
    if _shouting(match.string) and re.search("[AEIOUY]", word):
        return match[0]
    return " ".join(word) + (suffix if not suffix or suffix[0] == "'" else f"'{suffix}")


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
    text = re.sub(r"\b([B-HJ-NP-TV-Z])(s)\b", r"\1's", text)  # not As, Is, Us
    text = re.sub(r"(?:(?<=\s)|^)\(\s*", ", ", text)
    text = re.sub(r"\)(?=\s*[^\W_])", ", ", text)
    text = re.sub(r"(?<=\w)\s*[:;](?=\s|$)", ",", text).replace("...", "…")
    text = re.sub(r"(?<=\w)[/:](?=\w)", " ", text)
    text = re.sub(r"\s-+\s|--+|\s–\s", ", ", text)
    text = re.sub(rf"[^ A-Za-z'.,?!\-…{WORDS}]+", " ", text)
    text = re.sub(r"(?<![A-Za-z])'+|'+(?![A-Za-z])(?!\s*$)", _apostrophe, text)
    text = re.sub(r"(?<=\w)- (?=[a-z])|(?<=[a-z]) -(?=[A-Za-z])", "-", text)
    text = re.sub(r"^[ ,]+", "", text)
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
