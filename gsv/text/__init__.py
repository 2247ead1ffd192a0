"""Text to phones: symbol tables, languages, routing of mixed text, splitting, lexicon.

Importing this package loads no language; each is imported when it is first used.
"""

from gsv.text.frontend import LANGUAGES, language_code, phones_of
from gsv.text.reading import Phones, Reading, Spoken, Unread
from gsv.text.routing import Segment, route

__all__ = [
    "LANGUAGES",
    "Phones",
    "Reading",
    "Segment",
    "Spoken",
    "Unread",
    "language_code",
    "phones_of",
    "route",
]
