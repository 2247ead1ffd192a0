"""Reads published SoVITS, discriminator and GPT files: strict, by content, as float32.

Knows which network a kind of file must hold and says in one sentence what a wrong file is instead. It builds
no network; `networks.py` does.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from gsv.errors import WeightsError
from gsv.families import FamilyConfig, HifiganConfig, family
from gsv.weights.layouts import (
    GPT_LAYERS,
    GPT_WIDTH,
    Layout,
    compare,
    discriminator_layout,
    gpt_layout,
    sovits_layout,
)
from gsv.weights.recognition import SENTENCES, Kind, Recognition, recognise_open, settings_of, state_of
from gsv.weights.references import TensorReference, plain_line
from gsv.weights.torchfile import TorchFile

logger = logging.getLogger(__name__)

_MARKED_FAMILY = {"00": "v1", "01": "v2", "05": "v2Pro", "06": "v2ProPlus"}
_LATER = "Use a model of v1, v2, v2Pro or v2ProPlus; v3 and v4 are not supported yet."


@dataclass(frozen=True)
class PublishedSovits:
    """A published SoVITS model: float32 tensors with exactly the names of the family's network.

    `hyperparameters` are the settings that the file carries, as plain values. Without the posterior encoder a
    model can speak and convert, but not be trained further.
    """

    name: str
    family: str
    config: FamilyConfig
    state: dict[str, torch.Tensor]
    info: str
    has_posterior: bool
    hyperparameters: dict[str, object]


@dataclass(frozen=True)
class PublishedDiscriminator:
    """A published discriminator; `generation` is "v2" (also for v1) or "v2Pro" (also for v2ProPlus)."""

    name: str
    generation: str
    state: dict[str, torch.Tensor]


@dataclass(frozen=True)
class PublishedGpt:
    """A published GPT model; tensor names keep their prefix `model.`; `symbols` is its symbol table."""

    name: str
    symbols: str
    state: dict[str, torch.Tensor]
    info: str
    max_seconds: float
    hyperparameters: dict[str, object]


def read_sovits(path: Path) -> PublishedSovits:
    """The SoVITS model in a published file, fine-tuned or base.

    Raises InputError for a missing file; WeightsError for a damaged or malicious file, for another kind of
    file, for missing or foreign tensors, and for settings that its family does not have.
    """
    with TorchFile(path) as file:
        found = _expect(file, "sovits", "a SoVITS model")
        if not found.family:
            why = "its symbol table and decoder have the sizes of no published family"
            raise WeightsError(f"{file.path.name} is a SoVITS model of an unknown family", why, _LATER)
        config = family(found.family)
        layout = sovits_layout(config, with_posterior=found.has_posterior)
        kind = f"a complete SoVITS model of {found.family}"
        if file.mark in _MARKED_FAMILY and _MARKED_FAMILY[file.mark] != found.family:
            logger.warning("%s is marked %s but is %s", file.path.name, file.mark, found.family)
        hyperparameters = settings_of(file)
        _check_sovits_settings(file.path.name, config, hyperparameters)
        return PublishedSovits(
            name=file.path.name,
            family=found.family,
            config=config,
            state=_strict_state(file, layout, kind),
            info=found.info,
            has_posterior=found.has_posterior,
            hyperparameters=hyperparameters,
        )


def read_discriminator(path: Path) -> PublishedDiscriminator:
    """The discriminator in a published file; errors as for `read_sovits`."""
    with TorchFile(path) as file:
        found = _expect(file, "discriminator", "a SoVITS discriminator")
        layout = discriminator_layout(family(found.family))
        state = _strict_state(file, layout, f"a complete discriminator of {found.family}")
        return PublishedDiscriminator(file.path.name, found.family, state)


def read_gpt(path: Path) -> PublishedGpt:
    """The GPT model in a published file; errors as for `read_sovits`."""
    with TorchFile(path) as file:
        found = _expect(file, "gpt", "a GPT model")
        hyperparameters = settings_of(file)
        wanted = {
            "model.n_layer": GPT_LAYERS,
            "model.hidden_dim": GPT_WIDTH,
            "model.head": 16,
            "model.EOS": 1024,
        }
        _check_settings(file.path.name, "a published GPT model", wanted, hyperparameters)
        seconds = _setting(hyperparameters, "data.max_sec")
        return PublishedGpt(
            name=file.path.name,
            symbols=found.family,
            state=_strict_state(file, gpt_layout(found.family), "a complete GPT model"),
            info=found.info,
            max_seconds=float(seconds) if isinstance(seconds, int | float) and seconds > 0 else 54.0,
            hyperparameters=hyperparameters,
        )


def read_network(path: Path, kind: Kind, layout: Layout) -> dict[str, torch.Tensor]:
    """The float32 state of any other published network, which must have exactly the tensors of `layout`.

    For the speaker verification network and the vocoders, whose files hold a bare table of tensors. `layout` comes
    from `layouts.layout_of` of the network that will take the state. Errors as for `read_sovits`.
    """
    with TorchFile(path) as file:
        found = _expect(file, kind, SENTENCES[kind])
        return _strict_state(file, layout, f"complete: it should be {found.sentence}")


def check_pair(sovits: PublishedSovits, gpt: PublishedGpt) -> None:
    """Refuse a GPT and a SoVITS model that number their phones differently (WeightsError, one sentence)."""
    if sovits.config.symbols != gpt.symbols:
        raise WeightsError(
            f"{gpt.name} and {sovits.name} do not fit together",
            f"the GPT uses the symbols of {gpt.symbols} and the SoVITS model ({sovits.family}) those of"
            f" {sovits.config.symbols}",
            "Choose both of one version.",
        )


def _expect(file: TorchFile, kind: Kind, wanted: str) -> Recognition:
    found = recognise_open(file)
    if found.kind == kind:
        return found
    if kind == "sovits" and found.kind in ("flow", "lora"):
        raise WeightsError(f"{file.path.name} is {found.sentence}", "this program cannot use it", _LATER)
    what = f"{file.path.name} is {found.sentence}, but {wanted} is needed here"
    raise WeightsError(what, "", f"Choose {wanted} instead.")


def _strict_state(file: TorchFile, layout: Layout, kind: str) -> dict[str, torch.Tensor]:
    """The tensors of the file in the layout's order, as float32, if they are exactly those of the layout."""
    references = state_of(file)
    compare({key: reference.shape for key, reference in references.items()}, layout, file.path.name, kind)
    return {key: _finite(file, key, references[key]) for key in layout}


