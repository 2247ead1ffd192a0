"""Builds networks from weight files, ours and published ones, strictly.

The one place where a file becomes a network. Knows both kinds of file; does not know training or synthesis.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from pydantic import BaseModel, ValidationError
from torch import nn

from gsv.errors import WeightsError
from gsv.families import FamilyConfig
from gsv.families import family as family_config
from gsv.gpt_families import GptConfig, gpt_family
from gsv.models.discriminator import Discriminator
from gsv.models.gpt.decoder import SemanticDecoder
from gsv.models.sovits.synthesizer import Synthesizer
from gsv.text.symbols import table
from gsv.weights.bundle import BundleInfo, code_version, is_bundle, load_bundle
from gsv.weights.layouts import compare, layout_of
from gsv.weights.published import read_discriminator, read_gpt, read_sovits

Configuration = TypeVar("Configuration", bound=BaseModel)

MOST_LEVELS, MOST_PARTS, LARGEST_SIZE = 4, 64, 2**20
_COUNTS_OF_PARTS = ("layers", "text_layers", "content_layers", "joint_layers", "couplings", "blocks")
PUBLISHED_LICENCE = (
    "MIT (published by the GPT-SoVITS project), if it is one of its base models; else its author's"
)


def sovits_info(
    config: FamilyConfig,
    *,
    base: str = "",
    code_version: str = "",
    licence: str = "",
    provenance: str = "",
    info: str = "",
    has_posterior: bool = True,
) -> BundleInfo:
    """The description of a SoVITS bundle; symbol table, sample rate and the rest follow from `config`."""
    return BundleInfo(
        role="sovits",
        family=config.name,
        configuration=config.model_dump(mode="json"),
        symbols=config.symbols,
        symbols_sha256=table(config.symbols).sha256,
        sample_rate=config.sample_rate,
        base=base,
        code_version=code_version,
        licence=licence,
        provenance=provenance,
        info=info,
        has_posterior=has_posterior,
    )


def discriminator_info(
    config: FamilyConfig, *, base: str = "", licence: str = "", provenance: str = "", info: str = ""
) -> BundleInfo:
    """The description of a discriminator's bundle."""
    return BundleInfo(
        role="discriminator",
        family=config.name,
        configuration=config.model_dump(mode="json"),
        sample_rate=config.sample_rate,
        base=base,
        licence=licence,
        provenance=provenance,
        info=info,
    )


def gpt_info(
    config: GptConfig,
    *,
    base: str = "",
    code_version: str = "",
    licence: str = "",
    provenance: str = "",
    info: str = "",
) -> BundleInfo:
    """The description of a GPT bundle; the symbol table follows from `config`."""
    return BundleInfo(
        role="gpt",
        family=config.name,
        configuration=config.model_dump(mode="json"),
        symbols=config.symbols,
        symbols_sha256=table(config.symbols).sha256,
        base=base,
        code_version=code_version,
        licence=licence,
        provenance=provenance,
        info=info,
    )


def read_sovits_weights(path: Path) -> tuple[FamilyConfig, dict[str, torch.Tensor], BundleInfo]:
    """Configuration, float32 state and description of a SoVITS file, ours or published.

    Raises InputError for a missing file, WeightsError for anything that is no such file.
    """
    path = Path(path)
    if is_bundle(path):
        state, info = load_bundle(path, role="sovits")
        return _configuration(path, info, FamilyConfig), state, info
    published = read_sovits(path)
    info = sovits_info(
        published.config,
        base=published.name,
        code_version=code_version(published.state),
        licence=PUBLISHED_LICENCE,
        provenance=f"read from the published file {published.name}",
        info=published.info,
        has_posterior=published.has_posterior,
    )
    return published.config, published.state, info


def load_synthesizer(
    path: Path, device: torch.device | str = "cpu", posterior: bool | None = None
) -> tuple[Synthesizer, BundleInfo]:
    """A synthesizer in evaluation mode with the weights of a file, ours or published, in float32.

    `posterior`: True demands the posterior encoder (training needs it), False leaves it out, None takes what
    the file has. Raises InputError and WeightsError; a missing, foreign or misshapen tensor is named.
    """
    config, state, info = read_sovits_weights(path)
    if posterior and not info.has_posterior:
        why = "it was exported without the posterior encoder"
        remedy = "Start from a base model or from a checkpoint of training."
        raise WeightsError(f"{Path(path).name} cannot be trained further", why, remedy)
    keep = info.has_posterior if posterior is None else posterior
    if not keep:
        state = {key: tensor for key, tensor in state.items() if not key.startswith("enc_q.")}
    with torch.device("meta"):
        network = Synthesizer(config, with_posterior=keep)
    _fill(network, state, Path(path).name, f"a complete SoVITS model of {config.name}")
    return network.to(device).eval(), info.model_copy(update={"has_posterior": keep})


