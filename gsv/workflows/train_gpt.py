"""Training the GPT: what joins an experiment or prepared arrays, base weights, the trainer core and previews.

Knows: where each of them comes from, and which defaults fit a decoder and a device. Does not know: losses, the
loop, or how weights are stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from gsv.errors import DataError, InputError
from gsv.events import Events
from gsv.files import read_text
from gsv.gpt_families import GptConfig, gpt_family
from gsv.models.gpt.decoder import SemanticDecoder, new_decoder, reconfigured
from gsv.settings import Workspace, choose_device, workspace_of
from gsv.training.gpt import GptPreviewer, GptTask
from gsv.training.gpt_batch import GptItemMaker
from gsv.training.gpt_clips import ArrayGptClips, ExperimentGptClips, GptClips
from gsv.training.gpt_recipes import (
    GptItemConfig,
    GptRecipe,
    base_gpt_recipe,
    published_gpt_recipe,
    tiny_gpt_recipe,
)
from gsv.training.loop import RunResult, Trainer
from gsv.training.ranks import Ranks, joined_ranks
from gsv.training.sampler import BucketSampler
from gsv.training.task import LoopSettings, Places
from gsv.workflows.gpt_previews import GptPreviews, PreviewOptions, Sounds

if TYPE_CHECKING:
    from gsv.corpus.experiment import Experiment
    from gsv.training.arrays import PreparedArrays
    from gsv.weights.bundle import BundleInfo

BASES = {"v1": "v1-gpt", "v2": "v2-gpt", "v2Pro": "gpt-v3", "v2ProPlus": "gpt-v3"}
"""The catalogue's GPT of each published family."""
SHOWN = 5
"""Left-out clips that are named one by one in a message; all of them are events."""


