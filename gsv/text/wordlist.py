"""Lists of words written as plain lines.

Knows nothing of what the words mean.
"""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """The words of `text`, separated by any white space."""
    return tuple(text.split())
