"""What the synthesizer promises beyond the recorded cases, on miniature networks of every family."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from gsv.errors import InputError
from gsv.families import FAMILY_NAMES, FamilyConfig, SpeakerInputConfig, family, miniature
from gsv.models.sovits.segments import cut_segments, draw_segments
from gsv.models.sovits.synthesizer import Synthesizer, new_synthesizer
from gsv.models.sovits.training_pass import TrainingBatch
from gsv.models.weight_norm import fold_weight_norm


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def lively(config: FamilyConfig, with_posterior: bool = True) -> Synthesizer:
    """A network whose zero-started parts and codebook hold something, so that mistakes show."""
    network = new_synthesizer(config, 1)
    generator = seeded(2)
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            if not tensor.any():
                tensor.normal_(generator=generator).mul_(0.1)
    if with_posterior:
        return network
    bare = Synthesizer(config, with_posterior=False)
    bare.load_state_dict({k: v for k, v in network.state_dict().items() if not k.startswith("enc_q.")})
    return bare


def batch_of(config: FamilyConfig, items: int = 3, frames: int = 24) -> TrainingBatch:
    """Random inputs of `items` clips of decreasing length."""
    generator = seeded(3)
    embedding = config.speaker_input
    return TrainingBatch(
        spectrogram=torch.rand(items, config.spectrogram.bins, frames, generator=generator),
        lengths=torch.tensor([frames - 2 * i for i in range(items)]),
        phones=torch.randint(0, config.phone_count, (items, 8), generator=generator),
        phone_lengths=torch.tensor([8 - i for i in range(items)]),
        content=torch.randn(items, config.content_dimension, frames, generator=generator),
        speaker_embedding=torch.randn(items, embedding.dimension, generator=generator) if embedding else None,
    )


@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_every_parameter_but_the_frozen_ones_learns(name: str) -> None:
    network = lively(miniature(name)).train()
    batch = batch_of(network.config)
    batch.decode_prior = True
    result = network(batch, seeded())
    assert result.prior_audio is not None
    samples = network.config.segment_frames * network.config.hop_length
    assert result.audio.shape == result.prior_audio.shape == (3, 1, samples)
    values = (result.audio, result.prior_audio, result.z_p, result.m_p, result.logs_p, result.logs_q)
    torch.stack([value.square().mean() for value in values]).sum().backward()
    without = {key for key, parameter in network.named_parameters() if parameter.grad is None}
    assert without == {"ssl_proj.weight", "ssl_proj.bias"}
    assert result.commitment_loss == 0


@pytest.mark.parametrize("name", ["v2", "v2Pro", "tiny"])
def test_an_item_does_not_see_its_neighbours(name: str) -> None:
    network = lively(miniature(name)).eval()
    batch = batch_of(network.config)
    batch.posterior_noise = torch.randn(3, network.config.latent, 24, generator=seeded(4))
    batch.segment_starts = torch.tensor([3, 2, 1])
    if not network.config.reference.masked:  # the published encoder lets padding reach valid frames
        batch.reference = batch.spectrogram
    together = network(batch)
    cut = {
        "spectrogram": (1, 2, 22),
        "content": (1, 2, 22),
        "phones": (1, 1, 7),
        "posterior_noise": (1, 2, 22),
    }
    alone = dataclasses.replace(batch)
    for field in dataclasses.fields(batch):
        value = getattr(batch, field.name)
        if isinstance(value, torch.Tensor):
            value = value[1:2]
            if field.name in cut:
                _, axis, size = cut[field.name]
                value = value.narrow(axis, 0, size)
            setattr(alone, field.name, value)
    single = network(alone)
    assert torch.allclose(single.audio[0], together.audio[1], atol=1e-5)
    for part in ("z", "z_p", "m_p", "logs_p", "m_q"):
        assert torch.allclose(getattr(single, part)[0], getattr(together, part)[1, :, :22], atol=1e-5)
        assert not getattr(together, part)[1, :, 22:].any()


def test_codes_stand_for_the_content_that_made_them() -> None:
    network = lively(miniature("tiny")).eval()
    batch = batch_of(network.config)
    assert batch.content is not None
    by_content = network(batch, seeded(5))
    codes = network.extract_latent(batch.content)
    by_codes = network(dataclasses.replace(batch, content=None, codes=codes[:, 0]), seeded(5))
    assert torch.equal(by_content.audio, by_codes.audio)
    assert codes.shape == (3, 1, 12)


def test_a_learning_quantizer_commits() -> None:
    config = miniature("tiny")
    config = config.model_copy(update={"quantizer": config.quantizer.model_copy(update={"frozen": False})})
    network = new_synthesizer(config, 0).train()
    result = network(batch_of(config), seeded())
    assert float(result.commitment_loss.detach()) > 0
    (result.commitment_loss + result.m_p.square().mean()).backward()
    assert network.ssl_proj.weight.grad is not None
    assert network.quantizer.codebook.inited.item() == 1


def test_seeds_alone_decide() -> None:
    config = miniature("tiny")
    state = torch.get_rng_state()
    one, two = (new_synthesizer(config, 7).train() for _ in range(2))
    first, again, other = (net(batch_of(config), seeded(s)) for net, s in ((one, 1), (two, 1), (one, 2)))
    assert torch.equal(first.audio, again.audio) and not torch.equal(first.audio, other.audio)
    codes, phones = torch.arange(10).view(1, 1, 10), torch.tensor([[config.blank_phone]])
    batch = batch_of(config)
    assert batch.speaker_embedding is not None
    given = {"references": [batch.spectrogram[:1]], "speaker_embedding": [batch.speaker_embedding[:1]]}
    waves = [one.eval().decode(codes, phones, **given, generator=seeded(s)) for s in (3, 3, 4)]
    assert torch.equal(waves[0], waves[1]) and not torch.equal(waves[0], waves[2])
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_decoding_for_synthesis(name: str) -> None:
    config = miniature(name)
    network = lively(config, with_posterior=False).eval()
    batch = batch_of(config, items=2)
    codes = torch.arange(11).view(1, 1, 11)
    phones = batch.phones[:1]
    references = [batch.spectrogram[:1], batch.spectrogram[1:, :, :9]]
    embedding = batch.speaker_embedding
    vectors = None if embedding is None else [embedding[:1], embedding[1:]]
    wave = network.decode(codes, phones, references, noise_scale=0, speaker_embedding=vectors)
    assert wave.shape == (1, 1, 22 * config.hop_length)
    speaker = network.speaker_vector(references, vectors)
    assert torch.equal(wave, network.decode(codes, phones, speaker=speaker, noise_scale=0))
    fast = network.decode(codes, phones, speaker=speaker, noise_scale=0, speed=1.25)
    assert fast.shape[2] == (int(22 / 1.25) + 1) * config.hop_length
    folded = fold_weight_norm(network).decode(codes, phones, speaker=speaker, noise_scale=0)
    assert torch.allclose(wave, folded, atol=1e-5)


def test_the_prior_slice_is_the_path_of_synthesis() -> None:
    network = lively(miniature("tiny")).eval()
    batch = batch_of(network.config, items=1)
    assert batch.content is not None
    batch.decode_prior, batch.segment_starts = True, torch.tensor([4])
    result = network(batch, seeded())
    codes = network.extract_latent(batch.content)
    assert batch.speaker_embedding is not None
    speaker = network.speaker_vector([batch.spectrogram], [batch.speaker_embedding])
    # The batch tells no places, and synthesis is not to find its own.
    untold = torch.full((1, codes.shape[2] * network.config.quantizer.frames_per_code), -1)
    latent, _ = network.latent(codes, batch.phones, speaker, noise_scale=0, phone_places=untold)
    expected = network.dec(latent[:, :, 4 : 4 + network.config.segment_frames], speaker)
    assert result.prior_audio is not None
    assert torch.allclose(result.prior_audio, expected, atol=1e-5)


def test_another_clip_as_reference_changes_the_speaker_only() -> None:
    network = lively(miniature("tiny")).eval()
    batch = batch_of(network.config)
    other = dataclasses.replace(
        batch,
        reference=torch.rand(3, network.config.spectrogram.bins, 40, generator=seeded(8)),
        reference_lengths=torch.tensor([40, 31, 12]),
    )
    first, second = network(batch, seeded()), network(other, seeded())
    assert not torch.allclose(first.audio, second.audio)
    padded = other.reference
    assert padded is not None
    padded[1, :, 31:] = 50.0
    assert torch.allclose(network(other, seeded()).audio, second.audio, atol=1e-6)


def test_flow_runs_both_ways_and_reconstruction_uses_the_posterior() -> None:
    network = lively(miniature("v2")).eval()
    batch = batch_of(network.config, items=1)
    speaker = network.speaker_vector([batch.spectrogram])
    mask = torch.ones(1, 1, 24)
    x = torch.randn(1, network.config.latent, 24, generator=seeded(9))
    there = network.flow(x, mask, speaker)
    assert not torch.allclose(there, x)
    assert torch.allclose(network.flow(there, mask, speaker, reverse=True), x, atol=1e-5)
    wave = network.reconstruct(batch.spectrogram, speaker)
    assert wave.shape == (1, 1, 24 * network.config.hop_length)


def test_an_optional_speaker_vector_may_be_missing() -> None:
    optional = SpeakerInputConfig(dimension=6, required=False)
    network = lively(miniature("tiny").model_copy(update={"speaker_input": optional})).eval()
    clip, vector = batch_of(network.config).spectrogram[:1], torch.ones(1, 6)
    assert not torch.equal(network.speaker_vector([clip]), network.speaker_vector([clip], [vector]))


def test_mistakes_are_typed_errors() -> None:
    plain, pro = lively(miniature("v2")), lively(miniature("v2Pro"))
    batch, pro_batch = batch_of(plain.config), batch_of(pro.config)
    vector = pro_batch.speaker_embedding
    assert vector is not None
    calls = {
        "takes no speaker": lambda: plain(dataclasses.replace(batch, speaker_embedding=vector), seeded()),
        "needs speaker": lambda: pro(dataclasses.replace(pro_batch, speaker_embedding=None), seeded()),
        "generator": lambda: plain(batch),
        "neither content": lambda: plain(dataclasses.replace(batch, content=None), seeded()),
        "too short": lambda: draw_segments(torch.tensor([40, 5]), 32, seeded()),
        "no reference": lambda: plain.speaker_vector([]),
        "do not match": lambda: pro.speaker_vector([batch.spectrogram], [vector, vector]),
        "posterior": lambda: lively(miniature("v2"), with_posterior=False)(batch, seeded()),
        "speed": lambda: plain.latent(
            torch.zeros(1, 1, 4).long(), batch.phones[:1], torch.zeros(1, 16, 1), speed=0
        ),
    }
    for words, call in calls.items():
        with pytest.raises(InputError, match=words):
            call()


def test_segments_are_cut_where_they_start() -> None:
    starts = draw_segments(torch.tensor([10, 6, 4]), 4, seeded(11))
    assert bool((starts >= 0).all()) and bool((starts <= torch.tensor([6, 2, 0])).all())
    x = torch.arange(30).view(3, 1, 10)
    assert cut_segments(x, torch.tensor([6, 2, 0]), 4)[:, 0].tolist() == [
        [6, 7, 8, 9],
        [12, 13, 14, 15],
        [20, 21, 22, 23],
    ]


def test_tiny_keeps_to_its_size() -> None:
    with torch.device("meta"):
        network = Synthesizer(family("tiny"))
    assert sum(tensor.numel() for tensor in network.state_dict().values()) <= 12_000_000
