"""How a SoVITS network is trained, as typed values: rates, schedules, loss weights, augmentation.

Knows: the published recipe and ours for the tiny family. Does not know: networks, files.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RatesConfig(BaseModel):
    """Learning rates over time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learning_rate: float = Field(default=1e-4, gt=0)
    text_share: float = Field(default=0.4, gt=0, le=1, description="of the rate, for the text modules")
    betas: tuple[float, float] = (0.8, 0.99)
    epsilon: float = 1e-9
    weight_decay: float = 0.01
    epoch_decay: float = Field(default=0.999875, gt=0, le=1, description="factor an epoch")
    warm_up_steps: int = Field(default=0, ge=0)
    cosine_steps: int = Field(default=0, ge=0, description="fall along a cosine over so many steps; 0: never")
    final_share: float = Field(default=0.1, ge=0, le=1, description="where the cosine ends")

    def rate(self, step: int, epoch: int) -> float:
        """The learning rate of a step: a function of where the run stands, so nothing can decay twice."""
        rate = self.learning_rate * self.epoch_decay ** (epoch + 1)
        if self.warm_up_steps:
            rate *= min(1.0, (step + 1) / self.warm_up_steps)
        if self.cosine_steps:
            turn = math.pi * min(1.0, step / self.cosine_steps)
            rate *= self.final_share + (1 - self.final_share) * 0.5 * (1 + math.cos(turn))
        return rate


