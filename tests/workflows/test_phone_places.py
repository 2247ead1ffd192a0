"""Places of phones in an experiment's clips: found once, kept, and only by the encoder it was prepared with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from gsv.corpus.experiment import ModelIdentity
from gsv.corpus.items import training_items
from gsv.corpus.tables import write_semantic_table
from gsv.events import RecordedEvents
from gsv.gpt_families import small_gpt
from gsv.training.gpt_clips import ExperimentGptClips
from gsv.training.gpt_recipes import GptItemConfig
from gsv.workflows.experiment_clips import experiment_clips
from gsv.workflows.phone_places import FILE, phone_places
from tests.training.small import PHONES, small_config, small_content, small_experiment


def test_a_crop_gets_its_own_phones_and_they_are_looked_for_once(tmp_path: Path) -> None:
    config = small_config()
    experiment = small_experiment(tmp_path / "voice", config, 3)
    content = small_content(tmp_path / "content")
    experiment.check_content(ModelIdentity(name="content", version="small"))
    whole = experiment_clips(experiment.folder, config, None, "", RecordedEvents())
    events = RecordedEvents()
    clips = experiment_clips(experiment.folder, config, None, "", events, content)
    assert events.of("progress")
    for index, frames in enumerate(clips.frames):
        full = whole.phones(index, 0, frames)
        assert clips.phones(index, 0, frames) == full and len(full) == len(PHONES)
        halves = clips.phones(index, 0, frames // 2), clips.phones(index, frames // 2, frames)
        assert all(0 < len(half) < len(full) for half in halves)
        # The phone under way at the border belongs to both halves.
        assert halves[0] + halves[1][1:] == full
    written = (experiment.folder / FILE).read_bytes()
    again = RecordedEvents()
    experiment_clips(experiment.folder, config, None, "", again, content)
    assert not again.of("progress") and (experiment.folder / FILE).read_bytes() == written

    rows = experiment.text_table.read_text(encoding="utf-8").splitlines()
    rows[0] = rows[0].replace(" ".join(PHONES), " ".join(PHONES[:4]))
    experiment.text_table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    edited = RecordedEvents()
    clips = experiment_clips(experiment.folder, config, None, "", edited, content)
    assert len(edited.of("progress")) == 1 and len(clips.phones(0, 0, clips.frames[0])) == 4
    (experiment.folder / FILE).write_text("damaged", encoding="utf-8")
    experiment_clips(experiment.folder, config, None, "", RecordedEvents(), content)
    assert json.loads((experiment.folder / FILE).read_text(encoding="utf-8"))["version"] == "small"


def test_another_encoder_places_nothing_and_says_so(tmp_path: Path) -> None:
    config = small_config()
    experiment = small_experiment(tmp_path / "voice", config, 2)
    experiment.check_content(ModelIdentity(name="content", version="another"))
    events = RecordedEvents()
    content = small_content(tmp_path / "content")
    clips = experiment_clips(experiment.folder, config, None, "", events, content)
    assert len(clips.phones(0, 0, 10)) == len(PHONES)
    assert any("small" in e["text"] and "another" in e["text"] for e in events.of("message"))


def test_the_gpt_is_told_which_phone_each_code_says(tmp_path: Path) -> None:
    experiment = small_experiment(tmp_path / "voice", small_config(), 3)
    experiment.check_content(ModelIdentity(name="content", version="small"))
    items = training_items(experiment).items
    codes = {item.name: tuple(range(int(item.seconds * 25))) for item in items}
    write_semantic_table(experiment.semantic_table, codes)
    config, settings = small_gpt("tiny"), GptItemConfig()
    found = phone_places(experiment, items, small_content(tmp_path / "content"), RecordedEvents())
    clips = ExperimentGptClips(experiment, config, settings, {n: row.aligned for n, row in found.items()})
    for index, name in enumerate(clips.names):
        places = clips.phone_of_code(index)
        assert places is not None and len(places) == len(codes[name])
        assert (np.diff(places) >= 0).all() and places[-1] == len(PHONES) - 1
    unknown = ExperimentGptClips(experiment, config, settings)
    assert unknown.phone_of_code(0) is None
