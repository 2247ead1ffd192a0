"""The semantic decoder: masks, sampling, and generation that is the same in every form."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from gsv.errors import InputError
from gsv.gpt_families import GPT_FAMILY_NAMES, GptConfig, gpt_family, small_gpt
from gsv.models.gpt.cache import KeyValueCache
from gsv.models.gpt.decoder import GptBatch, SemanticDecoder, new_decoder, visible
from gsv.models.gpt.generation import ROOM, Request, generate, stream
from gsv.models.gpt.layers import Dropout, plain_attention
from gsv.models.gpt.sampling import Sampler, SamplingConfig, penalised, probabilities

PUBLISHED = {"v1": 77_493_762, "v2": 77_606_402}


def network(name: str = "v2", **changes: object) -> SemanticDecoder:
    """A small decoder in float64, so that equal means equal."""
    return new_decoder(small_gpt(name, **changes), 5).double().eval()


def ids(seed: int, count: int, below: int) -> torch.Tensor:
    return torch.randint(below, (count,), generator=torch.Generator().manual_seed(seed))


def request(config: GptConfig, seed: int, phones: int, prompt: int, **more: object) -> Request:
    bert = torch.randn(config.bert_dimension, phones, generator=torch.Generator().manual_seed(seed))
    return Request(
        phones=ids(seed, phones, config.phone_count),
        prompt=ids(seed + 1, prompt, config.codes) if prompt else None,
        bert=bert if config.bert_dimension and seed % 2 else None,
        generator=torch.Generator().manual_seed(seed),
        **{"limit": 40, **more},  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("name", GPT_FAMILY_NAMES)
def test_families_have_the_sizes_they_promise(name: str) -> None:
    with torch.device("meta"):
        decoder = SemanticDecoder(gpt_family(name))
    count = sum(p.numel() for p in decoder.parameters())
    assert count == PUBLISHED.get(name, count) and (name in PUBLISHED or count <= 11_000_000)
    config = gpt_family(name)
    assert GptConfig.model_validate_json(config.model_dump_json()) == config


def test_unknown_family_and_foreign_fields_are_refused() -> None:
    with pytest.raises(InputError, match="v9"):
        gpt_family("v9")
    with pytest.raises(ValueError, match="wide"):
        GptConfig.model_validate({"name": "x", "wide": 3})
    with pytest.raises(ValueError, match="alignment_heads"):
        small_gpt("tiny", alignment_heads=((9, 0),))


def test_mask_shows_phones_to_all_and_earlier_codes_to_codes() -> None:
    seen = visible(torch.tensor([2, 3]), 3, 2)
    assert seen[0].int().tolist() == [
        [1, 1, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 0, 1, 0],
        [1, 1, 0, 1, 1],
    ]
    assert seen[1, 0].int().tolist() == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("name", ["v2", "tiny"])
def test_an_item_of_a_batch_computes_what_it_computes_alone(name: str) -> None:
    decoder = network(name)
    config = decoder.config
    sizes = [(4, 7), (9, 3), (6, 5)]
    rows = [(ids(i, n, config.phone_count), ids(i + 9, m, config.codes)) for i, (n, m) in enumerate(sizes)]
    phones = torch.full((3, 9), 3)
    codes = torch.full((3, 7), config.end)
    for row, (p, c) in enumerate(rows):
        phones[row, : len(p)], codes[row, : len(c)] = p, c
    lengths = torch.tensor(sizes)
    bert = torch.randn(3, config.bert_dimension, 9, dtype=torch.float64) if config.bert_dimension else None
    together = decoder(GptBatch(phones, lengths[:, 0], codes, lengths[:, 1], bert))
    for row, (n, m) in enumerate(sizes):
        part = None if bert is None else bert[row : row + 1, :, :n]
        one = GptBatch(
            phones[row : row + 1, :n], lengths[row : row + 1, 0], codes[row : row + 1, :m],
            lengths[row : row + 1, 1], part,
        )  # fmt: skip
        alone = decoder(one)
        assert torch.allclose(together.logits[row, : m + 1], alone.logits[0], atol=1e-10)
        for batched, single in zip(together.attention, alone.attention, strict=True):
            assert torch.allclose(batched[row, :m, :n], single[0], atol=1e-10)
    assert len(together.attention) == len(config.alignment_heads)


def uncached(decoder: SemanticDecoder, wanted: Request) -> list[int]:
    """Greedy codes by computing the whole sequence anew for each, with and without its text where guided."""
    no_text = torch.full_like(wanted.phones, decoder.config.no_text or 0)
    codes: list[int] = [] if wanted.prompt is None else wanted.prompt.tolist()
    prompt = len(codes)
    said = torch.zeros(1, decoder.config.vocabulary, dtype=torch.bool)
    said[0, codes] = True
    penalty = torch.tensor([[wanted.sampling.repetition_penalty]])
    bert = None if wanted.bert is None else wanted.bert[None]
    count = torch.tensor([len(wanted.phones)])
    while len(codes) - prompt < wanted.limit:
        inputs = torch.tensor([codes], dtype=torch.long)
        passed = decoder(GptBatch(wanted.phones[None], count, inputs, torch.tensor([len(codes)]), bert))
        logits = passed.logits[:, -1].float()
        if wanted.guidance != 1:
            passed = decoder(GptBatch(no_text[None], count, inputs, torch.tensor([len(codes)]), None))
            without = passed.logits[:, -1].float()
            logits = without + wanted.guidance * (logits - without)
        if len(codes) - prompt < wanted.minimum:
            logits[:, decoder.config.end] = -torch.inf
        best = int(penalised(logits, said, penalty).argmax())
        if best == decoder.config.end:
            break
        said[0, best] = True
        codes.append(best)
    return codes[prompt:]


@pytest.mark.parametrize("name, guidance", [("v2", 1.0), ("tiny", 1.0), ("tiny", 2.0)])
@pytest.mark.parametrize("prompt", [0, 6])
def test_cached_is_uncached(name: str, prompt: int, guidance: float) -> None:
    decoder = network(name)
    wanted = request(
        decoder.config, 3, 8, prompt, sampling=SamplingConfig(top_k=1), limit=25, guidance=guidance
    )
    with torch.no_grad():
        assert generate(decoder, [wanted])[0].codes.tolist() == uncached(decoder, wanted)


SIZES = st.lists(
    st.tuples(st.integers(1, 12), st.integers(0, 9), st.integers(0, 10**6)), min_size=1, max_size=5
)
NETWORKS = {name: network(name) for name in ("v1", "tiny")}


@settings(max_examples=12)
@given(name=st.sampled_from(sorted(NETWORKS)), sizes=SIZES)
def test_batched_is_single_and_streamed_is_whole(name: str, sizes: list[tuple[int, int, int]]) -> None:
    decoder = NETWORKS[name]

    def requests() -> list[Request]:
        return [
            request(
                decoder.config, seed, phones, prompt, limit=3 + seed % 30, minimum=seed % 5,
                sampling=SamplingConfig(
                    top_k=(0, 5, 1, 12)[seed % 4], top_p=(1.0, 0.8)[seed % 2],
                    temperature=(1.0, 0.7, 1.4)[seed % 3], repetition_penalty=(1.0, 1.35)[seed % 2],
                ),
            )
            for phones, prompt, seed in sizes
        ]  # fmt: skip

    together = generate(decoder, requests())
    alone = [generate(decoder, [one])[0] for one in requests()]
    for batched, single in zip(together, alone, strict=True):
        assert batched.codes.tolist() == single.codes.tolist()
        assert (batched.reason, batched.phones) == (single.reason, single.phones)
    streamed: list[list[int]] = [[] for _ in sizes]
    for step in stream(decoder, requests()):
        if step.code is not None:
            streamed[step.request].append(step.code)
    assert streamed == [one.codes.tolist() for one in together]


@settings(max_examples=8)
@given(sizes=SIZES)
def test_guided_rows_are_what_they_are_alone_and_beside_others(sizes: list[tuple[int, int, int]]) -> None:
    decoder = NETWORKS["tiny"]

    def requests() -> list[Request]:
        return [
            request(
                decoder.config, seed, phones, prompt, limit=3 + seed % 30, guidance=(1.0, 1.5, 3.0)[seed % 3]
            )
            for phones, prompt, seed in sizes
        ]

    together = generate(decoder, requests())
    alone = [generate(decoder, [one])[0] for one in requests()]
    for batched, single in zip(together, alone, strict=True):
        assert batched.codes.tolist() == single.codes.tolist()
        assert (batched.reason, batched.phones) == (single.reason, single.phones)


def always_ending(decoder: SemanticDecoder) -> SemanticDecoder:
    """The network with the end as its likeliest code everywhere."""
    with torch.no_grad():
        decoder.h.layers[-1].norm2.weight.zero_()
        decoder.h.layers[-1].norm2.bias.fill_(1.0)
        decoder.ar_predict_layer.weight.fill_(0.0)
        decoder.ar_predict_layer.weight[decoder.config.end] = 1.0
    return decoder


def test_nothing_ends_before_the_eleventh_code_and_all_ends_then() -> None:
    decoder = always_ending(network("v2"))
    made = generate(decoder, [request(decoder.config, 1, 5, 4), request(decoder.config, 2, 3, 0, minimum=0)])
    assert [len(one.codes) for one in made] == [11, 0]
    assert [one.reason for one in made] == ["end", "end"]
    assert all(int(code) < decoder.config.end for code in made[0].codes)


def test_a_limit_keeps_every_code() -> None:
    decoder = network("v2")
    made = generate(
        decoder, [request(decoder.config, 1, 5, 4, limit=7), request(decoder.config, 4, 5, 4, limit=1)]
    )
    assert [len(one.codes) for one in made] == [7, 1]
    assert [one.reason for one in made] == ["limit", "limit"]


def test_a_row_can_leave_after_the_cache_has_grown() -> None:
    network = new_decoder(small_gpt("tiny"), seed=4).eval()
    requests = [
        Request(
            torch.tensor([1, 2, 3]), generator=torch.Generator().manual_seed(seed), limit=limit, minimum=limit
        )
        for seed, limit in ((1, ROOM + 20), (2, ROOM + 40))
    ]
    assert [len(one.codes) for one in generate(network, requests)] == [ROOM + 20, ROOM + 40]


def test_alignment_heads_tell_which_phone_is_being_said() -> None:
    decoder = network("tiny")
    made = generate(
        decoder, [request(decoder.config, 2, 6, 3, limit=9), request(decoder.config, 3, 4, 0, limit=9)]
    )
    assert all(phone is not None and 0 <= phone < 6 for phone in made[0].phones)
    assert made[1].phones[0] is None and all(0 <= phone < 4 for phone in made[1].phones[1:])  # type: ignore[operator]
    assert generate(network("v2"), [request(network("v2").config, 2, 6, 3, limit=3)])[0].phones == [None] * 3


def test_bad_requests_are_refused() -> None:
    decoder = network("v2")
    config = decoder.config
    for bad in (
        Request(torch.tensor([], dtype=torch.long)),
        Request(torch.tensor([config.phone_count])),
        Request(torch.tensor([1]), prompt=torch.tensor([config.end])),
        Request(torch.tensor([1, 2]), bert=torch.zeros(config.bert_dimension, 3)),
    ):
        with pytest.raises(InputError):
            generate(decoder, [bad])
    with pytest.raises(InputError, match="guided"):
        generate(decoder, [Request(torch.tensor([1]), guidance=2.0, generator=torch.Generator())])
    with pytest.raises(ValueError, match="generator"):
        generate(decoder, [Request(torch.tensor([1]))])
    assert generate(decoder, []) == []


def columns(*values: float) -> list[torch.Tensor]:
    return [torch.tensor([[value]]) for value in values]


RECORDED = [
    ((8, 1.0, 1.0), [0.27024, 0.0994156, 0.0602986, 0.0186214, 0.0134544, 0.337489, 0.036573, 0.163909]),
    ((3, 1.0, 0.7), [0.349263, 0, 0, 0, 0, 0.479759, 0, 0.170979]),
    ((8, 0.6, 0.6), [0, 0, 0, 0, 0, 1.0, 0, 0]),
    ((8, 0.9, 1.3), [0.300255, 0.139129, 0, 0, 0, 0.356229, 0, 0.204387]),
]


@pytest.mark.parametrize(("said", "expected"), RECORDED)
def test_probabilities_are_the_published_ones(said: tuple[int, float, float], expected: list[float]) -> None:
    logits = torch.tensor([[2, 1, 0.5, -0.5, -1, 3, 0, 1.5]])
    before = torch.zeros(1, 8, dtype=torch.bool)
    before[0, [5, 3, 5]] = True
    top_k, top_p, temperature = said
    worse = penalised(logits, before, torch.tensor([[1.35]]))
    found = probabilities(worse, torch.tensor([[top_k]]), *columns(top_p, temperature))
    assert torch.allclose(found, torch.tensor([expected], dtype=torch.float32), atol=2e-6)


def test_sampled_codes_follow_the_probabilities() -> None:
    settings_ = [SamplingConfig(top_k=0, repetition_penalty=1.0)] * 400
    generators = [torch.Generator().manual_seed(seed) for seed in range(400)]
    sampler = Sampler(settings_, generators, 4, torch.device("cpu"))
    logits = torch.tensor([[0.6, 0.3, 0.1, 0.0]]).log().expand(400, 4)
    drawn, _ = sampler.draw(logits, 3, [True] * 400)
    share = torch.bincount(torch.tensor(drawn), minlength=4) / 400
    assert torch.allclose(share, torch.tensor([0.6, 0.3, 0.1, 0.0]), atol=0.08)


def test_cache_grows_and_keeps_rows() -> None:
    cache = KeyValueCache((2, 3, 1, 2), 2)
    written = torch.arange(3 * 5 * 2.0).view(3, 1, 5, 2)
    for place in range(5):
        for layer in range(2):
            keys, values = cache.extend(
                layer, written[:, :, place : place + 1] + layer, -written[:, :, place : place + 1]
            )
            assert keys.shape == (3, 1, place + 1, 2)
        cache.advance(1)
    assert torch.equal(keys, written + 1) and torch.equal(values, -written)
    assert cache.capacity >= 5
    cache.keep([2, 0])
    keys, _ = cache.extend(0, torch.zeros(2, 1, 1, 2), torch.zeros(2, 1, 1, 2))
    assert cache.rows == 2 and torch.equal(keys[:, :, :5], written[[2, 0]])


def test_attention_of_training_in_bfloat16_is_that_of_torch() -> None:
    generator = torch.Generator().manual_seed(1)
    queries, keys, values = (torch.randn(2, 3, 7, 4, generator=generator) for _ in range(3))
    mask = torch.ones(7, 7, dtype=torch.bool).tril().expand(2, 1, 7, 7)
    expected = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    torch.testing.assert_close(plain_attention(queries, keys, values, mask), expected)


def test_dropout_keeps_the_mean_and_depends_on_the_seed() -> None:
    layer = Dropout(0.15)
    x = torch.ones(40, 251)
    torch.manual_seed(3)
    once, twice = layer(x), layer(x)
    torch.manual_seed(3)
    assert torch.equal(layer(x), once) and not torch.equal(once, twice)
    assert float((once == 0).float().mean()) == pytest.approx(0.148, abs=0.015)
    assert float(once.mean()) == pytest.approx(1.0, abs=0.02)
    assert layer.eval()(x) is x and Dropout(0.0)(x) is x