class GptRequest(BaseModel):
    """One training of a GPT. Exactly one of `experiment` and `arrays` names the data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    experiment: Path | None = Field(default=None, description="folder of a prepared experiment")
    arrays: Path | None = Field(default=None, description="folder of prepared arrays")
    output: Path | None = Field(
        default=None, description="where weights and metrics go; the experiment's folder"
    )
    family: str = Field(default="", description="family of the GPT; default: the experiment's, or tiny")
    base: Path | None = Field(default=None, description="GPT weights to start from")
    from_scratch: bool = Field(default=False, description="fresh weights")
    quantizer: Path | None = Field(
        default=None, description="what made the codes of the arrays: its name goes into the weights"
    )
    configuration: Path | None = Field(default=None, description="JSON of a changed GPT configuration")
    workspace: Path = Field(description="folder that holds experiments and models")
    checkpoints: Path | None = None
    sovits: Path | None = Field(default=None, description="SoVITS weights, to hear previews")
    content: Path | None = Field(default=None, description="content encoder, for previews' phone error")
    licence: str = ""
    batch_tokens: int = Field(default=0, ge=0, description="padded phones and codes a batch; 0: by device")
    previews: int = Field(default=8, ge=0, description="sentences a preview")
    device: str = "auto"
    preference: bool = Field(default=False, description="add the preference loss")
    recipe: GptRecipe | None = None
    learning_rate: float = Field(default=0.0, ge=0, description="0: the recipe's")
    loop: LoopSettings = LoopSettings()


@dataclass(frozen=True)
class _Data:
    """Clips to learn from, clips to measure on, and the recordings of the latter."""

    clips: GptClips
    held: GptClips
    sounds: Sounds
    code_version: str


def request_of(options: Mapping[str, Any]) -> GptRequest:
    """The request that a command line asks for; `options` by the names of `tools/train_gpt.py`.

    Raises:
        InputError: a value or file cannot be used.
    """
    given = dict(options)
    workspace = workspace_of(given.pop("workspace", None))
    name, recipe = given.pop("experiment", ""), given.pop("recipe", None)
    loop = {field: given.pop(field) for field in LoopSettings.model_fields if field in given}
    try:
        return GptRequest(
            **given,
            experiment=workspace.experiment(name) if name else None,
            workspace=workspace.root,
            recipe=GptRecipe.model_validate_json(read_text(recipe)) if recipe is not None else None,
            loop=LoopSettings(**loop),
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"the option {place} cannot be used", first["msg"]) from error


def train_gpt(request: GptRequest, events: Events) -> RunResult:
    """Train to the end, or until a stop is requested.

    Raises:
        GsvError: see `Trainer.run`; also InputError, WeightsError and DataError for what does not fit
        together.
    """
    if (request.experiment is None) == (request.arrays is None):
        why = "exactly one of an experiment and prepared arrays is needed"
        raise InputError("the data are not named", why)
    device = choose_device(request.device)
    with joined_ranks(device) as ranks:
        if ranks.world > 1 and device.type == "cuda":
            device = torch.device("cuda", ranks.rank % torch.cuda.device_count())
        return _train(request, events, device, ranks)


def _train(request: GptRequest, events: Events, device: torch.device, ranks: Ranks) -> RunResult:
    network, base = _network(request)
    config = network.config
    tokens = request.batch_tokens or _default_tokens(config, device)
    loop = request.loop.model_copy(update={"batch_frames": tokens})
    draft = _recipe(request, config, 1)
    data = _data(request, config, base, draft.items, events)
    recipe = _recipe(request, config, _planned_steps(data.clips, draft, config, loop))
    folder = request.output or request.experiment
    if folder is None:
        raise InputError("no folder for the weights was named", "", "name one with --output")
    exporter = _Exporter(config, base, data, request)
    previewer = _previewer(request, data, device) if ranks.first else None
    task = GptTask(network, data.clips, recipe, device, exporter, previewer, ranks)
    codes = sum(len(data.clips.codes(index)) for index in range(len(data.clips.names)))
    events.message(
        f"GPT {config.name}: {len(data.clips.names)} clips, {codes / config.code_rate / 60:.1f} minutes, "
        f"{recipe.optimizer}, batches of {tokens} phones and codes on {device}"
    )
    return Trainer(task, loop, Places.under(folder, "gpt", request.checkpoints), device, events, ranks).run()


def _network(request: GptRequest) -> tuple[SemanticDecoder, BundleInfo | None]:
    """The decoder, from base weights or from nothing; the description of the base."""
    given = request.configuration
    config = None if given is None else GptConfig.model_validate_json(read_text(given))
    if request.from_scratch and request.base is None:
        return new_decoder(config or gpt_family(request.family or "tiny"), request.loop.seed), None
    from gsv.weights.networks import load_gpt

    path = base_path(Workspace(request.workspace), _family_name(request), request.base)
    base, info = load_gpt(path)
    return (base if config is None else reconfigured(base, config)), info


def _family_name(request: GptRequest) -> str:
    if request.family or request.experiment is None:
        return request.family or "tiny"
    from gsv.corpus.experiment import Experiment

    return Experiment.open(request.experiment).record.family


def base_path(workspace: Workspace, family_name: str, given: Path | None = None) -> Path:
    """The GPT weights that were named, or those of the family.

    Raises:
        InputError: they are not there; the remedy names the command that brings them.
    """
    from gsv.weights.catalogue import COMMAND, find

    if given is not None:
        path, remedy = given, "check the path"
    elif family_name in BASES:
        entry = find(BASES[family_name])
        path = entry.place(entry.files[0], workspace.pretrained)
        remedy = f"run: {COMMAND} download {entry.name}"
    else:
        path = workspace.shipped(gpt_family(family_name).name) / "gpt.safetensors"
        remedy = "restore it, or name weights with --base"
    if not path.is_file():
        raise InputError("the GPT weights to start from are missing", str(path), remedy)
    return path


def _data(
    request: GptRequest, config: GptConfig, base: BundleInfo | None, settings: GptItemConfig, events: Events
) -> _Data:
    """The clips, after checking that they belong to the base; what is left out is told."""
    clips: ArrayGptClips | ExperimentGptClips
    if request.arrays is not None:
        from gsv.training.arrays import PreparedArrays

        arrays = PreparedArrays.open(request.arrays)
        clips = ArrayGptClips(arrays, "train", config, settings)
        held = ArrayGptClips(arrays, "held", config, settings) if arrays.part("held") else clips
        if config.alignment_heads and not clips.aligned:
            events.message(
                "the arrays hold no aligned phones: the alignment heads learn alone", level="warning"
            )
        data = _Data(clips, held, _ArraySounds(arrays), _quantizer_version(request, base, events))
    else:
        from gsv.corpus.experiment import Experiment

        assert request.experiment is not None
        experiment = Experiment.open(request.experiment)
        _check_experiment(experiment, config, base)
        places = _places(request, experiment, events) if config.alignment_heads else {}
        clips = ExperimentGptClips(experiment, config, settings, places)
        version = experiment.record.base.version if experiment.record.base else ""
        version = version or (base.code_version if base is not None else "")
        data = _Data(clips, clips, _ExperimentSounds(experiment), version)
        if clips.plain_mandarin:
            events.message(
                f"{clips.plain_mandarin} Mandarin clips have no BERT features, which makes prosody plainer: "
                f"python tools/extract_text.py --experiment {experiment.record.name} --bert FOLDER",
                level="warning",
            )
    for name, reason in clips.rejections.reasons.items():
        events.item(name, "failed", reason)
    if clips.rejections.reasons:
        kinds = ", ".join(f"{reason}: {count}" for reason, count in clips.rejections.kinds.items())
        first = ", ".join(list(clips.rejections.reasons)[:SHOWN])
        count = len(clips.rejections.reasons)
        events.message(f"{count} clips are left out ({kinds}), the first: {first}", level="warning")
    return data


def _places(request: GptRequest, experiment: Experiment, events: Events) -> dict[str, Sequence[int]]:
    """Where the phones of an experiment's clips are, for the alignment heads; nothing where that is not known."""
    from gsv.corpus.items import training_items
    from gsv.workflows.phone_places import phone_places

    shipped = Workspace(request.workspace).shipped("tiny") / "content"
    try:
        items = training_items(experiment).items
    except DataError:  # the GPT needs two tables alone; without waves nothing can be aligned
        return {}
    found = phone_places(experiment, items, request.content or shipped, events)
    return {name: row.aligned for name, row in found.items()}