def _finite(file: TorchFile, key: str, reference: TensorReference) -> torch.Tensor:
    tensor = file.tensor(reference, torch.float32)
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        why = f"{key} holds numbers that are infinite or not numbers"
        raise WeightsError(f"{file.path.name} is damaged", why, "Train or download it again.")
    return tensor


def _check_sovits_settings(name: str, config: FamilyConfig, settings: dict[str, object]) -> None:
    """What shapes cannot show. A file may leave a setting out, but not contradict its family."""
    spectrogram = config.spectrogram
    wanted: dict[str, object] = {
        "data.sampling_rate": config.sample_rate,
        "data.filter_length": spectrogram.n_fft,
        "data.hop_length": spectrogram.hop_length,
        "data.win_length": spectrogram.win_length,
        "model.n_heads": config.prior.heads,
        "model.semantic_frame_rate": "25hz",
    }
    if isinstance(config.decoder, HifiganConfig):
        dilations = [list(config.decoder.resblock_dilations)] * len(config.decoder.resblock_kernels)
        wanted["model.upsample_rates"] = list(config.decoder.upsample_rates)
        wanted["model.upsample_kernel_sizes"] = list(config.decoder.upsample_kernels)
        wanted["model.resblock_kernel_sizes"] = list(config.decoder.resblock_kernels)
        wanted["model.resblock_dilation_sizes"] = dilations
    _check_settings(name, f"the family {config.name}", wanted, settings)


def _check_settings(name: str, owner: str, wanted: Mapping[str, object], settings: dict[str, object]) -> None:
    for place, value in wanted.items():
        found = _setting(settings, place)
        if found is not None and found != value:
            why = f"its setting {place} is {plain_line(str(found), 80)}, and {owner} has {value}"
            raise WeightsError(f"{name} cannot be used", why, "Use a model with the published settings.")


def _setting(settings: dict[str, object], place: str) -> object:
    """The value at a dotted place, or None."""
    value: object = settings
    for part in place.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