class LossConfig(BaseModel):
    """Weights of the losses and when they begin. Steps count from the start of the run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mel: float = Field(default=45.0, ge=0)
    kl: float = Field(default=1.0, ge=0)
    kl_ramp_steps: int = Field(default=0, ge=0, description="rise from 0 over so many steps")
    adversarial: float = Field(default=1.0, ge=0)
    feature_matching: float = Field(default=1.0, ge=0)
    discriminator_from: int = Field(default=0, ge=0, description="step at which it begins to learn")
    adversarial_from: int = Field(default=0, ge=0, description="step at which the generator hears of it")
    discriminator_every: int = Field(default=1, ge=1, description="steps from one of its updates to the next")
    judged: Literal["posterior", "prior", "both"] = Field(
        default="posterior", description="which of the decoded slices the discriminators hear"
    )
    judged_every: int = Field(default=1, ge=1, description="of so many slices of a batch they hear one")
    hinge: bool = Field(default=False, description="hinge losses instead of least squares")
    resolutions: tuple[tuple[int, int, int], ...] = Field(
        default=(),
        description="mel losses of slices: (transform, hop, bands); none: the family's own framing",
    )
    linear: float = Field(default=0.0, ge=0, description="weight of the logarithmic linear spectrum")
    above_bandwidth: float = Field(
        default=1.0, ge=0, description="weight of bins that the source cannot hold"
    )
    prior_mel: tuple[float, float] = Field(
        default=(0.0, 0.0),
        description="weight of the inference path's mel loss: at the start, after the ramp",
    )
    prior_ramp_steps: int = Field(default=1, ge=1)
    text_alignment: float = Field(
        default=0.0, ge=0, description="weight of looking at the phone that is being said, by one head"
    )
    text_first: int = Field(
        default=0,
        ge=0,
        description="steps at the start in which nothing but that is learnt; each takes a fraction of the time",
    )

    prior_first: int = Field(
        default=0,
        ge=0,
        description="steps after that in which only the prior learns, from its divergence: cheap ones too",
    )

    def kl_at(self, step: int) -> float:
        """Weight of the divergence at a step."""
        return self.kl * (min(1.0, step / self.kl_ramp_steps) if self.kl_ramp_steps else 1.0)

    def prior_mel_at(self, step: int) -> float:
        """Weight of the inference path's spectral losses at a step, relative to the posterior's."""
        start, end = self.prior_mel
        return start + (end - start) * min(1.0, step / self.prior_ramp_steps)


class ItemConfig(BaseModel):
    """What is made of a clip before it is learnt from. Times in frames of 1/50 s."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    crop_frames: int = Field(default=0, ge=0, description="length of random crops; 0: whole clips")
    other_reference: float = Field(default=0.0, ge=0, le=1, description="chance of another clip as reference")
    own_reference: bool = Field(
        default=True, description="else the target itself, as it is, is the reference"
    )
    reference_frames: tuple[int, int] = Field(
        default=(100, 300), description="shortest and longest reference"
    )
    band_limit: float = Field(default=0.0, ge=0, le=1, description="chance of a band-limited reference")
    band_limits: tuple[float, ...] = Field(default=(4000.0, 6000.0, 8000.0), description="hertz")
    reference_gain: float = Field(default=0.0, ge=0, description="random level of the reference, ± decibel")
    drop_text: float = Field(default=0.0, ge=0, le=1, description="chance of no text")
    read_text: float = Field(default=0.0, ge=0, le=1, description="chance of phones as read from the audio")
    whole_text: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="chance of all phones of the clip for a crop, as synthesis has them",
    )
    told_places: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="chance that frames are told which phone of a text they say, where it is known",
    )
    wrong_codes: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="mean share of codes that are replaced, in stretches, where frames are told their phones",
    )
    wrong_stretch: tuple[int, int] = Field(default=(1, 5), description="fewest and most codes of a stretch")
    minimum_items: int = Field(
        default=100, ge=1, description="small sets are repeated up to so many an epoch"
    )

    def repeats(self, items: int) -> int:
        """How often an epoch takes each of `items`."""
        return 1 if items >= self.minimum_items else max(2, self.minimum_items // items)


class Recipe(BaseModel):
    """Everything about training that is neither the network nor the data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rates: RatesConfig = RatesConfig()
    losses: LossConfig = LossConfig()
    items: ItemConfig = ItemConfig()
    clip_norm: float = Field(default=0.0, ge=0, description="largest gradient norm of the generator; 0: any")
    average: float = Field(
        default=0.0, ge=0, lt=1, description="decay of the exported mean of weights; 0: none"
    )


def published_recipe(text_share: float = 0.4) -> Recipe:
    """Fine-tuning as the published families are."""
    return Recipe(rates=RatesConfig(text_share=text_share))


TINY_RESOLUTIONS = ((512, 128, 40), (1024, 256, 80), (2048, 512, 128))


def base_recipe(steps: int, adversarial_from: int, learning_rate: float = 2e-4) -> Recipe:
    """A tiny generator from nothing: spectral losses first, discriminators from a step on."""
    return Recipe(
        rates=RatesConfig(
            learning_rate=learning_rate,
            text_share=1.0,
            epoch_decay=1.0,
            warm_up_steps=200,
            cosine_steps=steps,
        ),
        losses=LossConfig(
            kl_ramp_steps=1000,
            discriminator_from=adversarial_from,
            adversarial_from=adversarial_from + 100,
            discriminator_every=2,
            judged="prior",
            # Judging all slices takes as long as everything else together.
            judged_every=2,
            hinge=True,
            resolutions=TINY_RESOLUTIONS,
            linear=10.0,
            above_bandwidth=0.1,
            prior_mel=(0.5, 1.0),
            prior_ramp_steps=2000,
            text_alignment=4.0,
        ),
        items=ItemConfig(
            crop_frames=80,
            other_reference=0.7,
            own_reference=True,
            band_limit=0.4,
            reference_gain=6.0,
            drop_text=0.2,
            read_text=0.3,
            whole_text=0.5,
            told_places=0.8,
            wrong_codes=0.2,
            wrong_stretch=(1, 8),
            minimum_items=1,
        ),
        clip_norm=100.0,
        average=0.999,
    )


def tiny_recipe(text_share: float = 0.4, judges: bool = False) -> Recipe:
    """Fine-tuning of a tiny voice from the shipped base; `judges`: its discriminators were shipped too.

    At least twenty steps an epoch, so that eight epochs of a few minutes of speech take minutes on two cores.
    Discriminators from nothing listen for a while before they are heard, and not at all in a very short run.
    """
    base = base_recipe(steps=0, adversarial_from=0)
    begin = {"discriminator_from": 0, "adversarial_from": 0}
    if not judges:
        begin = {"discriminator_from": 100, "adversarial_from": 200}
    return base.model_copy(
        update={
            "rates": RatesConfig(
                learning_rate=1e-4, text_share=text_share, epoch_decay=0.99, warm_up_steps=20
            ),
            "losses": base.losses.model_copy(update={"kl_ramp_steps": 0, "prior_mel": (1.0, 1.0), **begin}),
            "items": base.items.model_copy(update={"minimum_items": 320}),
            "average": 0.99,
        }
    )
