"""The whole evaluation of a table of clips: loads the listeners, scores, writes the report.

Knows where the shipped encoder lies. Does not know a figure's meaning.
"""

from __future__ import annotations

from pathlib import Path

from gsv.errors import InputError
from gsv.evaluation.report import summarise, table
from gsv.evaluation.scoring import Evaluator, Listeners, read_rows
from gsv.events import Events
from gsv.files import write_json
from gsv.listening.quality import QualityScorer
from gsv.listening.recognition import PocketsphinxRecogniser, WhisperRecogniser
from gsv.listening.similarity import SpeakerEncoder
from gsv.models.content import ContentEncoder
from gsv.settings import workspace_of


def evaluate(
    rows: Path,
    *,
    whisper: Path | None = None,
    content: Path | None = None,
    with_quality: bool = False,
    second: bool = False,
    threads: int = 0,
    workspace: Path | None = None,
    output: Path | None = None,
    events: Events,
) -> str:
    """Score the table `rows`, write the report to `output` as JSON if given, and return it as text.

    `whisper` is a faster-whisper folder, `content` an encoder's folder (the shipped one if it is there);
    `second` lets pocketsphinx hear the English clips too. Raises InputError for a bad table or a missing model,
    DataError if no clip could be scored.
    """
    entries = read_rows(rows)
    listeners = Listeners(speaker=SpeakerEncoder.load())
    if whisper is not None:
        listeners.recogniser = WhisperRecogniser(whisper, threads=threads)
    folder = content or workspace_of(workspace).shipped("tiny") / "content"
    if content is not None or (folder / "config.json").is_file():
        listeners.encoder = ContentEncoder.load(folder)
        if content is not None and not listeners.encoder.has_ctc:
            raise InputError(f"{content} cannot read phones", "it has no CTC head", "Leave --content out.")
    else:
        events.message(f"no phone error rate: there is no content encoder in {folder}", "warning")
    if second:
        listeners.second = PocketsphinxRecogniser()
    if with_quality:
        listeners.quality = QualityScorer()
    scores = Evaluator(listeners).run(entries, events)
    report = summarise(scores)
    if output is not None:
        write_json(output, report)
    return table(report)
