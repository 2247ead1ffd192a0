"""The content encoder: 16 kHz speech to features of what is said, at 50 frames a second.

Knows the HuBERT network of transformers, an optional CTC head over phone symbols, and which layer
the features are read from. Knows no training, no file but the folder it is asked to load or save,
and no symbol table: the head speaks in symbol ids, with the blank as the last one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.errors import WeightsError
from gsv.files import new_folder, write_json

SAMPLE_RATE = 16000
FRAME_RATE = 50
SETTINGS_FILE = "gsv.json"
HEAD_FILE = "ctc.safetensors"


@dataclass(frozen=True)
class ContentSettings:
    """What `gsv.json` beside a HuBERT folder says; a published folder has none and gets the defaults."""

    version: str = ""
    """Name that everything trained on these features records."""
    feature_layer: int = -1
    """Layer whose output is the content (0 is the input of the first one); -1: the network's own output."""
    phone_classes: int = 0
    """Outputs of the CTC head, blank (the last) included; 0: no head."""
    codes_of: str = ""
    """Version whose codes this encoder learnt to keep; empty where its codes are its own."""


def tiny_hubert_config(**changes: Any) -> Any:
    """transformers `HubertConfig` of the encoder that ships: 256 wide, 50 Hz, no statistics over time."""
    from transformers import HubertConfig

    values: dict[str, Any] = {
        "vocab_size": 1,
        # It has no words; the defaults lie outside of them, which transformers warns about.
        "bos_token_id": None,
        "eos_token_id": None,
        "hidden_size": 256,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
        "conv_dim": (64, 96, 128, 192, 256, 256, 256),
        "conv_kernel": (10, 3, 3, 3, 3, 2, 2),
        "conv_stride": (5, 2, 2, 2, 2, 2, 2),
        "conv_bias": False,
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
        "num_conv_pos_embeddings": 64,
        "num_conv_pos_embedding_groups": 16,
        "hidden_dropout": 0.1,
        "attention_dropout": 0.1,
        "activation_dropout": 0.1,
        "feat_proj_dropout": 0.0,
        "layerdrop": 0.0,
        "apply_spec_augment": False,
    }
    return HubertConfig(**{**values, **changes})


