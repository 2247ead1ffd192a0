"""Training the semantic decoder: filters, items, losses, and whole runs on a language of one code a phone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from gsv.corpus.experiment import Experiment, ItemRecord, ModelIdentity
from gsv.corpus.tables import TextRow, tensor_bytes, write_semantic_table, write_text_table
from gsv.errors import Cancelled, DataError, InputError
from gsv.events import Events, RecordedEvents
from gsv.gpt_families import GptConfig, small_gpt
from gsv.models.gpt.decoder import GptBatch, new_decoder
from gsv.text.symbols import table
from gsv.training.arrays import PreparedArrays
from gsv.training.gpt_batch import GptItemMaker, collate, worse_version
from gsv.training.gpt_clips import ArrayGptClips, phone_places
from gsv.training.gpt_losses import (
    alignment_terms,
    preference_loss,
    sequence_scores,
    targets_of,
    token_losses,
    top_hits,
)
from gsv.training.gpt_recipes import GptItemConfig, GptRecipe, base_gpt_recipe, published_gpt_recipe
from gsv.training.loop import RunResult
from gsv.training.sampler import Draw
from gsv.training.task import LoopSettings
from gsv.weights.bundle import code_version, save_bundle
from gsv.weights.networks import gpt_info, load_gpt
from gsv.workflows import train_gpt as train_gpt_workflow
from gsv.workflows.train_gpt import GptRequest, request_of, train_gpt

CODES_A_PHONE = 3
PHONES = 12
"""Kinds of phones in the toy language; phone p is said by code p, three times."""


def sentence(seed: int) -> tuple[list[int], list[int]]:
    """Phones and codes of one toy clip."""
    phones = np.random.default_rng(seed).integers(1, PHONES, size=5 + seed % 4).tolist()
    return phones, [phone for phone in phones for _ in range(CODES_A_PHONE)]


def make_arrays(folder: Path, clips: int = 24) -> Path:
    """Prepared arrays of toy clips by two speakers, with codes and places of phones; the last four are held
    out.
    """
    folder.mkdir()
    items, codes, places = [], {}, {}
    for number in range(clips):
        phones, said = sentence(number)
        name = f"clip{number:02d}"
        codes[name] = said
        places[name] = [2 * CODES_A_PHONE * i for i in range(len(phones))]
        part = "train" if number < clips - 4 else "held"
        speaker = f"speaker{number % 2}"
        rest = {"offset16": 0, "length16": 0, "offset32": 0, "length32": 0, "source_rate": 32000}
        items.append(
            {
                "name": name,
                "speaker": speaker,
                "language": "en",
                "text": "",
                "phones": phones,
                "spoken": phones,
            }
            | {"part": part}
            | rest
        )
    for name in ("wave16.i16", "wave32.i16"):
        (folder / name).write_bytes(b"\0\0")
    (folder / "items.json").write_text(json.dumps(items))
    (folder / "codes.json").write_text(json.dumps({"version": "toy", "codes": codes}))
    (folder / "aligned_phones.json").write_text(json.dumps(places))
    return folder


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_arrays(tmp_path_factory.mktemp("gpt") / "arrays")


CONFIG = small_gpt("tiny", dropout=0.05, embedding_dropout=0.0)
WIDE_RATES = GptItemConfig(phones_a_second=(1.0, 25.0), minimum_items=1)


def test_filters_name_what_they_leave_out() -> None:
    settings = GptItemConfig()
    assert settings.fault(30, 100, 25) == ""
    assert settings.fault(300, 1351, 25).startswith("too long: 54.0 s")
    assert settings.fault(541, 1350, 25).startswith("too many phones: 541")
    assert settings.fault(11, 100, 25).startswith("too slow: 2.8")
    assert settings.fault(101, 100, 25).startswith("too fast: 25.2")
    assert settings.fault(0, 100, 25) == "no phones" and settings.fault(5, 0, 25) == "no semantic codes"
    assert (settings.repeats(100), settings.repeats(60), settings.repeats(7)) == (1, 2, 14)


def test_codes_belong_to_the_phone_under_way() -> None:
    assert phone_places([0, 3, 3, 8], 6).tolist() == [0, 2, 2, 2, 3, 3]
    assert phone_places([2, 5], 3).tolist() == [0, 0, 1]


def test_items_are_pairs_of_one_speaker_with_their_phones_known(arrays: Path) -> None:
    clips = ArrayGptClips(PreparedArrays.open(arrays), "train", CONFIG, WIDE_RATES)
    settings = GptItemConfig(pair=1.0, noise=0.2)
    maker = GptItemMaker(clips, settings, CONFIG, with_worse=True)
    for index in range(len(clips.names)):
        item = maker.make(Draw(index, 7 + index))
        again = maker.make(Draw(index, 7 + index))
        assert np.array_equal(item.heard, again.heard) and np.array_equal(item.codes, again.codes)
        own = len(clips.codes(index))
        assert 1.5 * own <= len(item.codes) <= 2.6 * own
        assert np.array_equal(item.phones[item.phone_of_code], item.codes)
        assert 0 < (item.heard != item.codes).sum() < len(item.codes) / 2
        assert item.worse is not None and len(item.worse) != len(item.codes)
        assert maker.drawn_length(Draw(index, 7 + index)) == 2 * (len(item.codes) + len(item.phones))
        assert maker.drawn_length(Draw(index, 7 + index)) > maker.lengths()[index]


def test_some_items_come_without_their_text(arrays: Path) -> None:
    clips = ArrayGptClips(PreparedArrays.open(arrays), "train", CONFIG, WIDE_RATES)
    draws = [Draw(index, 100 * index + n) for index in range(len(clips.names)) for n in range(10)]
    told = [GptItemMaker(clips, GptItemConfig(), CONFIG, False).make(draw) for draw in draws]
    some = [GptItemMaker(clips, GptItemConfig(untold=0.3), CONFIG, False).make(draw) for draw in draws]
    without = [bool((item.phones == CONFIG.no_text).all()) for item in some]
    assert 0.2 < np.mean(without) < 0.4
    for item, other, untold in zip(some, told, without, strict=True):
        assert np.array_equal(item.codes, other.codes) and len(item.phones) == len(other.phones)
        assert bool((item.phone_of_code == -1).all()) == untold
        assert untold or np.array_equal(item.phones, other.phones)
    never = CONFIG.model_copy(update={"no_text": None})
    kept = GptItemMaker(clips, GptItemConfig(untold=0.9), never, False).make(draws[0])
    assert np.array_equal(kept.phones, told[0].phones)


def test_worse_versions_repeat_or_lose_one_stretch() -> None:
    random = np.random.default_rng(3)
    codes = np.arange(9)
    longer = 0
    for _ in range(200):
        worse = worse_version(codes, random)
        assert len(worse) and len(worse) != len(codes) and len(worse) <= 18
        longer += len(worse) > len(codes)
    assert 70 < longer < 140
    assert worse_version(np.array([5]), random).tolist() == [5, 5]


def test_padding_never_counts() -> None:
    codes = torch.tensor([[1, 2, 3], [4, 9, 9]])
    targets, valid = targets_of(codes, torch.tensor([3, 1]), 9)
    assert targets.tolist() == [[1, 2, 3, 9], [4, 9, 9, 9]]
    assert valid.int().tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    logits = torch.zeros(2, 4, 10)
    logits[0, 0, 1] = logits[0, 1, 7] = logits[1, 0, 4] = 5.0
    logits[0, 1:, [5, 6, 7]] += 4.0
    hits, of = top_hits(logits, targets, valid, 9)
    assert (int(hits), int(of)) == (2, 4)


def test_a_batch_has_the_losses_of_its_items(arrays: Path) -> None:
    clips = ArrayGptClips(PreparedArrays.open(arrays), "train", CONFIG, WIDE_RATES)
    maker = GptItemMaker(clips, GptItemConfig(pair=0.5), CONFIG, with_worse=True)
    network = new_decoder(CONFIG, 3).eval()
    items = [maker.make(Draw(index, index)) for index in range(5)]

    def measured(chosen: list[Any]) -> torch.Tensor:
        data = collate(chosen, CONFIG)
        assert data.worse is not None and data.worse_lengths is not None
        passed, other = network(data.inputs()), network(data.worse_inputs())
        targets, valid = targets_of(data.codes, data.code_lengths, CONFIG.end)
        worse_targets, worse_valid = targets_of(data.worse, data.worse_lengths, CONFIG.end)
        led, terms = alignment_terms(passed.attention, data.phone_of_code, data.code_lengths)
        return torch.stack(
            [
                (token_losses(passed.logits, targets) * valid).sum(),
                led,
                terms.float(),
                sequence_scores(other.logits, worse_targets, worse_valid).sum(),
            ]
        )

    with torch.no_grad():
        together = measured(items)
        alone = torch.stack([measured([item]) for item in items]).sum(0)
    assert torch.allclose(together, alone, rtol=1e-4)
    assert float(together[2]) == sum(2 * (len(item.codes) - 1) for item in items)


def test_preference_falls_as_the_better_becomes_likelier() -> None:
    rejected = torch.tensor([-10.0, -10.0])
    losses = [float(preference_loss(rejected + gap, rejected, 0.2)) for gap in (-5.0, 0.0, 5.0)]
    assert losses[0] > losses[1] == pytest.approx(np.log(2), rel=1e-5) and losses[1] > losses[2]


def test_rates_follow_their_schedules() -> None:
    published = published_gpt_recipe().rates
    assert [published.rate(step) for step in (0, 1, 9999)] == [0.01, 0.002, 0.002]
    own = base_gpt_recipe(1000).rates
    assert own.rate(0) < own.rate(50) < own.rate(100) > own.rate(900) > 0
    assert own.rate(5000) == pytest.approx(0.05 * own.learning_rate)
    recipe = base_gpt_recipe(1000)
    assert [recipe.alignment_at(step) for step in (0, 250, 500, 900)] == pytest.approx(
        [1.0, 0.875, 0.75, 0.55]
    )


def toy_recipe(**changes: Any) -> GptRecipe:
    recipe = base_gpt_recipe(60, learning_rate=6e-3)
    return recipe.model_copy(
        update={"items": GptItemConfig(pair=0.5, noise=0.02, minimum_items=1), **changes}
    )


def scratch(arrays: Path, output: Path, events: Events | None = None, **changes: Any) -> RunResult:
    """Train a small decoder from nothing on toy arrays."""
    configuration = output.with_suffix(".json")
    configuration.write_text(CONFIG.model_dump_json())
    quantizer = output.with_suffix(".quantizer")
    save_file({"ssl_proj.weight": torch.ones(2, 2)}, quantizer)
    loop = {"epochs": 10, "save_every": 5, "save_minutes": 0.0, "workers": 1, **changes.pop("loop", {})}
    request = GptRequest(
        arrays=arrays, output=output, workspace=output, from_scratch=True, configuration=configuration,
        batch_tokens=400, device="cpu", recipe=changes.pop("recipe", toy_recipe()), quantizer=quantizer,
        loop=LoopSettings(**loop), **changes,
    )  # fmt: skip
    return train_gpt(request, events if events is not None else Events())


class StopAt(RecordedEvents):
    """Asks for a stop once a step is reached."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def progress(self, done: int, total: int, what: str = "") -> None:
        if done >= self.step:
            self.request_stop()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_decoder_learns_and_a_stopped_run_goes_on_bit_for_bit(arrays: Path, tmp_path: Path) -> None:
    whole = scratch(arrays, tmp_path / "whole")
    with pytest.raises(Cancelled):
        scratch(arrays, tmp_path / "parts", StopAt(7))
    parts = scratch(arrays, tmp_path / "parts")
    assert whole.weights is not None and parts.weights is not None and whole.step == parts.step
    networks = [load_gpt(result.weights)[0].state_dict() for result in (whole, parts) if result.weights]
    assert all(torch.equal(networks[0][key], networks[1][key]) for key in networks[0])
    steps = lines(tmp_path / "whole" / "metrics" / "gpt.jsonl")
    first, last = steps[0], steps[-1]
    assert last["loss"] < 0.75 * first["loss"] and last["top3"] > first["top3"] + 0.2
    assert last["alignment"] < 0.8 * first["alignment"]
    _, info = load_gpt(whole.weights)
    assert info.code_version == code_version({"ssl_proj.weight": torch.ones(2, 2)})
    assert "20 clips" in info.provenance and info.info == f"{whole.step} steps"
    shown = lines(tmp_path / "whole" / "metrics" / "gpt-previews.jsonl")[-1]
    assert {"held_loss", "held_top3", "ended", "length", "covered"} <= shown.keys()


