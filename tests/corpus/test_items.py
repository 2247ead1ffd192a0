"""Tables, tensors and the published filters of training items."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gsv.audio import write
from gsv.corpus.experiment import Experiment, ItemRecord
from gsv.corpus.items import training_items
from gsv.corpus.tables import (
    TextRow,
    load_content,
    read_semantic_table,
    read_text_table,
    tensor_bytes,
    write_semantic_table,
    write_text_table,
)
from gsv.errors import DataError
from gsv.text.symbols import table


def brought_folder(folder: Path) -> Path:
    """A published folder as somebody else's tools leave it: no experiment.json, half tensors, no journals."""
    phones = {"good.wav": "HH AH0", "second.wav": "n i3 h ao3", "unknown.wav": "HH QQ", "short.wav": "a",
              "long.wav": "a", "nofeature.wav": "a", "nowave.wav": "a"}  # fmt: skip
    (folder / "4-cnhubert").mkdir(parents=True)
    (folder / "5-wav32k").mkdir()
    lines = [f"{name}\t{value}\tNone\ttext\n" for name, value in phones.items()]
    (folder / "2-name2text.txt").write_text("".join(lines) + "broken line\n\n", encoding="utf-8")
    seconds = {"short.wav": 0.5, "long.wav": 55.0}
    for name in [*phones, "notext.wav"]:
        if name != "nofeature.wav":
            tensor = torch.ones(1, 16, 20, dtype=torch.float16, requires_grad=True)
            torch.save(tensor, folder / "4-cnhubert" / f"{name}.pt")
        if name != "nowave.wav":
            samples = np.zeros(int(32000 * seconds.get(name, 1.5)), np.float32)
            write(folder / "5-wav32k" / name, samples, 32000)
    (folder / "6-name2semantic.tsv").write_text("item_name\tsemantic_audio\ngood.wav\t1 2 1023\n")
    return folder


def test_a_brought_folder_is_filtered_with_reasons(tmp_path: Path) -> None:
    experiment = Experiment.create(brought_folder(tmp_path / "x"), "v2")
    found = training_items(experiment)
    assert [item.name for item in found.items] == ["good.wav", "second.wav"]
    first = found.items[0]
    assert first.phones == ("HH", "AH0") and list(first.phone_ids) == table("v2").ids(["HH", "AH0"])
    assert first.seconds == pytest.approx(1.5) and first.codes == (1, 2, 1023)
    assert found.items[1].codes is None and first.speaker_vector_path is None
    assert load_content(first.content_path).shape == (1, 16, 20)
    assert load_content(first.content_path).dtype == torch.float32
    assert found.counts == {
        "unknown phone": 1, "too short": 1, "too long": 1, "no content features": 1,
        "no 32 kHz wave": 1, "no text": 1,
    }  # fmt: skip
    assert [item.name for item in training_items(experiment, need_codes=True).items] == ["good.wav"]


def test_pro_families_need_speaker_vectors(tmp_path: Path) -> None:
    experiment = Experiment.create(brought_folder(tmp_path / "x"), "v2Pro")
    with pytest.raises(DataError, match="no speaker vector"):
        training_items(experiment)
    experiment.speaker_folder.mkdir()
    torch.save(torch.zeros(1, 20480), experiment.speaker_path("good.wav"))
    (item,) = training_items(experiment).items
    assert item.speaker_vector_path == experiment.speaker_path("good.wav")


def test_features_of_another_recording_are_left_out(tmp_path: Path) -> None:
    experiment = Experiment.create(brought_folder(tmp_path / "x"), "v2")
    with experiment.updating() as record:
        record.items["good.wav"] = ItemRecord(source="/a/good.wav", row=1, speaker="anna", language="en")
    with experiment.journal("text") as text, experiment.journal("content") as content:
        for name in ("good.wav", "second.wav"):
            text.add(name, "k", audio="one")
            content.add(name, "k", audio="one" if name == "good.wav" else "other")
    (item,) = training_items(experiment).items
    assert (item.name, item.speaker, item.language) == ("good.wav", "anna", "en")


@given(
    st.dictionaries(
        st.text("abc.wav你", min_size=1),
        st.tuples(
            st.lists(st.sampled_from(table("v2").names), min_size=1).map(tuple),
            st.none() | st.lists(st.integers(0, 9), min_size=1).map(tuple),
        ),
    )
)
def test_the_text_table_comes_back(tmp_path_factory: pytest.TempPathFactory, values: dict) -> None:
    path = tmp_path_factory.mktemp("tables") / "2-name2text.txt"
    rows = {name: TextRow(phones, counts, "said so") for name, (phones, counts) in values.items()}
    write_text_table(path, rows)
    assert read_text_table(path) == rows


def test_the_semantic_table_comes_back_and_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "6-name2semantic.tsv"
    codes = {"a b.wav": (1, 2, 3), "你.wav": (1023,)}
    write_semantic_table(path, codes)
    assert path.read_text(encoding="utf-8").startswith("item_name\tsemantic_audio\na b.wav\t1 2 3\n")
    assert read_semantic_table(path) == codes
    path.write_text("item_name\tsemantic_audio\na\t1 x\n")
    with pytest.raises(DataError, match="line 2"):
        read_semantic_table(path)


def test_tensors_are_plain_small_and_reproducible(tmp_path: Path) -> None:
    batch = torch.randn(8, 16, 100)
    packed = tensor_bytes(batch[3:4, :, :10])
    assert packed == tensor_bytes(batch[3:4, :, :10].clone())
    assert len(packed) < 16 * 10 * 4 + 4096
    assert torch.load(io.BytesIO(packed), weights_only=True).is_contiguous()
    path = tmp_path / "a.pt"
    for bad in (b"", b"not a tensor", tensor_bytes(torch.zeros(2, 3))):
        path.write_bytes(bad)
        with pytest.raises(DataError):
            load_content(path)
