"""The networks that speak with a voice: found, loaded, held against each other.

Knows where the workspace keeps models and which belong together. Does not know texts or requests.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gsv.errors import GsvError, WeightsError
from gsv.families import FamilyConfig
from gsv.listening.listener import PhoneListener
from gsv.models.content import ContentEncoder
from gsv.models.gpt.decoder import SemanticDecoder
from gsv.models.sovits.synthesizer import Synthesizer as Generator
from gsv.models.weight_norm import fold_weight_norm
from gsv.settings import Workspace
from gsv.synthesis.loading import SHIPPED_CONTENT, content_folder, speaker_embedder
from gsv.synthesis.precision import arranged
from gsv.synthesis.references import SpeakerEmbedder
from gsv.synthesis.voice import TINY_DEFAULTS, Setting, Voice
from gsv.weights.bundle import BundleInfo, check_fit
from gsv.weights.networks import load_gpt, load_synthesizer

logger = logging.getLogger(__name__)

PRECISION_FILE = "precision.json"
"""In the folder of experiments: which arithmetic was found fit for which GPT on this machine."""


@dataclass(frozen=True)
class Networks:
    """Loaded networks of one voice, in evaluation mode; nothing in them changes while they speak."""

    generator: Generator
    gpt: SemanticDecoder
    encoder: ContentEncoder
    embedder: SpeakerEmbedder | None
    listener: PhoneListener | None
    """What hears whether a sentence was said; None where no encoder with a phone head is at hand."""
    device: torch.device
    precision: str = "float32"
    """In what the GPT computes."""
    notes: tuple[str, ...] = ()
    """What a person should know about how these networks run."""

    @property
    def config(self) -> FamilyConfig:
        """The generator's family."""
        return self.generator.config

    @property
    def defaults(self) -> dict[str, Setting]:
        """Settings of the family, where they differ from the published ones and these networks can follow them."""
        if self.config.name != "tiny":
            return {}
        guided = self.gpt.config.no_text is not None
        return {name: value for name, value in TINY_DEFAULTS.items() if guided or name != "guidance"}

    @torch.inference_mode()
    def codes(self, wave: np.ndarray) -> Tensor:
        """Semantic codes `[S]` of a 16 kHz wave `[T]` within ±1. Raises WeightsError for values that are no numbers."""
        batch = torch.from_numpy(np.ascontiguousarray(wave, dtype=np.float32))[None].to(self.device)
        content = self.encoder.features(batch).float()
        if not torch.isfinite(content).all():
            raise WeightsError("the content encoder gave values that are not numbers", "in float32")
        return self.generator.extract_latent(content)[0, 0]


def load_networks(
    workspace: Workspace, voice: Voice, device: torch.device, precision: str = "auto"
) -> Networks:
    """Everything that `voice` speaks with; `precision` as `gsv.synthesis.precision.arranged`.

    Raises InputError for missing files, WeightsError for damaged ones and for parts that do not fit together,
    ResourceError for a precision that this machine does not have.
    """
    generator, generator_info = load_synthesizer(voice.sovits, device, posterior=False)
    gpt, gpt_info = load_gpt(voice.gpt, device)
    _check_pair(generator, generator_info, gpt, gpt_info)
    encoder = ContentEncoder.load(voice.content or content_folder(workspace, generator.config)).to(device)
    if encoder.dimension != generator.config.content_dimension:
        why = f"it gives {encoder.dimension} channels, the voice hears {generator.config.content_dimension}"
        raise WeightsError("the content encoder does not fit the voice", why, "Name the one of its family.")
    fold_weight_norm(generator)
    spoken = arranged(gpt, voice.gpt, precision, workspace.logs / PRECISION_FILE)
    return Networks(
        generator=generator,
        gpt=spoken.network,
        encoder=encoder,
        embedder=speaker_embedder(workspace, generator.config, device),
        listener=_listener(workspace, encoder, device),
        device=device,
        precision=spoken.kind,
        notes=(spoken.note,) if spoken.note else (),
    )


def _check_pair(
    generator: Generator, generator_info: BundleInfo, gpt: SemanticDecoder, gpt_info: BundleInfo
) -> None:
    check_fit(generator_info, gpt_info)
    known, spoken = generator.config.quantizer.codes, gpt.config.codes
    if known != spoken:
        why = f"the GPT speaks {spoken} codes, SoVITS knows {known}"
        raise WeightsError("the GPT and the SoVITS weights do not fit", why, "Choose parts of one base.")


def _listener(workspace: Workspace, encoder: ContentEncoder, device: torch.device) -> PhoneListener | None:
    """The voice's own encoder where it reads phones, else the one that ships; None without both."""
    folder = workspace.shipped("tiny") / SHIPPED_CONTENT
    try:
        if encoder.has_ctc:
            return PhoneListener(encoder)
        if (Path(folder) / "config.json").is_file():
            return PhoneListener(ContentEncoder.load(folder).to(device))
    except GsvError as error:
        logger.warning("what is said cannot be checked: %s", error)
    return None
