"""The content encoder's and the quantizer's training at miniature sizes, on generated sounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gsv.errors import Cancelled, DataError, InputError
from gsv.events import RecordedEvents
from gsv.files import write_json
from gsv.models.content import ContentEncoder, ContentSettings, tiny_hubert_config
from gsv.training import content, teacher
from gsv.training.arrays import ITEMS_FILE, WAVE_FILES, PreparedArrays
from gsv.training.content import learning_rate_at, log_mel, mel_filters, train_content
from gsv.training.content_batches import GOING_ON, NOBODY, ContentBatches, ContentTraining, even_pace
from gsv.training.perturbation import PerturbationRange, change_speed, perturb
from gsv.training.quantizer import QuantizerTraining, train_quantizer

CLASSES = 12
MINIATURE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "conv_dim": (8, 8, 8, 16, 16, 16, 16),
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> PreparedArrays:
    """Twelve clips in which each phone is a tone of its own."""
    folder = tmp_path_factory.mktemp("arrays")
    draw = np.random.default_rng(1)
    rows, waves = [], {16000: [], 32000: []}
    offset = 0
    for index in range(12):
        phones = draw.integers(0, CLASSES - 1, 6).tolist()
        length = 16000 + 800 * (index % 3)
        for rate in (16000, 32000):
            size = length * rate // 16000
            time = np.arange(size) / rate
            place = np.minimum(np.arange(size) * len(phones) // size, len(phones) - 1)
            pitch = 200 + 250 * np.asarray(phones)[place]
            waves[rate].append((0.3 * np.sin(2 * np.pi * pitch * time) * 32767).astype("<i2"))
        rows.append(
            {
                "name": f"clip{index}", "speaker": "a", "language": "en", "text": "", "phones": phones,
                "spoken": phones, "part": "held" if index > 9 else "train", "offset16": offset, "length16": length,
                "offset32": 2 * offset, "length32": 2 * length, "source_rate": 24000,
            }
        )  # fmt: skip
        offset += length
    for rate, name in WAVE_FILES.items():
        (folder / name).write_bytes(np.concatenate(waves[rate]).tobytes())
    write_json(folder / ITEMS_FILE, rows)
    return PreparedArrays.open(folder)


def settings(**changes: object) -> ContentTraining:
    values = {
        "steps": 6, "batch_seconds": 3.0, "warmup_steps": 2, "mel_steps": 3, "middle_layer": 1,
        "consistency_layers": (1,), "flat_steps": 4, "consistency_from": 3,
        "phone_classes": CLASSES, "evaluation_clips": 2, "precision": "float32",
    }  # fmt: skip
    return ContentTraining.model_validate({**values, **changes})


@pytest.fixture
def miniature(monkeypatch: pytest.MonkeyPatch) -> None:
    build = content.tiny_hubert_config
    monkeypatch.setattr(content, "tiny_hubert_config", lambda **changes: build(**{**changes, **MINIATURE}))


def test_arrays_read_what_was_written_and_name_a_short_file(arrays: PreparedArrays, tmp_path: Path) -> None:
    item = arrays.items[3]
    assert arrays.wave(item, 16000).shape == (item.length16,)
    assert np.abs(arrays.wave(item, 32000)).max() == pytest.approx(0.3, abs=0.01)
    for name in (ITEMS_FILE, *WAVE_FILES.values()):
        (tmp_path / name).write_bytes((arrays.folder / name).read_bytes())
    with (tmp_path / WAVE_FILES[32000]).open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(DataError, match="incomplete"):
        PreparedArrays.open(tmp_path)


def test_faster_is_shorter_and_higher() -> None:
    time = torch.arange(16000) / 16000
    faster = change_speed(torch.sin(2 * torch.pi * 400 * time), 1.25)
    assert len(faster) == 12800
    peak = torch.fft.rfft(faster).abs().argmax() * 16000 / 12800
    assert float(peak) == pytest.approx(500, abs=2)
    assert float(faster.abs().max()) == pytest.approx(1, abs=0.05)


def test_a_perturbed_voice_is_finite_bounded_and_repeatable() -> None:
    wave = torch.randn(9000, generator=torch.Generator().manual_seed(0)) * 0.1
    results = [perturb(wave, 16000, PerturbationRange(), torch.Generator().manual_seed(5)) for _ in range(2)]
    assert torch.equal(results[0][0], results[1][0])
    assert torch.isfinite(results[0][0]).all() and float(results[0][0].abs().max()) <= 0.96
    assert len(results[0][0]) == pytest.approx(9000 / results[0][1], abs=1)


def test_silence_can_be_perturbed() -> None:
    assert torch.isfinite(
        perturb(torch.zeros(4000), 16000, PerturbationRange(), torch.Generator().manual_seed(1))[0]
    ).all()


def test_the_schedule_rises_and_falls() -> None:
    rates = [learning_rate_at(step, settings(steps=100, warmup_steps=10)) for step in range(101)]
    assert (
        rates.index(max(rates)) in (9, 10)
        and rates[0] < rates[5] < rates[9]
        and rates[100] == pytest.approx(2e-5)
    )


def test_a_mel_frame_for_each_content_frame() -> None:
    encoder = ContentEncoder(tiny_hubert_config(**MINIATURE), ContentSettings())
    for samples in (400, 4000, 16001):
        wave = torch.randn(1, samples)
        assert log_mel(wave, mel_filters()).shape[1] == encoder.convolved(wave).shape[1]
        assert int(encoder.frames(torch.tensor(samples))) == encoder.convolved(wave).shape[1]


def test_an_even_pace_starts_and_ends_with_the_voice() -> None:
    wave = torch.zeros(16000)
    wave[4000:12000] = 0.5
    guess = even_pace(wave, [3, 5, 7, 9])
    heard = guess[guess != NOBODY]
    assert torch.unique_consecutive(heard).tolist() == [3, 5, 7, 9]
    assert guess[0] == guess[-1] == NOBODY and 24 <= len(heard) <= 27
    assert (even_pace(torch.zeros(8000), [1]) == NOBODY).all()


def test_a_batch_depends_on_its_number_alone(arrays: PreparedArrays) -> None:
    first = ContentBatches(arrays, settings(), PerturbationRange(), 0)[4]
    again = ContentBatches(arrays, settings(), PerturbationRange(), 3)[1]
    assert torch.equal(first.waves, again.waves) and torch.equal(first.phones, again.phones)


def test_padding_changes_no_feature() -> None:
    encoder = ContentEncoder(
        tiny_hubert_config(**MINIATURE), ContentSettings(phone_classes=CLASSES, feature_layer=1)
    ).eval()
    waves = [torch.randn(n, generator=torch.Generator().manual_seed(n)) * 0.1 for n in (8000, 5000)]
    lengths = torch.tensor([8000, 5000])
    together = encoder.features(torch.nn.utils.rnn.pad_sequence(waves, batch_first=True), lengths)
    for row, wave in zip(together, waves, strict=True):
        alone = encoder.features(wave[None])[0]
        assert float((row[:, : alone.shape[1]] - alone).abs().max()) < 1e-4


@pytest.mark.parametrize("paired", [True, False])
def test_a_batch_holds_pairs_or_every_second_clip_changed(arrays: PreparedArrays, paired: bool) -> None:
    data = ContentBatches(arrays, settings(paired=paired), PerturbationRange(), 0)
    by_phones = {tuple(item.spoken): item for item in data.items}
    for number in range(data.per_epoch):
        batch = data[number]
        rows = [tuple(row.tolist()) for row in batch.phones.split(batch.phone_lengths.tolist())]
        assert len(rows) == len(batch.waves) == len(batch.guesses)
        recorded = [
            torch.equal(
                batch.waves[i, : by_phones[row].length16],
                torch.from_numpy(arrays.wave(by_phones[row], 16000)),
            )
            for i, row in enumerate(rows)
        ]
        assert recorded == [i < batch.clean for i in range(len(rows))]
        assert rows[: batch.clean] == rows[batch.clean :] if paired else len(set(rows)) == len(rows)


@pytest.mark.usefixtures("miniature")
def test_single_clips_are_learnt_from(arrays: PreparedArrays, tmp_path: Path) -> None:
    events = RecordedEvents()
    train_content(arrays, tmp_path, settings(paired=False, consistency_from=0), events, workers=0)
    assert not any("consistency" in line["values"] for line in events.of("metric"))


@pytest.mark.usefixtures("miniature")
def test_stopped_and_resumed_training_equals_an_uninterrupted_one(
    arrays: PreparedArrays, tmp_path: Path
) -> None:
    whole = train_content(arrays, tmp_path / "whole", settings(), RecordedEvents(), workers=0)

    class StopAfter(RecordedEvents):
        polls = 0

        def stop_requested(self) -> bool:
            self.polls += 1
            return self.polls > 2

    with pytest.raises(Cancelled):
        train_content(arrays, tmp_path / "parts", settings(), StopAfter(), workers=0)
    parts = train_content(arrays, tmp_path / "parts", settings(), RecordedEvents(), workers=0)
    first, second = ContentEncoder.load(whole).state_dict(), ContentEncoder.load(parts).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.usefixtures("miniature")
def test_training_lowers_the_loss_and_the_quantizer_follows(arrays: PreparedArrays, tmp_path: Path) -> None:
    events = RecordedEvents()
    folder = train_content(arrays, tmp_path, settings(steps=60, learning_rate=3e-3), events, workers=0)
    losses = [line["values"]["ctc"] for line in events.of("metric") if "ctc" in line["values"]]
    assert losses[-1] < losses[0]
    with pytest.raises(InputError, match="not frozen"):
        content.freeze_content(folder, tmp_path / "bad", "test-1", 3)
    encoder = content.freeze_content(folder, tmp_path / "frozen", "test-1", 1)
    assert encoder.version == "test-1" and encoder.settings.feature_layer == 1
    encoder.settings = ContentSettings(phone_classes=CLASSES)
    quick = QuantizerTraining(
        steps=12, batch_seconds=4, continuous_steps=4, head_width=16, phone_classes=CLASSES
    )
    with pytest.raises(DataError, match="no version"):
        train_quantizer(encoder, arrays, tmp_path / "q", quick, events)
    encoder.settings = ContentSettings(version="test-1", feature_layer=1, phone_classes=CLASSES)
    result = train_quantizer(encoder, arrays, tmp_path / "q", quick, events)
    version, codes = arrays.codes()
    assert version == "test-1" and set(codes) == {item.name for item in arrays.items}
    assert 0 < result.codes_in_use <= 1 and set(result.phone_error) == {"en"}
    assert all(len(codes[i.name]) == int(encoder.frames(torch.tensor(i.length16))) // 2 for i in arrays.items)


def test_clips_share_a_teachers_window_and_keep_their_frames(
    arrays: PreparedArrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in says of each frame how loud its middle is: a shift by one frame would show."""

    class Loudness:
        name = "loudness"

        def __init__(self, folder: Path, threads: int) -> None:
            pass

        def __call__(self, wave: np.ndarray) -> np.ndarray:
            frames = wave[: len(wave) // 320 * 320].reshape(-1, 320)
            middle = np.abs(frames[:, 0])
            return np.stack([middle, 2 * middle + 1], axis=1)

    monkeypatch.setattr(teacher, "WhisperEncoder", Loudness)
    for name in (ITEMS_FILE, *WAVE_FILES.values()):
        (tmp_path / name).write_bytes((arrays.folder / name).read_bytes())
    copy = PreparedArrays.open(tmp_path)
    windows = teacher.windows_of(copy.part("train"))
    assert sum(len(window) for window in windows) == len(copy.part("train")) and len(windows[0]) > 1
    made = teacher.make_teacher_features(copy, tmp_path, RecordedEvents(), every=1)
    assert made.channels == 2 and len(made.places) == len(copy.part("train"))
    values = {item.name: copy.wave(item, 16000) for item in copy.part("train")}
    seen = np.concatenate(
        [np.abs(v[200 : 200 + 320 * teacher.frame_count(len(v)) : 320]) for v in values.values()]
    )
    for item in copy.part("train"):
        wave = values[item.name]
        count = teacher.frame_count(len(wave))
        wanted = (np.abs(wave[200::320][:count]) - seen.mean()) / seen.std()
        features = made.of(item)
        assert features is not None and features.shape == (count, 2)
        assert np.abs(features[:, 0] - wanted).max() < 0.03
    again = teacher.make_teacher_features(copy, tmp_path, RecordedEvents(), every=1)
    assert again.places == made.places
    with pytest.raises(InputError, match="no training clip of ja"):
        teacher.make_teacher_features(copy, tmp_path, RecordedEvents(), languages=("ja",))


def test_a_teacher_is_learned_from_a_saved_encoder_with_still_convolutions(
    arrays: PreparedArrays, tmp_path: Path, miniature: None
) -> None:
    for name in (ITEMS_FILE, *WAVE_FILES.values()):
        (tmp_path / name).write_bytes((arrays.folder / name).read_bytes())
    copy = PreparedArrays.open(tmp_path)
    first = train_content(copy, tmp_path / "first", settings(), RecordedEvents(), workers=0)
    with pytest.raises(DataError, match="teacher"):
        train_content(copy, tmp_path / "none", settings(teacher=True), RecordedEvents(), workers=0)
    places, end = {}, 0
    for item in copy.part("train")[1:]:
        places[item.name] = [end, teacher.frame_count(item.length16)]
        end += places[item.name][1]
    draw = np.random.default_rng(2)
    (tmp_path / teacher.FEATURE_FILE).write_bytes(draw.integers(-90, 90, (end, 7)).astype(np.int8).tobytes())
    write_json(tmp_path / teacher.TABLE_FILE, {"name": "noise", "channels": 7, "places": places})
    events = RecordedEvents()
    changes = {
        **GOING_ON,
        "warmup_steps": 2,
        "teacher": True,
        "teacher_layer": 1,
        "paired": False,
        "steps": 20,
    }
    second = train_content(copy, tmp_path / "second", settings(**changes), events, workers=0, initial=first)
    shown = [e["values"] for e in events.of("metric") if "teacher" in e["values"]]
    assert shown and shown[-1]["teacher"] > 0 and "mel" not in shown[-1]
    before, after = ContentEncoder.load(first).state_dict(), ContentEncoder.load(second).state_dict()
    still = [name for name in before if ".feature_extractor." in name]
    assert still and all(torch.equal(before[name], after[name]) for name in still)
    assert not torch.equal(before["phone_head.weight"], after["phone_head.weight"])
