"""A whole small world for a journey: a base of a few thousand weights, and twenty generated clips.

Knows the layout of `pretrained_models/tiny` and of an annotation list. The weights are random:
a journey shows that the product works, not how a voice sounds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gsv import audio, files

RATE = 32_000
SENTENCES = (
    ("en", "The lamp by the window is lit every evening."),
    ("en", "Four small boats left the harbour before sunrise."),
    ("zh", "今天的天气很好，我们去公园走走。"),
    ("zh", "这本书放在桌子上已经三天了。"),
    ("ja", "明日の朝は早く起きます。"),
)
HARD_NAMES = (
    "plain.wav",
    "two words.wav",
    "it's.wav",
    "$(touch pwned).wav",
    "`touch pwned`.wav",
    "录音 一.wav",
    "música.wav",
    "🎙 take.wav",
    "a&b;c.wav",
    "100%.wav",
)


def make_base(pretrained: Path) -> None:
    """Write `tiny/content`, `tiny/sovits.safetensors` and `tiny/gpt.safetensors`, a few channels wide."""
    import torch

    from gsv.families import family, miniature
    from gsv.gpt_families import small_gpt
    from gsv.models.content import ContentEncoder, ContentSettings, tiny_hubert_config
    from gsv.models.gpt.decoder import new_decoder
    from gsv.models.sovits.synthesizer import new_synthesizer
    from gsv.weights.bundle import code_version, save_bundle
    from gsv.weights.networks import gpt_info, sovits_info

    # The numbers of codes are those of the family: a GPT in training asks for them.
    config = miniature("tiny")
    config = config.model_copy(update={"quantizer": family("tiny").quantizer})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        hubert = tiny_hubert_config(
            hidden_size=config.content_dimension,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            conv_dim=(8, 8, 8, 8, 8, 8, 8),
            num_conv_pos_embeddings=8,
            num_conv_pos_embedding_groups=4,
        )
        encoder = ContentEncoder(hubert, ContentSettings("miniature-content", -1, 733))
    pretrained.joinpath("tiny").mkdir(parents=True)
    encoder.save(pretrained / "tiny" / "content")
    network = new_synthesizer(config, seed=1)
    version = code_version(network.state_dict())
    info = sovits_info(config, base="miniature", code_version=version, licence="MIT")
    save_bundle(pretrained / "tiny" / "sovits.safetensors", network.state_dict(), info)
    decoder = new_decoder(small_gpt("tiny", codes=config.quantizer.codes), seed=3)
    state = decoder.state_dict()
    # The end is likely all the time, so that a sentence takes half a second.
    state[f"h.layers.{decoder.config.layers - 1}.norm2.bias"].fill_(1.0)
    state["ar_predict_layer.weight"][decoder.config.end].fill_(0.3)
    about = gpt_info(decoder.config, base="miniature", code_version=version, licence="MIT")
    save_bundle(pretrained / "tiny" / "gpt.safetensors", state, about)


def voice_like(seconds: float, pitch: float, seed: int) -> np.ndarray:
    """A buzzing sound with moving resonances, as float32 samples at 32 kHz."""
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    sound = np.zeros_like(time)
    for harmonic in range(1, 30):
        weight = np.exp(-((harmonic * pitch - 600 - 300 * np.sin(3 * time)) ** 2) / 2e5) + 0.02
        sound += weight * np.sin(2 * np.pi * harmonic * pitch * time)
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * time)
    noise = 0.003 * generator.standard_normal(len(time))
    return (0.5 * syllables * sound / np.abs(sound).max() + noise).astype(np.float32)


def make_clips(folder: Path, count: int = 20) -> Path:
    """Write `count` clips with hard names and the list of them; returns the list."""
    folder.mkdir(parents=True)
    rows = []
    for index in range(count):
        hard = HARD_NAMES[index % len(HARD_NAMES)]
        name = hard if index < len(HARD_NAMES) else f"{index} {hard}"
        # The last ones are long enough to be references of a voice.
        seconds = 1.2 + 0.05 * index if index < count - 2 else 3.2
        audio.write(folder / name, voice_like(seconds, 110 + 5 * index, index), RATE)
        language, text = SENTENCES[index % len(SENTENCES)]
        rows.append(f"{name}|speaker|{language}|{text}")
    path = folder / "my list 列表.list"
    files.write_text(path, "\n".join(rows) + "\n")
    return path
