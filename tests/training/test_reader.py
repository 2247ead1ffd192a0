"""The phone reader: it changes no content, a stopped training goes on bit for bit, and codes are made again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from gsv.errors import Cancelled, DataError, InputError, WeightsError
from gsv.events import RecordedEvents
from gsv.models.content import SETTINGS_FILE, ContentEncoder, ContentSettings, tiny_hubert_config
from gsv.models.phone_reader import PhoneReader, ReaderConfig
from gsv.training.arrays import ALIGNED_FILE, CODES_FILE, READ_FILE, PreparedArrays
from gsv.training.precision import autocasts
from gsv.training.quantizer import QuantizerLearner, QuantizerTraining, codes_again
from gsv.training.reader import ReaderTraining, train_reader, with_reader
from tests.training.test_content_training import CLASSES, MINIATURE, arrays  # noqa: F401

SETTINGS = ReaderTraining(
    steps=8, batch_seconds=4, warmup_steps=2, blocks=2, filter=16, precision="float32", evaluation_clips=2
)


@pytest.fixture
def encoder() -> ContentEncoder:
    torch.manual_seed(3)
    config = tiny_hubert_config(**MINIATURE)
    made = ContentEncoder(config, ContentSettings("test-1", config.num_hidden_layers - 1, CLASSES)).eval()
    for parameter in made.parameters():  # as it is when it was shipped
        parameter.data = parameter.data.half().float()
    return made


def reader_of(encoder: ContentEncoder, blocks: int = 2) -> PhoneReader:
    count = encoder.settings.feature_layer + 1
    torch.manual_seed(4)
    return PhoneReader(ReaderConfig(count, encoder.dimension, CLASSES, 32, blocks, 2, 48, 5)).eval()


def test_clips_in_a_batch_are_read_as_they_are_alone(encoder: ContentEncoder) -> None:
    made = with_reader(encoder, reader_of(encoder))
    waves = torch.randn(2, 9000)
    waves[1, 6000:] = 0
    lengths = torch.tensor([9000, 6000])
    together = made.phone_logits(waves, lengths)
    for number, length in enumerate(lengths.tolist()):
        alone = made.phone_logits(waves[number : number + 1, :length])[0]
        assert torch.allclose(together[number, : len(alone)], alone, atol=1e-4)


def test_a_reader_leaves_the_content_as_it_was(encoder: ContentEncoder, tmp_path: Path) -> None:
    made = with_reader(encoder, reader_of(encoder))
    made.save(tmp_path / "content")
    loaded = ContentEncoder.load(tmp_path / "content")
    wave = torch.randn(1, 8000)
    assert torch.equal(made.features(wave), encoder.features(wave))
    assert torch.equal(loaded.features(wave), encoder.features(wave))
    assert loaded.version == "test-1" and loaded.has_ctc and loaded.phone_head is None
    assert torch.allclose(loaded.phone_logits(wave), made.phone_logits(wave), atol=1e-2)
    # Whoever reads the folder without us finds the content as the network's own output.
    plain = loaded.hubert(wave).last_hidden_state
    assert torch.allclose(plain.transpose(1, 2), encoder.features(wave), atol=1e-5)
    encoder.settings = dataclasses.replace(encoder.settings, feature_layer=-1)
    with pytest.raises(InputError, match="last layer"):
        with_reader(encoder, reader_of(made))


def test_settings_of_another_program_are_refused(encoder: ContentEncoder, tmp_path: Path) -> None:
    with_reader(encoder, reader_of(encoder)).save(tmp_path / "content")
    note = tmp_path / "content" / SETTINGS_FILE
    values = json.loads(note.read_text())
    note.write_text(json.dumps(values | {"reader": {"depth": 3}}))
    with pytest.raises(WeightsError, match=r"gsv\.json"):
        ContentEncoder.load(tmp_path / "content")


def test_a_stopped_training_goes_on_bit_for_bit(
    encoder: ContentEncoder,
    arrays: PreparedArrays,  # noqa: F811
    tmp_path: Path,
) -> None:
    encoder.save(tmp_path / "frozen")
    frozen = tmp_path / "frozen"
    events = RecordedEvents()
    whole = train_reader(frozen, arrays, tmp_path / "whole", SETTINGS, events)
    measured = [line["values"] for line in events.of("metric") if "phone_error_en" in line["values"]]
    assert measured and measured[-1]["phone_error_en"] >= 0

    class StopAfter(RecordedEvents):
        polls = 0

        def stop_requested(self) -> bool:
            self.polls += 1
            return self.polls > 7

    stopping = StopAfter()
    with pytest.raises(Cancelled):
        train_reader(frozen, arrays, tmp_path / "parts", SETTINGS, stopping)
    assert list((tmp_path / "parts" / "generations").iterdir())
    parts = train_reader(frozen, arrays, tmp_path / "parts", SETTINGS, RecordedEvents())
    first, second = ContentEncoder.load(whole).state_dict(), ContentEncoder.load(parts).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert any(key.startswith("reader.") for key in first)


def test_training_a_reader_lowers_the_loss(
    encoder: ContentEncoder,
    arrays: PreparedArrays,  # noqa: F811
    tmp_path: Path,
) -> None:
    encoder.save(tmp_path / "frozen")
    events = RecordedEvents()
    longer = SETTINGS.model_copy(update={"steps": 150, "learning_rate": 3e-3, "warmup_steps": 10})
    train_reader(tmp_path / "frozen", arrays, tmp_path / "out", longer, events)
    losses = [line["values"]["ctc"] for line in events.of("metric") if "ctc" in line["values"]]
    assert len(losses) == 3 and losses[-1] < losses[0]
    encoder.settings = dataclasses.replace(encoder.settings, version="other")
    encoder.save(tmp_path / "other")
    with pytest.raises(DataError, match="another encoder"):
        train_reader(tmp_path / "other", arrays, tmp_path / "out", longer, events)


def test_codes_are_made_again_from_what_is_left(
    encoder: ContentEncoder,
    arrays: PreparedArrays,  # noqa: F811
    tmp_path: Path,
) -> None:
    learner = QuantizerLearner(encoder.dimension, QuantizerTraining(phone_classes=CLASSES))
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
    assert codes[item.name] == learner.eval().encode(features[0].T).tolist()
    save_file({"other": torch.zeros(1)}, str(tmp_path / "other.safetensors"))
    with pytest.raises(WeightsError, match="no quantizer"):
        codes_again(encoder, arrays, tmp_path / "other.safetensors", kept, events)
    with pytest.raises(WeightsError, match="cannot be read"):
        codes_again(encoder, arrays, tmp_path / "none.safetensors", kept, events)


def test_a_precision_that_is_asked_for_is_taken() -> None:
    device = torch.device("cpu")
    assert autocasts("bfloat16", device) and not autocasts("float32", device)
    assert autocasts("auto", device) in (True, False)
