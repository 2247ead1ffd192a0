"""Speaks a table of sentences, so that it can be scored: which sentences, in which voices, and what became of each.

Knows held-out clips and the form of the rows that scoring reads. Does not know how speech is made or scored.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gsv.corpus.lists import read_table
from gsv.corpus.splits import CorpusRow, held_out
from gsv.errors import GsvError, InputError
from gsv.events import Counts, Events
from gsv.files import read_text, write_json, write_text
from gsv.settings import Workspace
from gsv.synthesis.command import SpeakCommand, command_options
from gsv.synthesis.engine import Synthesizer
from gsv.synthesis.options import SpeakOptions
from gsv.synthesis.stretches import LONGEST, SHORTEST
from gsv.synthesis.voice import Reference, Voice, base_voice


class SpokenRow(BaseModel):
    """A sentence to say, and the clip whose voice it gets; paths may count from the table's folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    lang: str
    reference: Path
    reference_text: str = ""
    reference_lang: str = ""
    speaker: str = Field(default="", description="whose voice the reference is")
    source: Path | None = Field(default=None, description="a natural clip of the text, for the ceilings")


def read_spoken_rows(path: Path) -> list[SpokenRow]:
    """The rows of a JSON lines file. Raises InputError naming the first bad line."""
    rows = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = SpokenRow.model_validate(json.loads(line))
        except (ValidationError, ValueError) as error:
            raise InputError(f"{path.name} line {number} is no row", str(error).splitlines()[0]) from error
        places = {"reference": path.parent / row.reference}
        if row.source is not None:
            places["source"] = path.parent / row.source
        rows.append(row.model_copy(update=places))
    return rows


def held_out_rows(table: Path, each: int, seed: int) -> list[SpokenRow]:
    """`each` held-out sentences a language of a table of clips, in the voices of held-out speakers.

    The reference says something else. Raises InputError where no held-out clip of 3 to 10 s is there.
    """
    mixes_file = table.parent / "mixes.json"
    mixes = json.loads(read_text(mixes_file)) if mixes_file.is_file() else None
    rows = read_table(table)
    reasons = held_out(rows, mixes)
    random = np.random.default_rng(seed)
    chosen: list[SpokenRow] = []
    for language in sorted({row.language for row in rows}):
        held = [row for row in rows if row.language == language and row.file in reasons]
        # A language with one voice holds no voice out: its held-out clips then serve.
        voices = [row for row in held if reasons[row.file] == "voice"] or held
        voices = [row for row in voices if SHORTEST <= (row.seconds or 0) <= LONGEST]
        for place in random.permutation(len(held))[:each].tolist():
            text = held[place]
            others = [row for row in voices if row.text != text.text]
            if not others:
                raise InputError(f"{table.name} has no held-out reference for {language}")
            chosen.append(_row(table.parent, text, others[int(random.integers(len(others)))]))
    return chosen


def _row(folder: Path, text: CorpusRow, voice: CorpusRow) -> SpokenRow:
    return SpokenRow(
        text=text.text,
        lang=text.language,
        reference=folder / voice.file,
        reference_text=voice.text,
        reference_lang=voice.language,
        speaker=voice.speaker,
        source=folder / text.file,
    )


def speak_rows(
    engine: Synthesizer,
    voice: Voice,
    rows: Sequence[SpokenRow],
    output: Path,
    options: SpeakOptions,
    events: Events,
) -> Counts:
    """Write `NNNN.wav`, `rows.jsonl` for tools/evaluate.py and `speech.json` with all reports into `output`.

    A row that cannot be said is counted and named. Raises DataError where none can, Cancelled on request.
    """
    counts = Counts(read=len(rows))
    lines, reports = [], []
    for number, row in enumerate(rows, start=1):
        events.check_stop()
        path = output / f"{number:04}.wav"
        reference = Reference(path=row.reference, text=row.reference_text, language=row.reference_lang)
        request = SpeakOptions(**{**options.model_dump(exclude_unset=True), "language": row.lang})
        try:
            speech = engine.speak(row.text, voice.with_references(reference), request)
        except GsvError as error:
            counts.fail(f"{number}: {row.text[:60]}", str(error))
            continue
        speech.save(path)
        groups = ("passed",) if speech.passed else ("flagged",)
        fields = row.model_dump(mode="json", exclude={"reference_text", "reference_lang"}, exclude_none=True)
        lines.append(json.dumps({"wav": path.name, **fields, "groups": groups}, ensure_ascii=False))
        reports.append({"wav": path.name, **speech.as_dict()})
        counts.done += 1
        events.item(path.name, "done", "" if speech.passed else "flagged")
        events.progress(number, len(rows), "sentences")
    counts.require_some("speak_rows")
    write_text(output / "rows.jsonl", "\n".join(lines) + "\n")
    write_json(output / "speech.json", reports)
    sentences = [item for report in reports for item in report["sentences"]]
    tries = sum(item["attempts"] for item in sentences) / len(sentences)
    passed = sum(item["passed"] for item in sentences)
    events.message(f"{passed} of {len(sentences)} sentences passed, {tries:.2f} attempts a sentence")
    events.counts(counts)
    return counts


def speak_command(
    workspace: Workspace,
    output: Path,
    rows: Path | None,
    table: Path | None,
    each: int,
    sovits: Path | None,
    gpt: Path | None,
    content: Path | None,
    seed: int,
    settings: Sequence[str],
    device: str,
    events: Events,
) -> Counts:
    """What `tools/speak_rows.py` asks for. Raises InputError where not exactly one of `rows` and `table` is named."""
    if (rows is None) == (table is None):
        raise InputError("there must be one table", "", "Give --rows or --table.")
    found = read_spoken_rows(rows) if rows is not None else held_out_rows(table or Path(), each, seed)
    options = command_options(SpeakCommand(output=output, seed=seed, settings=tuple(settings)))
    voice = base_voice(workspace, sovits=sovits, gpt=gpt).model_copy(update={"content": content})
    return speak_rows(Synthesizer(workspace, device), voice, found, output, options, events)
