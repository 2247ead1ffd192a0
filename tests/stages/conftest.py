"""A miniature content encoder, a miniature base, and clips of noise and tones, made once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from gsv.audio import write
from gsv.families import miniature
from gsv.models.content import ContentEncoder, ContentSettings, tiny_hubert_config
from gsv.models.sovits.synthesizer import new_synthesizer
from gsv.weights.bundle import save_bundle
from gsv.weights.networks import sovits_info

SENTENCES = (
    ("en", "Hello there."), ("zh", "你好。"), ("en", "A second sentence, longer than the first."),
    ("zh", "今天天气很好。"), ("en", "One."), ("en", "We go on."), ("zh", "再见。"),
)  # fmt: skip


def encoder(seed: int, norm: str = "layer") -> ContentEncoder:
    """A content encoder of a few channels; with `norm` group it hears padding, as the published one does."""
    torch.manual_seed(seed)
    config = tiny_hubert_config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
        conv_dim=(4, 4, 4, 4, 4, 4, 8), num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
        feat_extract_norm=norm, conv_bias=norm == "layer", do_stable_layer_norm=norm == "layer",
    )  # fmt: skip
    return ContentEncoder(config, ContentSettings(f"miniature-{seed}", -1, 733)).eval()


def base(path: Path, seed: int) -> Path:
    """A SoVITS base of a few channels with a random codebook."""
    config = miniature("tiny")
    network = new_synthesizer(config, seed)
    generator = torch.Generator().manual_seed(seed)
    network.quantizer.codebook.embed.normal_(generator=generator)
    save_bundle(path, network.state_dict(), sovits_info(config))
    return path


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder pretrained_models/ with the miniature tiny family, and a second encoder and base."""
    root = tmp_path_factory.mktemp("models") / "pretrained_models"
    encoder(1).save(root / "tiny" / "content")
    encoder(2).save(root / "other" / "content")
    base(root / "tiny" / "sovits.safetensors", 1)
    base(root / "other" / "sovits.safetensors", 2)
    return root


def noise(seed: int, seconds: float, rate: int = 16000) -> np.ndarray:
    """Noise under a slow swell, `[T]` float32."""
    generator = np.random.default_rng(seed)
    time = np.arange(int(rate * seconds)) / rate
    return (
        (0.3 * generator.normal(size=len(time)) * np.sin(3 * time + seed) ** 2).astype(np.float32).clip(-1, 1)
    )


@pytest.fixture
def workspace(tmp_path: Path, models: Path) -> Path:
    """A workspace with an awkward name, the models, and a list of seven good clips and three bad rows."""
    root = tmp_path / "it's a $(touch pwned) 你好 🎤"
    shutil.copytree(models, root / "pretrained_models")
    lines = []
    for index, (language, text) in enumerate(SENTENCES):
        path = root / "my clips" / f"{'left' if index % 2 else 'right'}" / f'take "{index // 2}" $x 声.wav'
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, noise(index, 0.8 + 0.3 * index), 16000)
        lines.append(f"{path.relative_to(root / 'my clips').as_posix()}|anna|{language}|{text}")
    lines.insert(2, "nowhere.wav|anna|en|Gone.")
    lines.insert(4, lines[0].replace("|en|", "|fr|"))
    lines.append(lines[0])
    (root / "my clips" / "voice's.list").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def run(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a script of tools/ as a child process, from another folder: run("prepare", "--experiment", ...)."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def start(tool: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(repository / "tools" / f"{tool}.py"), *map(str, arguments)]
        environment = {**os.environ, "PYTHONUTF8": "1"}
        ended = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, env=environment)
        assert not (elsewhere / "pwned").exists()
        return ended

    return start


RESULTS = ("2-name2text.txt", "6-name2semantic.tsv", "rejected.tsv")


@pytest.fixture(scope="session")
def snapshot() -> Callable[[Path], dict[str, bytes]]:
    """Everything that the stages made in an experiment folder, by relative path."""

    def take(folder: Path) -> dict[str, bytes]:
        files = [folder / name for name in RESULTS]
        inner = [folder / name for name in ("4-cnhubert", "5-wav32k", "7-sv_cn")]
        files += [path for made in inner if made.is_dir() for path in sorted(made.iterdir())]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    return take
