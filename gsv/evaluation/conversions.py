"""Conversions of a table of pairs, made and scored: how well a voice keeps the words and takes the timbre.

Knows the order (convert, listen, compare with the source clips) and what a base is asked to reach. Does not
know how pairs are chosen. The text of a pair is for the score alone: the conversion hears the source, unless it
is told the words on purpose, which shows what is lost in hearing and what in speaking.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gsv.errors import DataError, GsvError
from gsv.evaluation.pairs import Pair, read_pairs
from gsv.evaluation.report import summarise, table
from gsv.evaluation.scoring import Evaluator, Listeners, Row, Score
from gsv.events import Events
from gsv.files import sha256, write_json
from gsv.listening.quality import QualityScorer
from gsv.listening.recognition import PocketsphinxRecogniser, WhisperRecogniser
from gsv.listening.similarity import SpeakerEncoder
from gsv.listening.voice_statistics import VoiceStatistics, voice_numbers
from gsv.models.content import ContentEncoder
from gsv.settings import Workspace, choose_device
from gsv.synthesis.conversion import ConversionOptions, Converter, convert_file
from gsv.synthesis.loading import SHIPPED_WEIGHTS, load_converter
from gsv.training.arrays import PreparedArrays

logger = logging.getLogger(__name__)

REPORT_FILE = "report.json"
ERROR_GAP, SIMILARITY, MARGIN = 0.20, 0.65, 0.10
"""What a base is asked to reach on average: English errors above the source clips', likeness to the target,
and how much nearer to the target than to the source."""


@dataclass(frozen=True)
class ConversionSetup:
    """What converts and who listens; None is the workspace's own, or for `whisper` nobody."""

    workspace: Workspace
    weights: Path | None = None
    content: Path | None = None
    whisper: Path | None = None
    device: str = "cpu"
    threads: int = 0
    with_quality: bool = False
    second: bool = False
    """Let a second recogniser hear the English clips."""
    told_text: bool = False
    """Tell each conversion what its source says; what is asked of a base is without that."""
    voices: Path | None = None
    """Prepared arrays whose training voices a second judge of voices is fitted on."""


def evaluate_conversions(
    pairs: Path, output: Path, setup: ConversionSetup, options: ConversionOptions, events: Events
) -> str:
    """Convert every pair of the table into `output`, score the results, write `report.json` there, and return
    the report as text.

    Raises InputError for a bad table or a missing model, WeightsError for what does not fit, DataError if no
    pair could be converted and scored. A pair that fails is listed with its reason.
    """
    entries = read_pairs(pairs)
    converter = load_converter(
        setup.workspace, setup.weights, setup.content, None, choose_device(setup.device)
    )
    listeners = _listeners(setup, converter.encoder)
    converter.recogniser = converter.recogniser or listeners.recogniser
    rows, failed = _convert(converter, entries, output, options, events, setup.told_text)
    if not rows:
        raise DataError("No pair could be converted", failed[0].reason)
    scores = Evaluator(listeners).run(rows, events) + failed
    weights = setup.weights or setup.workspace.shipped("tiny") / SHIPPED_WEIGHTS
    report = summarise(scores)
    report["conversion"] = {
        "weights": weights.name,
        "weights_sha256": sha256(weights),
        "family": converter.config.name,
        "content": converter.encoder.version,
        "options": options.model_dump(),
        "told_text": setup.told_text,
        "recogniser": listeners.recogniser.name if listeners.recogniser else None,
    }
    report["asked"] = [] if setup.told_text else asked(report)
    write_json(output / REPORT_FILE, report)
    closing = ["The texts were told: nothing is asked of that."] if setup.told_text else ["Asked of a base:"]
    return "\n".join([table(report), "", *closing, *map(_line, report["asked"])])


def _listeners(setup: ConversionSetup, encoder: ContentEncoder) -> Listeners:
    listeners = Listeners(speaker=SpeakerEncoder.load(), encoder=encoder if encoder.has_ctc else None)
    if setup.whisper is not None:
        listeners.recogniser = WhisperRecogniser(setup.whisper, threads=setup.threads)
    if setup.second:
        listeners.second = PocketsphinxRecogniser()
    if setup.voices is not None:
        listeners.second_speaker = fitted_voices(setup.voices)
    if setup.with_quality:
        listeners.quality = QualityScorer()
    return listeners


def fitted_voices(folder: Path, every: int = 3) -> VoiceStatistics:
    """The second judge of voices, from every third training clip of prepared arrays."""
    arrays = PreparedArrays.open(folder)
    items = arrays.part("train")[::every]
    return VoiceStatistics.fit((voice_numbers(arrays.wave(i, 16_000), 16_000), i.speaker) for i in items)


def _convert(
    converter: Converter,
    pairs: Sequence[Pair],
    output: Path,
    options: ConversionOptions,
    events: Events,
    told: bool = False,
) -> tuple[list[Row], list[Score]]:
    """Rows of the conversions that were made, and scores with a reason for the others."""
    rows, failed = [], []
    output.mkdir(parents=True, exist_ok=True)
    for number, pair in enumerate(pairs):
        events.check_stop()
        path = output / f"{number:04d}.wav"
        words = {"text": pair.text, "language": pair.lang} if told else {}
        wanted = options.model_copy(update=words)
        try:
            # The events of one file would count its samples among the pairs.
            convert_file(converter, pair.source, [pair.reference], path, wanted, Events())
        except GsvError as error:
            events.item(path.name, "failed", str(error))
            failed.append(Score(path.name, pair.lang, text=pair.text, groups=pair.groups, reason=str(error)))
        else:
            rows.append(
                Row(
                    wav=path,
                    text=pair.text,
                    lang=pair.lang,
                    reference=pair.reference,
                    source=pair.source,
                    speaker=pair.speaker,
                    groups=pair.groups,
                )
            )
        events.progress(number + 1, len(pairs), "conversions")
    return rows, failed


def asked(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What a base is asked to reach, beside what it reached; figures that were not measured are left out."""
    summary = report["summary"]
    every: dict[str, Any] = summary.get("all") or next(iter(summary.values()), {})
    found = []
    english = summary.get("en", {}).get("error_rate")
    if english is not None and "ceiling_mean" in english:
        gap = english["mean"] - english["ceiling_mean"]
        found.append(("English word error rate above the source clips'", gap, "at most", ERROR_GAP))
    for name, title, limit in (
        ("similarity_target", "similarity to the target", SIMILARITY),
        ("margin", "nearer to the target than to the source, by", MARGIN),
    ):
        if name in every:
            found.append((title, every[name]["mean"], "at least", limit))
    return [
        {
            "what": what,
            "value": value,
            "sense": sense,
            "limit": limit,
            "reached": value <= limit if sense == "at most" else value >= limit,
        }
        for what, value, sense, limit in found
    ]


def _line(entry: dict[str, Any]) -> str:
    reached = "reached" if entry["reached"] else "NOT reached"
    return f"  {entry['what']}: {entry['value']:.3f} ({entry['sense']} {entry['limit']:.2f}) {reached}"