def make_experiment(folder: Path, config: GptConfig) -> Experiment:
    """An experiment's tables with eight usable clips, and one for each way to be left out."""
    experiment = Experiment.create(folder, "v2")
    names = table(config.symbols).names
    texts, codes = {}, {}
    for number in range(8):
        phones, said = sentence(number)
        texts[f"clip{number}"] = TextRow(tuple(names[p] for p in phones), None, "")
        codes[f"clip{number}"] = said
    known = texts["clip0"].phones
    texts["no-codes"] = TextRow(known, None, "")
    codes["no-text"] = [1, 2, 3]
    texts["slow"], codes["slow"] = TextRow(known, None, ""), [1] * 200
    texts["strange"], codes["strange"] = TextRow(("nothing-such",), None, ""), [1] * 5
    texts["foreign"], codes["foreign"] = TextRow(known, None, ""), [10**6] * 15
    write_text_table(experiment.text_table, texts)
    write_semantic_table(experiment.semantic_table, codes)
    experiment.bert_folder.mkdir()
    for name, count in {"clip0": len(known), "clip1": 99}.items():  # the second belongs to another text
        (experiment.bert_folder / f"{name}.pt").write_bytes(
            tensor_bytes(torch.ones(config.bert_dimension, count))
        )
    with experiment.updating() as record:
        record.base = ModelIdentity(name="base", version="codes-1")
        record.items = {
            f"clip{n}": ItemRecord(
                source=f"{n}.wav", row=n + 1, speaker="one", language="zh" if n < 4 else "en"
            )
            for n in range(8)
        }
    return experiment


