"""Data sets of other programs: read into an annotation list, and written from one.

Knows annotation lists, LJSpeech folders, Hugging Face audio folders, Audacity labels, subtitles with their
audio, and folders of sounds with texts.
"""

from gsv.corpus.exchange.exporting import EXPORTS, export_dataset
from gsv.corpus.exchange.importing import IMPORTS, ImportOptions, import_dataset

__all__ = ["EXPORTS", "IMPORTS", "ImportOptions", "export_dataset", "import_dataset"]
