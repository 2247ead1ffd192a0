"""What our fast paths cost beside plain ones: the same weights, threads and inputs, in one run.

Knows what is measured; `bench_measure` knows how. The plain sides are written in
`bench_plain`. Weights are random: time does not depend on what they have learnt. No figure here is a promise
for another machine; the differences of the outputs are, and tests hold them.
"""

from __future__ import annotations

import copy
import logging
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor

from gsv.errors import InputError
from gsv.events import Events
from gsv.families import HifiganConfig, family, miniature
from gsv.features.content import PUBLISHED_SCALE, ContentExtractor, plan_batches
from gsv.features.packed import gains
from gsv.files import write_json
from gsv.models.content import SAMPLE_RATE, ContentEncoder, ContentSettings, tiny_hubert_config
from gsv.models.sovits.decoder import HifiganDecoder
from gsv.models.sovits.synthesizer import Synthesizer, new_synthesizer
from gsv.models.weight_norm import fold_weight_norm
from gsv.stages.content import CPU_BATCH_SECONDS
from gsv.workflows.bench_gpt import gpt_cases
from gsv.workflows.bench_measure import BenchSettings, Case, Measurement, measure
from gsv.workflows.bench_plain import PlainHifigan, plain_content
from gsv.workflows.bench_train import train_cases

logger = logging.getLogger(__name__)

_PHONES_A_SECOND = 12


def bench(settings: BenchSettings, events: Events, output: Path | None = None) -> str:
    """Measure the sections of `settings`; returns a table, and writes the figures to `output` as JSON.

    Raises InputError for an unknown section.
    """
    unknown = sorted(set(settings.sections) - set(_SECTIONS))
    if unknown:
        raise InputError(f"there is no section {unknown[0]!r}", remedy=f"Choose of: {', '.join(_SECTIONS)}.")
    found: list[Measurement] = []
    for name in settings.sections:
        for case in _SECTIONS[name](settings):
            events.check_stop()
            events.message(f"measuring {case.name}")
            # Aims are for the published sizes: a miniature network says nothing about them.
            found.append(measure(replace(case, aim=None) if settings.small else case, settings.repeats))
            events.metric(len(found), {"ratio": found[-1].ratio}, what=case.name)
    report = {
        "machine": machine(),
        "settings": asdict(settings),
        "measurements": [asdict(entry) for entry in found],
    }
    if output is not None:
        write_json(output, report)
    return table(report)


