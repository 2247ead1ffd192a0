"""How well a content encoder hears: phone errors by itself, and with the language of phones beside it.

Knows clips with the phones that are said in them. Does not know how either was trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gsv.audio import read, resample
from gsv.corpus.annotation import read_annotations
from gsv.errors import DataError
from gsv.events import Events
from gsv.listening.alignment import SILENT
from gsv.listening.listener import PhoneListener, phone_probe
from gsv.models.content import SAMPLE_RATE, ContentEncoder
from gsv.models.phone_language import PhoneLanguage
from gsv.synthesis.loading import phone_language
from gsv.text import phones_of
from gsv.text.symbols import table as symbol_table
from gsv.training.arrays import PreparedArrays

BY_ITSELF, WITH_LANGUAGE = "by itself", "with language"
"""The two ways of reading that are compared."""


@dataclass(frozen=True)
class SpokenClip:
    """A 16 kHz wave `[T]` and the phones that are said in it."""

    name: str
    group: str
    """What its errors are summed up under."""
    wave: np.ndarray
    phones: list[str]


def clips_of_arrays(folder: Path, each: int, speaker: str = "") -> list[SpokenClip]:
    """About `each` held-out clips a language, evenly out of all; of one speaker alone where one is named."""
    arrays = PreparedArrays.open(folder)
    names = symbol_table("v2").names
    clips = []
    for language in sorted({item.language for item in arrays.items}):
        held = arrays.part("held", (language,))
        items = [i for i in held if i.spoken and speaker in ("", i.speaker)]
        for item in items[:: max(1, len(items) // each)][:each]:
            phones = [names[i] for i in item.spoken]
            clips.append(SpokenClip(item.name, language, arrays.wave(item, SAMPLE_RATE), phones))
    return clips


def clips_of_list(path: Path) -> list[SpokenClip]:
    """The usable clips of an annotation list, by speaker and language.

    Raises InputError for a list that cannot be read.
    """
    clips = []
    for row in read_annotations(path).rows:
        audio = read(row.path)
        phones = [phone for phone in phones_of(row.text, row.language).phones if phone not in SILENT]
        wave = resample(audio.samples, audio.rate, SAMPLE_RATE)
        clips.append(SpokenClip(row.path.stem, f"{row.language} {row.speaker}", wave, phones))
    return clips


def hearing_rates(content: Path, clips: Sequence[SpokenClip], events: Events) -> dict[str, dict[str, float]]:
    """Phone error rates without tone and stress, by group and way of reading, of the encoder in `content`.

    The language of phones is that of its folder; without one there is one way. Raises WeightsError for an encoder
    that reads no phones or a language that does not fit, DataError without clips, Cancelled on request.
    """
    if not clips:
        raise DataError("There is nothing to hear", "no clip was named", "Give --arrays or --recordings.")
    listener = PhoneListener(ContentEncoder.load(content))
    ways: dict[str, PhoneLanguage | None] = {BY_ITSELF: None}
    language = phone_language(content, listener.encoder)
    if language is not None:
        ways[WITH_LANGUAGE] = language
    rates: dict[str, dict[str, float]] = {}

    def shown(way: str) -> Iterator[tuple[np.ndarray, list[str], str]]:
        for number, clip in enumerate(clips, start=1):
            events.check_stop()
            yield clip.wave, clip.phones, clip.group
            events.progress(number, len(clips), f"clips {way}")

    for way, helper in ways.items():
        for group, rate in phone_probe(listener, shown(way), helper).rates.items():
            rates.setdefault(group, {})[way] = rate
    return rates


def table(rates: dict[str, dict[str, float]]) -> str:
    """The rates as aligned text, a line a group."""
    ways = list(next(iter(rates.values())))
    width = max(12, *(len(group) for group in rates))
    lines = [f"{'phone errors':{width}}" + "".join(f"{way:>15}" for way in ways)]
    lines += [
        f"{group:{width}}" + "".join(f"{row[way]:15.4f}" for way in ways) for group, row in rates.items()
    ]
    return "\n".join(lines)
