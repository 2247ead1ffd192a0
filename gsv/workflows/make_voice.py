"""A trained experiment to a voice: the best weights, a few good reference clips, settings that were tried.

Knows the experiment folder and what previews measured. Does not know how a voice speaks or is kept.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gsv.audio import read
from gsv.corpus.experiment import Experiment
from gsv.corpus.items import TrainingItem, training_items
from gsv.corpus.tables import read_text_table
from gsv.errors import GsvError, InputError
from gsv.events import Events
from gsv.files import read_text, write_text
from gsv.listening.listener import PhoneListener
from gsv.models.content import SAMPLE_RATE
from gsv.settings import Workspace
from gsv.synthesis.engine import Synthesizer
from gsv.synthesis.options import options_from
from gsv.synthesis.stretches import LONGEST, SHORTEST, best_stretch, pauses, track_of
from gsv.synthesis.voice import Reference, Setting, Voice, base_voice
from gsv.synthesis.voice_folder import save_voice, voices_folder
from gsv.text.pronunciations import LEXICON
from gsv.training.metrics import read_metrics

logger = logging.getLogger(__name__)

_PREVIEW_MEASURES = {
    "sovits": ("phone_error_inference", "mel_inference"),
    "gpt": ("phone_error_speech", "held_loss"),
}
"""What tells good weights from bad ones, the most telling first; lower is better."""
_STEP = re.compile(r"-s(\d+)$")
_MOST_HEARD = 60
_TRIALS: tuple[dict[str, Setting], ...] = ({}, {"temperature": 0.6}, {"temperature": 0.9, "top_k": 15})
_SENTENCES = 4


@dataclass(frozen=True)
class VoiceInputs:
    """What a voice is made of; what is left open is found in the experiment."""

    workspace: Workspace
    experiment: str
    name: str = ""
    sovits: Path | None = None
    gpt: Path | None = None
    references: int = 4
    licence: str = ""
    consent: str = ""
    device: str = "auto"
    trials: bool = True
    settings: dict[str, Setting] = field(default_factory=dict)


@dataclass(frozen=True)
class _Candidate:
    score: float
    reference: Reference


def make_voice(inputs: VoiceInputs, events: Events | None = None) -> Path:
    """Make the voice's folder in `voices/` and return it.

    Raises InputError where the experiment, its weights or usable clips are missing, or the name is taken.
    """
    events = events or Events()
    experiment = Experiment.open(inputs.workspace.experiment(inputs.experiment))
    folder = voices_folder(inputs.workspace) / (inputs.name or inputs.experiment)
    if folder.exists():
        raise InputError(f"there is a voice {folder.name!r} already", "", "Choose another name with --name.")
    sovits = inputs.sovits or best_weights(experiment, "sovits")
    if sovits is None:
        raise InputError(f"{inputs.experiment} has no SoVITS weights", "", "Train it: tools/train_sovits.py")
    gpt = inputs.gpt or best_weights(experiment, "gpt")
    if gpt is None:
        gpt = inputs.workspace.shipped("tiny") / "gpt.safetensors"
        events.message("the experiment has no GPT weights: the voice speaks with those of the base")
    voice = base_voice(inputs.workspace, sovits=sovits, gpt=gpt)
    engine = Synthesizer(inputs.workspace, inputs.device)
    networks = engine.networks(voice)
    events.message(f"weights: {sovits.name} and {gpt.name}")
    items = training_items(experiment).items
    references = best_references(experiment, items, networks.listener, inputs.references, events)
    voice = voice.with_references(*references).model_copy(
        update={"defaults": {**networks.defaults, **inputs.settings}}
    )
    tested: dict[str, float] = {}
    if inputs.trials:
        voice, tested = best_settings(engine, voice, _test_texts(experiment, items, references), events)
    save_voice(
        folder,
        voice,
        family=networks.config.name,
        licence=inputs.licence,
        consent=inputs.consent,
        tested=tested,
    )
    if (experiment.folder / LEXICON).is_file():
        write_text(folder / LEXICON, read_text(experiment.folder / LEXICON))
    events.message(f"{folder.name} is in {folder}")
    return folder


def best_weights(experiment: Experiment, kind: str) -> Path | None:
    """The exported weights of `kind` that previews liked best, else the newest; None where there are none."""
    files = sorted(experiment.weights.glob(f"{kind}-*.safetensors"), key=lambda path: path.stat().st_mtime)
    if not files:
        return None
    values = _preview_values(experiment.metrics / f"{kind}-previews.jsonl", kind)
    steps = {path: int(found[1]) for path in files if (found := _STEP.search(path.stem))}
    judged = {path: values[step] for path, step in steps.items() if step in values}
    return min(judged, key=lambda path: judged[path]) if judged else files[-1]


def _preview_values(path: Path, kind: str) -> dict[int, float]:
    """Step to the most telling measure that the previews have."""
    lines = read_metrics(path)
    for name in _PREVIEW_MEASURES[kind]:
        found = {
            int(line["step"]): float(line[name]) for line in lines if isinstance(line.get(name), int | float)
        }
        if found:
            return found
    return {}


def best_references(
    experiment: Experiment,
    items: Sequence[TrainingItem],
    listener: PhoneListener | None,
    count: int,
    events: Events,
) -> list[Reference]:
    """The best clips of 3 to 10 s, of the speaker with the most clips, by speech, clipping and match of the text.

    Raises InputError where no clip has such a length.
    """
    speakers = [item.speaker for item in items]
    leading = max(sorted(set(speakers)), key=speakers.count)
    suited = [item for item in items if item.speaker == leading and SHORTEST <= item.seconds <= LONGEST]
    if not suited:
        why = f"none of {len(items)} clips has {SHORTEST:g} to {LONGEST:g} s"
        raise InputError(f"{experiment.record.name} has no clip to refer to", why, "Add such clips.")
    step = max(1, len(suited) // _MOST_HEARD)
    texts = read_text_table(experiment.text_table)
    found: list[_Candidate] = []
    for number, item in enumerate(suited[::step]):
        events.check_stop()
        try:
            found.append(_candidate(experiment, item, texts[item.name].normalized, listener))
        except GsvError as error:
            logger.info("%s is no reference: %s", item.name, error)
        events.progress(number + 1, len(suited[::step]), "clips")
    if not found:
        raise InputError(f"{experiment.record.name} has no clip to refer to", "all are silent or unreadable")
    found.sort(key=lambda one: -one.score)
    return [one.reference for one in found[:count]]


def _candidate(
    experiment: Experiment, item: TrainingItem, text: str, listener: PhoneListener | None
) -> _Candidate:
    record = experiment.record.items.get(item.name)
    source = Path(record.source) if record and Path(record.source).is_file() else item.wave_path
    wave = read(source, SAMPLE_RATE).samples
    track = track_of(wave, SAMPLE_RATE)
    score = best_stretch(track, pauses(track)).score
    if listener is not None:
        aligned = listener.align(wave, listener.table.known(item.phones))
        scores = [np.exp(one.score) for one in aligned if one.score is not None]
        score += float(np.mean(scores)) if scores else 0.0
    return _Candidate(score, Reference(path=source, text=text, language=item.language))


def _test_texts(
    experiment: Experiment, items: Sequence[TrainingItem], references: Sequence[Reference]
) -> list[str]:
    """Sentences of other clips, spread over the experiment."""
    used = {reference.text for reference in references}
    texts = read_text_table(experiment.text_table)
    others = [text for item in items if (text := texts[item.name].normalized) not in used]
    return others[:: max(1, len(others) // _SENTENCES)][:_SENTENCES] or [next(iter(used))]


def best_settings(
    engine: Synthesizer, voice: Voice, texts: Sequence[str], events: Events
) -> tuple[Voice, dict[str, float]]:
    """The voice with the settings under which most checks of the test sentences pass, and what was measured."""
    results: list[tuple[float, float, int]] = []
    for number, trial in enumerate(_TRIALS):
        events.check_stop()
        tried = voice.model_copy(update={"defaults": {**voice.defaults, **trial}})
        options = options_from({"seed": 1, "candidates": 1, "retries": 0, "batch_size": len(texts)})
        reports = [
            report for text in texts for report in engine.speak(text, tried, options, events).sentences
        ]
        passed = sum(report.passed for report in reports) / len(reports)
        failures = sum(len(report.failures) for report in reports) / len(reports)
        results.append((failures, passed, number))
        events.message(
            f"settings {trial or 'of the family'}: {passed:.0%} of {len(reports)} sentences passed"
        )
    failures, passed, best = min(results, key=lambda result: (result[0], result[2]))
    chosen = voice.model_copy(update={"defaults": {**voice.defaults, **_TRIALS[best]}})
    return chosen, {"sentences": float(len(texts)), "passed": passed, "failures_a_sentence": failures}