def test_an_experiment_is_trained_with_the_published_recipe(tmp_path: Path) -> None:
    # The codes of an experiment are those of its family: the small network keeps all 1024.
    config = small_gpt("v2", codes=1024)
    experiment = make_experiment(tmp_path / "logs" / "mine", config)
    base = tmp_path / "base.safetensors"
    save_bundle(
        base, new_decoder(config, 1).state_dict(), gpt_info(config, code_version="codes-1", licence="MIT")
    )
    events = RecordedEvents()
    options = {
        "experiment": "mine", "workspace": tmp_path, "base": base, "epochs": 1, "device": "cpu", "workers": 0,
        "save_every": 1, "save_minutes": 0.0, "previews": 2, "preference": True, "batch_tokens": 4000,
    }  # fmt: skip
    request = request_of(options)
    result = train_gpt(request, events)
    assert result.weights is not None and result.weights.parent == experiment.weights
    _, info = load_gpt(result.weights)
    assert (info.base, info.licence, info.code_version) == ("base.safetensors", "MIT", "codes-1")
    text = json.dumps(events.lines, default=str)
    for said in (
        "5 clips are left out",
        "no semantic codes: 1",
        "no text: 1",
        "too slow: 1",
        "unknown phone: 1",
        # clip0 and clip1 have features, clip2 and clip3 are Mandarin too
        "2 Mandarin clips have no BERT features",
    ):
        assert said in text
    assert "clip1.pt holds" in text  # its features do not fit: left out and told, the others go on
    step = lines(experiment.metrics / "gpt.jsonl")[0]
    assert step["rate"] == 0.01 and step["preference"] > 0
    other = tmp_path / "other.safetensors"
    save_bundle(other, new_decoder(config, 1).state_dict(), gpt_info(config, code_version="codes-2"))
    with pytest.raises(DataError, match="codes of mine were made with base"):
        train_gpt(request.model_copy(update={"base": other}), Events())