def _check_experiment(experiment: Experiment, config: GptConfig, base: BundleInfo | None) -> None:
    """Raises DataError where phones or codes of the experiment are numbered otherwise than the network's."""
    record, family = experiment.record, experiment.family
    if family.symbols != config.symbols or family.quantizer.codes != config.codes:
        raise DataError(
            f"the experiment {record.name} is of family {record.family}",
            f"the GPT {config.name} numbers phones or codes otherwise",
            "choose a GPT of the experiment's family",
        )
    known = record.base.version if record.base else ""
    if base is not None and base.code_version and known and base.code_version != known:
        assert record.base is not None
        raise DataError(
            f"the codes of {record.name} were made with {record.base.describe()}",
            f"the GPT {base.base or base.family} speaks {base.code_version}",
            "choose a GPT of that base, or make the codes again",
        )


def _quantizer_version(request: GptRequest, base: BundleInfo | None, events: Events) -> str:
    """The name of what made the codes of arrays, so that the GPT is never joined with another's SoVITS."""
    from gsv.weights.bundle import code_version

    if request.quantizer is not None:
        from safetensors.torch import load_file

        if not request.quantizer.is_file():
            raise InputError(f"there is no quantizer file {request.quantizer}")
        return code_version(load_file(request.quantizer))
    if request.sovits is not None:
        from gsv.weights.networks import read_sovits_weights

        return read_sovits_weights(request.sovits)[2].code_version
    if base is not None and base.code_version:
        return base.code_version
    text = "neither --quantizer nor --sovits is named: nothing will say which SoVITS weights fit"
    events.message(text, level="warning")
    return ""


