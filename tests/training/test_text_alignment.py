"""The text that a crop is given, which of its phones each frame says, and the head that learns to look there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gsv.families import FamilyConfig
from gsv.models.discriminator import new_discriminator
from gsv.models.sovits.synthesizer import new_synthesizer
from gsv.training.arrays import ALIGNED_FILE, READ_FILE, PreparedArrays
from gsv.training.clips import ArrayClips, Clips
from gsv.training.losses import text_alignment_loss
from gsv.training.recipes import ItemConfig, base_recipe
from gsv.training.sampler import Batch, Draw
from gsv.training.sovits import TEXT_MODULES, Networks, SovitsTask
from gsv.training.sovits_batch import ItemMaker, collate
from gsv.training.survey import begins_of
from gsv.training.task import Moment
from gsv.training.updates import Updates

from .small import small_arrays, small_config

STARTS = [4, 16, 28, 44]
"""First frames of the phones 20, 30, 40 and 50."""
READ = [[60, 2], [70, 30]]


@pytest.fixture(scope="module")
def config() -> FamilyConfig:
    return small_config()


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, config: FamilyConfig) -> Clips:
    folder: Path = small_arrays(tmp_path_factory.mktemp("arrays"), config=config)
    names = [item.name for item in PreparedArrays.open(folder).items]
    (folder / ALIGNED_FILE).write_text(json.dumps(dict.fromkeys(names, STARTS)))
    (folder / READ_FILE).write_text(json.dumps(dict.fromkeys(names[1:], READ)))
    arrays = PreparedArrays.open(folder)
    return ArrayClips(arrays, arrays.part("train"), config)


def said(at: int) -> int:
    """The phone under way at a frame of the clip; the first one before any began."""
    return [20, 30, 40, 50][max(0, sum(start <= at for start in STARTS) - 1)]


@pytest.mark.parametrize("whole", [0.0, 1.0])
def test_every_frame_of_a_crop_knows_its_phone(clips: Clips, config: FamilyConfig, whole: float) -> None:
    maker = ItemMaker(clips, ItemConfig(crop_frames=30, whole_text=whole), config)
    full, lengths, starts = clips.wave(0), set(), set()
    for seed in range(20):
        item = maker.make(Draw(0, seed))
        places = range(0, len(full) // 640, 2)
        at = next(s for s in places if np.array_equal(full[s * 640 :][: len(item.wave)], item.wave))
        heard = [item.phones[place] for place in item.phone_places]
        first = [said(at + frame) for frame in range(30)]
        # A crop that begins before the first phone has only those that begin within it.
        assert heard == first
        lengths.add(len(item.phones))
        starts.add(at)
    assert len(starts) > 3 and (lengths == {4} if whole else lengths == {2, 3, 4} or lengths == {3, 4})


def test_read_phones_have_their_own_places_and_unknown_ones_none(clips: Clips, config: FamilyConfig) -> None:
    maker = ItemMaker(clips, ItemConfig(read_text=1.0), config)
    item = maker.make(Draw(1, 3))
    assert item.phones == [60, 70] and item.phone_places.tolist() == [0] * 30 + [1] * (item.frames - 30)
    # Nobody read the first clip: it has the phones of its text, and their places are not told.
    other = maker.make(Draw(0, 3))
    assert other.phones == [20, 30, 40, 50] and set(other.phone_places.tolist()) == {-1}
    dropped = ItemMaker(clips, ItemConfig(drop_text=1.0), config).make(Draw(0, 3))
    assert dropped.phones == [config.blank_phone] and set(dropped.phone_places.tolist()) == {-1}
    batch = collate([item, dropped], config)
    assert batch.phone_places.shape == batch.noise[:, 0].shape and batch.phone_places[0, -1] in (-1, 1)


def test_a_phone_begins_halfway_from_the_peak_before() -> None:
    assert begins_of([10, 11, 18, 40]) == [6, 11, 15, 29]
    assert begins_of([2]) == [0] and begins_of([]) == []


def test_frames_that_are_told_their_phone_hear_its_neighbours_only(config: FamilyConfig) -> None:
    network = new_synthesizer(config, 3).eval()
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(config.quantizer.codes, (1, 1, 6), generator=generator)
    phones = torch.arange(20, 32)[None]
    reference = torch.rand(1, config.spectrogram.n_fft // 2 + 1, 20, generator=generator)
    assert config.speaker_input is not None
    speaker = network.speaker_vector([reference], [torch.ones(1, config.speaker_input.dimension)])
    frames = 6 * config.quantizer.frames_per_code
    told = torch.arange(frames)[None].clamp(max=11)

    def latent(places: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return network.latent(codes, phones, speaker, noise_scale=0.0, phone_places=places)[0]

    assert not torch.allclose(latent(torch.full_like(told, -1)), latent(told))
    assert not torch.allclose(latent(told.where(told < 4, -1)), latent(told))
    attention, width = network.enc_p.mrte.cross_attention, config.prior.cross_attention
    x, text = (torch.randn(1, width, size, generator=generator) for size in (frames, 12))
    other = text.clone()
    other[:, :, 5:] += 1.0
    everything = torch.ones(1, 1, 12)
    with torch.no_grad():
        one, two = attention(x, text, everything, told), attention(x, other, everything, told)
    # A frame sees two phones on either side: the third one's first frame still knows nothing of the sixth phone.
    assert torch.allclose(one[:, :, :3], two[:, :, :3]) and not torch.allclose(one[:, :, 3], two[:, :, 3])
    # But the first head only its own.
    joined = attention.conv_o.weight.data
    joined[:, joined.shape[1] // attention.heads :] = 0.0
    with torch.no_grad():
        one, two = attention(x, text, everything, told), attention(x, other, everything, told)
    assert torch.allclose(one[:, :, :5], two[:, :, :5]) and not torch.allclose(one[:, :, 5], two[:, :, 5])


def test_as_many_codes_are_wrong_as_asked(clips: Clips, config: FamilyConfig) -> None:
    right, plain = (
        clips.content(0).codes,
        ItemMaker(clips, ItemConfig(), config).make(Draw(0, 1)).content.codes,
    )
    assert right is not None and plain is not None and np.array_equal(right[: len(plain)], plain)
    untold = ItemMaker(clips, ItemConfig(wrong_codes=0.3), config).make(Draw(0, 1)).content.codes
    assert untold is not None and np.array_equal(untold, plain), "nothing could make up for wrong codes"
    maker = ItemMaker(clips, ItemConfig(wrong_codes=0.3, told_places=1.0, whole_text=1.0), config)
    shares = []
    for seed in range(60):
        codes = maker.make(Draw(0, seed)).content.codes
        assert codes is not None and codes.shape == plain.shape and codes.max() < config.quantizer.codes
        shares.append(float((codes != plain).mean()))
    assert 0.15 < np.mean(shares) < 0.35 and min(shares) < 0.15 and max(shares) > 0.4
    assert np.array_equal(clips.content(0).codes, right)


def test_nobody_vouches_for_phones_that_were_read(clips: Clips, config: FamilyConfig) -> None:
    settings = ItemConfig(wrong_codes=0.5, told_places=1.0, whole_text=1.0)
    plain = ItemMaker(clips, ItemConfig(), config).make(Draw(1, 1)).content.codes
    read = ItemMaker(clips, settings.model_copy(update={"read_text": 1.0}), config)
    for seed in range(20):
        item = read.make(Draw(1, seed))
        assert not item.told and item.phone_places.max() >= 0, (
            "the path through the text is learnt all the same"
        )
        assert plain is not None and np.array_equal(item.content.codes, plain)
    assert ItemMaker(clips, settings, config).make(Draw(1, 1)).told


def test_the_loss_is_that_of_the_frames_whose_phone_is_known() -> None:
    attention = torch.tensor([[[0.7, 0.1, 0.2], [0.2, 0.2, 0.6]], [[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]]])
    places = torch.tensor([[0, -1], [2, 0]])
    exact = text_alignment_loss(attention, places, reach=0)
    assert exact.item() == pytest.approx((-np.log(0.7) - (np.log(0.25) + 0) / 2) / 2, abs=1e-4)
    near = text_alignment_loss(attention, places)
    assert near.item() == pytest.approx((-np.log(0.8) - np.log(0.5) / 2) / 2, abs=1e-4)
    halves = [text_alignment_loss(attention[i : i + 1], places[i : i + 1]) for i in range(2)]
    assert torch.stack(halves).mean().item() == pytest.approx(near.item())
    assert text_alignment_loss(attention, torch.full_like(places, -1)).item() == 0.0


@pytest.mark.parametrize("first", [0, 40])
def test_a_head_learns_to_look_at_the_phone_that_is_said(
    clips: Clips, config: FamilyConfig, first: int
) -> None:
    recipe = base_recipe(1000, 1000, learning_rate=2e-3)
    rates = recipe.rates.model_copy(update={"warm_up_steps": 0})
    items = recipe.items.model_copy(update={"drop_text": 0.0, "read_text": 0.0})
    networks = Networks(new_synthesizer(config, 1), new_discriminator(config.discriminator, 2))
    before = {name: value.clone() for name, value in networks.generator.state_dict().items()}
    alone = recipe.losses.model_copy(update={"text_first": first})
    changed = recipe.model_copy(update={"rates": rates, "items": items, "losses": alone})
    task = SovitsTask(networks, clips, changed, torch.device("cpu"), lambda *_: None)
    updates = Updates(torch.device("cpu"))
    lost = []
    for number in range(40):
        data = task.load(Batch(0, number, tuple(Draw(i, i) for i in range(4))))
        values = task.step(data, Moment(number, 0, number, 40), updates, torch.Generator().manual_seed(1))
        lost.append(float(values["text_alignment"]))
    assert lost[-1] < 0.5 * lost[0]
    moved = {name for name, value in networks.generator.state_dict().items() if not value.equal(before[name])}
    assert any(name.startswith("enc_p.encoder_text.") for name in moved)
    # Before everything else, only what reads the text and compares it moves.
    others = {name for name in moved if not name.startswith(TEXT_MODULES)}
    assert not others if first else others


def test_the_prior_learns_alone_at_first(clips: Clips, config: FamilyConfig) -> None:
    recipe = base_recipe(1000, 1000, learning_rate=2e-3)
    alone = recipe.losses.model_copy(update={"prior_first": 12, "kl_ramp_steps": 0})
    rates = recipe.rates.model_copy(update={"warm_up_steps": 0})
    changed = recipe.model_copy(update={"rates": rates, "losses": alone})
    networks = Networks(new_synthesizer(config, 1), new_discriminator(config.discriminator, 2))
    task = SovitsTask(networks, clips, changed, torch.device("cpu"), lambda *_: None)
    assert 12 in task.phases
    updates = Updates(torch.device("cpu"))
    before = {name: value.clone() for name, value in networks.generator.state_dict().items()}

    def moved() -> set[str]:
        now = networks.generator.state_dict()
        return {name.split(".")[0] for name, value in now.items() if not value.equal(before[name])}

    divergences = []
    for number in range(13):
        if number == 12:
            assert moved() == {"enc_p", "ge_to512"}
        data = task.load(Batch(0, number, tuple(Draw(i, 1) for i in range(4))))
        values = task.step(data, Moment(number, 0, number, 13), updates, torch.Generator().manual_seed(1))
        divergences.append(float(values["kl"]))
    assert divergences[11] < 0.8 * divergences[0]
    assert {"dec", "enc_q", "flow", "ref_enc"} <= moved() and "mel" in values