def test_wrong_requests_are_refused(arrays: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="data are not named"):
        train_gpt(GptRequest(workspace=tmp_path), Events())
    with pytest.raises(InputError, match=r"GPT weights .* missing"):
        train_gpt(GptRequest(workspace=tmp_path, arrays=arrays, base=tmp_path / "none.safetensors"), Events())
    with pytest.raises(InputError, match="no folder for the weights"):  # the base that ships is there for all
        train_gpt(GptRequest(workspace=tmp_path, arrays=arrays), Events())
    with pytest.raises(InputError, match="epochs"):
        request_of({"workspace": tmp_path, "epochs": 0})
    strict = toy_recipe(items=GptItemConfig(phones_a_second=(100.0, 200.0)))
    with pytest.raises(DataError, match="no clip to train the GPT on"):
        scratch(arrays, tmp_path / "none", recipe=strict)


def test_a_base_takes_another_dropout_but_no_other_sizes(arrays: Path, tmp_path: Path) -> None:
    base = tmp_path / "base.safetensors"
    save_bundle(base, new_decoder(CONFIG, 1).state_dict(), gpt_info(CONFIG), half=False)
    configuration = tmp_path / "changed.json"
    request = GptRequest(arrays=arrays, workspace=tmp_path, base=base, configuration=configuration)
    changed = CONFIG.model_copy(update={"dropout": 0.3})
    configuration.write_text(changed.model_dump_json())
    network, _ = train_gpt_workflow._network(request)
    assert network.config == changed
    for name, value in new_decoder(CONFIG, 1).state_dict().items():
        assert torch.equal(network.state_dict()[name], value), name
    configuration.write_text(CONFIG.model_copy(update={"layers": CONFIG.layers + 1}).model_dump_json())
    with pytest.raises(InputError, match="do not fit the configuration"):
        train_gpt_workflow._network(request)


def test_a_batch_of_one_phone_and_one_code_is_enough() -> None:
    network = new_decoder(CONFIG, 3)
    one = torch.ones(1, 1, dtype=torch.long)
    passed = network(GptBatch(one, torch.tensor([1]), one, torch.tensor([1])))
    assert passed.logits.shape == (1, 2, CONFIG.vocabulary)
    led, terms = alignment_terms(passed.attention, torch.zeros(1, 1, dtype=torch.long), torch.tensor([1]))
    assert float(led.detach()) == 0.0 and int(terms) == 0
