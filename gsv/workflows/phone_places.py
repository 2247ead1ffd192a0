"""Where the phones of an experiment's clips are said, for trainers that cut clips into crops.

Knows: the experiment's waves and phones, the content encoder's phone head, and the file that keeps what was
found. Does not know: training.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gsv import audio
from gsv.corpus.experiment import Experiment
from gsv.corpus.items import TrainingItem
from gsv.corpus.journal import item_key
from gsv.errors import DataError
from gsv.events import Events
from gsv.features.content import encoder_identity
from gsv.files import read_text, write_json
from gsv.listening.alignment import SILENT
from gsv.listening.listener import PhoneListener
from gsv.models.content import SAMPLE_RATE, ContentEncoder
from gsv.text.symbols import table
from gsv.training.clips import PhonePlaces
from gsv.training.survey import aligned_places, read_places

FILE = "8-phone-places.json"


def phone_places(
    experiment: Experiment, items: Sequence[TrainingItem], content: Path | None, events: Events
) -> dict[str, PhonePlaces]:
    """Places of the phones of each item, by name; what an earlier run found is used again.

    `content` is the folder of a content encoder. Empty, with a message, where it is not the one that the
    experiment was prepared with; empty where it has no phone head, as published encoders have none. A clip
    that cannot be listened to is left out and told.
    """
    encoder = _fitting(experiment, content, events)
    if encoder is None or not encoder.has_ctc:
        return {}
    symbols = experiment.family.symbols
    listener = PhoneListener(encoder, symbols)
    path = experiment.folder / FILE
    known = _known(path, encoder.version)
    found: dict[str, dict[str, Any]] = {}
    for number, item in enumerate(items):
        events.check_stop()
        size = item.wave_path.stat()
        key = item_key(phones=" ".join(item.phones), bytes=size.st_size, changed=size.st_mtime_ns)
        row = known.get(item.name)
        if row is None or row["key"] != key:
            try:
                row = {"key": key, **_places(listener, item, symbols)}
            except DataError as error:
                events.item(item.name, "failed", f"its phones were not placed: {error}")
                continue
            events.progress(number + 1, len(items), "places of phones")
        found[item.name] = row
    if found != known:
        write_json(path, {"version": encoder.version, "items": found})
    return {name: PhonePlaces(row["aligned"], row["read"]) for name, row in found.items()}


def _fitting(experiment: Experiment, content: Path | None, events: Events) -> ContentEncoder | None:
    record = experiment.record.content
    if content is None or record is None or not (Path(content) / "config.json").is_file():
        return None
    identity = encoder_identity(content)
    if identity.version != record.version:
        events.message(
            f"where in its clip a phone is said is not known: the content encoder {identity.version} is there, "
            f"the experiment was prepared with {record.version}",
            level="warning",
        )
        return None
    return ContentEncoder.load(content)


def _known(path: Path, version: str) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    try:
        row = json.loads(read_text(path))
        return row["items"] if row["version"] == version else {}
    except (ValueError, KeyError, TypeError):  # a damaged file costs a minute, not the training
        return {}


def _places(listener: PhoneListener, item: TrainingItem, symbols: str) -> dict[str, list[Any]]:
    wave = audio.read(item.wave_path, SAMPLE_RATE).samples
    scores = torch.from_numpy(listener.log_probs(wave))
    spoken = table(symbols).ids([phone for phone in item.phones if phone not in SILENT])
    return {
        "aligned": aligned_places(scores, item.phone_ids, spoken),
        "read": read_places(scores),
    }
