"""What differs between the voice model families, as typed values.

Knows the widths, rates, symbol tables and optional inputs of every family. Does not know networks, files
or text: `gsv.models` reads these values and never asks for a family by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gsv.errors import InputError

Count = Annotated[int, Field(gt=0)]


class FamilyPart(BaseModel):
    """Base of all parts: unknown keys are refused, values cannot be changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SpectrogramConfig(FamilyPart):
    """Framing of the linear spectrogram that the posterior and the reference encoder read."""

    n_fft: int = Field(default=2048, gt=0, description="samples in one transform")
    hop_length: int = Field(default=640, gt=0, description="samples from one frame to the next")
    win_length: int = Field(default=2048, gt=0, description="samples under the Hann window")
    n_mels: int = Field(default=128, gt=0, description="mel bands of the training loss")

    @property
    def bins(self) -> int:
        """Number of frequency bins, `n_fft // 2 + 1`."""
        return self.n_fft // 2 + 1


class QuantizerConfig(FamilyPart):
    """One codebook after a strided projection of the content features."""

    codes: int = Field(default=1024, gt=1, description="entries of the codebook")
    frames_per_code: int = Field(default=2, ge=1, le=4, description="content frames that one code stands for")
    frozen: bool = Field(default=True, description="projection and codebook stay as loaded while training")
    decay: float = Field(default=0.99, gt=0, lt=1, description="of the moving averages of the codebook")
    dead_below: float = Field(default=2.0, ge=0, description="codes used less than this are drawn anew")


class PriorConfig(FamilyPart):
    """Text and content encoders and what joins them."""

    hidden: Count = 192
    filter: int = Field(default=768, gt=0, description="width inside the feed-forward layers")
    heads: Count = 2
    kernel: Count = 3
    window: int = Field(default=4, ge=0, description="reach of the relative positions, in steps")
    text_layers: Count = 6
    content_layers: Count = 3
    joint_layers: Count = 3
    cross_attention: int = Field(default=512, gt=0, description="width of the attention from content to text")
    cross_heads: Count = 4
    dropout: float = Field(default=0.1, ge=0, lt=1)
    follows_text: bool = Field(
        default=False,
        description="where frames look at the phones is made a path through the text that leaves nothing out",
    )


class PosteriorConfig(FamilyPart):
    """Encoder of the target spectrogram, used in training only."""

    layers: Count = 16
    kernel: Count = 5


class FlowConfig(FamilyPart):
    """Residual coupling flow between the prior and the latent."""

    couplings: Count = 4
    layers: int = Field(default=4, gt=0, description="layers inside one coupling")
    kernel: Count = 5


class ReferenceConfig(FamilyPart):
    """Encoder of the reference clip's spectrogram to the speaker vector."""

    bins: int = Field(default=704, gt=0, description="lowest bins that are read")
    hidden: Count = 128
    kernel: Count = 5
    heads: Count = 2
    dropout: float = Field(default=0.1, ge=0, lt=1)
    masked: bool = Field(
        default=False,
        description="keep padding at zero between the layers; the published networks let it reach valid frames",
    )


SHIPPED_SPEAKER_DIMENSION = 256
"""Numbers in a vector of the speaker network that ships: what a family of this dimension is fed with."""


class SpeakerInputConfig(FamilyPart):
    """A vector of a pretrained speaker network that is added to the reference encoder's."""

    dimension: Count
    required: bool = Field(default=True, description="refuse to work without it")


class HifiganConfig(FamilyPart):
    """Decoder of transposed convolutions and dilated residual blocks."""

    kind: Literal["hifigan"] = "hifigan"
    initial_channels: Count = 512
    upsample_rates: tuple[int, ...] = (10, 8, 2, 2, 2)
    upsample_kernels: tuple[int, ...] = (16, 16, 8, 2, 2)
    resblock_kernels: tuple[int, ...] = (3, 7, 11)
    resblock_dilations: tuple[int, ...] = (1, 3, 5)


