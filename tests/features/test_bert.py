"""BERT features: the third last hidden states, a vector a character, whatever shares the batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gsv.errors import WeightsError
from gsv.features.bert import BertEncoder, bert_identity, missing_from, spread
from tests.features.miniature_bert import ids_of, write_bert

TEXTS = ["今天很好.", "你好", "我们改变世界,再见!", "好"]


def test_vectors_are_the_third_last_hidden_states(tmp_path: Path) -> None:
    whole = write_bert(tmp_path / "bert")
    found = BertEncoder.load(tmp_path / "bert").features(TEXTS)
    for text, vectors in zip(TEXTS, found, strict=True):
        ids = torch.tensor([[2, *ids_of(text), 3]])
        with torch.no_grad():
            wanted = whole(input_ids=ids, output_hidden_states=True).hidden_states[-3][0, 1:-1]
        assert vectors.shape == (12, len(text))
        assert torch.allclose(vectors.T, wanted, atol=1e-4)


def test_parts_of_words_unknown_signs_and_long_texts(tmp_path: Path) -> None:
    write_bert(tmp_path / "bert", positions=12)
    encoder = BertEncoder.load(tmp_path / "bert")
    word, unknown, long = encoder.features(["OpenAI好", "\u200b好", "今天很好," * 5])
    # Letters of one part of a word share its vector; what is no token stays at zero.
    assert torch.equal(word[:, 0], word[:, 3]) and not torch.equal(word[:, 3], word[:, 4])
    assert not unknown[:, 0].any() and unknown[:, 1].any()
    first = encoder.features([("今天很好," * 5)[:10]])[0]
    assert torch.allclose(long[:, :10], first, atol=1e-4) and long.shape == (12, 25)
    assert long.abs().sum(dim=0).min() > 0
    assert encoder.features([""])[0].shape == (12, 0)


def test_a_character_fills_its_phones() -> None:
    vectors = torch.arange(6.0).view(2, 3)
    assert spread(vectors, [2, 0, 1]).tolist() == [[0, 0, 2], [3, 3, 5]]
    with pytest.raises(ValueError, match="2 counts for 3"):
        spread(vectors, [1, 2])


def test_folders_that_are_none(tmp_path: Path) -> None:
    assert "config.json" in missing_from(tmp_path)
    with pytest.raises(WeightsError, match="download roberta"):
        BertEncoder.load(tmp_path)
    folder = tmp_path / "bert"
    write_bert(folder)
    before = bert_identity(folder)
    write_bert(tmp_path / "other" / "bert", seed=1)
    assert bert_identity(tmp_path / "other" / "bert").version != before.version
    torch.save({"bert.embeddings.word_embeddings.weight": torch.zeros(2, 2)}, folder / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="do not fit"):
        BertEncoder.load(folder)
    (folder / "vocab.txt").write_text("[UNK]\n好\n", encoding="utf-8")
    with pytest.raises(WeightsError, match="words of"):
        BertEncoder.load(folder)
    (folder / "vocab.txt").unlink()
    with pytest.raises(WeightsError, match="tokenizer"):
        BertEncoder.load(folder)
