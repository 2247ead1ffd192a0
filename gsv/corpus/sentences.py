"""Plain English sentences out of a dictionary or of prose, to learn from them what is likely to be said.

Knows the data files of WordNet and text in paragraphs. Knows no phones.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from gsv.errors import InputError

WORDS = (2, 60)
"""Fewest and most words of a sentence that is taken."""

_PLAIN = re.compile(r"[A-Za-z ,.;:!?'\"-]+")
_ENTRY = re.compile(r"^:.*?: (/\S+/ )?(n|v|adj|vt|vi|excl|prov)?\.? ?")
"""Head of a dictionary's paragraph (`:word: n. ...`), as the Jargon File has them."""


def glosses(folder: Path) -> Iterator[str]:
    """Definitions and examples of a WordNet folder (`data.noun` and the like).

    Raises InputError where the folder holds none.
    """
    files = [folder / f"data.{kind}" for kind in ("noun", "verb", "adj", "adv")]
    if not any(file.is_file() for file in files):
        raise InputError(
            f"{folder} holds no WordNet", "data.noun is missing", "Name its folder of data files."
        )
    for file in files:
        if not file.is_file():
            continue
        for line in file.read_text(encoding="latin-1").splitlines():
            # Lines of the licence begin with two spaces.
            if line.startswith("  ") or "|" not in line:
                continue
            gloss = line.split("|", 1)[1]
            yield from (example.strip(" ;") for example in re.findall(r'"([^"]+)"', gloss))
            bare = re.sub(r"\([^)]*\)", " ", re.sub(r'"[^"]*"', "", gloss))
            yield from (part.strip() for part in bare.split(";"))


def prose(path: Path) -> Iterator[str]:
    """Sentences of a text file, plain or gzip; paragraphs are told apart by empty lines, or by lines of `%` as in
    collections of fortunes.

    Raises InputError for a file that is not there or that is no text.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    except UnicodeDecodeError:
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("latin-1")
    except (OSError, EOFError) as error:
        raise InputError(f"{path} cannot be read", str(error), "Name a text file, plain or .gz.") from error
    for paragraph in re.split(r"\n%?\s*\n", text.replace("\r\n", "\n")):
        joined = _ENTRY.sub("", re.sub(r"\s+", " ", paragraph).strip())
        yield from re.split(r"(?<=[.!?])\s+", joined)


def plain_sentences(found: Iterable[str]) -> list[str]:
    """Those of `found` that are words and marks alone, each once: no digits, no code, no line of capitals."""
    kept: dict[str, None] = {}
    for sentence in found:
        sentence = sentence.replace("`", "'").strip()
        count = len(sentence.split())
        if WORDS[0] <= count <= WORDS[1] and _PLAIN.fullmatch(sentence) and not sentence.isupper():
            kept.setdefault(sentence)
    return list(kept)