class IstftConfig(FamilyPart):
    """Decoder of ConvNeXt blocks with an inverse short-time Fourier transform as its last step."""

    kind: Literal["istft"] = "istft"
    channels: Count = 256
    filter: int = Field(default=768, gt=0, description="width inside a block")
    blocks: Count = 6
    kernel: Count = 7
    n_fft: Count = 1280
    hop_length: Count = 320


DecoderConfig = Annotated[HifiganConfig | IstftConfig, Field(discriminator="kind")]


class PeriodDiscriminatorConfig(FamilyPart):
    """One scale discriminator on the wave, then one for each period."""

    kind: Literal["period"] = "period"
    periods: tuple[int, ...] = (2, 3, 5, 7, 11)
    channels: tuple[int, ...] = (32, 128, 512, 1024, 1024)
    scale_channels: tuple[int, ...] = (16, 64, 256, 1024, 1024)


class SpectrogramDiscriminatorConfig(FamilyPart):
    """Small convolutional discriminators on spectrograms of several sizes."""

    kind: Literal["spectrogram"] = "spectrogram"
    n_ffts: tuple[int, ...] = (2048, 1024, 512)
    channels: tuple[int, ...] = (16, 24, 32, 32)


DiscriminatorConfig = Annotated[
    PeriodDiscriminatorConfig | SpectrogramDiscriminatorConfig, Field(discriminator="kind")
]


class FamilyConfig(FamilyPart):
    """Everything that makes one family; stored with every file of weights."""

    name: str
    symbols: Literal["v1", "v2"] = "v2"
    phone_count: int = Field(default=732, gt=0, description="rows of the phone embedding")
    blank_phone: int = Field(default=95, ge=0, description="id of `_`; alone it stands for 'no text'")
    sample_rate: int = Field(default=32000, gt=0, description="of the decoder's output, hertz")
    content_dimension: int = Field(default=768, gt=0, description="width of the content features")
    content_rate: int = Field(default=50, gt=0, description="content features, and latent frames, a second")
    latent: Count = 192
    speaker_dimension: Count = 512
    segment_frames: int = Field(default=32, gt=0, description="latent frames in a decoder slice in training")
    spectrogram: SpectrogramConfig = SpectrogramConfig()
    quantizer: QuantizerConfig = QuantizerConfig()
    prior: PriorConfig = PriorConfig()
    posterior: PosteriorConfig = PosteriorConfig()
    flow: FlowConfig = FlowConfig()
    reference: ReferenceConfig = ReferenceConfig()
    speaker_input: SpeakerInputConfig | None = None
    decoder: DecoderConfig = HifiganConfig()
    discriminator: DiscriminatorConfig = PeriodDiscriminatorConfig()

    @property
    def noise_scale(self) -> float:
        """Share of the prior's spread that is spoken with unless asked otherwise; 0.5 as published.

        A generator that follows its text learnt to speak from the prior's mean, and is best understood so.
        """
        return 0.0 if self.prior.follows_text else 0.5

    @property
    def hop_length(self) -> int:
        """Samples of output for one latent frame."""
        return self.spectrogram.hop_length

    @property
    def code_rate(self) -> float:
        """Semantic codes a second."""
        return self.content_rate / self.quantizer.frames_per_code


def _v2() -> FamilyConfig:
    return FamilyConfig(name="v2")


def _v1() -> FamilyConfig:
    return FamilyConfig(name="v1", symbols="v1", phone_count=322, reference=ReferenceConfig(bins=1025))


def _v2pro() -> FamilyConfig:
    return FamilyConfig(
        name="v2Pro",
        speaker_dimension=1024,
        prior=PriorConfig(dropout=0.0),
        speaker_input=SpeakerInputConfig(dimension=20480),
        discriminator=PeriodDiscriminatorConfig(periods=(2, 3, 5, 7, 11, 17, 23)),
    )


