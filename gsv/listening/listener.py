"""A content encoder's phone head as an ear: what phones are in a wave, and when.

Knows the encoder's calls and the alignment. Does not know files; a wave is 16 kHz, float32, within ±1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from gsv.errors import DataError, WeightsError
from gsv.listening.alignment import AlignedPhone, align_phones, greedy_ids, read_phones
from gsv.listening.beam import read_with_language
from gsv.listening.phone_error import phone_edits
from gsv.models.content import FRAME_RATE, ContentEncoder
from gsv.models.phone_language import PhoneLanguage
from gsv.text.symbols import SymbolTable, table


@dataclass(frozen=True)
class PhoneProbe:
    """Edits over expected phones by language; `rate` is that of all together."""

    rates: dict[str, float]
    rate: float
    clips: int


class PhoneListener:
    """Reads and aligns phones of one wave at a time, in float32.

    Raises WeightsError for an encoder without a phone head, or with one for another symbol table.
    """

    def __init__(self, encoder: ContentEncoder, symbols: str = "v2") -> None:
        self.table: SymbolTable = table(symbols)
        classes = encoder.settings.phone_classes
        if not encoder.has_ctc or classes != len(self.table) + 1:
            why = f"it has {classes} classes" if encoder.has_ctc else "it has no phone head"
            raise WeightsError(
                "the content encoder cannot read phones", why, "Use pretrained_models/tiny/content."
            )
        self.encoder = encoder.eval()

    def log_probs(self, wave: np.ndarray) -> np.ndarray:
        """Log-probabilities `[F, classes]` float32, 50 frames a second, blank last; wave `[T]`.

        Raises DataError for a wave that is too short for a frame.
        """
        if int(self.encoder.frames(torch.tensor(len(wave)))) < 1:
            raise DataError("the clip is too short to listen to", f"{len(wave)} samples at 16 kHz")
        parameter = next(self.encoder.parameters())
        batch = torch.from_numpy(np.ascontiguousarray(wave, dtype=np.float32))[None]
        logits = self.encoder.phone_logits(batch.to(parameter.device, parameter.dtype))
        return np.asarray(torch.log_softmax(logits[0].float(), dim=-1).cpu().numpy())

    def read(self, wave: np.ndarray) -> list[AlignedPhone]:
        """Phones heard in the wave, without any text."""
        return read_phones(self.log_probs(wave), self.table, frame_seconds=1 / FRAME_RATE)

    def heard(self, wave: np.ndarray, language: PhoneLanguage | None = None) -> list[str]:
        """Names of the phones heard in the wave, with what is likely to be said where a language is given."""
        scores = self.log_probs(wave)
        ids = read_with_language(scores, language) if language else greedy_ids(scores, len(self.table))
        return [self.table.names[number] for number in ids]

    def align(self, wave: np.ndarray, phones: Sequence[str]) -> list[AlignedPhone]:
        """Times of `phones` in the wave. Raises DataError where they cannot be in it."""
        return align_phones(self.log_probs(wave), phones, self.table, frame_seconds=1 / FRAME_RATE)


def phone_probe(
    listener: PhoneListener,
    clips: Iterable[tuple[np.ndarray, Sequence[str], str]],
    phone_language: PhoneLanguage | None = None,
) -> PhoneProbe:
    """Phone error without tone and stress of clips (wave, expected phones, language or another group)."""
    edits: dict[str, int] = defaultdict(int)
    totals: dict[str, int] = defaultdict(int)
    count = 0
    for wave, phones, language in clips:
        wrong, expected = phone_edits(phones, listener.heard(wave, phone_language))
        edits[language] += wrong
        totals[language] += expected
        count += 1
    rates = {language: edits[language] / max(1, totals[language]) for language in sorted(totals)}
    return PhoneProbe(rates, sum(edits.values()) / max(1, sum(totals.values())), count)
