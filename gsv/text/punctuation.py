"""The six marks that models know, and the roads to them from everything that people type.

Knows marks only; which marks a language keeps is said there.
"""

from __future__ import annotations

import re

MARKS = "!?…,.-"
_RUN = re.compile(rf"([{re.escape(MARKS)}])[{re.escape(MARKS)}]+")


def collapse_runs(text: str) -> str:
    """A run of kept marks becomes its first one: runs make a model repeat its reference."""
    return _RUN.sub(r"\1", text)
