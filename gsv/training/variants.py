"""Codes of the same sentences in changed voices, as further clips for the GPT.

Knows: how prepared arrays are spoken again by voices that do not exist, through perturbation, content encoder and
quantizer, and the table that comes of it. Does not know: the GPT, or how clips become batches.

All clips of a speaker are changed alike, so that two of them still sound like one voice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from gsv import files
from gsv.errors import DataError
from gsv.events import Events
from gsv.models.content import SAMPLE_RATE, ContentEncoder
from gsv.models.sovits.synthesizer import Synthesizer
from gsv.training.arrays import ArrayItem, PreparedArrays
from gsv.training.perturbation import PerturbationRange, perturb
from gsv.training.sampler import derive_seed

VARIANTS_FILE = "variant_codes.json"
LIMITS = PerturbationRange(
    semitones=1.0, formant=0.12, equaliser_decibels=5.0, band_limit_share=0.0, noise_share=0.0
)
"""Gentler than what the encoder learns with: codes of a voice it mishears teach the GPT to say the wrong phones.
With three semitones, noise and band limits the encoder misreads 33 % of the English phones of clips it was trained
on instead of 23 % (40 clips)."""


@dataclass(frozen=True)
class Variant:
    """One clip in a changed voice: how much faster it is spoken, and its codes (25 a second)."""

    ratio: float
    codes: list[int]


def read_variants(folder: Path, version: str) -> dict[str, list[Variant]]:
    """Variants of each clip by name; nothing where none were made.

    Raises:
        DataError: they were made by another encoder than the codes, whose version is `version`.
    """
    path = folder / VARIANTS_FILE
    if not path.is_file():
        return {}
    table = json.loads(files.read_text(path))
    if table["version"] != version:
        why = f"they were made with {table['version']}, the codes with {version}"
        raise DataError(f"the variants in {path} are outdated", why, "make them again, or remove the file")
    return {
        name: [Variant(ratio, codes) for ratio, codes in rows] for name, rows in table["variants"].items()
    }


def make_variants(
    encoder: ContentEncoder,
    network: Synthesizer,
    arrays: PreparedArrays,
    copies: int,
    events: Events,
    seed: int = 1234,
) -> int:
    """Write `copies` variants of each clip to learn from into the arrays' folder; returns how many there are.

    `network`: of it only the projection and the codebook are used, which have to be those of the arrays' codes.

    Raises:
        DataError: the arrays' codes were made by another encoder.
        Cancelled: a stop was requested.
    """
    version, _ = arrays.codes()
    if version != encoder.version:
        why = f"they were made with {version}, the encoder is {encoder.version}"
        raise DataError("the arrays hold other codes", why, "name the encoder that made them")
    items = arrays.part("train")
    table: dict[str, list[tuple[float, list[int]]]] = {}
    for done, (item, variant) in enumerate(
        _passes(encoder.eval(), network.eval(), arrays, items, copies, seed)
    ):
        events.check_stop()
        table.setdefault(item.name, []).append((round(variant.ratio, 5), variant.codes))
        if done % 20 == 0:
            events.progress(done, copies * len(items), "changed voices")
    files.write_json(arrays.folder / VARIANTS_FILE, {"version": version, "variants": table})
    return sum(map(len, table.values()))


def _passes(
    encoder: ContentEncoder,
    network: Synthesizer,
    arrays: PreparedArrays,
    items: list[ArrayItem],
    copies: int,
    seed: int,
) -> Iterator[tuple[ArrayItem, Variant]]:
    for item in items:
        wave = torch.from_numpy(arrays.wave(item, SAMPLE_RATE))
        for copy in range(copies):
            generator = torch.Generator().manual_seed(derive_seed(seed, item.speaker, copy))
            with torch.inference_mode():
                changed, ratio = perturb(wave, SAMPLE_RATE, LIMITS, generator)
                codes = network.extract_latent(encoder.features(changed[None]))
            yield item, Variant(ratio, codes.flatten().tolist())
