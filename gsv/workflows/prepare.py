"""From an annotation list to a complete experiment: text, content, speaker vectors, codes, in this order.

Knows the order of the stages and that a list is checked once. Does not know what a stage does.
"""

from __future__ import annotations

from gsv.corpus.annotation import read_annotations
from gsv.corpus.experiment import Experiment
from gsv.corpus.items import training_items
from gsv.events import Counts, Events
from gsv.stages.bert import chosen_encoder, extract_bert, hears_bert
from gsv.stages.content import extract_content
from gsv.stages.defaults import base_model, bert_encoder, content_encoder, speaker_model
from gsv.stages.inputs import PreparationInputs
from gsv.stages.run import announce, languages_of
from gsv.stages.semantic import extract_semantic
from gsv.stages.speaker import extract_speaker
from gsv.stages.text import extract_text


def prepare(inputs: PreparationInputs, events: Events | None = None) -> dict[str, Counts]:
    """Run every stage over one list; returns the counts of each stage by its name.

    Models and rows are checked before any work. A stage may lose rows; it goes on with the others.
    Raises what the stages raise: InputError, DataError, WeightsError, ResourceError, Cancelled.
    """
    events = events or Events()
    workspace, folder, family = inputs.workspace_folder, inputs.folder, inputs.family_name
    encoder = content_encoder(workspace, family, inputs.content)
    base = base_model(workspace, family, inputs.base)
    experiment = Experiment.open_or_create(folder, family)
    needs_speaker = experiment.family.speaker_input is not None
    speaker = speaker_model(workspace, family, inputs.speaker) if needs_speaker else None
    found = read_annotations(
        inputs.annotations,
        inputs.audio_folder,
        languages=languages_of(experiment.family),
        events=events,
    )
    announce(found, events)
    bert = chosen_encoder(bert_encoder(workspace), family, inputs.bert)
    counts: dict[str, Counts] = {}
    counts["text"] = extract_text(
        folder, found.path, family=family, workers=inputs.workers, events=events, annotations=found
    )
    if bert is not None or hears_bert(family):
        counts["bert"] = extract_bert(folder, bert, device=inputs.device, events=events)
    counts["content"] = extract_content(
        folder,
        found.path,
        encoder,
        family=family,
        base=base,
        device=inputs.device,
        precision=inputs.precision,
        workers=inputs.workers,
        events=events,
        annotations=found,
    )
    if speaker is not None:
        counts["speaker"] = extract_speaker(
            folder, speaker, device=inputs.device, workers=inputs.workers, events=events
        )
    counts["semantic"] = extract_semantic(folder, base, family=family, device=inputs.device, events=events)
    items = training_items(Experiment.open(folder), need_codes=True)
    minutes = sum(item.seconds for item in items.items) / 60
    events.message(f"{len(items.items)} clips, {minutes:.1f} minutes are ready to train on")
    return counts


def prepare_text(inputs: PreparationInputs, events: Events | None = None) -> dict[str, Counts]:
    """The part that needs no recording's sound: phones, and BERT features of Mandarin rows.

    Raises InputError, DataError, WeightsError, Cancelled.
    """
    events = events or Events()
    family = inputs.family_name
    bert = chosen_encoder(bert_encoder(inputs.workspace_folder), family, inputs.bert)
    counts = {
        "text": extract_text(
            inputs.folder, inputs.annotations, family=family, audio_folder=inputs.audio_folder,
            workers=inputs.workers, events=events,
        )
    }  # fmt: skip
    if bert is not None or hears_bert(family):
        counts["bert"] = extract_bert(inputs.folder, bert, device=inputs.device, events=events)
    return counts
