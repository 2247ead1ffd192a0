"""The blocks arranged for a CPU speak as the plain ones do, within the bounds of their precision."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

from gsv.gpt_families import GptConfig, small_gpt
from gsv.models.gpt import packed
from gsv.models.gpt.decoder import GptBatch, SemanticDecoder, new_decoder
from gsv.models.gpt.generation import Request, generate
from gsv.models.gpt.packed import Agreement, Kind, agreement, available, pack
from gsv.models.gpt.sampling import SamplingConfig


def network(name: str = "v2", **changes: object) -> SemanticDecoder:
    config = small_gpt(name, width=64, heads=4, filter=128, **changes)
    return new_decoder(config, seed=1).eval()


def batch(config: GptConfig) -> GptBatch:
    generator = torch.Generator().manual_seed(0)
    phones = torch.randint(0, config.phone_count, (3, 20), generator=generator)
    codes = torch.randint(0, config.codes, (3, 30), generator=generator)
    return GptBatch(phones, torch.tensor([20, 7, 13]), codes, torch.tensor([30, 12, 1]))


def kinds() -> list[Kind]:
    names: tuple[Kind, ...] = ("bfloat16", "int8")
    return [kind for kind in names if available(kind)]


@pytest.mark.parametrize("name", ["v2", "tiny"])
def test_packed_blocks_agree(name: str) -> None:
    exact = network(name)
    for kind in kinds():
        fast = pack(exact, kind)
        found = agreement(exact, fast, batch(exact.config))
        assert found.difference <= 0.02 and found.equal >= 0.9, kind
        attention = zip(
            exact(batch(exact.config)).attention, fast(batch(exact.config)).attention, strict=True
        )
        assert all((first - second).abs().max() <= 0.05 for first, second in attention)
    # The network itself was left alone.
    assert agreement(exact, exact, batch(exact.config)) == Agreement(0.0, 1.0)


def test_generation_goes_through_them() -> None:
    exact = network("tiny")
    generator = torch.Generator().manual_seed(2)
    phones = [torch.randint(0, exact.config.phone_count, (n,), generator=generator) for n in (9, 4)]
    prompt = torch.randint(0, exact.config.codes, (6,), generator=generator)

    def requests(seed: int) -> list[Request]:
        return [
            Request(one, prompt, generator=torch.Generator().manual_seed(seed + n), limit=20, minimum=21)
            for n, one in enumerate(phones)
        ]

    wanted = generate(exact, requests(5))
    for kind in kinds():
        found, again = (generate(pack(exact, kind), requests(5)) for _ in range(2))
        assert [len(one.codes) for one in found] == [len(one.codes) for one in wanted] == [20, 20]
        assert all(torch.equal(one.codes, other.codes) for one, other in zip(found, again, strict=True))
        assert all(phone is not None for one in found for phone in one.phones[1:])


def test_threads_may_share_them() -> None:
    exact = network("v2")
    for kind in kinds():
        fast = pack(exact, kind)

        def said(seed: int, fast: SemanticDecoder = fast) -> list[int]:
            one = torch.randint(
                0, fast.config.phone_count, (5 + seed,), generator=torch.Generator().manual_seed(seed)
            )
            request = Request(one, generator=torch.Generator().manual_seed(seed), limit=25, minimum=26)
            codes: list[int] = generate(fast, [request])[0].codes.tolist()
            return codes

        wanted = [said(seed) for seed in range(6)]
        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(said, range(6))) == wanted


def test_greedy_codes_are_those_of_the_plain_blocks() -> None:
    exact = network("v2")
    phones = torch.arange(1, 12)
    request = Request(phones, torch.arange(5), sampling=SamplingConfig(top_k=1), limit=12, minimum=13)
    wanted = generate(exact, [request])[0].codes
    for kind in kinds():
        # The first code hangs on nothing before it; later ones on each other.
        assert generate(pack(exact, kind), [request])[0].codes[0] == wanted[0], kind


def test_a_build_without_the_products_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Without:
        def __getattr__(self, name: str) -> Any:
            raise AttributeError(name)

    monkeypatch.setattr(torch.ops, "mkldnn", Without(), raising=False)
    monkeypatch.setattr(torch.ops, "quantized", Without(), raising=False)
    names: tuple[Kind, ...] = ("bfloat16", "int8")
    for kind in names:
        assert not available(kind)
        with pytest.raises(RuntimeError, match=kind):
            pack(network(), kind)


def test_bounds() -> None:
    assert Agreement(packed.MOST_DIFFERENCE, packed.LEAST_EQUAL).enough
    assert not Agreement(0.06, 1.0).enough and not Agreement(0.0, 0.94).enough
