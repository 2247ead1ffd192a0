"""A miniature voice and content encoder, generated and written to a folder of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gsv.audio import write
from gsv.families import miniature
from gsv.models.content import ContentEncoder, ContentSettings, tiny_hubert_config
from gsv.models.sovits.synthesizer import new_synthesizer
from gsv.settings import Workspace
from gsv.synthesis.engine import Synthesizer
from gsv.synthesis.voice import Reference, Voice
from gsv.weights.bundle import code_version, save_bundle
from gsv.weights.networks import sovits_info
from tests.synthesis.speaking import add_gpt, voice_of

RATE = 16_000


def small_encoder(classes: int) -> ContentEncoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = tiny_hubert_config(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, conv_dim=(8,) * 7,
            num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2,
        )  # fmt: skip
        return ContentEncoder(config, ContentSettings("test", phone_classes=classes)).eval()


def make_workspace(root: Path) -> Path:
    """A workspace with a tiny voice, a v2 voice and both content encoders, all in miniature."""
    for name, classes, folder in (("tiny", 733, "tiny/content"), ("v2", 0, "chinese-hubert-base")):
        synthesizer = new_synthesizer(miniature(name), seed=1)
        torch.nn.init.normal_(
            synthesizer.quantizer.vq.layers[0]._codebook.embed, generator=torch.Generator().manual_seed(2)
        )
        state = synthesizer.state_dict()
        info = sovits_info(synthesizer.config, code_version=code_version(state))
        target = root / "pretrained_models" / name / "sovits.safetensors"
        target.parent.mkdir(parents=True, exist_ok=True)
        save_bundle(target, state, info)
        small_encoder(classes).save(root / "pretrained_models" / folder)
    return root


def speech(seconds: float, pitch: float = 140, seed: int = 0) -> np.ndarray:
    """A buzz whose loudness and pitch wander."""
    time = np.arange(round(seconds * RATE)) / RATE
    sway = np.cumsum(np.random.default_rng(seed).normal(0, 1, len(time) // 400 + 2)) * 0.05
    phase = 2 * np.pi * pitch * time + np.interp(time, np.arange(len(sway)) * 0.025, sway)
    wave = sum(np.sin(phase * harmonic) / harmonic for harmonic in range(1, 10))
    return (0.1 * wave * (1 + np.sin(2 * np.pi * 3 * time))).astype(np.float32)


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("workspace 工作区"))


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with source.wav, 7 s, and reference.wav, 3 s."""
    folder = tmp_path_factory.mktemp("clips $(x) 'q' 😀")
    write(folder / "source.wav", speech(7), RATE)
    write(folder / "reference.wav", speech(3, 220, seed=1), RATE)
    return folder


@pytest.fixture(scope="session")
def speaking_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that can speak, with the clips reference.wav (4 s) and long.wav (14 s)."""
    root = make_workspace(tmp_path_factory.mktemp("speaking 说话 $(x)"))
    add_gpt(root)
    write(root / "reference.wav", speech(4, 220, seed=1), RATE)
    write(root / "long.wav", speech(14, 180, seed=2), RATE)
    return root


@pytest.fixture(scope="session")
def engine(speaking_root: Path) -> Synthesizer:
    return Synthesizer(Workspace(speaking_root), "cpu")


@pytest.fixture(scope="session")
def voice(speaking_root: Path) -> Voice:
    reference = Reference(path=speaking_root / "reference.wav", text="The lamp is lit.", language="en")
    return voice_of(speaking_root, "tiny", reference)
