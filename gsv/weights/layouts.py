"""Which tensors a network must have, by name and shape, and the strict comparison with a file.

The layouts of SoVITS networks and discriminators are asked of the networks themselves, built without memory.
Knows nothing of how a file stores its tensors.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from gsv.errors import WeightsError
from gsv.families import FamilyConfig

Shape = tuple[int, ...]
Layout = dict[str, Shape]

GPT_LAYERS, GPT_WIDTH, GPT_CODES, GPT_BERT_WIDTH = 24, 512, 1025, 1024
GPT_PHONES = {"v1": 512, "v2": 732}
MOST_NAMED = 5


def sovits_layout(config: FamilyConfig, with_posterior: bool = True) -> Layout:
    """Names and shapes of a synthesizer's state."""
    from gsv.models.sovits.synthesizer import Synthesizer

    with torch.device("meta"):
        network = Synthesizer(config, with_posterior=with_posterior)
    return layout_of(network)


def discriminator_layout(config: FamilyConfig) -> Layout:
    """Names and shapes of a family's discriminator."""
    from gsv.models.discriminator import Discriminator

    with torch.device("meta"):
        network = Discriminator(config.discriminator)
    return layout_of(network)


def layout_of(network: torch.nn.Module) -> Layout:
    """Names and shapes of a network's state."""
    return {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}


def gpt_layout(symbols: str) -> Layout:
    """Names and shapes of a published GPT file for the symbol table `symbols`, "v1" or "v2"."""
    width = GPT_WIDTH
    layout: Layout = {
        "bert_proj.weight": (width, GPT_BERT_WIDTH),
        "bert_proj.bias": (width,),
        "ar_text_embedding.word_embeddings.weight": (GPT_PHONES[symbols], width),
        "ar_text_position.alpha": (1,),
        "ar_audio_embedding.word_embeddings.weight": (GPT_CODES, width),
        "ar_audio_position.alpha": (1,),
        "ar_predict_layer.weight": (GPT_CODES, width),
    }
    block: Layout = {
        "self_attn.in_proj_weight": (3 * width, width),
        "self_attn.in_proj_bias": (3 * width,),
        "self_attn.out_proj.weight": (width, width),
        "self_attn.out_proj.bias": (width,),
        "linear1.weight": (4 * width, width),
        "linear1.bias": (4 * width,),
        "linear2.weight": (width, 4 * width),
        "linear2.bias": (width,),
    }
    for norm in ("norm1", "norm2"):
        block |= {f"{norm}.weight": (width,), f"{norm}.bias": (width,)}
    for layer in range(GPT_LAYERS):
        layout |= {f"h.layers.{layer}.{name}": shape for name, shape in block.items()}
    return {f"model.{name}": shape for name, shape in layout.items()}


def compare(found: Mapping[str, Shape], expected: Mapping[str, Shape], name: str, kind: str) -> None:
    """Refuse a state that has not exactly the expected names and shapes; the error names the first ones."""
    missing = [key for key in expected if key not in found]
    foreign = [key for key in found if key not in expected]
    wrong = [key for key in expected if key in found and tuple(found[key]) != tuple(expected[key])]
    if not (missing or foreign or wrong):
        return
    parts = []
    if missing:
        parts.append(f"{_tensors(missing)} missing ({_some(missing)})")
    if foreign:
        parts.append(f"{_tensors(foreign, 'does not', 'do not')} belong there ({_some(foreign)})")
    if wrong:
        shapes = [f"{key} is {list(found[key])} and should be {list(expected[key])}" for key in wrong]
        parts.append(f"{_tensors(wrong, 'has', 'have')} another shape ({'; '.join(shapes[:2])})")
    raise WeightsError(
        f"{name} is not {kind}", ", ".join(parts), "Use the file as it was published or exported."
    )


def _tensors(keys: list[str], one: str = "is", several: str = "are") -> str:
    return f"1 tensor {one}" if len(keys) == 1 else f"{len(keys)} tensors {several}"


def _some(keys: list[str]) -> str:
    shown = ", ".join(ascii(key[:80]).strip("'") for key in keys[:MOST_NAMED])
    return f"{shown}, ..." if len(keys) > MOST_NAMED else shown