class ContentEncoder(nn.Module):
    """HuBERT with an optional phone head.

    `hubert` is the transformers network as published folders hold it, so that their keys load as they are.
    """

    def __init__(self, config: Any, settings: ContentSettings | None = None) -> None:
        super().__init__()
        from transformers import HubertModel

        self.settings = settings or ContentSettings()
        self.hubert = HubertModel(config)
        classes = self.settings.phone_classes
        self.phone_head = nn.Linear(config.hidden_size, classes) if classes else None

    @property
    def dimension(self) -> int:
        """Channels of a feature frame."""
        return int(self.hubert.config.hidden_size)

    @property
    def version(self) -> str:
        """Name of these weights; empty for a published folder."""
        return self.settings.version

    @property
    def has_ctc(self) -> bool:
        """Whether `phone_logits` can be asked."""
        return self.phone_head is not None

    @property
    def batch_invariant(self) -> bool:
        """Whether a padded batch gives what single clips give.

        A first layer that normalises over time (the published base) sees the padding: such clips are
        batched by equal length only.
        """
        return str(self.hubert.config.feat_extract_norm) == "layer"

    def frames(self, samples: Tensor) -> Tensor:
        """Feature frames of so many samples at 16 kHz, elementwise."""
        lengths = samples
        for kernel, stride in zip(
            self.hubert.config.conv_kernel, self.hubert.config.conv_stride, strict=True
        ):
            lengths = torch.div(lengths - kernel, stride, rounding_mode="floor") + 1
        return lengths.clamp(min=0)

    def convolved(self, wave: Tensor, still: int = 0) -> Tensor:
        """Output of the convolutions before the transformer; wave `[B, T]` to `[B, F, D]`.

        The first `still` of them take no gradient: they run at the highest rates and cost most.
        """
        hidden = wave[:, None]
        for index, layer in enumerate(self.hubert.feature_extractor.conv_layers):
            with torch.set_grad_enabled(torch.is_grad_enabled() and index >= still):
                hidden = layer(hidden)
        return hidden.transpose(1, 2)

    def transformed(self, convolved: Tensor, frame_mask: Tensor | None) -> list[Tensor]:
        """Every layer's output, `[B, F, C]` each, from projected convolution features `[B, F, C]`.

        `frame_mask` `[B, F]` is True on real frames.
        """
        encoder = self.hubert.encoder
        if frame_mask is not None:
            convolved = convolved * frame_mask[..., None]
            attention_mask = frame_mask[:, None, None, :]
        else:
            attention_mask = None
        stable = bool(self.hubert.config.do_stable_layer_norm)
        hidden = convolved + encoder.pos_conv_embed(convolved)
        hidden = encoder.dropout(hidden if stable else encoder.layer_norm(hidden))
        outputs = [hidden]
        for layer in encoder.layers:
            hidden = layer(hidden, attention_mask=attention_mask)
            outputs.append(hidden)
        if stable:
            outputs[-1] = encoder.layer_norm(hidden)
        return outputs

    def layers(self, wave: Tensor, lengths: Tensor | None = None) -> tuple[list[Tensor], Tensor]:
        """All layers `[B, F, C]` and the real frames of each item `[B]`; wave `[B, T]`, lengths `[B]` in samples."""
        convolved = self.convolved(wave)
        total = convolved.shape[1]
        if lengths is None:
            count = torch.full((wave.shape[0],), total, device=wave.device)
            mask = None
        else:
            count = self.frames(lengths)
            mask = torch.arange(total, device=wave.device)[None, :] < count[:, None]
        projected = self.hubert.feature_projection(convolved)
        projected = projected[0] if isinstance(projected, tuple) else projected
        return self.transformed(projected, mask), count

    def select(self, layers: list[Tensor]) -> Tensor:
        """The content `[B, F, C]` among `layers`: residual streams are brought to unit scale per frame."""
        layer = self.settings.feature_layer
        if layer < 0 or layer == len(layers) - 1:
            return layers[-1]
        return functional.layer_norm(layers[layer], (layers[layer].shape[-1],))

    @torch.inference_mode()
    def features(self, wave: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Content `[B, C, F]` of `wave` `[B, T]`, float32 at 16 kHz within ±1 (ours does not mind the level;
        published ones were fed 1145.14 times as much in preparation); frames past `lengths` are zero."""
        layers, count = self.layers(wave, lengths)
        chosen = self.select(layers)
        if lengths is not None:
            chosen = (
                chosen
                * (torch.arange(chosen.shape[1], device=wave.device)[None, :] < count[:, None])[..., None]
            )
        return chosen.transpose(1, 2)

    @torch.inference_mode()
    def phone_logits(self, wave: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits `[B, F, classes]` over phone symbol ids and the blank (last).

        Raises WeightsError if this encoder came without a phone head.
        """
        layers, _ = self.layers(wave, lengths)
        return self.read(layers)

    def read(self, layers: list[Tensor]) -> Tensor:
        """Logits `[B, F, classes]` of what `layers` gave.

        Raises WeightsError if this encoder came without a phone head.
        """
        if self.phone_head is None:
            raise WeightsError(
                "the content encoder cannot read phones",
                "its folder holds no CTC head",
                "use the encoder in pretrained_models/tiny/content",
            )
        logits: Tensor = self.phone_head(layers[-1])
        return logits

    def save(self, folder: Path, dtype: torch.dtype = torch.float16) -> None:
        """Write a transformers folder with our two files beside it; the folder must not exist yet."""
        from safetensors.torch import save_file

        with new_folder(folder) as temporary:
            state = {key: value.to(dtype).contiguous() for key, value in self.hubert.state_dict().items()}
            save_file(state, str(temporary / "model.safetensors"), metadata={"format": "pt"})
            self.hubert.config.save_pretrained(str(temporary))
            if self.phone_head is not None:
                head = {
                    key: value.to(dtype).contiguous() for key, value in self.phone_head.state_dict().items()
                }
                save_file(head, str(temporary / HEAD_FILE), metadata={"format": "pt"})
            write_json(temporary / SETTINGS_FILE, vars(self.settings))

    @classmethod
    def load(cls, folder: Path) -> ContentEncoder:
        """The encoder of a transformers HuBERT folder, ours or a published one, in evaluation mode and float32.

        Raises WeightsError if the folder is not one, or its weights do not fit its configuration.
        """
        from transformers import HubertConfig

        folder = Path(folder)
        if not (folder / "config.json").is_file():
            raise WeightsError(
                f"{folder} holds no content encoder", "config.json is missing", "python tools/models.py list"
            )
        settings = ContentSettings()
        if (folder / SETTINGS_FILE).is_file():
            settings = _settings(folder / SETTINGS_FILE)
        config = HubertConfig.from_pretrained(str(folder), local_files_only=True)
        config.apply_spec_augment = False
        encoder = cls(config, settings)
        encoder.hubert.load_state_dict(_hubert_state(folder))
        if encoder.phone_head is not None:
            encoder.phone_head.load_state_dict(_read(folder / HEAD_FILE))
        return encoder.float().eval()


def _settings(path: Path) -> ContentSettings:
    """What `gsv.json` says. Raises WeightsError for one that says something else."""
    try:
        return ContentSettings(**json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{path} cannot be used", str(error), "python tools/models.py verify") from error


def _read(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    if not path.is_file():
        raise WeightsError(f"{path} is missing", "the folder is incomplete", "python tools/models.py verify")
    return {key: value.float() for key, value in load_file(str(path)).items()}


def _hubert_state(folder: Path) -> dict[str, Tensor]:
    """State of a published or our folder under the names that this transformers release uses."""
    if (folder / "model.safetensors").is_file():
        state = _read(folder / "model.safetensors")
    elif (folder / "pytorch_model.bin").is_file():
        state = torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True)
    else:
        raise WeightsError(
            f"{folder} holds no weights", "neither model.safetensors nor pytorch_model.bin", ""
        )
    named = {}
    for key, value in state.items():
        key = key.removeprefix("hubert.")
        key = key.replace("conv.weight_g", "conv.parametrizations.weight.original0")
        key = key.replace("conv.weight_v", "conv.parametrizations.weight.original1")
        named[key] = value.float()
    return named
