"""A text encoder of a few numbers in the layout of chinese-roberta-wwm-ext-large, written by the test."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import BertConfig, BertForMaskedLM

CHARACTERS = "今天气很好你再见我们,。.!?…四花了三点五元改变世界"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CHARACTERS, "open", "##ai", "gpt", "-"]


def write_bert(
    folder: Path, dimension: int = 12, seed: int = 0, positions: int = 32, loudness: float = 0.2
) -> BertForMaskedLM:
    """Write a folder and give the whole network that it was cut from; `loudness` sizes its vectors."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = BertConfig(
            vocab_size=len(WORDS), hidden_size=dimension, num_hidden_layers=5, num_attention_heads=2,
            intermediate_size=16, max_position_embeddings=positions, hidden_act="gelu",
        )  # fmt: skip
        network = BertForMaskedLM(config).eval()
        for value in network.parameters():
            torch.nn.init.normal_(value, std=0.2)
        torch.nn.init.normal_(network.bert.encoder.layer[2].output.LayerNorm.weight, std=loudness)
    folder.mkdir(parents=True)
    config.save_pretrained(str(folder))
    state = {key: value.half() for key, value in network.state_dict().items()}
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    network.load_state_dict(state)
    assert json.loads((folder / "config.json").read_text())["num_hidden_layers"] == 5
    return network.float()


def ids_of(text: str) -> list[int]:
    return [WORDS.index(character) for character in text]