def load_discriminator(path: Path, device: torch.device | str = "cpu") -> tuple[nn.Module, BundleInfo]:
    """A discriminator with the weights of a file, ours or published, in float32; errors as above."""
    path = Path(path)
    if is_bundle(path):
        state, info = load_bundle(path, role="discriminator")
        config = _configuration(path, info, FamilyConfig)
    else:
        published = read_discriminator(path)
        config, state = family_config(published.generation), published.state
        provenance = f"read from the published file {published.name}"
        info = discriminator_info(
            config, base=published.name, licence=PUBLISHED_LICENCE, provenance=provenance
        )
    with torch.device("meta"):
        network = Discriminator(config.discriminator)
    _fill(network, state, path.name, f"a complete discriminator of {config.name}")
    return network.to(device).eval(), info


def read_gpt_weights(path: Path) -> tuple[GptConfig, dict[str, torch.Tensor], BundleInfo]:
    """Configuration, float32 state and description of a GPT file, ours or published; errors as above.

    A published file's names lose the prefix `model.`.
    """
    path = Path(path)
    if is_bundle(path):
        state, info = load_bundle(path, role="gpt")
        return _configuration(path, info, GptConfig), state, info
    published = read_gpt(path)
    config = gpt_family(published.symbols)
    info = gpt_info(
        config,
        base=published.name,
        licence=PUBLISHED_LICENCE,
        provenance=f"read from the published file {published.name}",
        info=published.info,
    )
    state = {key.removeprefix("model."): tensor for key, tensor in published.state.items()}
    return config, state, info


def load_gpt(path: Path, device: torch.device | str = "cpu") -> tuple[SemanticDecoder, BundleInfo]:
    """A semantic decoder in evaluation mode with the weights of a file, ours or published, in float32.

    Whether it fits a SoVITS model, `bundle.check_fit` says of the two descriptions. Errors as above.
    """
    config, state, info = read_gpt_weights(path)
    with torch.device("meta"):
        network = SemanticDecoder(config)
    _fill(network, state, Path(path).name, f"a complete GPT model of {config.name}")
    return network.to(device).eval(), info


def _configuration(path: Path, info: BundleInfo, kind: type[Configuration]) -> Configuration:
    """The configuration in a bundle, checked against what else the bundle says."""
    _check_sizes(info.configuration, path.name)
    try:
        config = kind.model_validate(info.configuration)
    except ValidationError as error:
        first = error.errors()[0]
        why = f"its configuration is wrong at {'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
        raise WeightsError(
            f"{path.name} cannot be used", why, "Export it again with this version."
        ) from error
    symbols = getattr(config, "symbols", "")
    if info.role in ("sovits", "gpt") and info.symbols_sha256 != table(symbols).sha256:
        why = f"it was made with another symbol table than this program's {symbols}"
        raise WeightsError(f"{path.name} does not fit this program", why, "Use the program that made it.")
    return config


def _check_sizes(values: Mapping[str, object], name: str, place: str = "") -> None:
    """Refuse numbers that no network has, before a network of such a size is begun."""
    for key, value in values.items():
        where = f"{place}.{key}" if place else str(key)
        if isinstance(value, Mapping) and place.count(".") < MOST_LEVELS:
            _check_sizes(value, name, where)
            continue
        many = isinstance(value, list) and len(value) > MOST_PARTS
        large = MOST_PARTS if key in _COUNTS_OF_PARTS else LARGEST_SIZE
        if many or isinstance(value, Mapping) or (isinstance(value, int) and not 0 <= value <= large):
            raise WeightsError(f"{name} is refused", f"its configuration has an absurd value at {where}")


def _fill(network: nn.Module, state: Mapping[str, torch.Tensor], name: str, kind: str) -> None:
    """Give a network that was built without memory the tensors of `state`, which become its own."""
    found = {key: tuple(tensor.shape) for key, tensor in state.items()}
    compare(found, layout_of(network), name, kind)
    network.load_state_dict(state, strict=True, assign=True)
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    empty = [key for key, tensor in network.named_buffers() if tensor.is_meta]
    if empty:
        raise WeightsError(f"{name} cannot be used", f"{empty[0]} has no value", "Export it again.")
