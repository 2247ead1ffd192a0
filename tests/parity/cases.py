"""Reading one recorded case, running our network on it, and saying where the two differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from gsv.audio import spectrogram
from gsv.families import FamilyConfig, family
from gsv.models.discriminator import Discriminator
from gsv.models.sovits.synthesizer import Synthesizer
from gsv.models.sovits.training_pass import TrainingBatch
from gsv.models.speaker import SpeakerNetwork, filterbank
from gsv.training import losses

from .filling import fill_

TOLERANCE = 1e-4

Outputs = dict[str, Tensor]


@dataclass(frozen=True)
class Case:
    """One call: its arguments, inputs `in.*` and recorded outputs `out.*`, prefixes removed."""

    name: str
    arguments: dict[str, Any]
    inputs: dict[str, Tensor]
    outputs: Outputs

    @property
    def family(self) -> str:
        """Which network, for example `s2-v2`."""
        return str(self.arguments["family"])

    def numbered(self, prefix: str) -> list[Tensor]:
        """Inputs `prefix0`, `prefix1`, ... in order."""
        found = [name for name in self.inputs if name.startswith(prefix) and name[len(prefix) :].isdigit()]
        return [self.inputs[name] for name in sorted(found)]


def read_case(path: Path) -> Case:
    """The case in a safetensors file whose metadata entry `case` is JSON."""
    with safe_open(path, "pt") as file:
        arguments = json.loads(file.metadata()["case"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    parts = {
        side: {k[len(side) :]: v for k, v in tensors.items() if k.startswith(side)}
        for side in ("in.", "out.")
    }
    return Case(path.stem, arguments, parts["in."], parts["out."])


def differences(expected: Outputs, ours: Outputs) -> list[str]:
    """One line for each output that is missing, of another shape, or off by more than the tolerance."""
    found = []
    for name, wanted in expected.items():
        got = ours.get(name)
        if got is None or got.shape != wanted.shape:
            found.append(
                f"{name}: shape {None if got is None else tuple(got.shape)}, not {tuple(wanted.shape)}"
            )
        elif not wanted.is_floating_point():
            if not torch.equal(got, wanted):
                found.append(f"{name}: {int((got != wanted).sum())} of {wanted.numel()} integers differ")
        else:
            error = float((got - wanted).abs().max())
            if not error <= TOLERANCE * max(1.0, float(wanted.abs().max())):
                found.append(f"{name}: off by {error:.3g}")
    return found


@lru_cache(maxsize=1)
def filled_network(name: str, salt: int, configuration: str = "") -> nn.Module:
    """The network of a case with its prescribed weights; one is kept, for they are large.

    `configuration` is a family configuration as JSON, in place of the published one that `name` stands for.
    """
    return fill_(network_of(name, configuration), salt)


def network_of(name: str, configuration: str = "") -> nn.Module:
    """The network of a case with whatever weights it starts with."""
    kind, _, family_name = name.partition("-")
    if kind == "sv":
        return SpeakerNetwork(json.loads(configuration)["channels"]) if configuration else SpeakerNetwork()
    config = FamilyConfig.model_validate_json(configuration) if configuration else family(family_name)
    return Synthesizer(config) if kind == "s2" else Discriminator(config.discriminator)


def extract_latent(network: nn.Module, case: Case) -> Outputs:
    """Content features to codes."""
    assert isinstance(network, Synthesizer)
    return {"codes": network.extract_latent(case.inputs["ssl"])}


def decode(network: nn.Module, case: Case) -> Outputs:
    """Codes, phones and references to a wave."""
    assert isinstance(network, Synthesizer)
    wave = network.decode(
        case.inputs["codes"],
        case.inputs["text"],
        case.numbered("refer"),
        noise_scale=case.arguments["noise_scale"],
        speed=case.arguments["speed"],
        speaker_embedding=case.numbered("sv") or None,
    )
    return {"audio": wave}


def forward(network: nn.Module, case: Case) -> Outputs:
    """The training pass with fixed slices and no noise."""
    assert isinstance(network, Synthesizer)
    given = case.inputs
    assert case.arguments["segment_frames"] == network.config.segment_frames
    batch = TrainingBatch(
        spectrogram=given["spec"],
        lengths=given["spec_lengths"],
        phones=given["text"],
        phone_lengths=given["text_lengths"],
        content=given["ssl"],
        speaker_embedding=given.get("sv"),
        segment_starts=given["segment_starts"],
        posterior_noise=torch.zeros(len(given["spec"]), network.config.latent, given["spec"].shape[2]),
    )
    result = network(batch)
    kl = losses.kl_loss(result.z_p, result.logs_q, result.m_p, result.logs_p, result.mask)
    names = ("audio", "m_p", "logs_p", "m_q", "logs_q", "z_p")
    outputs = {name: getattr(result, name) for name in names}
    return outputs | {"commit_loss": result.commitment_loss, "kl_loss": kl}


def discriminator_losses(network: nn.Module, case: Case) -> Outputs:
    """Verdicts on a decoded wave and the three losses."""
    real, fake = network(case.inputs["real"]), network(case.inputs["fake"])
    outputs = {f"fake_logits{i}": logits for i, logits in enumerate(fake.logits)}
    return outputs | {
        "discriminator_loss": losses.discriminator_loss(real.logits, fake.logits),
        "generator_loss": losses.generator_loss(fake.logits),
        "feature_loss": losses.feature_matching_loss(real.features, fake.features),
    }


def linear_spectrogram(_: nn.Module | None, case: Case) -> Outputs:
    """The linear spectrogram, and the mel spectrogram made of it."""
    said = case.arguments
    spec = spectrogram.linear(case.inputs["wav"], said["n_fft"], said["hop"], said["win"])
    mels = case.outputs["mel"].shape[1]
    return {"spec": spec, "mel": spectrogram.linear_to_mel(spec, said["sample_rate"], mels)}


def mel_spectrogram(_: nn.Module | None, case: Case) -> Outputs:
    """The mel spectrogram of a wave."""
    said = case.arguments
    framing = (said["n_fft"], said["hop"], said["win"], said["n_mels"])
    return {"mel": spectrogram.mel(case.inputs["wav"], said["sample_rate"], *framing)}


def speaker_vector(network: nn.Module, case: Case) -> Outputs:
    """Filter bank and speaker vector of a wave."""
    bank = filterbank(case.inputs["wav"])
    return {"fbank": bank, "embedding": network(bank)}


RUNNERS: dict[tuple[str, str], Callable[[Any, Case], Outputs]] = {
    ("s2", "extract_latent"): extract_latent,
    ("s2", "decode"): decode,
    ("s2", "forward"): forward,
    ("mpd", "losses"): discriminator_losses,
    ("sv", "embed"): speaker_vector,
    ("spectrogram", "linear"): linear_spectrogram,
    ("spectrogram", "mel"): mel_spectrogram,
}
COVERED = ("s2-v1-", "s2-v2-", "s2-v2Pro-", "s2-v2ProPlus-", "mpd-", "spectrogram-", "sv-")
"""Beginnings of the names of the cases that our networks answer so far."""


def run(case: Case, network: nn.Module | None = None) -> Outputs:
    """Our outputs for a case; `network` in place of the one that the case names."""
    kind = case.family.partition("-")[0]
    if network is None and kind != "spectrogram":
        network = filled_network(case.family, case.arguments["salt"], case.arguments.get("configuration", ""))
    with torch.no_grad():
        return RUNNERS[kind, case.arguments["call"]](network, case)


def disturbed(outputs: Outputs, name: str) -> Outputs:
    """A copy in which one number of output `name` is off by three tolerances, or by one if an integer."""
    changed = outputs[name].clone(memory_format=torch.contiguous_format)
    flat = changed.view(-1)
    step = 3 * TOLERANCE * max(1.0, float(changed.abs().max())) if changed.is_floating_point() else 1
    flat[flat.numel() // 2] += step
    return outputs | {name: changed}
