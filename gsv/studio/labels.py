"""Every word of the page, in each language: one table in ``labels.json``.

Knows languages and names of labels. Does not know where a label stands.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from string import Formatter

from gsv.errors import InputError

LANGUAGES = ("en", "zh")


@cache
def table() -> dict[str, dict[str, str]]:
    """The whole table: name of a label -> language -> words."""
    text = resources.files("gsv.studio").joinpath("labels.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, str]] = json.loads(text)
    return loaded


class Labels:
    """The table in one language; call it with a label's name and its values."""

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise InputError(
                f"there is no page in {language!r}", remedy=f"Choose one of {', '.join(LANGUAGES)}."
            )
        self.language = language

    def __call__(self, name: str, /, **values: object) -> str:
        """The words of a label. An unknown name is a defect and raises KeyError."""
        words = table()[name][self.language]
        return words.format(**values) if values else words

    def error(self, name: str, /, **values: object) -> InputError:
        """An error of the page's own: the label ``error_NAME``, and ``…_why`` and ``…_help`` where they are."""

        def part(ending: str) -> str:
            label = f"error_{name}{ending}"
            return self(label, **values) if label in table() or not ending else ""

        return InputError(part(""), part("_why"), part("_help"))

    def duration(self, seconds: float) -> str:
        """A length of time in the largest units that matter."""
        whole = round(seconds)
        if whole < 60:
            return self("seconds", n=whole)
        if whole < 3600:
            return self("minutes", n=round(whole / 60))
        hours, minutes = divmod(round(whole / 60), 60)
        return self("hours", h=hours, m=minutes)


def fields(words: str) -> set[str]:
    """Names of the values that a label takes."""
    return {name for _, name, _, _ in Formatter().parse(words) if name}
