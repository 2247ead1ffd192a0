"""How a text is spoken: what a person may set, with the published names and defaults.

Knows values and their bounds. Does not know networks. What a voice was tested with stands between these
defaults and what a request sets itself (`resolved`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gsv.errors import InputError
from gsv.text.plan import SENTENCES
from gsv.text.routing import choice_code
from gsv.text.splitting import METHODS

if TYPE_CHECKING:
    from gsv.models.gpt.sampling import SamplingConfig

LARGEST_SEED = 1 << 62


class SpeakOptions(BaseModel):
    """Settings of one request. Unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str = Field(default="auto", description="of the text: auto, zh, en, ja, ko, yue, all_zh, ...")
    cut: str = Field(
        default=SENTENCES, description="how long texts are cut: sentences, or cut0 to cut5 as published"
    )
    longest: int = Field(default=510, ge=8, le=510, description="most characters that are said in one go")
    breath: int = Field(
        default=0,
        ge=0,
        le=2000,
        description="sentences that take longer than so many letters to say are cut at their clauses, where a Han, "
        "kana or Hangul character counts as three; 0: no limit",
    )
    top_k: int = Field(default=15, ge=0, le=1025, description="how many of the likeliest codes may be taken")
    top_p: float = Field(default=1.0, gt=0, le=1, description="probability within which they must lie")
    temperature: float = Field(default=1.0, ge=0, le=4, description="below 1 the likelier codes are favoured")
    repetition_penalty: float = Field(
        default=1.35, gt=0, le=4, description="above 1, codes said before come less"
    )
    guidance: float = Field(
        default=1.0,
        ge=1,
        le=5,
        description="above 1, codes that the text makes likelier are favoured; for a GPT that learnt to speak "
        "without its text, as the small base's",
    )
    speed: float = Field(default=1.0, ge=0.25, le=4, description="above 1 is faster; the pitch stays")
    pause: float = Field(default=0.3, ge=0, le=10, description="seconds of silence between sentences")
    noise_scale: float = Field(default=0.5, ge=0, le=2, description="liveliness of the voice; 0 is flat")
    ref_free: bool = Field(default=False, description="take only the timbre of the reference, not its manner")
    seed: int = Field(default=-1, ge=-1, lt=LARGEST_SEED, description="-1: another one each time")
    batch_size: int = Field(default=1, ge=1, le=64, description="sentences that are spoken together")
    verify: bool = Field(default=True, description="check every sentence, and say it again where it fails")
    candidates: int = Field(
        default=1,
        ge=1,
        le=16,
        description="in how many ways each checked sentence is said; the one heard best is kept",
    )
    retries: int = Field(default=2, ge=0, le=20, description="how often a failed sentence is said again")
    trim: bool = Field(default=True, description="cut silence around each sentence, so that pauses are exact")
    loudness: float | None = Field(
        default=-20.0, ge=-60, le=-6, description="level of the speech in dB of full scale; None: as it comes"
    )
    prompt_silence: float = Field(
        default=0.6, ge=0, le=2, description="seconds of silence put behind the reference, as published"
    )

    @field_validator("language")
    @classmethod
    def _known_language(cls, value: str) -> str:
        try:
            return choice_code(value)
        except InputError as error:
            raise ValueError(str(error)) from error

    @field_validator("cut")
    @classmethod
    def _known_cut(cls, value: str) -> str:
        if value != SENTENCES and value not in METHODS:
            raise ValueError(f"unknown way to cut; there are {SENTENCES}, {', '.join(METHODS)}")
        return value

    @property
    def sampling(self) -> SamplingConfig:
        """The part that chooses codes. Its network is loaded only here: forms know options without torch."""
        from gsv.models.gpt.sampling import SamplingConfig

        return SamplingConfig(
            top_k=self.top_k,
            top_p=self.top_p,
            temperature=self.temperature,
            repetition_penalty=self.repetition_penalty,
        )


def options_from(values: Mapping[str, object]) -> SpeakOptions:
    """Options of plain values. Raises InputError that names the first wrong field."""
    try:
        return SpeakOptions.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(f"the setting {field!r} cannot be used", str(first["msg"])) from error


def resolved(defaults: Mapping[str, object], options: SpeakOptions | None) -> SpeakOptions:
    """What a request is spoken with: its own settings over the voice's over the published ones.

    Raises InputError for a voice with wrong defaults.
    """
    given = {} if options is None else options.model_dump(exclude_unset=True)
    return options_from({**defaults, **given})
