"""The networks of a voice, found and loaded for conversion.

Knows where the workspace keeps models and which belongs to which family. Does not know requests.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gsv.errors import InputError
from gsv.families import FamilyConfig
from gsv.listening.recognition import Recogniser, WhisperRecogniser
from gsv.listening.similarity import DIMENSION, SpeakerEncoder
from gsv.models.content import ContentEncoder
from gsv.models.phone_language import LANGUAGE_FILE, PhoneLanguage
from gsv.models.weight_norm import fold_weight_norm
from gsv.settings import Workspace
from gsv.synthesis.conversion import Converter
from gsv.synthesis.references import SpeakerEmbedder
from gsv.weights.networks import load_synthesizer

SHIPPED_WEIGHTS = "sovits.safetensors"
SHIPPED_CONTENT = "content"
"""Below the folder of the base that ships."""
_PUBLISHED_CONTENT = Path("chinese-hubert-base")
_PUBLISHED_SPEAKER = Path("sv", "pretrained_eres2netv2w24s4ep4.ckpt")
_WHISPER_SIZES = ("large-v3-turbo", "large-v3", "medium", "small", "base", "tiny")


def load_converter(
    workspace: Workspace,
    weights: Path | None = None,
    content: Path | None = None,
    whisper: Path | None = None,
    device: torch.device | str = "cpu",
) -> Converter:
    """A converter with `weights` (the shipped voice if None), ready for requests.

    `content` and `whisper` are folders; by default the one of the family, and the largest Whisper that was
    fetched where the family cannot do without. Raises InputError for what is missing, WeightsError for what
    does not fit.
    """
    device = torch.device(device)
    file = weights or workspace.shipped("tiny") / SHIPPED_WEIGHTS
    if not file.is_file():
        raise InputError(f"There is no voice at {file}", "", "Name a weights file with --weights.")
    synthesizer, _ = load_synthesizer(file, device, posterior=False)
    config = synthesizer.config
    folder = content or content_folder(workspace, config)
    encoder = ContentEncoder.load(folder)
    fold_weight_norm(synthesizer)
    needs_recogniser = not (encoder.has_ctc and config.symbols == "v2")
    return Converter(
        synthesizer,
        encoder,
        device=device,
        recogniser=_recogniser(workspace, whisper, needs_recogniser),
        embedder=speaker_embedder(workspace, config, device),
        phone_language=phone_language(folder, encoder),
    )


def phone_language(folder: Path, encoder: ContentEncoder) -> PhoneLanguage | None:
    """The language of phones beside a content encoder that reads phones; None where there is none.

    Raises WeightsError for a file that does not fit.
    """
    file = folder / LANGUAGE_FILE
    if not encoder.has_ctc or not file.is_file():
        return None
    return PhoneLanguage.load(file, encoder.settings.phone_classes - 1)


def content_folder(workspace: Workspace, config: FamilyConfig) -> Path:
    """The content encoder of a family. Raises InputError where it is missing."""
    ours = config.name == "tiny"
    folder = (
        workspace.shipped("tiny") / SHIPPED_CONTENT if ours else workspace.pretrained / _PUBLISHED_CONTENT
    )
    if not (folder / "config.json").is_file():
        raise InputError(
            f"The content encoder of {config.name} is missing",
            f"it is expected in {folder}",
            "python tools/models.py list says how to fetch it; or name its folder with --content.",
        )
    return folder


def _recogniser(workspace: Workspace, whisper: Path | None, needed: bool) -> Recogniser | None:
    if whisper is not None:
        return WhisperRecogniser(whisper)
    if not needed:
        return None
    for size in _WHISPER_SIZES:
        folder = workspace.pretrained / f"faster-whisper-{size}"
        if (folder / "model.bin").is_file():
            return WhisperRecogniser(folder)
    return None


def speaker_embedder(
    workspace: Workspace, config: FamilyConfig, device: torch.device
) -> SpeakerEmbedder | None:
    """What makes the vector that the family's speaker input asks for; None where it is not there."""
    wanted = config.speaker_input
    if wanted is None:
        return None
    if wanted.dimension == DIMENSION:
        shipped = SpeakerEncoder.load().to(device)

        def embed(samples: np.ndarray, rate: int) -> Tensor:
            return torch.from_numpy(shipped.embed(samples, rate))[None]

        return embed
    file = workspace.pretrained / _PUBLISHED_SPEAKER
    if not file.is_file():
        return None
    from gsv.features.speaker import SpeakerExtractor

    return SpeakerExtractor.load(file, device).vector
