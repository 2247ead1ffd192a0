"""Reading with a language of phones: against all alignments counted out, where it doubts, and what is refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from gsv.errors import WeightsError
from gsv.listening.alignment import greedy_ids
from gsv.listening.beam import BeamSettings, read_with_language
from gsv.models.phone_language import PhoneLanguage

SYMBOLS = 3
ALL = 10_000


def language(seed: int = 0) -> PhoneLanguage:
    torch.manual_seed(seed)
    network = PhoneLanguage(SYMBOLS, 4, 6).eval()
    # The first weights say almost the same of every phone.
    with torch.no_grad():
        network.embedding.weight.mul_(3)
    return network


def heard(seed: int, frames: int) -> np.ndarray:
    logits = torch.randn(frames, SYMBOLS + 1, generator=torch.Generator().manual_seed(seed))
    return (1.5 * logits).log_softmax(-1).numpy()


def text_score(network: PhoneLanguage, ids: tuple[int, ...], settings: BeamSettings) -> float:
    total, state, last = 0.0, None, SYMBOLS
    for phone in ids:
        row, state = network.follow(torch.tensor([last]), state)
        total += settings.weight * float(row[0, phone]) + settings.reward
        last = phone
    return total


def best_of_all(scores: np.ndarray, network: PhoneLanguage, settings: BeamSettings) -> list[int]:
    """The best reading by counting every alignment out."""
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(SYMBOLS + 1), repeat=len(scores)):
        joined = tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != SYMBOLS)
        chance = float(np.exp(sum(scores[frame, symbol] for frame, symbol in enumerate(path))))
        found[joined] = found.get(joined, 0.0) + chance
    return list(max(found, key=lambda ids: np.log(found[ids]) + text_score(network, ids, settings)))


@pytest.mark.parametrize("seed", range(6))
def test_the_best_reading_is_that_of_all_alignments(seed: int) -> None:
    network, scores = language(seed), heard(seed, 5)
    for weight, reward in ((0.5, 1.0), (0.0, 0.0), (2.0, 0.5)):
        settings = BeamSettings(weight, reward, beams=ALL, floor=-50.0)
        assert read_with_language(scores, network, settings) == best_of_all(scores, network, settings)


def test_a_clear_ear_is_believed_and_a_doubtful_one_is_helped() -> None:
    network = language()
    said = [0, 2, 2, 1]
    frames = [SYMBOLS, 0, 2, SYMBOLS, 2, 1]
    clear = np.full((6, SYMBOLS + 1), -12.0, dtype=np.float32)
    clear[np.arange(6), frames] = -1e-4
    assert greedy_ids(clear, SYMBOLS) == said == read_with_language(clear, network)
    row, _ = network.follow(torch.tensor([SYMBOLS]))
    likely, unlikely = int(row[0].argmax()), int(row[0].argmin())
    doubtful = np.full((1, SYMBOLS + 1), -9.0, dtype=np.float32)
    doubtful[0, unlikely], doubtful[0, likely] = np.log(0.51), np.log(0.49)
    assert greedy_ids(doubtful, SYMBOLS) == [unlikely]
    assert read_with_language(doubtful, network, BeamSettings(weight=3.0)) == [likely]


def test_nothing_is_read_of_nothing_and_other_heads_are_refused() -> None:
    assert read_with_language(np.zeros((0, SYMBOLS + 1), np.float32), language()) == []
    silence = np.full((4, SYMBOLS + 1), -30.0, dtype=np.float32)
    silence[:, SYMBOLS] = 0
    assert read_with_language(silence, language()) == []
    with pytest.raises(ValueError, match="3 phones, the head 7"):
        read_with_language(np.zeros((2, 8), np.float32), language())


def test_a_step_is_what_the_whole_is_and_a_file_comes_back(tmp_path: Path) -> None:
    network = language()
    ids = torch.tensor([[SYMBOLS, 1, 0, 2], [SYMBOLS, 2, 2, 1]])
    whole = network(ids)[0].log_softmax(-1)
    state = None
    for place in range(ids.shape[1]):
        row, state = network.follow(ids[:, place], state)
        assert torch.allclose(row, whole[:, place], atol=1e-6)
    path = tmp_path / "language.safetensors"
    network.save(path)
    back = PhoneLanguage.load(path, SYMBOLS)
    assert torch.allclose(back(ids)[0], network(ids)[0], atol=2e-2) and not back.training
    with pytest.raises(WeightsError, match="knows 3 phones, the encoder beside it 732"):
        PhoneLanguage.load(path, 732)
    path.write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="cannot be used"):
        PhoneLanguage.load(path, SYMBOLS)
