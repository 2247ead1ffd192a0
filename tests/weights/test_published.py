"""Published files, written here at their published sizes in every variant, are read strictly and by content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gsv.errors import WeightsError
from gsv.families import family
from gsv.weights.layouts import discriminator_layout, gpt_layout, sovits_layout
from gsv.weights.published import (
    PublishedGpt,
    PublishedSovits,
    check_pair,
    read_discriminator,
    read_gpt,
    read_network,
    read_sovits,
)
from gsv.weights.recognition import recognise

Write = Callable[..., Path]
Layout = dict[str, tuple[int, ...]]
MARKS = {"v1": None, "v2": None, "v2Pro": "05", "v2ProPlus": "06"}


def halves(layout: Layout) -> dict[str, torch.Tensor]:
    """A half precision state with the layout's names; the first number of each tensor tells it from the others."""
    state = {}
    for number, (key, shape) in enumerate(layout.items()):
        tensor = torch.zeros(shape, dtype=torch.float16)
        tensor.view(-1)[:1] = number
        state[key] = tensor
    return state


def settings_of(name: str) -> dict[str, dict[str, object]]:
    """The settings that published training writes into a file, with keys that only training used."""
    kernels = [20, 16, 8, 2, 2] if name == "v2ProPlus" else [16, 16, 8, 2, 2]
    return {
        "train": {"seed": 1234, "fp16_run": True, "betas": [0.8, 0.99]},
        "data": {"sampling_rate": 32000, "filter_length": 2048, "hop_length": 640, "win_length": 2048},
        "model": {
            "version": name,
            "n_heads": 2,
            "upsample_rates": [10, 8, 2, 2, 2],
            "upsample_kernel_sizes": kernels,
            "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
            "semantic_frame_rate": "25hz",
        },
    }


@pytest.mark.parametrize(
    ("name", "posterior"), [("v1", False), ("v2", True), ("v2", False), ("v2Pro", False), ("v2ProPlus", True)]
)
def test_sovits_of_every_family(write_published: Write, name: str, posterior: bool) -> None:
    layout = sovits_layout(family(name), with_posterior=posterior)
    path = write_published(halves(layout), settings_of(name), mark=MARKS[name])
    read = read_sovits(path)
    assert (read.family, read.has_posterior, read.info) == (name, posterior, "8epoch_1234iteration")
    assert read.config == family(name)
    assert list(read.state) == list(layout)
    for number, (key, tensor) in enumerate(read.state.items()):
        assert tensor.dtype is torch.float32 and tuple(tensor.shape) == layout[key]
        assert not tensor.numel() or tensor.view(-1)[0] == number
    model = read.hyperparameters["model"]
    assert isinstance(model, dict) and model["version"] == name
    assert any(key.startswith("enc_q.") for key in read.state) == posterior


def test_marks_decide_nothing(write_published: Write) -> None:
    path = write_published(halves(sovits_layout(family("v1"), with_posterior=False)), {}, mark="06")
    assert read_sovits(path).family == "v1"


def test_discriminators(write_published: Write) -> None:
    for name, periods in (("v2", 6), ("v2Pro", 8)):
        layout = discriminator_layout(family(name))
        read = read_discriminator(write_published(halves(layout), name=f"{name}.pth"))
        assert read.generation == name and list(read.state) == list(layout)
        assert len({key.split(".")[1] for key in read.state}) == periods


@pytest.mark.parametrize("symbols", ["v1", "v2"])
def test_gpt(write_published: Write, symbols: str) -> None:
    layout = gpt_layout(symbols)
    assert len(layout) == 295
    config = {"data": {"max_sec": 54}, "model": {"n_layer": 24, "hidden_dim": 512, "EOS": 1024, "head": 16}}
    read = read_gpt(write_published(halves(layout), config, "gpt.ckpt", plain_config=True))
    assert read.symbols == symbols and read.max_seconds == 54 and list(read.state) == list(layout)


