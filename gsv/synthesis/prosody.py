"""What the text encoder adds to the phones of Mandarin: features for the GPT, made when they are first needed.

Knows segments, their characters and phones. Does not know voices or requests; may be shared by threads.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from gsv.errors import WeightsError
from gsv.features.bert import BertEncoder, missing_from, spread
from gsv.text.plan import Utterance
from gsv.text.reading import Reading, Spoken

HEARD = "zh"
"""The language whose features published decoders were trained with; others get zeros."""
PLAINER = (
    "Mandarin is read without BERT features, which makes its prosody plainer "
    "(python tools/models.py download roberta)"
)


class Prosody:
    """Features `[D, N]` of utterances; the encoder is loaded at the first Mandarin segment."""

    def __init__(self, folder: Path, device: torch.device, most: int = 256) -> None:
        """`folder` in the layout of transformers; it may be missing. So many segments are remembered."""
        self.folder, self._device, self._most = Path(folder), device, most
        self._lock = threading.Lock()
        self._encoder: BertEncoder | None = None
        self._known: OrderedDict[str, Tensor] = OrderedDict()

    @property
    def available(self) -> bool:
        """Whether there is an encoder to ask."""
        return self._encoder is not None or not missing_from(self.folder)

    def mark(self) -> list[tuple[str, int]]:
        """Changes when another encoder is put into the folder: names and sizes of its files."""
        if not self.available or not self.folder.is_dir():
            return []
        return sorted((path.name, path.stat().st_size) for path in self.folder.iterdir() if path.is_file())

    def features(self, utterances: Sequence[Utterance], dimension: int) -> Tensor | None:
        """Features `[dimension, N]` of the phones of all utterances together; None stands for zeros.

        Raises WeightsError for a folder that cannot be read, or an encoder of another width.
        """
        if not dimension or not self.available or not any(map(has_mandarin, utterances)):
            return None
        return torch.cat([self._utterance(item, dimension) for item in utterances], dim=1)

    def forget(self) -> None:
        """Let go of the encoder and of what it said."""
        with self._lock:
            self._encoder = None
            self._known.clear()

    def _utterance(self, utterance: Utterance, dimension: int) -> Tensor:
        total = len(utterance.phones.phones)
        # What stands before all segments, a mark that eases a short sentence in, has no character of its own.
        first = total - sum(len(part.reading.phones) for part in utterance.segments)
        parts = [torch.zeros(dimension, max(0, first))]
        parts += [self._segment(part, dimension) for part in utterance.segments]
        return torch.cat(parts, dim=1)[:, :total]

    def _segment(self, part: Spoken, dimension: int) -> Tensor:
        reading = part.reading
        if part.segment.language != HEARD or not reading.normalized or not reading.phones:
            return torch.zeros(dimension, len(reading.phones))
        return spread(self._characters(reading.normalized, dimension), phone_counts(reading))

    def _characters(self, text: str, dimension: int) -> Tensor:
        with self._lock:
            if text not in self._known:
                if self._encoder is None:
                    self._encoder = BertEncoder.load(self.folder, self._device)
                if self._encoder.dimension != dimension:
                    why = f"its vectors have {self._encoder.dimension} numbers, the GPT hears {dimension}"
                    raise WeightsError(f"{self.folder} does not fit the voice", why, "Name another folder.")
                self._known[text] = self._encoder.features([text])[0]
            self._known.move_to_end(text)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
            return self._known[text]


def has_mandarin(utterance: Utterance) -> bool:
    """Whether a segment would get features."""
    return any(part.segment.language == HEARD and part.reading.phones for part in utterance.segments)


def any_mandarin(utterances: Iterable[Utterance]) -> bool:
    """Whether one of the utterances would."""
    return any(map(has_mandarin, utterances))


def phone_counts(reading: Reading) -> list[int]:
    """Phones of each character; where a person changed the phones, they are spread evenly."""
    counts, total = reading.word2ph, len(reading.phones)
    if counts is not None and len(counts) == len(reading.normalized) and sum(counts) == total:
        return list(counts)
    size = len(reading.normalized)
    borders = [round(place * total / size) for place in range(size + 1)]
    return [end - start for start, end in pairwise(borders)]
