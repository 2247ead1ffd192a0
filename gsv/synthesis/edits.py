"""Phones that a person corrected: read from a file, put into the sentences of a plan.

Knows which part of a sentence an edit belongs to. Does not know how a text becomes sentences, nor any voice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gsv.errors import DataError, InputError
from gsv.files import read_text
from gsv.text.plan import Plan, Utterance
from gsv.text.reading import Spoken
from gsv.text.symbols import SymbolTable

_MOST_PHONES = 4000


class PhoneEdit(BaseModel):
    """The phones of one sentence as a person wants them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sentence: int = Field(ge=1, description="number of the sentence, from 1")
    text: str = Field(description="the sentence, to be sure that it is the one that was meant")
    phones: tuple[str, ...] = Field(min_length=1, max_length=_MOST_PHONES)


def read_edits(path: Path) -> list[PhoneEdit]:
    """The edits in a JSON file, a list of `PhoneEdit`. InputError where it is missing, DataError where damaged."""
    try:
        return TypeAdapter(list[PhoneEdit]).validate_python(json.loads(read_text(path)))
    except (ValidationError, ValueError, RecursionError) as error:
        raise DataError(f"{path} holds no phones", str(error).splitlines()[0]) from error


def edited(plan: Plan, edits: Sequence[PhoneEdit], table: SymbolTable) -> Plan:
    """The plan with the phones of `edits`.

    Raises InputError for a sentence that the plan does not have and for a phone that `table` does not have.
    """
    wanted: dict[int, PhoneEdit] = {}
    for edit in edits:
        _check(edit, plan, table)
        wanted[edit.sentence] = edit
    items, number = list(plan.items), 0
    for place, item in enumerate(items):
        if isinstance(item, Utterance):
            number += 1
            if number in wanted:
                items[place] = with_phones(item, wanted[number].phones)
    return replace(plan, items=tuple(items))


def _check(edit: PhoneEdit, plan: Plan, table: SymbolTable) -> None:
    count = len(plan.utterances)
    if edit.sentence > count:
        raise InputError(
            f"there is no sentence {edit.sentence}", f"the text has {count}", "Look at the phones again."
        )
    text = plan.utterances[edit.sentence - 1].text
    if text.split() != edit.text.split():
        why = f"the phones were made for {edit.text[:60]!r}, there stands {text[:60]!r}"
        raise InputError(f"sentence {edit.sentence} is another one now", why, "Look at the phones again.")
    missing = sorted({phone for phone in edit.phones if phone not in table})
    if missing:
        raise InputError(
            f"sentence {edit.sentence}: there is no phone {' '.join(missing)}",
            f"the voice reads symbol table {table.version}",
            "Write them as the other sentences do.",
        )


def with_phones(utterance: Utterance, phones: Sequence[str]) -> Utterance:
    """The sentence with other phones; each segment keeps those that stand where its own stood."""
    before = utterance.phones.phones
    if list(phones) == before:
        return utterance
    first = len(before) - sum(len(part.reading.phones) for part in utterance.segments)
    borders = [first]
    for part in utterance.segments:
        borders.append(borders[-1] + len(part.reading.phones))
    moved = _moved(before, phones, borders)
    segments = tuple(
        _segment(part, phones[start:end])
        for part, start, end in zip(utterance.segments, moved, moved[1:], strict=False)
    )
    same = len(phones) == len(before)
    counts = utterance.phones.word2ph if same else None
    joined = replace(utterance.phones, phones=list(phones), word2ph=counts)
    return replace(utterance, segments=segments, phones=joined)


def _segment(part: Spoken, phones: Sequence[str]) -> Spoken:
    same = len(phones) == len(part.reading.phones)
    counts = part.reading.word2ph if same else None
    return replace(part, reading=replace(part.reading, phones=list(phones), word2ph=counts))


def _moved(before: Sequence[str], after: Sequence[str], borders: Sequence[int]) -> list[int]:
    """Where the borders between segments lie after the edit; the last one stays the end."""
    blocks = SequenceMatcher(None, list(before), list(after), autojunk=False).get_opcodes()
    found = []
    for border in borders:
        _, start, end, to_start, to_end = next(block for block in blocks if block[1] <= border <= block[2])
        found.append(to_end if border == end else min(to_start + border - start, to_end))
    # What is put before the first phone belongs to the first segment, what follows the last one to the last.
    return [min(found[0], borders[0]), *found[1:-1], len(after)]