def test_a_pair_that_does_not_fit() -> None:
    gpt = PublishedGpt("old voice.ckpt", "v1", {}, "", 54.0, {})
    sovits = PublishedSovits("new voice.pth", "v2", family("v2"), {}, "", False, {})
    check_pair(sovits, PublishedGpt("new voice.ckpt", "v2", {}, "", 54.0, {}))
    with pytest.raises(WeightsError) as error:
        check_pair(sovits, gpt)
    text = str(error.value)
    assert "old voice.ckpt" in text and "new voice.pth" in text and "\n" not in text


def small(layout: Layout) -> dict[str, torch.Tensor]:
    """The layout's names without its sizes: enough where a file is refused before its shapes are looked at."""
    return {key: torch.zeros(1) for key in layout}


def test_another_kind_of_file_is_named(write_published: Write, save_marked: Write) -> None:
    sovits = halves({"enc_p.text_embedding.weight": (732, 192), "dec.conv_pre.weight": (512, 192, 7)})
    gpt = {"model.ar_text_embedding.word_embeddings.weight": torch.zeros(732, 4)}
    files = {
        "a GPT model (v2)": write_published(gpt, name="gpt.ckpt"),
        "a SoVITS discriminator (v2)": write_published(
            small(discriminator_layout(family("v2"))), name="d.pth"
        ),
        "the speaker verification network": save_marked({"layer3_ds.weight": torch.zeros(1)}, "sv.ckpt"),
        "the 48 kHz vocoder of v4": save_marked({"resblocks.0.convs1.0.weight": torch.zeros(1)}, "voc.pth"),
        "a BERT text encoder": save_marked(
            {"bert.embeddings.word_embeddings.weight": torch.zeros(1)}, "b.bin"
        ),
    }
    for sentence, path in files.items():
        with pytest.raises(WeightsError) as error:
            read_sovits(path)
        assert f"{path.name} is {sentence}, but a SoVITS model is needed here" in str(error.value)
        assert recognise(path).sentence == sentence
    with pytest.raises(WeightsError, match="but a GPT model is needed here"):
        read_gpt(write_published(sovits, name="s.pth"))
    with pytest.raises(WeightsError, match="but a SoVITS discriminator is needed here"):
        read_discriminator(files["a GPT model (v2)"])


@pytest.mark.parametrize(
    ("keys", "mark", "sentence"),
    [
        (["enc_p.text_embedding.weight", "cfm.estimator.proj_out.weight"], None, "generation v3 or v4"),
        (["cfm.base_model.model.estimator.a.to_q.lora_A.default.weight"], "04", r"LoRA .*\(v4\)"),
        (["cfm.base_model.model.estimator.a.to_q.lora_A.default.weight"], "03", r"LoRA .*\(v3\)"),
    ],
)
def test_later_generations_are_recognised(
    write_published: Write, keys: list[str], mark: str | None, sentence: str
) -> None:
    path = write_published({key: torch.zeros(2, 2) for key in keys}, mark=mark, lora_rank=32)
    with pytest.raises(WeightsError, match=sentence) as error:
        read_sovits(path)
    assert "not supported yet" in str(error.value)


def test_unknown_sizes_and_unknown_networks(write_published: Write, save_marked: Write) -> None:
    state = {
        "enc_p.text_embedding.weight": torch.zeros(500, 2),
        "dec.conv_pre.weight": torch.zeros(512, 1, 1),
    }
    with pytest.raises(WeightsError, match="unknown family"):
        read_sovits(write_published(state))
    with pytest.raises(WeightsError, match="unknown kind"):
        read_sovits(save_marked({"transformer.weight": torch.zeros(1)}))
    for value in ([1, 2], {"weight": {}}, {"weight": {"a": "text"}}, "text"):
        with pytest.raises(WeightsError, match="holds no weights"):
            read_sovits(save_marked(value))


