"""Codes are made again from what is left; bfloat16 is taken where it pays; odd settings of an encoder are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from gsv.errors import WeightsError
from gsv.events import RecordedEvents
from gsv.models.content import SETTINGS_FILE, ContentEncoder, ContentSettings, tiny_hubert_config
from gsv.training import precision
from gsv.training.arrays import ALIGNED_FILE, CODES_FILE, READ_FILE, PreparedArrays
from gsv.training.quantizer import QuantizerLearner, QuantizerTraining, codes_again
from tests.training.test_content_training import CLASSES, MINIATURE, arrays  # noqa: F401


@pytest.fixture
def encoder() -> ContentEncoder:
    torch.manual_seed(3)
    return ContentEncoder(tiny_hubert_config(**MINIATURE), ContentSettings("test-1", 1, CLASSES)).eval()


def test_codes_are_made_again_from_what_is_left(
    encoder: ContentEncoder,
    arrays: PreparedArrays,  # noqa: F811
    tmp_path: Path,
) -> None:
    learner = QuantizerLearner(encoder.dimension, QuantizerTraining(phone_classes=CLASSES)).eval()
    save_file(learner.shipped_state(), str(tmp_path / "quantizer.safetensors"))
    events = RecordedEvents()
    kept = tmp_path / "features"
    for name in (CODES_FILE, ALIGNED_FILE, READ_FILE):
        (arrays.folder / name).unlink(missing_ok=True)
    assert codes_again(encoder, arrays, tmp_path / "quantizer.safetensors", kept, events) == len(arrays.items)
    version, codes = arrays.codes()
    assert version == "test-1" and set(codes) == {item.name for item in arrays.items}
    assert (arrays.folder / ALIGNED_FILE).is_file() and (arrays.folder / READ_FILE).is_file()
    item = arrays.items[0]
    features = encoder.features(torch.from_numpy(arrays.wave(item, 16000))[None])
    assert codes[item.name] == learner.encode(features[0].T).tolist()
    save_file({"other": torch.zeros(1)}, str(tmp_path / "other.safetensors"))
    with pytest.raises(WeightsError, match="no quantizer"):
        codes_again(encoder, arrays, tmp_path / "other.safetensors", kept, events)
    with pytest.raises(WeightsError, match="cannot be read"):
        codes_again(encoder, arrays, tmp_path / "none.safetensors", kept, events)


def test_settings_of_another_program_are_refused(encoder: ContentEncoder, tmp_path: Path) -> None:
    encoder.save(tmp_path / "content")
    note = tmp_path / "content" / SETTINGS_FILE
    values = json.loads(note.read_text())
    for text in (json.dumps(values | {"depth": 3}), "[1, 2]", "{"):
        note.write_text(text)
        with pytest.raises(WeightsError, match=r"gsv\.json"):
            ContentEncoder.load(tmp_path / "content")


def test_bfloat16_is_taken_where_asked_for_and_where_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    device = torch.device("cpu")
    for reduced, pays in ((0.5, True), (0.9, False), (46.0, False)):
        times = {torch.bfloat16: reduced, torch.float32: 1.0}
        monkeypatch.setattr(precision, "_seconds", lambda dtype, _, times=times: times[dtype])
        assert precision.autocasts("auto", device) == pays
        assert precision.autocasts("bfloat16", device) and not precision.autocasts("float32", device)
    monkeypatch.undo()
    assert precision._seconds(torch.float32, device) > 0
