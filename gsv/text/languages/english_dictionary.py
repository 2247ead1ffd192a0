"""Pronunciations of English words: CMUdict as it ships, a few words of our own, letters by name.

Knows single words; an unknown word gets its phones from its parts, or from `spelling`.
"""

from __future__ import annotations

import lzma
import re
from functools import cache, lru_cache
from importlib.resources import files

from gsv.text.languages.spelling import spell_out
from gsv.text.wordlist import words

LETTERS = {
    "a": "EY1", "b": "B IY1", "c": "S IY1", "d": "D IY1", "e": "IY1", "f": "EH1 F", "g": "JH IY1", "h": "EY1 CH",
    "i": "AY1", "j": "JH EY1", "k": "K EY1", "l": "EH1 L", "m": "EH1 M", "n": "EH1 N", "o": "OW1", "p": "P IY1",
    "q": "K Y UW1", "r": "AA1 R", "s": "EH1 S", "t": "T IY1", "u": "Y UW1", "v": "V IY1",
    "w": "D AH1 B AH0 L Y UW0",
    "x": "EH1 K S", "y": "W AY1", "z": "Z IY1",
}  # fmt: skip
# Words that the dictionary lacks, or gives in a rare variant first.
_OWN = {
    "hm": "HH AH0 M", "hmm": "HH AH0 M", "mm": "AH0 M", "shh": "SH", "brr": "B ER1", "pst": "P S T",
    "miz": "M IH1 Z",
    "json": "JH EY1 S AH0 N", "yaml": "Y AE1 M AH0 L", "chatgpt": "CH AE1 T JH IY1 P IY1 T IY1", "th'": "DH AH0",
    "emoji": "IH0 M OW1 JH IY0", "jpeg": "JH EY1 P EH2 G", "png": "P IH1 NG", "gif": "G IH1 F",
    "lego": "L EH1 G OW0",
    "ikea": "AY0 K IY1 AH0", "covid": "K OW1 V IH0 D", "cuda": "K UW1 D AH0", "ascii": "AE1 S K IY0",
    "bitcoin": "B IH1 T K OY2 N", "selfie": "S EH1 L F IY0", "wifi": "W AY1 F AY2", "li'l": "L IH1 L",
    "ai": "EY1 AY1", "ar": "EY1 AA1 R", "ae": "EY1 IY1", "ios": "AY1 OW1 EH1 S", "os": "OW1 EH1 S",
    "hud": "HH AH1 D",
    "nvidia": "EH0 N V IH1 D IY0 AH0", "siobhan": "SH AH0 V AO1 N", "y'all": "Y AO1 L", "lol": "L AA1 L",
    "app": "AE1 P", "blog": "B L AO1 G", "meme": "M IY1 M", "hashtag": "HH AE1 SH T AE2 G",
    "til": "T IH1 L", "kilojoule": "K IH1 L AH0 JH UW2 L", "kilojoules": "K IH1 L AH0 JH UW2 L Z",
}  # fmt: skip
# Letters that nobody says as a word, also where they are written small.
_SPELLED = frozenset(
    words("omg idk btw imo imho tbh brb fyi diy faq pdf url html css api sql gpu cpu usb dj pc ceo aka dm ui")
)
_CONTRACTIONS = (("'ve", "AH0 V"), ("'ll", "AH0 L"), ("'re", "ER0"), ("n't", "AH0 N T"), ("'d", "AH0 D"))
_VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
_VOICELESS = ("P", "T", "K", "F", "TH", "HH")
_HISSING = ("S", "Z", "SH", "ZH", "CH", "JH")


@cache
def dictionary() -> dict[str, str]:
    """Every word of CMUdict in lower case, with its first pronunciation."""
    packed = files("gsv.text").joinpath("data", "cmudict.txt.xz").read_bytes()
    entries = lzma.decompress(packed).decode().split("\n")
    return {**dict(entry.split(" ", 1) for entry in entries), **_OWN}


@lru_cache(maxsize=65536)
def word_phones(word: str) -> tuple[str, ...]:
    """Phones of one word of letters, apostrophes and hyphens; never empty for a word with a letter."""
    if word == "A":
        return ("EY1",)
    known = _known(word.lower())
    if known:
        return known
    lower = word.lower().strip("'-")
    if "-" in lower:
        return tuple(phone for part in lower.split("-") if part for phone in word_phones(part))
    if lower.endswith("'s") and len(lower) > 2:
        return _plural(word_phones(lower[:-2]))
    contracted = _contracted(lower)
    if contracted:
        return contracted
    if "'" in lower:
        return tuple(phone for part in lower.split("'") if part for phone in word_phones(part))
    if len(lower) == 1 or (len(lower) <= 3 and not re.search("[aeiouy]", lower)):
        return tuple(phone for letter in lower for phone in LETTERS[letter].split())
    return _inflected(lower) or _compound(lower) or _drawn_out(lower) or tuple(spell_out(lower))


