"""Every configuration that ships is parsed by the code that reads it, and every typed one refuses unknown keys."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import pydantic
import pytest

from gsv import families
from gsv.gpt_families import GptConfig
from gsv.training import recipes
from gsv.weights import catalogue

ROOT = Path(__file__).resolve().parents[2]


def read_content_settings(path: Path) -> None:
    from gsv.models.content import ContentEncoder

    ContentEncoder.load(path.parent)


def read_hubert(path: Path) -> None:
    from transformers import HubertConfig

    HubertConfig.from_pretrained(path.parent)


def read_labels(path: Path) -> None:
    from gsv.studio import labels

    for name, words in labels.table().items():
        assert set(words) == set(labels.LANGUAGES), name
        assert len({frozenset(labels.fields(text)) for text in words.values()}) == 1, name


def read_catalogue(path: Path) -> None:
    assert path.name == "catalogue.json"
    assert len({entry.name for entry in catalogue.entries()}) == len(catalogue.entries()) > 0
    for name in catalogue.catalogue().sets:
        assert catalogue.resolve([name])


def read_recipe(path: Path) -> None:
    if path.stem.startswith("gpt"):  # what --configuration of tools/train_gpt.py took
        assert GptConfig.model_validate_json(path.read_text(encoding="utf-8")).name == "tiny"
        return
    recipe = recipes.Recipe.model_validate_json(path.read_text(encoding="utf-8"))
    assert recipe.items.told_places and bool(recipe.losses.prior_first) == path.stem.startswith("prior")


# Who reads which file; a new one is entered here together with its reader.
READERS: dict[str, Callable[[Path], None]] = {
    "gsv/studio/labels.json": read_labels,
    "gsv/weights/catalogue.json": read_catalogue,
    "pretrained_models/tiny/recipes/*.json": read_recipe,
    "pretrained_models/*/content/config.json": read_hubert,
    "pretrained_models/*/content/gsv.json": read_content_settings,
}


def shipped() -> list[Path]:
    """The configuration files of this repository."""
    found = [path for folder in ("gsv", "pretrained_models") for path in (ROOT / folder).rglob("*")]
    return sorted(
        path for path in found if path.suffix in {".json", ".yaml", ".yml", ".toml"} and path.is_file()
    )


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_shipped_configuration_is_parsed(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    readers = [reader for pattern, reader in READERS.items() if fnmatch(name, pattern)]
    assert readers, f"{name} has no reader in this test"
    for reader in readers:
        reader(path)


@pytest.mark.parametrize("name", families.FAMILY_NAMES)
def test_a_family_comes_back_from_its_json(name: str) -> None:
    config = families.family(name)
    text = config.model_dump_json()
    assert families.FamilyConfig.model_validate_json(text) == config
    with pytest.raises(pydantic.ValidationError, match="widht"):
        families.FamilyConfig.model_validate({**json.loads(text), "widht": 3})


@pytest.mark.parametrize(
    "make", [recipes.published_recipe, recipes.tiny_recipe], ids=lambda make: make.__name__
)
def test_a_recipe_comes_back_from_its_json(make: Callable[[], recipes.Recipe]) -> None:
    assert recipes.Recipe.model_validate_json(make().model_dump_json()) == make()


# Reaching out while being imported is what several packages of this field do; ours must not. A process of its
# own, because the test's has imported much already. Prints the loose configuration classes it comes across.
IMPORT_EVERYTHING = """
import importlib, pkgutil, socket, subprocess
import torch, transformers, gradio, pydantic  # what they do is theirs

def forbidden(*args, **kwargs):
    raise AssertionError(f"an import reached out: {args}")

socket.socket.connect = subprocess.Popen.__init__ = forbidden
import gsv
for module in pkgutil.walk_packages(gsv.__path__, "gsv."):
    importlib.import_module(module.name)

def below(kind):
    return [found for child in kind.__subclasses__() for found in [child, *below(child)]]

ours = {kind for kind in below(pydantic.BaseModel) if kind.__module__.startswith("gsv.")}
assert len(ours) > 10
print(*sorted(kind.__name__ for kind in ours if kind.model_config.get("extra") != "forbid"))
"""

# Records, not configurations: written by one version and read by another, or tables with columns of their own.
RECORDS = {"Row", "Reason", "Command", "State"}


def test_imports_are_quiet_and_typed_configurations_refuse_unknown_keys(tmp_path: Path) -> None:
    command = [sys.executable, "-c", IMPORT_EVERYTHING]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert not list(tmp_path.iterdir()), "an import wrote something"
    assert not set(ended.stdout.split()) - RECORDS
