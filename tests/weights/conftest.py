"""Writes weight files in the published forms: the tests' only source of them."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

WritePublished = Callable[..., Path]


class HParams:
    """A parameter object in the form that the published files pickle; it lives in a module named `utils`."""

    def __init__(self, **values: Any) -> None:
        for key, value in values.items():
            setattr(self, key, HParams(**value) if isinstance(value, dict) else value)


@pytest.fixture
def published_class(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[HParams]]:
    """`HParams` under the name that published files carry: class `HParams` of a module `utils`."""
    module = ModuleType("utils")
    module.HParams = HParams  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "utils", module)
    monkeypatch.setattr(HParams, "__module__", "utils")
    yield HParams


def write_marked(value: object, path: Path, mark: str | None = None) -> Path:
    """`torch.save`, then the version mark over the first two bytes, as published v2Pro files have it."""
    torch.save(value, path)
    if mark is not None:
        with path.open("r+b") as file:
            file.write(mark.encode("ascii"))
    return path


@pytest.fixture
def write_published(tmp_path: Path, published_class: type[HParams]) -> WritePublished:
    """Writes {"weight", "config", "info"} with the configuration pickled as the published class."""

    def write(
        weight: Mapping[str, torch.Tensor],
        config: Mapping[str, Any] | None = None,
        name: str = "voice.pth",
        mark: str | None = None,
        plain_config: bool = False,
        **extra: Any,
    ) -> Path:
        saved: Any = dict(config or {})
        value = OrderedDict(
            weight=OrderedDict(weight),
            config=saved if plain_config else published_class(**saved),
            info="8epoch_1234iteration",
            **extra,
        )
        return write_marked(value, tmp_path / name, mark)

    return write


@pytest.fixture
def save_marked(tmp_path: Path) -> Callable[..., Path]:
    """Writes any value as a torch file, with or without a version mark."""

    def save(value: object, name: str = "file.pth", mark: str | None = None) -> Path:
        return write_marked(value, tmp_path / name, mark)

    return save
