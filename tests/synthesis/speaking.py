"""A workspace that can speak: miniature networks with random weights, and a GPT that soon comes to its end."""

from __future__ import annotations

from pathlib import Path

import torch

from gsv.gpt_families import small_gpt
from gsv.models.gpt.decoder import new_decoder
from gsv.settings import Workspace
from gsv.synthesis.voice import Reference, Voice, base_voice
from gsv.weights.bundle import save_bundle
from gsv.weights.networks import gpt_info, read_sovits_weights


def add_gpt(root: Path) -> None:
    """Write a GPT for each voice of a workspace made by `conftest.make_workspace`."""
    for name in ("tiny", "v2"):
        folder = root / "pretrained_models" / name
        config, _, info = read_sovits_weights(folder / "sovits.safetensors")
        changes: dict[str, object] = {"codes": config.quantizer.codes}
        network = new_decoder(small_gpt(name, **changes), seed=3)
        with torch.no_grad():
            # Larger logits: the codes then depend on what was said, as those of a trained network do.
            network.ar_predict_layer.weight.mul_(2)
        save_bundle(
            folder / "gpt.safetensors",
            network.state_dict(),
            gpt_info(network.config, code_version=info.code_version),
        )


def voice_of(root: Path, name: str, *references: Reference) -> Voice:
    """A voice of that workspace, saying everything in one attempt unless a test asks for more."""
    folder = root / "pretrained_models" / name
    voice = base_voice(
        Workspace(root), *references, sovits=folder / "sovits.safetensors", gpt=folder / "gpt.safetensors"
    )
    return voice.model_copy(
        update={"defaults": {"candidates": 1, "retries": 0, "top_k": 0, "ref_free": False}}
    )