def _contracted(lower: str) -> tuple[str, ...]:
    """`shouldn't've`: a word with a short form behind it that the dictionary does not list."""
    for ending, sound in _CONTRACTIONS:
        stem = lower.removesuffix(ending)
        if stem != lower and stem:
            phones = word_phones(stem)
            light = ending in ("'ve", "'ll", "'d") and phones[-1].rstrip("012") in _VOWELS
            return (*phones, *(sound.split()[1:] if light else sound.split()))
    return ()


def _drawn_out(lower: str) -> tuple[str, ...]:
    """`sooo`, `yesss`: a known word with a letter held."""
    if not re.search(r"(.)\1\1", lower):
        return ()
    once, twice = (re.sub(r"(.)\1\1+", form, lower) for form in (r"\1", r"\1\1"))
    return (_known(twice) if len(twice) > 3 else ()) or _known(once)


def _known(lower: str) -> tuple[str, ...]:
    if lower in _SPELLED:
        return tuple(phone for letter in lower for phone in LETTERS[letter].split())
    entry = dictionary().get(lower) or dictionary().get(lower.strip("'-")) or LETTERS.get(lower)
    return tuple(entry.split()) if entry else ()


def _plural(stem: tuple[str, ...]) -> tuple[str, ...]:
    if stem[-1] in _HISSING:
        return (*stem, "AH0", "Z")
    return (*stem, "S" if stem[-1] in _VOICELESS else "Z")


def _past(stem: tuple[str, ...]) -> tuple[str, ...]:
    if stem[-1] in ("T", "D"):
        return (*stem, "AH0", "D")
    return (*stem, "T" if stem[-1] in (*_VOICELESS, "S", "SH", "CH") else "D")


def _stem(word: str) -> tuple[str, ...]:
    """A known word that `word` could be without its ending: hop(p), bak(e), happ(y)."""
    forms = [word, word + "e"]
    if len(word) > 3 and word[-1] == word[-2]:
        forms.append(word[:-1])
    if word.endswith("i"):
        forms.append(word[:-1] + "y")
    return next((found for form in forms if len(form) > 2 and (found := _known(form))), ())


def _inflected(word: str) -> tuple[str, ...]:
    """A known word with an English ending or beginning."""
    if word.endswith("s") and not word.endswith("ss"):
        singular = _stem(word[:-2]) if word.endswith("ies") else _known(word[:-1]) or _known(word[:-2])
        if singular and len(word) > 3:
            return _plural(singular)
    if word.endswith("ed") and (stem := _stem(word[:-2])):
        return _past(stem)
    endings = (
        ("ing", "IH0 NG"), ("est", "AH0 S T"), ("er", "ER0"), ("ers", "ER0 Z"), ("ly", "L IY0"), ("ness", "N AH0 S"),
        ("less", "L AH0 S"), ("ful", "F AH0 L"), ("able", "AH0 B AH0 L"), ("ings", "IH0 NG Z"), ("ish", "IH0 SH"),
    )  # fmt: skip
    for ending, sound in endings:
        if word.endswith(ending) and (stem := _stem(word[: -len(ending)])):
            return (*stem, *sound.split())
    for beginning, sound in (("un", "AH0 N"), ("re", "R IY0"), ("non", "N AA0 N"), ("super", "S UW2 P ER0")):
        rest = word.removeprefix(beginning)
        if rest != word and len(rest) > 3 and (known := _known(rest) or _inflected(rest)):
            return (*sound.split(), *known)
    return ()


def _compound(word: str) -> tuple[str, ...]:
    """Two known words of at least four letters (three where the other has five) written together."""
    cuts = [
        cut
        for cut in range(3, len(word) - 2)
        if max(cut, len(word) - cut) > 4 or min(cut, len(word) - cut) > 3
    ]
    for cut in sorted(cuts, key=lambda cut: abs(2 * cut - len(word))):
        left, right = _known(word[:cut]), _known(word[cut:]) or _inflected(word[cut:])
        if left and right:
            return (*left, *right)
    return ()
