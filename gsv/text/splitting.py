"""Long text in pieces: the six published methods, and sentences that know decimals, quotes and abbreviations.

Knows marks and lengths. Does not know languages or phones.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gsv.errors import InputError

_ENDS = "，。？！,.?!~:：—…；;"
_ONLY_MARKS = re.compile(r"[\s!?…,.\-，。！？、；;：:~～—‥・「」『』“”‘’\"'()（）]*")
_CLAUSE = re.compile(rf"(?:[^{_ENDS}]|(?<=\d)[.,:：](?=\d))*(?:[{_ENDS}]+|$)")
_SHORT = 5
_LONG = 50
_GROUP = 4


def _clauses(text: str) -> list[str]:
    """Clauses with their marks. A mark between two digits belongs to the number."""
    found: list[str] = []
    for piece in _CLAUSE.findall(text):
        if found and piece and _ONLY_MARKS.fullmatch(piece):
            found[-1] += piece
        elif piece:
            found.append(piece)
    return found


def _closed(text: str) -> str:
    """Text on one line, with the published closing mark."""
    line = text.replace("\n", "").replace("……", "。").replace("——", "，")
    return line if line[-1:] in _ENDS else f"{line}。"


def _whole(text: str) -> list[str]:
    return [text]


def _by_four(text: str) -> list[str]:
    """Groups of four clauses; the last one takes the rest. Up to four clauses stay as they were written."""
    clauses = _clauses(_closed(text))
    starts = list(range(0, max(len(clauses) - _GROUP, 1), _GROUP))
    if len(clauses) <= _GROUP:
        return [text]
    if len(clauses) - starts[-1] < _GROUP and len(starts) > 1:
        starts.pop()
    return [
        "".join(clauses[start:end]) for start, end in zip(starts, [*starts[1:], len(clauses)], strict=True)
    ]


def _by_fifty(text: str) -> list[str]:
    """Clauses until a piece has more than fifty characters; a short last piece joins the one before."""
    clauses = _clauses(_closed(text))
    if len(clauses) < 2:
        return [text]
    pieces = [""]
    for clause in clauses:
        if len(pieces[-1]) > _LONG:
            pieces.append("")
        pieces[-1] += clause
    if len(pieces) > 1 and len(pieces[-1]) < _LONG:
        pieces[-2:] = [pieces[-2] + pieces[-1]]
    return pieces


def _by_chinese_stop(text: str) -> list[str]:
    return text.replace("\n", "").strip("。").split("。")


def _by_english_stop(text: str) -> list[str]:
    return re.split(r"(?<!\d)\.(?!\d)", text.replace("\n", "").strip("."))


def _by_marks(text: str) -> list[str]:
    pieces = re.split(r"(?<=[,;?!、，。？！：…；])|(?<=\.)(?<!\d\.(?=\d))", text.replace("\n", ""))
    return [piece for piece in pieces if piece]


METHODS: dict[str, Callable[[str], list[str]]] = {
    "cut0": _whole,
    "cut1": _by_four,
    "cut2": _by_fifty,
    "cut3": _by_chinese_stop,
    "cut4": _by_english_stop,
    "cut5": _by_marks,
}


def only_marks(text: str) -> bool:
    """Whether a text is nothing but marks and spaces."""
    return bool(_ONLY_MARKS.fullmatch(text))


def cut(text: str, method: str) -> list[str]:
    """Pieces of `text` by a published method (`cut0` to `cut5`), without pieces that are only marks.

    A line feed cuts as well. Raises `InputError` for an unknown method.
    """
    if method not in METHODS:
        raise InputError(
            f"unknown way to cut {method!r}", f"there are {', '.join(METHODS)}", "choose one of these"
        )
    pieces = [piece for line in text.split("\n") for piece in METHODS[method](line)]
    return [piece for piece in pieces if not only_marks(piece)]


def prepared(pieces: list[str], english: bool = False) -> list[str]:
    """Pieces as published models are given them: none shorter than five characters, each with a closing mark."""
    merged: list[str] = []
    waiting = ""
    for piece in pieces:
        waiting += piece
        if len(waiting) >= _SHORT:
            merged.append(waiting)
            waiting = ""
    if waiting:
        merged[-1:] = [(merged[-1] if merged else "") + waiting]
    return [piece if piece[-1] in _ENDS else piece + ("." if english else "。") for piece in merged]


def at_most(text: str, longest: int = 510) -> list[str]:
    """`text` in parts of at most `longest` characters, after marks, else at spaces, else where words seem to end."""
    parts: list[str] = []
    current = ""
    for clause in _clauses(text) if len(text) > longest else [text]:
        rest = clause
        while rest:
            if len(current) + len(rest) <= longest:
                current += rest
                break
            if current:
                parts.append(current)
                current = ""
                continue
            space = rest.rfind(" ", 1, longest + 1)
            end = space if space > longest // 2 else _between_words(rest, longest)
            parts.append(rest[:end])
            rest = rest[end:]
    return [*parts, current] if current else parts


_WORD_RUN = re.compile(r"[゠-ヿー]|[a-zA-Z0-9]")
_HIRAGANA = re.compile(r"[ぁ-ゟ]")


def _between_words(text: str, longest: int) -> int:
    """Where to cut within the first `longest` characters, in their second half if anything there will do.

    Where hiragana ends (a particle or an ending, so another word begins), else outside of a run of katakana,
    letters or digits, else anywhere.
    """
    places = range(longest, longest // 2, -1)
    for place in places:
        if _HIRAGANA.match(text[place - 1]) and not _HIRAGANA.match(text[place]) and text[place] != "ー":
            return place
    for place in places:
        if not (_WORD_RUN.match(text[place - 1]) and _WORD_RUN.match(text[place])):
            return place
    return longest


def width(text: str) -> int:
    """How long a text takes to say, in letters: a Chinese, Japanese or Korean character counts as three."""
    return sum(3 if ord(character) >= 0x2E80 else 1 for character in text)


def breaths(text: str, most: int) -> list[str]:
    """`text` in parts of about equal length, each at most about `most` letters (`width`), cut as by `at_most`."""
    total = width(text)
    if total <= most or most <= 0:
        return [text]
    count = -(-total // most)
    # Clauses seldom end where they should: a little more than an equal share keeps the last part from being a scrap.
    share = min(most, round(1.15 * total / count))
    return at_most(text, max(1, len(text) * share // total))


_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Lt|Col|Gen|Capt|Sgt|Rev|Hon|Gov|Sen|Rep|Mt|Ft|vs|No|Nos|Fig|fig|Vol|vol|pp|cf|"
    r"approx|Ave|Blvd|Rd|Hwy|Apt|Ste|Sec|sec|[eE]xt|[cC]h|pp?|c|ca|Maj|Pvt|Mme|Messrs|Univ|[dD]ept|[eE]st|Eq|Pres|tbsp|tsp|lbs?|oz|Mon|Tues?|Wed|Thurs?|Fri|Sat|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|[eE]\.g|[iI]\.e|al)|\b[A-Z]|\b[ap]\.m)\.$"
)
_LISTED = re.compile(r"(?:^|[\n,;，、.!?。！？] *)\d{1,2}$")  # 1. first, 2. second
_STOP = re.compile(r"[。！？!?…．]+|\.+|\n+")
_CLOSING = "\"'”’」』】）)]》〉"
_PAIRS = {"「": "」", "『": "』", "“": "”", "（": "）", "(": ")", "《": "》", "【": "】", "[": "]"}


def _is_end(text: str, start: int, end: int) -> bool:
    """Whether the marks at `start:end` close a sentence."""
    mark = text[start:end]
    following = text[end:].lstrip(_CLOSING + " ")[:1]
    if following.isascii() and following.islower() and "\n" not in mark:
        return False  # "Is it?" she said
    quoted = text[end : end + 1] in tuple(_CLOSING) and re.match(
        rf"[{re.escape(_CLOSING)}]+[가-힣ぁ-ゟ]", text[end:]
    )
    if quoted:
        return False  # "…!"라고
    if mark[0] != ".":
        return True
    after = text[end : end + 1]
    if after and not after.isspace() and after not in _CLOSING and ord(after) < 0x2E80:
        return False  # 3.14, example.com
    head = text[max(0, start - 20) : end]
    if len(mark) == 1 and _LISTED.search(text[max(0, start - 6) : start]) and text[end : end + 1] == " ":
        return False
    if len(mark) == 1 and _ABBREVIATION.search(head):
        rest = text[end:].lstrip()
        return not rest or (head.endswith(".m.") and rest[:1].isupper())
    return True


def _depths(text: str) -> list[int]:
    """How many pairs of brackets or quotes are open at each character; an unclosed one counts as none."""
    depths = [0] * (len(text) + 1)
    open_: list[tuple[str, int]] = []
    for place, character in enumerate(text):
        if character in _PAIRS:
            open_.append((_PAIRS[character], place))
        elif open_ and character == open_[-1][0]:
            _, start = open_.pop()
            if place - start < 200:
                for inner in range(start, place):
                    depths[inner] += 1
    return depths


def sentences(text: str, longest: int = 510) -> list[str]:
    """Sentences that together are `text`. Quoted and bracketed sentences stay inside theirs.

    A sentence longer than `longest` characters is cut at its clauses.
    """
    found: list[str] = []
    depths = _depths(text)
    start = 0
    for stop in _STOP.finditer(text):
        end = stop.end()
        if end <= start or not _is_end(text, stop.start(), end):
            continue
        if depths[stop.start()] and "\n" not in stop[0]:
            continue
        while end < len(text) and text[end] in _CLOSING:
            end += 1
        while end < len(text) and text[end].isspace():
            end += 1
        found.append(text[start:end])
        start = end
    if start < len(text):
        found.append(text[start:])
    joined: list[str] = []
    for piece in found:
        if joined and (only_marks(piece) or only_marks(joined[-1])):
            joined[-1] += piece
        else:
            joined.append(piece)
    return [part for piece in joined for part in at_most(piece, longest)]
