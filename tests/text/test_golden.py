"""Our phones against those of the published text front end (`--golden DIR`, file text.jsonl).

The lines were made without its models for words of several readings: no polyphone model, no parts of speech.
So they are read in the manner `PUBLISHED`; what our own rules read otherwise is in the tables of each language.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gsv.text import phones_of
from gsv.text.reading import PUBLISHED

LANGUAGES = ("zh", "en", "ja", "ko", "yue")


@pytest.fixture(scope="session")
def lines(golden: Path) -> list[dict[str, Any]]:
    """Lines of text.jsonl; skipped where the folder has none, unless CI is set."""
    path = golden / "text.jsonl"
    if not path.is_file():
        reason = f"no text.jsonl in {golden}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _of(lines: list[dict[str, Any]], language: str, version: str, kind: str) -> list[dict[str, Any]]:
    return [
        line
        for line in lines
        if line["lang"] == language
        and line["version"] == version
        and line["kind"] == kind
        and not line["defect"]
    ]


def _different(lines: list[dict[str, Any]]) -> list[str]:
    return [
        line["text"]
        for line in lines
        if phones_of(line["text"], line["lang"], line["version"], PUBLISHED).phones != line["phones"]
    ]


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_plain_lines(lines: list[dict[str, Any]], language: str, version: str) -> None:
    chosen = _of(lines, language, version, "plain")
    different = _different(chosen)
    assert len(different) <= max(1, len(chosen) // 20), different


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers(lines: list[dict[str, Any]], language: str, version: str) -> None:
    chosen = _of(lines, language, version, "numbers")
    assert len(_different(chosen)) <= 0.15 * len(chosen), _different(chosen)


def test_counts_per_character(lines: list[dict[str, Any]]) -> None:
    counted = [line for line in lines if line["word2ph"] and not line["defect"]]
    for line in counted:
        ours = phones_of(line["text"], line["lang"], line["version"], PUBLISHED)
        assert ours.word2ph is not None
        assert sum(ours.word2ph) == len(ours.phones)
        assert len(ours.word2ph) == len(ours.normalized)
        if ours.phones == line["phones"]:
            assert ours.word2ph == line["word2ph"]


def test_a_changed_phone_is_seen(lines: list[dict[str, Any]]) -> None:
    line = dict(next(line for line in lines if line["lang"] == "en" and line["kind"] == "plain"))
    assert not _different([line])
    line["phones"] = [*line["phones"][:-2], "ZH", line["phones"][-1]]
    assert _different([line])
