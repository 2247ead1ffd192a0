"""Family configurations: strict, stable under JSON, and as published."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gsv.errors import InputError
from gsv.families import FAMILY_NAMES, FamilyConfig, SpeakerInputConfig, family, miniature


@pytest.mark.parametrize("name", FAMILY_NAMES)
@pytest.mark.parametrize("make", [family, miniature])
def test_json_round_trip(name: str, make: object) -> None:
    assert callable(make)
    config = make(name)
    assert FamilyConfig.model_validate_json(config.model_dump_json()) == config
    assert config.name == name


def test_unknown_and_impossible_values_are_refused() -> None:
    for change in ({"hop": 3}, {"latent": 0}, {"decoder": {"kind": "wavenet"}}, {"prior": {"head": 2}}):
        with pytest.raises(ValidationError):
            FamilyConfig.model_validate({"name": "v2"} | change)
    with pytest.raises(ValidationError):
        family("v2").latent = 3  # type: ignore[misc]
    with pytest.raises(InputError, match="v2ProPlus"):
        family("v9")


def test_rates_follow_from_the_fields() -> None:
    config = family("tiny")
    assert config.sample_rate / config.hop_length == config.content_rate == 50
    assert config.code_rate == 25
    assert config.spectrogram.bins == 1025


def test_a_speaker_input_is_a_field() -> None:
    with_input = family("tiny").model_copy(
        update={"speaker_input": SpeakerInputConfig(dimension=256, required=False)}
    )
    assert FamilyConfig.model_validate_json(with_input.model_dump_json()) == with_input
