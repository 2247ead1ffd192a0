"""Which clips of a corpus are never trained on: whole voices, the ends of the others, shared sentences.

Knows rows and the recipe of blended voices. Does not know files.
"""

from __future__ import annotations

import math
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gsv.errors import DataError, InputError

BLEND_SIGN = "-"
"""`af_bella-af_sky` is a blend of two voices."""


@dataclass(frozen=True)
class CorpusRow:
    """A clip with its transcript; `seconds` is None where nobody measured it."""

    file: str
    speaker: str
    language: str
    text: str
    seconds: float | None = None


def sentence_key(text: str) -> str:
    """What two spellings of one sentence share: letters and digits, without case."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in folded if letter.isalnum())


def parts_of(speaker: str, mixes: Mapping[str, Mapping[str, float]]) -> frozenset[str]:
    """The base voices in a speaker: its recipe in `mixes`, the names of an even blend, or itself."""
    if speaker in mixes:
        return frozenset(mixes[speaker])
    return frozenset(part for part in speaker.split(BLEND_SIGN) if part)


def held_out(
    rows: Sequence[CorpusRow],
    mixes: Mapping[str, Mapping[str, float]] | None = None,
    *,
    voices: Mapping[str, str] | None = None,
    share: float = 0.02,
) -> dict[str, str]:
    """File to reason for every clip that training must not hear.

    "voice": contains a held-out base voice, of which there is one a language (`voices` names it, else the
    one that costs least; a language with a single voice gives none up). "last": the last `share` of a
    speaker, at least one clip unless it is the only one. "sentence": says what another held-out clip says.
    Raises InputError for a named voice that is not there, DataError where nothing would be left.
    """
    if not 0 <= share < 1:
        raise InputError(f"a share of {share} cannot be held out", remedy="Give a number from 0 to below 1.")
    mixes = mixes or {}
    reasons: dict[str, str] = {}
    gone = set(_chosen_voices(rows, mixes, voices or {}))
    for row in rows:
        if gone & parts_of(row.speaker, mixes):
            reasons[row.file] = "voice"
    for speaker_rows in _by_speaker(rows).values():
        left = [row for row in speaker_rows if row.file not in reasons]
        count = max(1, math.ceil(share * len(left))) if len(left) > 1 and share > 0 else 0
        reasons.update({row.file: "last" for row in left[len(left) - count :]})
    said = {(row.language, sentence_key(row.text)) for row in rows if row.file in reasons}
    for row in rows:
        if row.file not in reasons and (row.language, sentence_key(row.text)) in said:
            reasons[row.file] = "sentence"
    if rows and len(reasons) == len(rows):
        raise DataError("nothing is left to train on", "every clip is held out", "Hold out less.")
    return reasons


def _by_speaker(rows: Sequence[CorpusRow]) -> dict[tuple[str, str], list[CorpusRow]]:
    groups: dict[tuple[str, str], list[CorpusRow]] = defaultdict(list)
    for row in rows:
        groups[(row.language, row.speaker)].append(row)
    return groups


def _chosen_voices(
    rows: Sequence[CorpusRow], mixes: Mapping[str, Mapping[str, float]], voices: Mapping[str, str]
) -> list[str]:
    """One base voice a language: the named one, or the one whose clips and blends are least speech."""
    cost: dict[str, float] = defaultdict(float)
    for row in rows:
        for part in parts_of(row.speaker, mixes):
            cost[part] += row.seconds if row.seconds is not None else 1.0
    chosen = []
    for language in sorted({row.language for row in rows}):
        alone = {
            row.speaker
            for row in rows
            if row.language == language and parts_of(row.speaker, mixes) == {row.speaker}
        }
        named = voices.get(language)
        if named is not None and named not in alone:
            known = ", ".join(sorted(alone)) or "none"
            raise InputError(f"{named} is no base voice of {language}", f"these are: {known}")
        if named is not None:
            chosen.append(named)
        elif len(alone) > 1:
            chosen.append(min(alone, key=lambda voice: (cost[voice], voice)))
    return chosen
