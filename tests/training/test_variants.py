"""Clips in changed voices: written beside the codes, read as further clips of other speakers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gsv.errors import DataError
from gsv.events import Events
from gsv.gpt_families import small_gpt
from gsv.models.content import ContentEncoder
from gsv.models.sovits.synthesizer import new_synthesizer
from gsv.training.arrays import PreparedArrays
from gsv.training.gpt_clips import ArrayGptClips
from gsv.training.gpt_recipes import GptItemConfig
from gsv.training.variants import make_variants, read_variants

from .small import small_arrays, small_config, small_content


def test_variants_become_clips_of_other_speakers(tmp_path: Path) -> None:
    config = small_config()
    folder = small_arrays(tmp_path / "arrays", clips=5, config=config)
    (folder / "aligned_phones.json").write_text(json.dumps({f"clip{i}": [0, 10, 20, 30] for i in range(5)}))
    arrays = PreparedArrays.open(folder)
    encoder = ContentEncoder.load(small_content(tmp_path / "content"))
    assert make_variants(encoder, new_synthesizer(config, 4), arrays, 2, Events()) == 8
    made = read_variants(folder, "small")
    # Clips of one speaker are changed alike, two speakers and two copies are not.
    assert made["clip0"][0].ratio == made["clip2"][0].ratio
    assert len({made[name][copy].ratio for name in ("clip0", "clip1") for copy in (0, 1)}) == 4
    assert set(made) == {"clip0", "clip1", "clip2", "clip3"}, "held clips stay as they are"
    settings = GptItemConfig(phones_a_second=(1.0, 25.0))
    clips = ArrayGptClips(arrays, "train", small_gpt("tiny"), settings)
    assert len(clips.names) == 12
    place = clips.names.index("clip0~2")
    variant = made["clip0"][1]
    assert clips.speakers[place] == "speaker0~2" and clips.codes(place).tolist() == variant.codes
    assert len(variant.codes) == pytest.approx(len(clips.codes(0)) / variant.ratio, abs=1)
    places = clips.phone_of_code(place)
    assert places is not None and places.max() == 3
    assert len(ArrayGptClips(arrays, "held", small_gpt("tiny"), settings).names) == 1
    with pytest.raises(DataError, match="outdated"):
        read_variants(folder, "another")
