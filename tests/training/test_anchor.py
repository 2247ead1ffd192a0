"""An encoder that learns on keeps the codes it gave, hears of each frame's phone, and leaves still what was named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from gsv.errors import DataError, InputError
from gsv.events import RecordedEvents
from gsv.files import write_json
from gsv.models.content import ContentEncoder, ContentSettings
from gsv.training.anchor import CodeAnchor, anchored
from gsv.training.arrays import ALIGNED_FILE, CODES_FILE, ArrayItem, PreparedArrays
from gsv.training.content import freeze_content, train_content
from gsv.training.content_batches import (
    GOING_ON,
    NOBODY,
    ContentBatches,
    ContentTraining,
    phones_in_places,
    stretched,
)
from gsv.training.perturbation import PerturbationRange
from gsv.training.quantizer import QuantizerLearner, QuantizerTraining, codes_again
from gsv.training.teacher import frame_count
from tests.training.test_content_training import CLASSES, arrays, miniature, settings  # noqa: F401

DIMENSION = 32


@pytest.fixture
def quantizer(tmp_path: Path) -> Path:
    """A quantizer's file whose codebook is a sample of what its projection gives."""
    torch.manual_seed(5)
    learner = QuantizerLearner(DIMENSION, QuantizerTraining(phone_classes=CLASSES))
    noise = torch.nn.functional.layer_norm(torch.randn(1, 2048, DIMENSION), (DIMENSION,))
    with torch.no_grad():
        learner.quantizer.codebook.embed.copy_(learner.ssl_proj(noise.transpose(1, 2))[0].T)
    path = tmp_path / "quantizer.safetensors"
    save_file(learner.shipped_state(), str(path))
    return path


@pytest.fixture
def prepared(
    arrays: PreparedArrays,  # noqa: F811
    quantizer: Path,
    tmp_path: Path,
    miniature: None,  # noqa: F811
) -> tuple[PreparedArrays, Path]:
    """Arrays with codes and places, and the frozen encoder that they come from."""
    first = train_content(arrays, tmp_path / "first", settings(), RecordedEvents(), workers=0)
    frozen = tmp_path / "frozen"
    encoder = freeze_content(first, frozen, "test-1", 1)
    for name in (CODES_FILE, ALIGNED_FILE):
        (arrays.folder / name).unlink(missing_ok=True)
    codes_again(encoder, arrays, quantizer, tmp_path / "features", RecordedEvents())
    return arrays, frozen


def going_on(**changes: object) -> ContentTraining:
    values = {"steps": 40, "warmup_steps": 2, "paired": False, "learning_rate": 3e-3, "dropout": 0.0}
    return settings(**{**GOING_ON, **values, **changes})


def codes_kept(encoder: ContentEncoder, arrays: PreparedArrays, quantizer: Path) -> float:  # noqa: F811
    anchor = CodeAnchor(quantizer, DIMENSION)
    shares = []
    for item in arrays.part("train"):
        features = encoder.features(torch.from_numpy(arrays.wave(item, 16000))[None]).transpose(1, 2)
        shares.append(float(anchor.loss(features, torch.tensor([arrays.codes()[1][item.name]]))[1]))
    return sum(shares) / len(shares)


def test_features_are_drawn_to_their_codes_and_the_quantizer_stays(quantizer: Path) -> None:
    anchor = CodeAnchor(quantizer, DIMENSION)
    features = torch.randn(2, 11, DIMENSION, requires_grad=True)
    codes = anchor.scores(features).argmax(-1)
    codes[1, 3:] = NOBODY
    loss, kept = anchor.loss(features, torch.nn.functional.pad(codes, (0, 2), value=NOBODY))
    assert float(kept) == 1 and not any(
        t.requires_grad for t in (anchor.projection.weight, anchor.projection.bias, anchor.entries)
    )
    other, lost = anchor.loss(features, torch.where(codes == NOBODY, codes, (codes + 1) % 1024))
    assert float(lost) == 0 and float(other.detach()) > float(loss.detach())
    loss.backward()
    assert features.grad is not None and float(features.grad[1, 6:].abs().max()) == 0
    closer = (features - 0.5 * features.grad).detach()
    assert float(anchor.loss(closer, codes)[0]) < float(loss.detach())