def changed(layout: Layout, change: str) -> Layout:
    layout = dict(layout)
    if change == "missing":
        del layout["flow.flows.4.post.bias"]
    elif change == "foreign":
        layout["dec.extra.weight"] = (1,)
    else:
        layout["enc_p.proj.weight"] = (384, 96, 1)
    return layout


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ("missing", r"1 tensor is missing \(flow.flows.4.post.bias\)"),
        ("foreign", r"1 tensor does not belong there \(dec.extra.weight\)"),
        ("shape", r"enc_p.proj.weight is \[384, 96, 1\] and should be \[384, 192, 1\]"),
    ],
)
def test_strict(write_published: Write, change: str, match: str) -> None:
    layout = changed(sovits_layout(family("v2"), with_posterior=False), change)
    # Only shapes matter here, so one number stands for each tensor where that keeps the shape.
    state = {key: torch.zeros(shape, dtype=torch.int8) for key, shape in layout.items()}
    with pytest.raises(WeightsError, match=match):
        read_sovits(write_published(state))


def test_part_of_a_posterior_is_refused(write_published: Write) -> None:
    layout = sovits_layout(family("v2"), with_posterior=False) | {"enc_q.pre.bias": (192,)}
    state = {key: torch.zeros(shape, dtype=torch.int8) for key, shape in layout.items()}
    with pytest.raises(WeightsError, match=r"102 tensors are missing \(enc_q"):
        read_sovits(write_published(state))


def test_settings_of_another_network_are_refused(write_published: Write) -> None:
    state = {key: torch.zeros(1) for key in ("enc_p.text_embedding.weight", "dec.conv_pre.weight")}
    state["enc_p.text_embedding.weight"] = torch.zeros(732, 1)
    state["dec.conv_pre.weight"] = torch.zeros(512, 1, 1)
    for place, value in (("hop_length", 320), ("sampling_rate", 48000)):
        with pytest.raises(WeightsError, match=f"its setting data.{place} is {value}"):
            read_sovits(write_published(state, {"data": {place: value}}))


def test_settings_that_grow_without_end_are_refused(write_published: Write) -> None:
    deep: list[object] = []
    for _ in range(40):
        deep = [deep, deep]
    state = {
        "enc_p.text_embedding.weight": torch.zeros(732, 1),
        "dec.conv_pre.weight": torch.zeros(512, 1, 1),
    }
    with pytest.raises(WeightsError, match="larger than any settings"):
        read_sovits(write_published(state, {"model": deep}))


def test_infinite_numbers_are_named(write_published: Write) -> None:
    state = halves(sovits_layout(family("v2"), with_posterior=False))
    state["dec.conv_post.weight"][0, 3, 2] = float("nan")
    with pytest.raises(WeightsError, match=r"dec.conv_post.weight holds numbers"):
        read_sovits(write_published(state))


def test_bare_tables_of_other_networks(save_marked: Write, write_published: Write) -> None:
    layout = {"layer3_ds.weight": (4, 2, 3, 3), "bn1.num_batches_tracked": ()}
    state = {
        "layer3_ds.weight": torch.ones(4, 2, 3, 3).half(),
        "bn1.num_batches_tracked": torch.tensor(3),
    }
    read = read_network(save_marked(state), "speaker", layout)
    assert read["layer3_ds.weight"].dtype is torch.float32 and read["bn1.num_batches_tracked"] == 3
    with pytest.raises(WeightsError, match=r"1 tensor is missing \(conv1.weight\)"):
        read_network(save_marked(state), "speaker", {**layout, "conv1.weight": (1,)})
    with pytest.raises(WeightsError, match="but the 48 kHz vocoder of v4 is needed here"):
        read_network(save_marked(state), "vocoder", layout)


def test_words_from_a_file_cannot_command_a_terminal(save_marked: Write) -> None:
    value = {"weight": {"layer3_ds.weight": torch.ones(1)}, "info": "\x1b]0;evil\x07\n\ud800 3 epochs"}
    assert recognise(save_marked(value)).info == "?]0;evil??? 3 epochs"


def test_a_training_checkpoint_is_read(save_marked: Write) -> None:
    layout = sovits_layout(family("v2"))
    value = {
        "model": halves(layout),
        "iteration": 3,
        "optimizer": {"state": {0: {"step": 1.0}}},
        "learning_rate": 1e-4,
    }
    assert read_sovits(save_marked(value, "G_1234.pth")).has_posterior
