"""How a semantic decoder is trained, as typed values: optimiser, rates, losses, what is made of a clip.

Knows: the published recipe and ours for the tiny family. Does not know: networks, files.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class GptRatesConfig(BaseModel):
    """Learning rates over time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learning_rate: float = Field(default=0.002, gt=0)
    first_rate: float = Field(default=0.0, ge=0, description="of the very first step; 0: as the others")
    warm_up_steps: int = Field(default=0, ge=0)
    cosine_steps: int = Field(default=0, ge=0, description="fall along a cosine over so many steps; 0: never")
    final_share: float = Field(default=0.05, ge=0, le=1, description="where the cosine ends")

    def rate(self, step: int) -> float:
        """The learning rate of a step, from 0."""
        if step == 0 and self.first_rate:
            return self.first_rate
        rate = self.learning_rate
        if self.warm_up_steps:
            rate *= min(1.0, (step + 1) / self.warm_up_steps)
        if self.cosine_steps:
            turn = math.pi * min(1.0, step / self.cosine_steps)
            rate *= self.final_share + (1 - self.final_share) * 0.5 * (1 + math.cos(turn))
        return rate


class GptItemConfig(BaseModel):
    """Which clips are used, and what is made of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    longest_seconds: float = Field(default=54.0, gt=0)
    phones_a_second: tuple[float, float] = Field(default=(3.0, 25.0), description="fewest and most")
    minimum_items: int = Field(
        default=100, ge=1, description="smaller sets are repeated up to so many an epoch"
    )
    pair: float = Field(default=0.0, ge=0, le=1, description="chance of a second clip of the same speaker")
    pair_lengths: tuple[float, float] = Field(
        default=(0.5, 1.6), description="shortest and longest second clip, as a share of the first"
    )
    noise: float = Field(
        default=0.0, ge=0, lt=1, description="share of heard codes that are replaced by chance"
    )
    untold: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of items without their text, where the network has an id for that: what it then says "
        "is what guidance leads away from",
    )

    def repeats(self, items: int) -> int:
        """How often an epoch takes each of `items`."""
        return 1 if items >= self.minimum_items else max(2, self.minimum_items // items)

    def fault(self, phones: int, codes: int, code_rate: int) -> str:
        """Why a clip cannot be used, its kind before a colon; empty if it can."""
        if not phones or not codes:
            return "no phones" if not phones else "no semantic codes"
        seconds = codes / code_rate
        if seconds > self.longest_seconds:
            return f"too long: {seconds:.1f} s, at most {self.longest_seconds:g} s"
        if phones > 10 * self.longest_seconds:
            return f"too many phones: {phones}, at most {10 * self.longest_seconds:g}"
        fewest, most = self.phones_a_second
        if not fewest <= phones / seconds <= most:
            kind = "too fast" if phones / seconds > most else "too slow"
            return f"{kind}: {phones / seconds:.1f} phones a second, {fewest:g} to {most:g} are plausible"
        return ""


class GptRecipe(BaseModel):
    """Everything about training that is neither the network nor the data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    optimizer: Literal["scaled_adam", "adamw"] = "scaled_adam"
    rates: GptRatesConfig = GptRatesConfig()
    items: GptItemConfig = GptItemConfig()
    reduction: Literal["sum", "mean"] = Field(default="sum", description="of the losses of a batch's codes")
    smoothing: float = Field(default=0.0, ge=0, lt=1, description="label smoothing")
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = Field(default=0.0, ge=0, description="of matrices; AdamW only")
    clip_norm: float = Field(default=0.0, ge=0, description="largest gradient norm; 0: any")
    preference: float = Field(default=0.0, ge=0, description="weight of the preference loss; 0: none")
    preference_beta: float = Field(default=0.2, gt=0)
    alignment: tuple[float, float] = Field(
        default=(0.0, 0.0), description="weight of the alignment heads' loss: at the start, after the ramp"
    )
    alignment_steps: int = Field(default=1, ge=1, description="length of that ramp")
    average: float = Field(
        default=0.0, ge=0, lt=1, description="decay of the exported mean of weights; 0: none"
    )

    def alignment_at(self, step: int) -> float:
        """Weight of the alignment heads' loss at a step."""
        start, end = self.alignment
        return start + (end - start) * min(1.0, step / self.alignment_steps)


def published_gpt_recipe(preference: bool = False) -> GptRecipe:
    """Fine-tuning as the published decoders are: their optimiser at the rate that it really ran at."""
    rates = GptRatesConfig(learning_rate=0.002, first_rate=0.01)
    return GptRecipe(rates=rates, preference=float(preference))


def base_gpt_recipe(steps: int, learning_rate: float = 8e-4) -> GptRecipe:
    """A tiny decoder from nothing in `steps`: pairs as prompts, alignment heads led by the aligned phones.

    Many heard codes are wrong, or what was said before would tell so much that the text is hardly read.
    """
    return GptRecipe(
        optimizer="adamw",
        rates=GptRatesConfig(
            learning_rate=learning_rate, warm_up_steps=min(1000, max(1, steps // 10)), cosine_steps=steps
        ),
        items=GptItemConfig(pair=0.7, noise=0.15, untold=0.15, minimum_items=1),
        reduction="mean",
        smoothing=0.05,
        weight_decay=0.05,
        clip_norm=1.0,
        alignment=(1.0, 0.5),
        alignment_steps=max(1, steps),
        average=0.998,
    )


def tiny_gpt_recipe(steps: int, preference: bool = False, learning_rate: float = 1e-4) -> GptRecipe:
    """Fine-tuning of a tiny decoder in `steps` from the shipped one."""
    base = base_gpt_recipe(steps, learning_rate)
    rates = base.rates.model_copy(update={"warm_up_steps": min(50, max(1, steps // 10))})
    changes = {
        "rates": rates,
        "items": base.items.model_copy(update={"minimum_items": 100}),
        "alignment": (0.5, 0.5),
        "average": 0.99,
        "preference": float(preference),
    }
    return base.model_copy(update=changes)
