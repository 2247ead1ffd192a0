"""Text to phones: symbol tables, languages, routing of mixed text, splitting, lexicon.

Importing this package loads no language; each is imported when it is first used.
"""

from gsv.text.frontend import LANGUAGES, language_code, phones_of
from gsv.text.reading import Phones, Reading

__all__ = ["LANGUAGES", "Phones", "Reading", "language_code", "phones_of"]
