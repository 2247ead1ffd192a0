"""What differs between the semantic decoders (GPT) of the families, as typed values.

Knows widths, vocabularies and limits. Does not know networks, files or text: `gsv.models.gpt` reads these
values and never asks for a family by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import Field, model_validator

from gsv.errors import InputError
from gsv.families import Count, FamilyPart


class GptConfig(FamilyPart):
    """Everything that makes one semantic decoder; stored with every file of its weights."""

    name: str
    symbols: Literal["v1", "v2"] = "v2"
    phone_count: int = Field(default=732, gt=0, description="rows of the phone embedding")
    codes: int = Field(
        default=1024, gt=1, description="semantic codes; the id after the last one ends speech"
    )
    width: Count = 512
    heads: Count = 16
    layers: Count = 24
    filter: int = Field(default=2048, gt=0, description="width inside the feed-forward layers")
    bert_dimension: int = Field(default=1024, ge=0, description="width of the BERT input; 0: there is none")
    dropout: float = Field(default=0.1, ge=0, lt=1)
    attention_dropout: float = Field(default=0.1, ge=0, lt=1)
    embedding_dropout: float = Field(default=0.1, ge=0, lt=1, description="after the positions are added")
    code_rate: int = Field(default=25, gt=0, description="codes a second")
    alignment_heads: tuple[tuple[int, int], ...] = Field(
        default=(), description="(layer, head) pairs that training ties to the phone being said"
    )
    no_text: int | None = Field(
        default=None,
        ge=0,
        description="phone id that stands in the place of every phone where the text is kept from the network; "
        "None: it never learnt to speak without its text, and cannot be guided by it",
    )

    @model_validator(mode="after")
    def _check(self) -> GptConfig:
        if self.width % self.heads or self.width % 2:
            raise ValueError("width must be even and a multiple of heads")
        if any(not (0 <= i < self.layers and 0 <= h < self.heads) for i, h in self.alignment_heads):
            raise ValueError("alignment_heads names a layer or head that does not exist")
        if self.no_text is not None and self.no_text >= self.phone_count:
            raise ValueError("no_text is no phone id")
        return self

    @property
    def end(self) -> int:
        """The id that ends speech."""
        return self.codes

    @property
    def vocabulary(self) -> int:
        """Codes and the end."""
        return self.codes + 1


def _tiny() -> GptConfig:
    return GptConfig(
        name="tiny",
        width=256,
        heads=4,  # of 64: narrower ones take nearly twice as long on a CPU
        layers=8,
        filter=1024,
        bert_dimension=0,
        dropout=0.1,
        attention_dropout=0.0,  # without it attention needs no table of all pairs, which halves a step on a CPU
        alignment_heads=((2, 0), (3, 0), (4, 0), (5, 0)),
        no_text=95,  # "_" of table v2, which no text is read as
    )


_FAMILIES: dict[str, Callable[[], GptConfig]] = {
    "v1": lambda: GptConfig(name="v1", symbols="v1", phone_count=512),
    "v2": lambda: GptConfig(name="v2"),
    "tiny": _tiny,
}
GPT_FAMILY_NAMES: tuple[str, ...] = tuple(_FAMILIES)


def gpt_family(name: str) -> GptConfig:
    """The semantic decoder of a family as published (or shipped).

    The families v2Pro and v2ProPlus speak with the decoder of v2. Raises `InputError` for an unknown name.
    """
    used = {"v2Pro": "v2", "v2ProPlus": "v2"}.get(name, name)
    if used not in _FAMILIES:
        remedy = f"choose one of {', '.join(GPT_FAMILY_NAMES)}"
        raise InputError(f"unknown GPT family {name!r}", "no such configuration", remedy)
    return _FAMILIES[used]()


def small_gpt(name: str, **changes: object) -> GptConfig:
    """The decoder of a family cut to a few channels: the same structure, quick to build, for tests."""
    config = gpt_family(name)
    sizes: dict[str, object] = {
        "width": 16,
        "heads": 2,
        "layers": 3,
        "filter": 32,
        "codes": 48,
        "bert_dimension": 12 if config.bert_dimension else 0,
        "alignment_heads": ((1, 0), (2, 1)) if config.alignment_heads else (),
    }
    return GptConfig.model_validate(config.model_dump() | sizes | changes)
