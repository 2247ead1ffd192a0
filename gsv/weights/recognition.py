"""Says what a published weight file is, from the names and shapes of its tensors alone.

File names, sizes, hashes and version marks decide nothing here. Knows how each published network can be told
from the others; does not check that a file is complete (`layouts.py`) and reads no tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gsv.errors import WeightsError
from gsv.families import FAMILY_NAMES, FamilyConfig, HifiganConfig, family
from gsv.weights.pickles import ParameterBag
from gsv.weights.references import TensorReference, plain_line
from gsv.weights.torchfile import TorchFile

Kind = Literal[
    "sovits", "flow", "lora", "discriminator", "gpt", "speaker", "vocoder", "bigvgan", "content", "bert"
]

_STATE_NAMES = ("weight", "model", "generator", "state_dict")
_MOST_VALUES = 20_000
_DEEPEST = 16
_TEXT_TABLE = "enc_p.text_embedding.weight"
_GPT_TEXT_TABLE = "model.ar_text_embedding.word_embeddings.weight"
SENTENCES: dict[Kind, str] = {
    "sovits": "a SoVITS model",
    "flow": "a SoVITS model of generation v3 or v4",
    "lora": "a LoRA of a SoVITS model of generation v3 or v4",
    "discriminator": "a SoVITS discriminator",
    "gpt": "a GPT model",
    "speaker": "the speaker verification network",
    "vocoder": "the 48 kHz vocoder of v4",
    "bigvgan": "the BigVGAN vocoder of v3",
    "content": "a HuBERT content encoder",
    "bert": "a BERT text encoder",
}


@dataclass(frozen=True)
class Recognition:
    """What a file is. `family` is the SoVITS family, the GPT's symbol table ("v1" or "v2"), or empty."""

    kind: Kind
    family: str
    has_posterior: bool
    tensors: int
    mark: str | None
    info: str

    @property
    def sentence(self) -> str:
        """The kind and family in words, such as "a SoVITS model (v2Pro)"."""
        return f"{SENTENCES[self.kind]} ({self.family})" if self.family else SENTENCES[self.kind]


def recognise(path: Path) -> Recognition:
    """What the published file at `path` is; no tensor is read.

    Raises InputError for a missing file, WeightsError for a damaged, refused or unknown one.
    """
    with TorchFile(path) as file:
        return recognise_open(file)


def recognise_open(file: TorchFile) -> Recognition:
    """`recognise` for a file that is open already."""
    state = state_of(file)
    kind = _kind(state)
    if kind is None:
        some = ", ".join(f"{key[:60]!a}" for key in list(state)[:3])
        why = f"its tensors ({some}, ...) belong to no network that we know"
        raise WeightsError(f"{file.path.name} is of an unknown kind", why, "Choose a GPT-SoVITS weight file.")
    return Recognition(
        kind=kind,
        family=_family(kind, state, file.mark),
        has_posterior=any(key.startswith("enc_q.") for key in state),
        tensors=len(state),
        mark=file.mark,
        info=info_of(file),
    )


def state_of(file: TorchFile) -> dict[str, TensorReference]:
    """The tensors of the network in the file, by name, wherever the published forms put them."""
    value = file.value
    if isinstance(value, dict):
        for name in _STATE_NAMES:
            if isinstance(value.get(name), dict):
                value = value[name]
                break
    if not isinstance(value, dict):
        raise _no_state(file, "it holds no table of tensors")
    state: dict[str, TensorReference] = {}
    for key, reference in value.items():
        if not isinstance(key, str) or not isinstance(reference, TensorReference):
            raise _no_state(file, f"its entry {str(key)[:60]!a} is no tensor")
        state[key] = reference
    if not state:
        raise _no_state(file, "its table of tensors is empty")
    return state


def info_of(file: TorchFile) -> str:
    """The note on training length in a published file, or an empty text."""
    info = file.value.get("info") if isinstance(file.value, dict) else None
    return plain_line(info) if isinstance(info, str) else ""


def settings_of(file: TorchFile) -> dict[str, object]:
    """The hyper-parameters in a published file as plain, JSON-ready values; empty where there are none."""
    value = file.value.get("config") if isinstance(file.value, dict) else None
    found = _Plain(file.path.name).convert(value, 0)
    return found if isinstance(found, dict) else {}


class _Plain:
    """Makes plain values within bounds, because lists that share lists can describe billions of values."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._left = _MOST_VALUES

    def convert(self, value: object, depth: int) -> object:
        self._left -= 1
        if depth > _DEEPEST or self._left < 0:
            raise WeightsError(f"{self._name} is refused", "its settings are larger than any settings are")
        if isinstance(value, ParameterBag):
            value = value.values
        if isinstance(value, dict):
            return {str(key): self.convert(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.convert(inner, depth + 1) for inner in value]
        return value if value is None or isinstance(value, str | int | float) else str(type(value).__name__)


def _no_state(file: TorchFile, why: str) -> WeightsError:
    return WeightsError(f"{file.path.name} holds no weights", why, "Choose a GPT-SoVITS weight file.")


def _kind(state: Mapping[str, TensorReference]) -> Kind | None:
    """The network that these names belong to: each test is a name that only one network has."""
    if any(".lora_A." in key for key in state):
        return "lora"
    if any(key.startswith("cfm.") for key in state):
        return "flow"
    signs: tuple[tuple[str, Kind], ...] = (
        (_TEXT_TABLE, "sovits"),
        (_GPT_TEXT_TABLE, "gpt"),
        ("discriminators.0.convs.0.bias", "discriminator"),
        ("layer3_ds.weight", "speaker"),
        ("resblocks.0.activations.0.act.alpha", "bigvgan"),
        ("resblocks.0.convs1.0.weight", "vocoder"),
        ("feature_projection.projection.weight", "content"),
        ("bert.embeddings.word_embeddings.weight", "bert"),
        ("embeddings.word_embeddings.weight", "bert"),
    )
    return next((kind for sign, kind in signs if sign in state), None)


def _family(kind: Kind, state: Mapping[str, TensorReference], mark: str | None) -> str:
    if kind == "sovits":
        return _sovits_family(state)
    if kind == "gpt":
        return "v1" if state[_GPT_TEXT_TABLE].shape[:1] == (512,) else "v2"
    if kind == "discriminator":
        return "v2Pro" if "discriminators.6.convs.0.bias" in state else "v2"
    if kind == "lora":  # v3 and v4 have the same names and shapes: only the mark tells them apart
        return {"03": "v3", "04": "v4"}.get(mark or "", "")
    return ""


def _sovits_family(state: Mapping[str, TensorReference]) -> str:
    """The published family whose symbol table, speaker input and decoder width these shapes have."""
    for name in FAMILY_NAMES:
        config = family(name)
        if isinstance(config.decoder, HifiganConfig) and _has_shapes_of(config, config.decoder, state):
            return name
    return ""


def _has_shapes_of(
    config: FamilyConfig, decoder: HifiganConfig, state: Mapping[str, TensorReference]
) -> bool:
    first = state.get("dec.conv_pre.weight")
    return (
        state[_TEXT_TABLE].shape[:1] == (config.phone_count,)
        and (config.speaker_input is not None) == ("sv_emb.weight" in state)
        and first is not None
        and first.shape[:1] == (decoder.initial_channels,)
    )
