"""The path of frames through a text: it never goes back, leaves nothing out, and the small base speaks along it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gsv.families import miniature
from gsv.models.sovits.synthesizer import Synthesizer, new_synthesizer
from gsv.models.sovits.text_path import LONGEST_JUMP, text_path


def looks(places: list[int], count: int, sharpness: float, seed: int) -> torch.Tensor:
    """Attention that is on `places`, more or less clearly."""
    noise = np.random.default_rng(seed).normal(size=(len(places), count))
    noise[np.arange(len(places)), places] += sharpness
    return torch.from_numpy(noise).softmax(dim=1)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, LONGEST_JUMP), min_size=1, max_size=60), st.integers(0, 99))
def test_a_clear_path_is_found(jumps: list[int], seed: int) -> None:
    places = np.cumsum([0, *jumps]).tolist()
    assert text_path(looks(places, places[-1] + 1, 30.0, seed)).tolist() == places


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 50), st.integers(1, 80), st.integers(0, 99))
def test_any_attention_gives_a_path(frames: int, count: int, seed: int) -> None:
    places = np.random.default_rng(seed).integers(count, size=frames).tolist()
    path = text_path(looks(places, count, 2.0, seed)).numpy()
    steps = np.diff(path)
    assert path.min() >= 0 and path.max() < count and (steps >= 0).all() and (steps <= LONGEST_JUMP).all()
    assert path[0] < LONGEST_JUMP
    if count <= frames:
        assert path[-1] >= count - LONGEST_JUMP, "the end of the text would be left out"


def test_nothing_to_look_at_is_no_error() -> None:
    assert text_path(torch.zeros(7, 3)).shape == (7,)
    assert text_path(torch.ones(1, 1)).tolist() == [0]


@pytest.fixture
def network() -> Synthesizer:
    return new_synthesizer(miniature("tiny"), 3).eval()


def test_a_batch_follows_as_each_item_alone(network: Synthesizer) -> None:
    assert network.config.prior.follows_text
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, network.config.content_dimension, 24, generator=generator)
    phones = torch.randint(1, network.config.phone_count, (2, 9), generator=generator)
    lengths, counts = torch.tensor([24, 15]), torch.tensor([9, 6])
    with torch.no_grad():
        together = network.text_places(features, lengths, phones, counts)
        alone = network.text_places(features[1:, :, :15], lengths[1:], phones[1:, :6], counts[1:])
    assert together is not None and alone is not None
    assert torch.equal(together[1, :15], alone[0]) and (together[1, 15:] == -1).all()


def test_only_a_text_is_followed_and_only_where_the_family_does(network: Synthesizer) -> None:
    features = torch.randn(1, network.config.content_dimension, 8, generator=torch.Generator().manual_seed(1))
    blank = torch.tensor([[network.config.blank_phone]])
    assert network.text_places(features, torch.tensor([8]), blank, torch.tensor([1])) is None
    published = new_synthesizer(miniature("v2"), 3).eval()
    features = torch.randn(
        1, published.config.content_dimension, 8, generator=torch.Generator().manual_seed(1)
    )
    assert (
        published.text_places(features, torch.tensor([8]), torch.tensor([[1, 2]]), torch.tensor([2])) is None
    )


def test_the_path_is_what_is_told_when_nothing_else_is(network: Synthesizer) -> None:
    generator = torch.Generator().manual_seed(2)
    codes = torch.randint(network.config.quantizer.codes, (1, 1, 6), generator=generator)
    phones = torch.randint(1, network.config.phone_count, (1, 7), generator=generator)
    speaker = torch.randn(1, network.config.speaker_dimension, 1, generator=generator)
    with torch.no_grad():
        features = network.features_of(codes[:, 0])
        places = network.text_places(features, torch.tensor([features.shape[2]]), phones, torch.tensor([7]))
        found = network.latent(codes, phones, speaker, noise_scale=0.0)[0]
        told = network.latent(codes, phones, speaker, noise_scale=0.0, phone_places=places)[0]
        free = network.latent(
            codes, phones, speaker, noise_scale=0.0, phone_places=torch.full_like(places, -1)
        )[0]
    assert torch.equal(found, told) and not torch.allclose(found, free)
