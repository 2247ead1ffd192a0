"""Write the small cases beside this file: `python -m tests.data.make_cases`, from the repository's root.

They hold what our own networks computed at small widths after they had passed every golden case, so they show
whether a later change or another machine computes something else. Make them anew only for a change that the
golden cases confirm.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from gsv.families import FamilyConfig, HifiganConfig, IstftConfig, SpectrogramConfig, family, miniature
from tests.parity.cases import Case, run
from tests.parity.filling import drawn, named_input

FOLDER = Path(__file__).parent / "cases"
HOP, BINS, FRAMES, CODES = 8, 33, 24, 10
SYNTHESIZERS = ("v1", "v2", "v2Pro", "v2ProPlus", "tiny")


def small(name: str) -> FamilyConfig:
    """The miniature of a family with a short hop and few bins, so that a case takes a few kilobytes."""
    config = miniature(name)
    decoder: HifiganConfig | IstftConfig
    if isinstance(config.decoder, HifiganConfig):
        kernels = (6, 2) if name == "v2ProPlus" else (8, 4)
        decoder = config.decoder.model_copy(
            update={"initial_channels": 16, "upsample_rates": (4, 2), "upsample_kernels": kernels}
        )
    else:
        decoder = config.decoder.model_copy(update={"n_fft": 16, "hop_length": 4})
    bins = 20 if family(name).reference.bins < family(name).spectrogram.bins else BINS
    return config.model_copy(
        update={
            "spectrogram": SpectrogramConfig(n_fft=2 * (BINS - 1), hop_length=HOP, win_length=64, n_mels=8),
            "reference": config.reference.model_copy(update={"bins": bins}),
            "decoder": decoder,
        }
    )


def integers(name: str, shape: tuple[int, ...], below: int) -> Tensor:
    """Named integers from zero to `below`."""
    return torch.from_numpy(drawn(name, shape)).abs().mul(1000).long() % below


def synthesizer_cases(name: str) -> list[Case]:
    """One call of each kind for the synthesizer of family `name`."""
    config = small(name)
    said = {"family": f"s2-{name}", "salt": 0, "configuration": config.model_dump_json()}
    extra = config.speaker_input.dimension if config.speaker_input else 0
    content, phones = config.content_dimension, config.phone_count
    decoding = {
        "codes": integers("codes", (1, 1, CODES), config.quantizer.codes),
        "text": integers("text", (1, 7), phones),
        "refer0": named_input("refer0", (1, BINS, 12)).abs(),
        "refer1": named_input("refer1", (1, BINS, 9)).abs(),
    }
    training = {
        "spec": named_input("spec", (2, BINS, FRAMES)).abs(),
        "spec_lengths": torch.tensor([FRAMES, FRAMES - 3]),
        "ssl": named_input("ssl", (2, content, FRAMES)),
        "text": integers("texts", (2, 6), phones),
        "text_lengths": torch.tensor([6, 4]),
        "segment_starts": torch.tensor([5, 2]),
    }
    if extra:
        decoding |= {f"sv{i}": named_input(f"sv{i}", (1, extra)) for i in range(2)}
        training |= {"sv": named_input("sv", (2, extra))}
    calls: dict[str, tuple[dict[str, Any], dict[str, Tensor]]] = {
        "extract_latent": ({}, {"ssl": named_input("ssl", (1, content, FRAMES))}),
        "decode": ({"speed": 1.25, "noise_scale": 0.0}, decoding),
        "forward": ({"segment_frames": config.segment_frames}, training),
    }
    return [
        Case(f"s2-{name}-{call}", said | {"call": call} | more, inputs, {})
        for call, (more, inputs) in calls.items()
    ]


def discriminator_case(name: str) -> Case:
    """The losses of the discriminator of family `name`."""
    said = {
        "family": f"mpd-{name}",
        "call": "losses",
        "salt": 0,
        "configuration": miniature(name).model_dump_json(),
    }
    samples = 2100 if name == "tiny" else 300
    waves = {side: named_input(side, (1, 1, samples), 0.1) for side in ("real", "fake")}
    return Case(f"mpd-{name}-losses", said, waves, {})


def speaker_case() -> Case:
    """The speaker vector of half a second of noise."""
    said = {"family": "sv-eres2netv2", "call": "embed", "salt": 0, "configuration": '{"channels": 8}'}
    return Case("sv-eres2netv2-embed", said, {"wav": named_input("wav", (1, 3000), 0.1)}, {})


def main() -> None:
    """Run all calls and write one file each."""
    FOLDER.mkdir(exist_ok=True)
    cases = [case for name in SYNTHESIZERS for case in synthesizer_cases(name)]
    cases += [discriminator_case(name) for name in ("v2", "v2Pro", "tiny")]
    cases.append(speaker_case())
    for case in cases:
        tensors = {f"in.{key}": value for key, value in case.inputs.items()}
        outputs = {f"out.{key}": value for key, value in run(case).items()}
        everything = {key: value.contiguous().clone() for key, value in (tensors | outputs).items()}
        path = FOLDER / f"{case.name}.safetensors"
        save_file(everything, path, {"case": json.dumps(case.arguments)})
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