def _v2proplus() -> FamilyConfig:
    wide = HifiganConfig(initial_channels=768, upsample_kernels=(20, 16, 8, 2, 2))
    return _v2pro().model_copy(update={"name": "v2ProPlus", "decoder": wide})


def _tiny() -> FamilyConfig:
    return FamilyConfig(
        name="tiny",
        content_dimension=256,
        latent=128,
        speaker_dimension=192,
        prior=PriorConfig(
            hidden=128,
            filter=384,
            text_layers=3,
            content_layers=2,
            joint_layers=2,
            cross_attention=192,
            # Drawing the masks takes a tenth of a step on a CPU, and a base of few epochs does not overfit.
            dropout=0.0,
            # Its codes alone say half of the words: with the phones of the path it is understood (docs/design.md).
            follows_text=True,
        ),
        posterior=PosteriorConfig(layers=6, kernel=3),
        flow=FlowConfig(layers=3),
        reference=ReferenceConfig(masked=True, dropout=0.0),
        # A few hundred voices are too few to learn from nothing what sets voices apart.
        speaker_input=SpeakerInputConfig(dimension=SHIPPED_SPEAKER_DIMENSION),
        decoder=IstftConfig(),
        discriminator=SpectrogramDiscriminatorConfig(),
    )


_FAMILIES: dict[str, Callable[[], FamilyConfig]] = {
    "v1": _v1,
    "v2": _v2,
    "v2Pro": _v2pro,
    "v2ProPlus": _v2proplus,
    "tiny": _tiny,
}
FAMILY_NAMES: tuple[str, ...] = tuple(_FAMILIES)


def family(name: str) -> FamilyConfig:
    """The configuration of a family as published (or shipped); raises `InputError` for an unknown name."""
    if name not in _FAMILIES:
        raise InputError(
            f"unknown family {name!r}", "no such configuration", f"choose one of {', '.join(FAMILY_NAMES)}"
        )
    return _FAMILIES[name]()


def miniature(name: str) -> FamilyConfig:
    """The family with its widths cut to a few channels: the same structure, quick to build, for tests."""
    config = family(name)
    prior = PriorConfig(
        hidden=8,
        filter=16,
        text_layers=1,
        content_layers=1,
        joint_layers=1,
        cross_attention=16,
        cross_heads=2,
        dropout=config.prior.dropout,
        follows_text=config.prior.follows_text,
    )
    speaker = config.speaker_input
    if speaker is not None and speaker.dimension != SHIPPED_SPEAKER_DIMENSION:
        speaker = speaker.model_copy(update={"dimension": 12})
    decoder: HifiganConfig | IstftConfig
    discriminator: PeriodDiscriminatorConfig | SpectrogramDiscriminatorConfig
    if isinstance(config.decoder, HifiganConfig):
        kernels = config.decoder.upsample_kernels
        decoder = HifiganConfig(initial_channels=64, upsample_kernels=kernels)
    else:
        decoder = IstftConfig(channels=16, filter=24, blocks=2)
    if isinstance(config.discriminator, SpectrogramDiscriminatorConfig):
        discriminator = SpectrogramDiscriminatorConfig(channels=(4, 4))
    else:
        periods = config.discriminator.periods
        discriminator = PeriodDiscriminatorConfig(periods=periods, channels=(4, 8), scale_channels=(4, 8))
    return config.model_copy(
        update={
            "latent": 8,
            "content_dimension": min(config.content_dimension, 16),
            "speaker_dimension": 24 if speaker else 16,
            "segment_frames": 16,
            "quantizer": config.quantizer.model_copy(update={"codes": 32}),
            "prior": prior,
            "posterior": PosteriorConfig(layers=2, kernel=3),
            "flow": FlowConfig(couplings=2, layers=2, kernel=3),
            "reference": config.reference.model_copy(update={"hidden": 8}),
            "speaker_input": speaker,
            "decoder": decoder,
            "discriminator": discriminator,
        }
    )
