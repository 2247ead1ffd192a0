"""Turns published weight files into our bundles, and says in words what any weight file is.

Knows both kinds of file; the published file is never changed.
"""

from __future__ import annotations

from pathlib import Path

from gsv.errors import InputError
from gsv.families import family
from gsv.weights.bundle import BundleInfo, is_bundle, read_info, save_bundle
from gsv.weights.networks import (
    PUBLISHED_LICENCE,
    discriminator_info,
    load_discriminator,
    load_gpt,
    load_synthesizer,
    read_gpt_weights,
    read_sovits_weights,
)
from gsv.weights.published import read_discriminator
from gsv.weights.recognition import recognise
from gsv.weights.references import plain_line


def convert(path: Path, output: Path | None = None, *, half: bool = True, overwrite: bool = False) -> Path:
    """Write the SoVITS model, discriminator or GPT in the published file `path` as a bundle; read it back.

    `output` is by default the same place with the ending `.safetensors`. Raises InputError for a bundle or an
    output that exists already, WeightsError for anything that is no such published file.
    """
    path = Path(path)
    target = Path(output) if output is not None else path.with_suffix(".safetensors")
    if is_bundle(path):
        raise InputError(f"{path.name} is a bundle already", "", "Choose a published .pth file.")
    if target.exists() and not overwrite:
        raise InputError(f"{target} exists already", "", "Name another --output, or allow --overwrite.")
    found = recognise(path)
    if found.kind == "discriminator":
        published = read_discriminator(path)
        provenance = f"converted from the published file {path.name}"
        config = family(published.generation)
        info = discriminator_info(config, base=path.name, licence=PUBLISHED_LICENCE, provenance=provenance)
        save_bundle(target, published.state, info, half=half)
        load_discriminator(target)
    elif found.kind == "gpt":
        _, state, info = read_gpt_weights(path)
        save_bundle(target, state, info, half=half)
        load_gpt(target)
    else:
        _, state, info = read_sovits_weights(path)
        save_bundle(target, state, info, half=half)
        load_synthesizer(target)
    return target


def describe(path: Path) -> dict[str, str]:
    """What a weight file is, as words by name; no tensor is read. Errors as for reading it."""
    path = Path(path)
    if is_bundle(path):
        return _bundle_words(read_info(path))
    found = recognise(path)
    words = {"form": "published file", "what": found.sentence, "tensors": str(found.tensors)}
    if found.kind == "sovits":
        words["can be trained further"] = (
            "yes" if found.has_posterior else "no, the posterior encoder is left out"
        )
    if found.mark is not None:
        words["mark"] = found.mark
    if found.info:
        words["training"] = found.info
    return words


def _bundle_words(info: BundleInfo) -> dict[str, str]:
    words = {"form": f"bundle, format {info.format}", "what": info.role}
    for name in ("family", "symbols", "base", "code_version", "licence", "provenance", "info"):
        value = getattr(info, name)
        if value:
            words[name.replace("_", " ")] = plain_line(str(value), 1000)
    if info.sample_rate:
        words["sample rate"] = f"{info.sample_rate} Hz"
    if info.role == "sovits":
        words["can be trained further"] = (
            "yes" if info.has_posterior else "no, the posterior encoder is left out"
        )
    return words
