"""The doctor of a data set: every clip of an annotation list is measured and listened to, then judged.

Knows the order of the work and the files of a check: `report.json`, `problems.tsv`, what is kept of every clip, and
with repairs a clean list. Never changes a recording or the list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gsv.corpus.annotation import AnnotationList, AnnotationRow, read_annotations
from gsv.corpus.journal import Journal
from gsv.errors import InputError
from gsv.events import Counts, Events
from gsv.files import remove_leftovers, sha256, write_json, write_text
from gsv.settings import Workspace, choose_device, workspace_of
from gsv.stages.workers import run_batches, worker_count
from gsv.workflows.dataset_fix import Repairs, write_clean
from gsv.workflows.dataset_judge import Clip, judge
from gsv.workflows.dataset_listen import ClipTask, Ears, ListenWork, record_name
from gsv.workflows.dataset_report import report
from gsv.workflows.dataset_words import LANGUAGES

REPORT, PROBLEMS, RECORDS = "report.json", "problems.tsv", "records.jsonl"
ENCODER_FILES = ("config.json", "model.safetensors", "ctc.safetensors")
_BATCH = 4


@dataclass(frozen=True)
class CheckOptions:
    """`listen` asks the networks too: voices, and whether text and sound belong together."""

    listen: bool = True
    repairs: Repairs = field(default_factory=Repairs)
    language: str = "en"
    """Of the words in messages and in `problems.tsv`; the report has them in all."""
    device: str = "auto"
    workers: int = 0
    content: Path | None = None
    """Folder of a content encoder with a phone head; None: the one that ships."""


def check_dataset(
    list_path: Path,
    output: Path,
    options: CheckOptions | None = None,
    *,
    audio_folder: Path | None = None,
    workspace: Path | None = None,
    events: Events | None = None,
) -> dict[str, Any]:
    """Check an annotation list, write the report into the folder `output`, and return it.

    A clip that an earlier check into the same folder has heard, with the same text, is not heard again. Raises
    InputError for a bad list, DataError where no clip can be read (after the report was written), Cancelled.
    """
    options, events, output = options or CheckOptions(), events or Events(), Path(output)
    if options.language not in LANGUAGES:
        raise InputError(f"no words in {options.language!r}", remedy=f"Choose of {', '.join(LANGUAGES)}.")
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file", "the report goes into a folder", "Name another --output.")
    found = read_annotations(list_path, audio_folder, events=events)
    output.mkdir(parents=True, exist_ok=True)
    remove_leftovers(output)
    ears = _ears(options, workspace_of(workspace), events)
    counts = Counts(read=len(found.rows) + len(found.bad))
    clips = _refused(found, counts, events)
    clips += _heard(found.rows, output / RECORDS, ears, options, counts, events)
    clips.sort(key=lambda clip: clip.number)
    judge(clips)
    made = report(clips, listened=ears.content is not None)
    made["list"] = str(Path(list_path).absolute())
    if options.repairs and any(clip.record for clip in clips):
        made["clean"] = write_clean(clips, output, options.repairs, events)
    write_json(output / REPORT, made)
    write_text(output / PROBLEMS, _table(made, options.language))
    events.message(made["verdict"][options.language])
    if "clean" in made:
        events.message(f"{made['clean']['kept']} clips are in {made['clean']['list']}")
    events.counts(counts)
    counts.require_some("check_dataset")
    return made


def _ears(options: CheckOptions, workspace: Workspace, events: Events) -> Ears:
    """The networks that listen; one that is missing is told and left out, unless a person named it."""
    if not options.listen:
        return Ears(None, None)
    content: Path | None = options.content or workspace.shipped("tiny") / "content"
    if content is not None and not _can_read(content):
        if options.content is not None:
            why = f"one of {', '.join(ENCODER_FILES)} is missing"
            raise InputError(f"{options.content} is no content encoder with a phone head", why)
        events.message(f"texts are not compared with their sound: {content} is missing", "warning")
        content = None
    speaker: Path | None = workspace.shipped("speaker") / "encoder.safetensors"
    if speaker is not None and not speaker.is_file():
        events.message(f"voices are not compared: {speaker} is missing", "warning")
        speaker = None
    return Ears(content, speaker, str(choose_device(options.device)))


def _can_read(folder: Path) -> bool:
    return all((folder / name).is_file() for name in ENCODER_FILES)


def _refused(found: AnnotationList, counts: Counts, events: Events) -> list[Clip]:
    """Rows that cannot be used at all."""
    clips = []
    for bad in found.bad:
        clip = Clip(bad.number, bad.source, "", "", "", 0.0)
        _refuse(clip, bad.reason, counts, events)
        clips.append(clip)
    return clips


def _heard(
    rows: list[AnnotationRow],
    records: Path,
    ears: Ears,
    options: CheckOptions,
    counts: Counts,
    events: Events,
) -> list[Clip]:
    """The rows with their records: kept ones where there are, the others are made now."""
    clips, reasons = _hashed(rows, events)
    names = {clip.number: record_name(clip.audio, clip.language, clip.text) for clip in clips}
    key = ears.key()
    journal = Journal(records)
    tasks: dict[str, ClipTask] = {}
    for clip in clips:
        name = names[clip.number]
        if clip.number not in reasons and journal.done(name, key) is None:
            tasks.setdefault(name, ClipTask(name, Path(clip.path), clip.language, clip.text))
    unheard = _listen(list(tasks.values()), journal, ListenWork(ears), key, options.workers, events)
    for clip in clips:
        name = names[clip.number]
        entry = journal.done(name, key)
        reason = reasons.get(clip.number) or unheard.get(name, "")
        if reason or entry is None:
            _refuse(clip, reason or "it was not listened to", counts, events)
            continue
        clip.record = entry
        clip.seconds = float(entry["measures"]["seconds"])
        counts.done += name in tasks
        counts.skipped += name not in tasks
    # Records of texts that were edited since, or by other networks, are of no use any more.
    wanted = set(names.values())
    journal.entries = {name: entry for name, entry in journal.entries.items() if name in wanted}
    journal.compact()
    return clips


def _hashed(rows: list[AnnotationRow], events: Events) -> tuple[list[Clip], dict[int, str]]:
    """A clip a row with the SHA-256 of its file, and by row why that could not be read."""
    clips: list[Clip] = []
    reasons: dict[int, str] = {}
    for done, row in enumerate(rows, start=1):
        events.check_stop()
        clip = Clip(row.number, str(row.path), row.speaker, row.language, row.text, row.seconds or 0.0)
        try:
            clip.audio = sha256(row.path)
        except OSError as error:
            reasons[row.number] = f"unreadable: {error.strerror or error}"
        clips.append(clip)
        events.progress(done, len(rows), "reading")
    return clips, reasons


def _refuse(clip: Clip, reason: str, counts: Counts, events: Events) -> None:
    clip.add("unusable", "bad", "drop", detail=reason)
    counts.fail(f"row {clip.number}", reason)
    events.item(f"row {clip.number}", "failed", reason)


def _listen(
    tasks: list[ClipTask], journal: Journal, work: ListenWork, key: str, workers: int, events: Events
) -> dict[str, str]:
    """Listen to what is not known yet; returns the reasons of those that could not be heard, by name."""
    batches = [tasks[start : start + _BATCH] for start in range(0, len(tasks), _BATCH)]
    reasons: dict[str, str] = {}
    done = 0
    count = worker_count(workers, len(batches), work.ears.device.partition(":")[0])
    with journal:
        for outcomes in run_batches(batches, work, workers=count, events=events):
            for outcome in outcomes:
                done += 1
                if outcome.reason:
                    reasons[outcome.name] = outcome.reason
                else:
                    journal.add(outcome.name, key, **outcome.record)
            events.progress(done, len(tasks), "listening")
    return reasons


def _table(made: dict[str, Any], language: str) -> str:
    """The rows with problems, worst first, as a table for a spreadsheet."""
    order = ("bad", "doubtful", "note")
    rows = sorted(
        (clip for clip in made["clips"] if clip["severity"]), key=lambda clip: order.index(clip["severity"])
    )
    lines = ["row\tseverity\tfile\treasons"]
    for clip in rows:
        reasons = "; ".join(problem[language] for problem in clip["problems"])
        cells = (str(clip["row"]), clip["severity"], clip["path"], reasons)
        lines.append("\t".join(" ".join(cell.split()) for cell in cells))
    return "\n".join(lines) + "\n"
