"""Small data and small networks for SoVITS training: noise that stands for speech, made in a moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file as save_vectors
from safetensors.torch import save_file

from gsv import audio
from gsv.corpus.experiment import Experiment
from gsv.families import FamilyConfig, miniature
from gsv.models.content import ContentEncoder, ContentSettings, tiny_hubert_config
from gsv.models.sovits.synthesizer import new_synthesizer
from gsv.training.arrays import PreparedArrays
from gsv.training.clips import SPEAKER_VECTORS_FILE
from gsv.weights.bundle import save_bundle
from gsv.weights.networks import sovits_info

PHONES = ("n", "i3", "h", "ao3", "HH", "AH0", "L", "OW1")


def tone(seed: int, seconds: float, rate: int) -> np.ndarray:
    """A harmonic sound with a wandering pitch, float32 `[T]`."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    pitch = 120 + 60 * random.random() + 20 * np.sin(2 * np.pi * 1.5 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    wave = sum(np.sin(k * phase) / k for k in range(1, 8)) + 0.05 * random.standard_normal(len(time))
    return (0.2 * wave).astype(np.float32)


def small_config(name: str = "tiny") -> FamilyConfig:
    """The miniature of a family without dropout, so that processes can be compared."""
    config = miniature(name)
    return config.model_copy(
        update={
            "prior": config.prior.model_copy(update={"dropout": 0.0}),
            "reference": config.reference.model_copy(update={"dropout": 0.0}),
        }
    )


def small_arrays(folder: Path, clips: int = 6, config: FamilyConfig | None = None) -> Path:
    """Prepared arrays of `clips` clips of two speakers, with codes and a quantizer file."""
    config = config if config is not None else small_config()
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    items, codes, waves = [], {}, {16000: [], 32000: []}  # type: ignore[var-annotated]
    offsets = {16000: 0, 32000: 0}
    for number in range(clips):
        seconds = 1.2 + 0.3 * (number % 4)
        row = {"name": f"clip{number}", "speaker": f"speaker{number % 2}", "language": "en", "text": "hello"}
        row |= {"phones": [20, 30, 40, 50], "spoken": [20, 30, 40, 50], "source_rate": 24000}
        row |= {"part": "held" if number == clips - 1 and clips > 2 else "train"}
        for rate, tag in ((16000, "16"), (32000, "32")):
            wave = (tone(number, seconds, rate) * 32767).astype("<i2")
            row |= {f"offset{tag}": offsets[rate], f"length{tag}": len(wave)}
            offsets[rate] += len(wave)
            waves[rate].append(wave)
        codes[row["name"]] = random.integers(0, config.quantizer.codes, row["length32"] // 1280).tolist()
        items.append(row)
    for rate, name in ((16000, "wave16.i16"), (32000, "wave32.i16")):
        np.concatenate(waves[rate]).tofile(folder / name)
    (folder / "items.json").write_text(json.dumps(items))
    (folder / "codes.json").write_text(json.dumps({"version": "small", "codes": codes}))
    if config.speaker_input is not None:
        draw = np.random.default_rng(7)
        size = config.speaker_input.dimension
        rows = {item["name"]: draw.random(size, dtype=np.float32) for item in items}
        save_vectors(rows, folder / SPEAKER_VECTORS_FILE)
    state = new_synthesizer(config, 4).state_dict()
    quantizer = {k: v.clone() for k, v in state.items() if k.startswith(("ssl_proj.", "quantizer."))}
    quantizer["quantizer.vq.layers.0._codebook.embed"].normal_(generator=torch.Generator().manual_seed(1))
    save_file(quantizer, folder / "quantizer.safetensors")
    (folder / "configuration.json").write_text(config.model_dump_json())
    PreparedArrays.open(folder)
    return folder


def small_base(path: Path, config: FamilyConfig) -> Path:
    """A bundle of fresh weights with a usable codebook."""
    network = new_synthesizer(config, 5)
    network.quantizer.codebook.embed.normal_(generator=torch.Generator().manual_seed(2))
    path.parent.mkdir(parents=True, exist_ok=True)
    save_bundle(path, network.state_dict(), sovits_info(config, base="small", licence="MIT"), half=False)
    return path


def small_experiment(folder: Path, config: FamilyConfig, clips: int = 6, speakers: bool = True) -> Experiment:
    """A prepared experiment in the published layout."""
    experiment = Experiment.create(folder, config.name)
    for place in (experiment.content_folder, experiment.wave_folder, experiment.speaker_folder):
        place.mkdir()
    rows = []
    generator = torch.Generator().manual_seed(0)
    for number in range(clips):
        name = f"clip {number}.wav"
        wave = tone(number, 1.1 + 0.17 * (number % 5), 32000)
        audio.write(experiment.wave_folder / name, wave, 32000)
        frames = len(wave) // 640 - number % 2
        content = torch.randn(1, config.content_dimension, frames, generator=generator)
        torch.save(content, experiment.content_path(name))
        if config.speaker_input is not None and speakers:
            vector = torch.randn(1, config.speaker_input.dimension, generator=generator)
            torch.save(vector, experiment.speaker_path(name))
        rows.append(f"{name}\t{' '.join(PHONES)}\tNone\thello\n")
    experiment.text_table.write_text("".join(rows), encoding="utf-8")
    return experiment


def small_content(folder: Path) -> Path:
    """A content encoder with a phone head, of fresh weights that read something in every frame."""
    shape: dict[str, Any] = {"num_hidden_layers": 1, "conv_dim": (8,) * 7, "hidden_size": 16}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = tiny_hubert_config(**shape, intermediate_size=16, num_attention_heads=2)
        encoder = ContentEncoder(config, ContentSettings("small", -1, 733))
    encoder.save(folder)
    return folder