def _recipe(request: GptRequest, config: GptConfig, steps: int) -> GptRecipe:
    if request.recipe is not None:
        return request.recipe
    tiny = config.name not in ("v1", "v2")
    if not tiny:
        recipe = published_gpt_recipe(request.preference)
    elif request.from_scratch:
        recipe = base_gpt_recipe(steps).model_copy(update={"preference": float(request.preference)})
    else:
        recipe = tiny_gpt_recipe(steps, request.preference)
    if request.learning_rate:
        changes = {"learning_rate": request.learning_rate, "first_rate": 0.0}
        recipe = recipe.model_copy(update={"rates": recipe.rates.model_copy(update=changes)})
    return recipe


def _planned_steps(clips: GptClips, recipe: GptRecipe, config: GptConfig, loop: LoopSettings) -> int:
    """Steps of the whole run, for schedules."""
    if loop.steps:
        return loop.steps
    maker = GptItemMaker(clips, recipe.items, config, recipe.preference > 0)
    lengths = maker.lengths()
    sampler = BucketSampler(
        lengths,
        loop.batch_frames,
        loop.seed,
        repeats=recipe.items.repeats(len(lengths)),
        drawn_length=maker.drawn_length,
    )
    return loop.epochs * sampler.batches_in_epoch


def _default_tokens(config: GptConfig, device: torch.device) -> int:
    """About thirty clips where the memory holds them."""
    if device.type != "cuda" or config.layers < 12:
        return 6000 if config.layers < 12 else 2000
    gigabytes = torch.cuda.get_device_properties(device).total_memory / 2**30
    return int(max(1500, min(6400, 400 * gigabytes)))


def _previewer(request: GptRequest, data: _Data, device: torch.device) -> GptPreviewer | None:
    if not request.previews:
        return None
    options = PreviewOptions(spoken=request.previews, sovits=request.sovits, content=request.content)
    return GptPreviews(data.held, data.sounds, options, device)


class _ArraySounds:
    """Recordings of prepared arrays."""

    def __init__(self, arrays: PreparedArrays) -> None:
        self.arrays = arrays
        self.items = {item.name: item for item in arrays.items}

    def wave(self, name: str) -> np.ndarray:
        return self.arrays.wave(self.items[name], 32000)

    def spoken(self, name: str) -> list[int]:
        return self.items[name].spoken


class _ExperimentSounds:
    """Recordings of an experiment."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment

    def wave(self, name: str) -> np.ndarray:
        from gsv import audio

        return audio.read(self.experiment.wave_path(name), 32000).samples

    def spoken(self, name: str) -> list[int]:
        return []


class _Exporter:
    """Writes weights with what is known of their origin."""

    def __init__(self, config: GptConfig, base: BundleInfo | None, data: _Data, request: GptRequest) -> None:
        self.config, self.base, self.data = config, base, data
        self.licence = request.licence or (base.licence if base is not None else "")
        self.base_name = request.base.name if request.base is not None else (base.base if base else "")

    def __call__(self, path: Path, state: Mapping[str, Tensor], steps: int) -> None:
        from gsv.weights.bundle import save_bundle
        from gsv.weights.networks import gpt_info

        names = self.data.clips.names
        digest = hashlib.sha256("\n".join(names).encode("utf-8")).hexdigest()[:12]
        inherited = self.base.provenance if self.base is not None else ""
        info = gpt_info(
            self.config,
            base=self.base_name,
            code_version=self.data.code_version,
            licence=self.licence,
            provenance=f"trained on {len(names)} clips ({digest}); {inherited}".rstrip("; "),
            info=f"{steps} steps",
        )
        save_bundle(path, state, info)
