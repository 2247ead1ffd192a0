"""What is done in windows equals what is done at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gsv.families import miniature
from gsv.models.sovits.synthesizer import new_synthesizer
from gsv.synthesis.joining import DecoderStream, LatentJoiner, NoiseTape, windows


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(4, 30), st.data())
def test_windows_cover_the_source(lengths: list[int], size: int, data: st.DataObject) -> None:
    step = data.draw(st.integers(1, size - 1))
    source = np.arange(sum(lengths), dtype=np.float32)
    cuts = np.cumsum(lengths)[:-1] if lengths else []
    found = list(windows(np.split(source, cuts), size, step))
    assert [window.last for window in found] == [False] * (len(found) - 1) + [True] * (len(found) > 0)
    for window in found:
        assert (window.samples == source[window.start : window.start + size]).all()
        assert window.last or len(window.samples) == size
    assert not found or found[-1].start + len(found[-1].samples) == len(source)
    assert len(found) < 2 or len(found[-1].samples) > size - step


@given(st.integers(1, 200), st.integers(8, 40), st.integers(0, 9), st.data())
def test_joined_windows_of_one_latent_are_that_latent(
    total: int, size: int, fade: int, data: st.DataObject
) -> None:
    step = data.draw(st.integers(1, size - 1))
    whole = torch.randn(1, 3, total, generator=torch.Generator().manual_seed(total))
    joiner, parts, start = LatentJoiner(fade), [], 0
    while True:
        parts.append(joiner.push(whole[:, :, start : start + size], start))
        if start + size >= total:
            break
        start += step
    parts.append(joiner.finish())
    joined = torch.cat([part for part in parts if part is not None], dim=2)
    assert joined.shape == whole.shape and torch.allclose(joined, whole, atol=1e-6)


def test_fade_is_between_the_two() -> None:
    joiner = LatentJoiner(4)
    assert joiner.push(torch.zeros(1, 1, 10), 0) is None
    settled, rest = joiner.push(torch.ones(1, 1, 10), 4), joiner.finish()
    assert settled is not None and rest is not None
    values = torch.cat((settled, rest), dim=2)[0, 0]
    assert values.tolist() == [0] * 5 + [0.125, 0.375, 0.625, 0.875] + [1] * 5
    with pytest.raises(ValueError, match="gap"):
        joiner.push(torch.zeros(1, 1, 4), 0)
        joiner.push(torch.zeros(1, 1, 4), 9)


def test_noise_is_one_tape() -> None:
    tape = NoiseTape(5, torch.Generator().manual_seed(3))
    first, second = tape.take(0, 20), tape.take(13, 30)
    assert torch.equal(first[:, :, 13:], second[:, :, :7])
    assert torch.equal(
        tape.take(40, 200), NoiseTape(5, torch.Generator().manual_seed(3)).take(0, 240)[:, :, 40:]
    )
    assert abs(float(first.std()) - 1) < 0.3


@pytest.mark.parametrize("name", ["tiny", "v2"])
def test_decoder_pieces_equal_one_call(name: str) -> None:
    network = new_synthesizer(miniature(name), seed=0).eval()
    generator = torch.Generator().manual_seed(0)
    latent = torch.randn(1, network.config.latent, 230, generator=generator)
    speaker = torch.randn(1, network.config.speaker_dimension, 1, generator=generator)
    with torch.inference_mode():
        whole = network.dec(latent, speaker)[0, 0].numpy()
    stream = DecoderStream(network.dec, speaker, network.config.hop_length, context=32, chunk=50)
    pieces = [piece for part in latent.split(37, dim=2) for piece in stream.push(part)]
    assert max(len(piece) for piece in pieces) == 50 * 640
    joined = np.concatenate([*pieces, *stream.finish()])
    assert joined.shape == whole.shape and np.abs(joined - whole).max() < 1e-5
