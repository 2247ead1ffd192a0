"""The SoVITS task: batches, schedules, one step, resume, several processes."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from gsv.audio.spectrogram import linear
from gsv.errors import DataError
from gsv.families import FamilyConfig
from gsv.models.discriminator import new_discriminator
from gsv.models.sovits.synthesizer import new_synthesizer
from gsv.training.arrays import PreparedArrays
from gsv.training.clips import ArrayClips, Clips, fit_frames
from gsv.training.recipes import ItemConfig, LossConfig, Recipe, base_recipe, published_recipe, tiny_recipe
from gsv.training.sampler import Batch, Draw
from gsv.training.sovits import Networks, SovitsTask
from gsv.training.sovits_batch import ItemMaker, collate, mirrored
from gsv.training.spectral import SpectralLoss, limit_band
from gsv.training.task import Moment
from gsv.training.updates import Updates

from .small import small_arrays, small_config


@pytest.fixture(scope="module")
def config() -> FamilyConfig:
    return small_config()


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, config: FamilyConfig) -> Clips:
    arrays = PreparedArrays.open(small_arrays(tmp_path_factory.mktemp("arrays"), config=config))
    return ArrayClips(arrays, arrays.part("train"), config)


def task_of(clips: Clips, config: FamilyConfig, recipe: Recipe) -> SovitsTask:
    networks = Networks(new_synthesizer(config, 1), new_discriminator(config.discriminator, 2))
    return SovitsTask(networks, clips, recipe, torch.device("cpu"), lambda *_: None)


def step(task: SovitsTask, number: int = 0, dry: bool = False) -> dict[str, float]:
    batch = Batch(0, number, tuple(Draw(i, 10 * number + i) for i in range(4)))
    updates = Updates(torch.device("cpu"), dry=dry)
    moment = Moment(number, 0, number, 10)
    values = task.step(task.load(batch), moment, updates, torch.Generator().manual_seed(number))
    return {name: float(value) for name, value in values.items()}


def test_a_padded_item_has_the_spectrogram_it_has_alone(config: FamilyConfig) -> None:
    framing = config.spectrogram
    random = np.random.default_rng(1)
    waves = [random.standard_normal(n).astype(np.float32) for n in (640 * 40 + 639, 640 * 17, 640 * 33 + 1)]
    rows = mirrored(waves, 43 * 640, (framing.n_fft - 640) // 2)
    together = linear(rows, framing.n_fft, framing.hop_length, framing.win_length)
    for wave, found in zip(waves, together, strict=True):
        alone = linear(torch.from_numpy(wave)[None], framing.n_fft, framing.hop_length, framing.win_length)[0]
        assert alone.shape[1] == len(wave) // 640
        torch.testing.assert_close(found[:, : alone.shape[1]], alone, rtol=1e-5, atol=1e-5)


def test_the_same_draw_gives_the_same_item(clips: Clips, config: FamilyConfig) -> None:
    maker = ItemMaker(clips, base_recipe(10, 5).items, config)
    one, other = maker.make(Draw(1, 77)), maker.make(Draw(1, 77))
    assert one.phones == other.phones and one.slice_start == other.slice_start
    assert np.array_equal(one.wave, other.wave) and np.array_equal(one.noise, other.noise)
    assert one.reference is not None and other.reference is not None
    assert np.array_equal(one.reference, other.reference)
    assert any(maker.make(Draw(1, seed)).slice_start != one.slice_start for seed in range(20))


def test_crops_keep_codes_and_wave_together(clips: Clips, config: FamilyConfig) -> None:
    maker = ItemMaker(clips, ItemConfig(crop_frames=30, other_reference=1.0), config)
    assert maker.lengths() == [30] * len(clips.names)
    whole, codes = clips.wave(0), clips.content(0).codes
    assert codes is not None
    starts = set()
    for seed in range(12):
        item = maker.make(Draw(0, seed))
        at = int(
            np.argmax([np.array_equal(whole[s * 1280 : s * 1280 + 19200], item.wave) for s in range(20)])
        )
        assert np.array_equal(item.content.codes, codes[at : at + 15])
        starts.add(at)
    assert len(starts) > 2


def test_text_is_dropped_as_often_as_asked(clips: Clips, config: FamilyConfig) -> None:
    maker = ItemMaker(clips, ItemConfig(drop_text=0.2), config)
    dropped = sum(maker.make(Draw(0, seed)).phones == [config.blank_phone] for seed in range(300))
    assert 35 <= dropped <= 90


def test_clips_shorter_than_a_slice_are_used(clips: Clips, config: FamilyConfig) -> None:
    item = ItemMaker(clips, ItemConfig(crop_frames=6), config).make(Draw(0, 1))
    batch = collate([item], config)
    assert batch.noise.shape[2] >= config.segment_frames and batch.slice_starts.tolist() == [0]
    recipe = base_recipe(10, 5)
    items = recipe.items.model_copy(update={"crop_frames": 6})
    assert math.isfinite(step(task_of(clips, config, recipe.model_copy(update={"items": items})))["loss"])


def test_content_frames_are_fitted_or_refused() -> None:
    features = np.arange(8, dtype=np.float32).reshape(2, 4)
    assert fit_frames(features, 5, "x")[:, -1].tolist() == [3.0, 7.0]
    assert fit_frames(features, 3, "x").shape == (2, 3)
    with pytest.raises(DataError, match="does not fit"):
        fit_frames(features, 9, "x")


def test_published_rates_decay_once_an_epoch() -> None:
    rates = published_recipe().rates
    assert rates.rate(0, 0) == pytest.approx(1e-4 * 0.999875)
    assert rates.rate(10**6, 9) == pytest.approx(1e-4 * 0.999875**10)


def test_text_modules_learn_at_their_share(clips: Clips, config: FamilyConfig) -> None:
    task = task_of(clips, config, published_recipe(0.4).model_copy(update={"items": base_recipe(9, 9).items}))
    step(task)
    optimizer = task.optimizers["generator"]
    assert [group["lr"] / optimizer.param_groups[0]["lr"] for group in optimizer.param_groups[1:]] == [
        pytest.approx(0.4)
    ] * 3
    counted = sum(len(group["params"]) for group in optimizer.param_groups)
    assert counted == len(list(task.generator.parameters()))
    assert optimizer.defaults["betas"] == (0.8, 0.99) and optimizer.defaults["eps"] == 1e-9


@pytest.mark.parametrize("recipe", [base_recipe(100, 2), tiny_recipe(), published_recipe()], ids="btp")
def test_losses_fall(clips: Clips, config: FamilyConfig, recipe: Recipe) -> None:
    rates = recipe.rates.model_copy(update={"learning_rate": 2e-3, "warm_up_steps": 0})
    task = task_of(clips, config, recipe.model_copy(update={"rates": rates}))
    mels = [step(task, number)["mel"] for number in range(8)]
    assert np.mean(mels[-3:]) < 0.95 * np.mean(mels[:2])


def test_a_dry_step_changes_nothing(clips: Clips, config: FamilyConfig) -> None:
    task = task_of(clips, config, base_recipe(10, 0))
    before = {k: v.clone() for k, v in task.generator.state_dict().items()}
    judge = {k: v.clone() for k, v in task.discriminator.state_dict().items()}
    values = step(task, 200, dry=True)
    assert {"mel", "prior_mel", "discriminator", "adversarial", "features", "kl"} <= values.keys()
    assert all(torch.equal(v, task.generator.state_dict()[k]) for k, v in before.items())
    assert all(torch.equal(v, task.discriminator.state_dict()[k]) for k, v in judge.items())
    assert not task.optimizers["generator"].state


def test_the_frozen_quantizer_stays(clips: Clips, config: FamilyConfig) -> None:
    task = task_of(clips, config, base_recipe(10, 0))
    frozen = {k: v.clone() for k, v in task.generator.state_dict().items() if k.startswith(("ssl", "quant"))}
    step(task)
    assert all(torch.equal(v, task.generator.state_dict()[k]) for k, v in frozen.items())


def test_an_unreadable_clip_is_named_and_the_batch_goes_on(clips: Clips, config: FamilyConfig) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            return getattr(clips, name)

        def wave(self, index: int) -> np.ndarray:
            if index == 2:
                raise DataError("it is gone")
            return clips.wave(index)

    items = base_recipe(10, 5).items.model_copy(update={"other_reference": 0.0})
    task = task_of(Broken(), config, base_recipe(10, 5).model_copy(update={"items": items}))  # type: ignore
    batch = task.load(Batch(0, 0, tuple(Draw(i, i) for i in range(4))))
    assert batch.names == ["clip0", "clip1", "clip3"] and task.failures() == {"clip2": "it is gone"}
    with pytest.raises(DataError, match="clip2"):
        task.load(Batch(0, 0, (Draw(2, 1),)))


def test_bins_above_the_bandwidth_weigh_less() -> None:
    loss = SpectralLoss(32000, ((1024, 256, 80),), above_bandwidth=0.0)
    low = torch.sin(2 * torch.pi * 500 * torch.arange(8192) / 32000)[None]
    noisy = low + 0.3 * torch.sin(2 * torch.pi * 14000 * torch.arange(8192) / 32000)
    narrow, wide = torch.tensor([8000.0]), torch.tensor([16000.0])
    assert loss(low, noisy, wide)[1] > 2 * loss(low, noisy, narrow)[1]


def test_a_limited_band_is_silent_above() -> None:
    found = limit_band(torch.ones(2, 1025, 3), torch.tensor([8000.0, math.inf]), 32000)
    assert float(found[0, 520:].max()) < 1e-3 and float(found[0, :500].min()) == 1.0
    assert float(found[1].min()) == 1.0


def test_recipes_refuse_unknown_fields() -> None:
    with pytest.raises(ValueError, match="extra"):
        LossConfig(mell=3)  # type: ignore[call-arg]


RANKS = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from gsv.events import Events
from gsv.training.task import LoopSettings
from gsv.workflows.train_sovits import SovitsRequest, train_sovits
folder, output = Path(sys.argv[1]), Path(sys.argv[2])
loop = LoopSettings(steps=4, save_minutes=0, workers=0, batch_frames=1)
request = SovitsRequest(
    arrays=folder, output=output, from_scratch=True, quantizer=folder / "quantizer.safetensors",
    configuration=folder / "configuration.json", workspace=folder, adversarial_from=0, device="cpu",
    batch_seconds=5.0, previews=0, loop=loop,
)
train_sovits(request, Events())
"""


def test_two_processes_equal_one(tmp_path: Path) -> None:
    """`torchrun` with two CPU processes against one process with the joined batch."""
    arrays = small_arrays(tmp_path / "arrays", clips=8)
    script = tmp_path / "train.py"
    script.write_text(RANKS)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    for name, command in (("one", [sys.executable]), ("two", launcher)):
        found = subprocess.run(
            [*command, str(script), str(arrays), str(tmp_path / name)], capture_output=True, text=True
        )
        assert found.returncode == 0, found.stderr
    generations = [next((tmp_path / name / "checkpoints" / "sovits").glob("gen*")) for name in ("one", "two")]
    for part in ("generator", "discriminator"):
        one, two = (load_file(place / f"{part}.safetensors") for place in generations)
        for key, value in one.items():
            torch.testing.assert_close(two[key], value, rtol=1e-5, atol=1e-5)
    metrics = [
        (tmp_path / name / "metrics" / "sovits.jsonl").read_text().splitlines() for name in ("one", "two")
    ]
    for first, second in zip(*metrics, strict=True):
        assert json.loads(second)["loss"] == pytest.approx(json.loads(first)["loss"], rel=1e-4)