def machine() -> dict[str, Any]:
    """What the figures were measured on, and how busy it was."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    return {
        "system": platform.platform(),
        "processor": model,
        "cores": os.cpu_count(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "load": psutil.getloadavg()[0],
    }


def table(report: dict[str, Any]) -> str:
    """The report as lines of text."""
    machine_, settings = report["machine"], report["settings"]
    lines = [
        f"{machine_['processor']}, {machine_['cores']} cores ({machine_['capability']}), "
        f"torch {machine_['torch']}, {machine_['threads']} threads, load {machine_['load']:.1f}; "
        f"medians of {settings['repeats']}",
        "",
    ]
    head = (
        f"{'what':<46}{'beside':<34}{'plain s':>9}{'ours s':>9}{'ratio':>7}{'(cpu)':>7}{'aim':>6}"
        f"{'per s':>14}{'differs':>10}{'equal':>7}{'MB':>7}"
    )
    lines += [head, "-" * len(head)]
    for row in report["measurements"]:
        aim = "" if row["aim"] is None else f"{row['aim']:g}{'' if row['reached'] else '!'}"
        differs = "-" if row["difference"] is None else f"{row['difference']:.1e}"
        equal = "-" if row["equal"] is None else f"{100 * row['equal']:.1f}%"
        rate = f"{row['per_second']:.1f} {row['unit']}"
        lines.append(
            f"{row['name']:<46}{row['against']:<34}{row['plain_seconds']:>9.3f}{row['seconds']:>9.3f}"
            f"{row['ratio']:>7.2f}{row['ratio_cpu']:>7.2f}{aim:>6}{rate:>14}{differs:>10}"
            f"{equal:>7}{row['memory_mb']:>7.0f}"
        )
    missed = [row["name"] for row in report["measurements"] if row["reached"] is False]
    return "\n".join(lines + ([f"! below its aim: {', '.join(missed)}"] if missed else []))


def _content(settings: BenchSettings) -> Iterator[Case]:
    """Base-size and our own content encoder; the reduced precision where the processor has it."""
    from transformers import HubertConfig

    sizes: dict[str, Any] = (
        {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
        | {"conv_dim": (16,) * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
        if settings.small
        else {}
    )
    random = np.random.default_rng(0)
    waves = [
        random.normal(0, 0.1, round(length * SAMPLE_RATE)).astype(np.float32) for length in settings.seconds
    ]
    amount = sum(settings.seconds)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        base = ContentEncoder(HubertConfig(**sizes), ContentSettings()).eval()
        tiny = ContentEncoder(tiny_hubert_config(**sizes), ContentSettings()).eval()
    for encoder, name, aim in ((base, "base size", 2.0), (tiny, "tiny", None)):
        scale = 1.0 if encoder.batch_invariant else PUBLISHED_SCALE
        scaled = [torch.from_numpy(wave) * scale for wave in waves]
        kinds = [torch.float32, *([torch.bfloat16] if gains(torch.bfloat16) else [])]
        for dtype in kinds:
            kind = str(dtype).removeprefix("torch.")
            yield Case(
                f"content, {name}, {kind}",
                "transformers, float32, one by one",
                _bound(plain_content, encoder, scaled),
                _bound(_extracted, ContentExtractor(encoder, "cpu", dtype), waves),
                amount,
                aim=aim if dtype == torch.bfloat16 else None,
            )


def _extracted(extractor: ContentExtractor, waves: list[np.ndarray]) -> list[Tensor]:
    """Content in the order of `waves`, in the batches that the stage would make."""
    lengths, names = [len(wave) / SAMPLE_RATE for wave in waves], [f"{i:03d}" for i in range(len(waves))]
    found: dict[int, Tensor] = {}
    for batch in plan_batches(lengths, names, budget_seconds=CPU_BATCH_SECONDS):
        for index, content in zip(batch, extractor.features([waves[i] for i in batch]), strict=True):
            assert isinstance(content, Tensor)
            found[index] = content
    return [found[index] for index in range(len(waves))]


def _decode(settings: BenchSettings) -> Iterator[Case]:
    """v2 beside a plain decoder, then tiny beside v2: whole, and the decoder alone."""
    shrink = miniature if settings.small else family
    v2, tiny = (new_synthesizer(shrink(name), seed=0).eval() for name in ("v2", "tiny"))
    plain = copy.deepcopy(v2)
    assert isinstance(v2.config.decoder, HifiganConfig) and isinstance(v2.dec, HifiganDecoder)
    plain.dec = PlainHifigan(v2.config.decoder, v2.dec)
    for network in (v2, tiny):
        fold_weight_norm(network)
    for length in settings.seconds:
        old, new, small = (_Decoding(network, length) for network in (plain, v2, tiny))
        same = "weight norms in each call"
        yield Case(f"v2 decode(), {length:g} s", same, old.whole, new.whole, length, aim=1.0)
        yield Case(f"v2 decoder alone, {length:g} s", same, old.alone, new.alone, length, aim=1.0)
        yield Case(
            f"tiny decode(), {length:g} s", "our v2 decode()", new.whole, small.whole, length,
            aim=15.0, alike=False,
        )  # fmt: skip
        yield Case(
            f"tiny decoder alone, {length:g} s", "our v2 decoder", new.alone, small.alone, length, alike=False
        )


class _Decoding:
    """Inputs of one length for one network."""

    def __init__(self, network: Synthesizer, seconds: float) -> None:
        config = network.config
        generator = torch.Generator().manual_seed(1)
        self._network = network
        self._codes = torch.randint(
            0, config.quantizer.codes, (1, 1, max(1, round(seconds * config.code_rate))), generator=generator
        )
        count = max(1, round(seconds * _PHONES_A_SECOND))
        self._phones = torch.randint(1, 300, (1, count), generator=generator)
        self._speaker = torch.randn(1, config.speaker_dimension, 1, generator=generator)
        frames = self._codes.shape[2] * config.quantizer.frames_per_code
        self._latent = torch.randn(1, config.latent, frames, generator=generator)

    def whole(self) -> list[Tensor]:
        """Codes and phones to a wave."""
        generator = torch.Generator().manual_seed(2)
        return [self._network.decode(self._codes, self._phones, speaker=self._speaker, generator=generator)]

    @torch.inference_mode()
    def alone(self) -> list[Tensor]:
        """Latent to a wave."""
        return [self._network.dec(self._latent, self._speaker)]


def _bound(function: Callable[..., Sequence[Tensor]], *arguments: Any) -> Callable[[], Sequence[Tensor]]:
    return lambda: function(*arguments)


_SECTIONS: dict[str, Callable[[BenchSettings], Iterator[Case]]] = {
    "content": _content,
    "decode": _decode,
    "gpt": gpt_cases,
    "train": train_cases,
}