def test_an_anchored_encoder_keeps_more_of_its_codes(
    prepared: tuple[PreparedArrays, Path], quantizer: Path, tmp_path: Path
) -> None:
    arrays, frozen = prepared  # noqa: F811
    assert codes_kept(ContentEncoder.load(frozen), arrays, quantizer) > 0.98  # the cache holds float16
    kept = {}
    for weight in (0.0, 3.0):
        events = RecordedEvents()
        folder = train_content(
            arrays,
            tmp_path / f"at-{weight}",
            going_on(anchor_weight=weight, placed=True),
            events,
            workers=0,
            initial=frozen,
            anchor=quantizer,
        )
        encoder = ContentEncoder.load(folder)
        assert encoder.settings.codes_of == ("test-1" if weight else "")
        encoder.settings = replace(encoder.settings, feature_layer=1)
        kept[weight] = codes_kept(encoder, arrays, quantizer)
        shown = [line["values"] for line in events.of("metric") if "placed" in line["values"]]
        assert shown and ("codes_kept" in shown[-1]) == (weight > 0)
        assert shown[-1]["placed"] < shown[0]["placed"]
    assert kept[3.0] > kept[0.0] + 0.1
    # What is held again is held to the first codes, though the encoder has a name of its own by now.
    heir = tmp_path / "heir"
    freeze_content(tmp_path / "at-3.0" / "content-000040", heir, "test-2", 1)
    assert anchored(quantizer, heir, arrays, torch.device("cpu"))[1] == ContentSettings(
        "", 1, CLASSES, "test-1"
    )


def test_codes_are_held_only_where_it_is_known_whose_they_are(
    prepared: tuple[PreparedArrays, Path], quantizer: Path, tmp_path: Path
) -> None:
    arrays, frozen = prepared  # noqa: F811
    wanted = going_on(anchor_weight=1.0)
    with pytest.raises(InputError, match="no codes can be held"):
        train_content(arrays, tmp_path / "a", wanted, RecordedEvents(), workers=0, initial=frozen)
    write_json(arrays.folder / CODES_FILE, {"version": "test-0", "codes": arrays.codes()[1]})
    with pytest.raises(DataError, match="are of test-0"):
        train_content(
            arrays, tmp_path / "b", wanted, RecordedEvents(), workers=0, initial=frozen, anchor=quantizer
        )
    (arrays.folder / ALIGNED_FILE).unlink()
    with pytest.raises(DataError, match="no places of phones"):
        ContentBatches(arrays, settings(placed=True), PerturbationRange(), 0)


def test_the_first_convolutions_stay_still(prepared: tuple[PreparedArrays, Path], tmp_path: Path) -> None:
    arrays, frozen = prepared  # noqa: F811
    folder = train_content(
        arrays, tmp_path / "on", going_on(still_convolutions=2), RecordedEvents(), workers=0, initial=frozen
    )
    before, after = ContentEncoder.load(frozen).state_dict(), ContentEncoder.load(folder).state_dict()
    moved = {
        int(name.split("conv_layers.")[1].split(".")[0])
        for name in before
        if "conv_layers." in name and not torch.equal(before[name], after[name])
    }
    assert moved == {2, 3, 4, 5, 6}


def item(phones: list[int], spoken: list[int], frames: int) -> ArrayItem:
    samples = 400 + 320 * (frames - 1)
    return ArrayItem("clip", "a", "en", "", phones, spoken, "train", 0, samples, 0, 2 * samples, 24000)


def test_each_frame_has_the_phone_that_is_said_in_it() -> None:
    clip = item([4, 9, 4, 7], [4, 4, 7], 10)  # 9 is a mark
    assert frame_count(clip.length16) == 10
    labels = phones_in_places([2, 5, 5, 8], clip, 10)
    assert labels.tolist() == [NOBODY, NOBODY, 4, 4, 4, 4, 4, 4, 7, 7]
    assert phones_in_places([2, 4, 6, 8], clip, 10).tolist()[4:6] == [NOBODY, NOBODY]
    slower = phones_in_places([2, 5, 5, 8], clip, 20)
    assert slower[::2].tolist() == slower[1::2].tolist() == labels.tolist()
    assert stretched(torch.arange(4), 2).tolist() == [1, 3]
    assert stretched(torch.zeros(0, dtype=torch.long), 2).tolist() == [NOBODY, NOBODY]


def test_an_epoch_takes_a_share_of_a_language(arrays: PreparedArrays) -> None:  # noqa: F811
    def names(**shares: float) -> set[str]:
        data = ContentBatches(arrays, settings(shares=shares), PerturbationRange(), 0)
        return {i.name for step in range(data.per_epoch) for i in data._indices(step)}

    everything = {i.name for i in arrays.part("train")}
    assert names() == names(en=1.0) == everything
    assert names(en=0.5) < everything
    for shares in ({"ja": 0.5}, {"en": 1.5}, {"en": 0.0}):
        with pytest.raises(InputError, match=r"share of|nothing to learn"):
            names(**shares)
