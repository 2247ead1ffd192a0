"""Training SoVITS: what joins an experiment or prepared arrays, base weights, the trainer core and previews.

Knows: where each of them comes from, and which defaults fit a family and a device. Does not know: losses, the
loop, or how weights are stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, nn

from gsv.errors import InputError
from gsv.events import Events
from gsv.families import FamilyConfig, family
from gsv.files import read_text
from gsv.models.discriminator import new_discriminator
from gsv.models.sovits.synthesizer import Synthesizer, new_synthesizer
from gsv.settings import Workspace, choose_device, workspace_of
from gsv.training.clips import ArrayClips, Clips
from gsv.training.loop import RunResult, Trainer
from gsv.training.ranks import Ranks, joined_ranks
from gsv.training.recipes import Recipe, base_recipe, published_recipe, tiny_recipe
from gsv.training.sovits import Networks, Previewer, SovitsTask
from gsv.training.task import LoopSettings, Places

if TYPE_CHECKING:
    from gsv.weights.bundle import BundleInfo

FRAMES_A_SECOND = 50


class SovitsRequest(BaseModel):
    """One training of SoVITS. Exactly one of `experiment` and `arrays` names the data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    experiment: Path | None = Field(default=None, description="folder of a prepared experiment")
    arrays: Path | None = Field(default=None, description="folder of prepared arrays")
    output: Path | None = Field(
        default=None, description="where weights and metrics go; the experiment's folder"
    )
    family: str = Field(default="", description="family of a network from nothing; else the data's")
    base: Path | None = Field(default=None, description="SoVITS weights to start from")
    base_discriminator: Path | None = Field(default=None, description="discriminator weights to start from")
    from_scratch: bool = Field(default=False, description="fresh weights but for the quantizer")
    quantizer: Path | None = Field(default=None, description="safetensors with ssl_proj.* and quantizer.*")
    configuration: Path | None = Field(default=None, description="JSON of a changed family configuration")
    workspace: Path = Field(description="folder that holds experiments and models")
    checkpoints: Path | None = None
    recogniser: Path | None = Field(default=None, description="folder of a recogniser for previews")
    content: Path | None = Field(
        default=None,
        description="content encoder that places and reads phones; the shipped one if it is there",
    )
    licence: str = ""
    batch_seconds: float = Field(
        default=0.0, ge=0, description="padded audio a batch; 0: by family and device"
    )
    previews: int = Field(default=3, ge=0, description="clips a preview")
    device: str = "auto"
    recipe: Recipe | None = None
    text_share: float = Field(default=0.4, gt=0, le=1)
    adversarial_from: int = Field(default=8000, ge=0)
    learning_rate: float = Field(default=0.0, ge=0, description="0: the recipe's")
    loop: LoopSettings = LoopSettings()


def request_of(options: Mapping[str, Any]) -> SovitsRequest:
    """The request that a command line asks for; `options` by the names of `tools/train_sovits.py`.

    Raises:
        InputError: a value or file cannot be used.
    """
    given = dict(options)
    workspace = workspace_of(given.pop("workspace", None))
    name, recipe = given.pop("experiment", ""), given.pop("recipe", None)
    loop = {field: given.pop(field) for field in LoopSettings.model_fields if field in given}
    try:
        return SovitsRequest(
            **given,
            experiment=workspace.experiment(name) if name else None,
            workspace=workspace.root,
            recipe=Recipe.model_validate_json(read_text(recipe)) if recipe is not None else None,
            loop=LoopSettings(**loop),
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"the option {place} cannot be used", first["msg"]) from error


def train_sovits(request: SovitsRequest, events: Events) -> RunResult:
    """Train to the end, or until a stop is requested.

    Raises:
        GsvError: see `Trainer.run`; also InputError, WeightsError and DataError for what does not fit
        together.
    """
    if (request.experiment is None) == (request.arrays is None):
        raise InputError(
            "the data are not named", "exactly one of an experiment and prepared arrays is needed"
        )
    device = choose_device(request.device)
    with joined_ranks(device) as ranks:
        if ranks.world > 1 and device.type == "cuda":
            device = torch.device("cuda", ranks.rank % torch.cuda.device_count())
        return _train(request, events, device, ranks)


def _train(request: SovitsRequest, events: Events, device: torch.device, ranks: Ranks) -> RunResult:
    networks, base = _networks(request, events)
    config = networks.generator.config
    clips, spoken = _clips(request, config, base, events)
    recipe = _recipe(request, config, networks.taught)
    folder = request.output or request.experiment
    if folder is None:
        raise InputError("no folder for the weights was named", "", "name one with --output")
    exporter = _Exporter(config, base, clips, request)
    previewer = _previewer(request, spoken, device) if ranks.first else None
    task = SovitsTask(networks, clips, recipe, device, exporter, previewer, ranks)
    seconds = request.batch_seconds or _default_batch_seconds(config, recipe, device)
    loop = request.loop.model_copy(update={"batch_frames": max(1, round(seconds * FRAMES_A_SECOND))})
    places = Places.under(folder, "sovits", request.checkpoints)
    events.message(
        f"{config.name}: {len(clips.names)} clips, {sum(clips.frames) / FRAMES_A_SECOND / 60:.1f} minutes, "
        f"{len(set(clips.speakers))} speakers, batches of {seconds:.0f} s on {device}"
    )
    return Trainer(task, loop, places, device, events, ranks).run()


def _networks(request: SovitsRequest, events: Events) -> tuple[Networks, BundleInfo | None]:
    """Generator and discriminator, from base weights or from nothing; the description of the base."""
    seed = request.loop.seed
    if request.from_scratch and request.base is None:
        config = _configuration(request)
        generator = new_synthesizer(config, seed)
        load_quantizer(generator, request.quantizer)
        return Networks(generator, new_discriminator(config.discriminator, seed + 1)), None
    from gsv.weights.networks import load_discriminator, load_synthesizer

    path = _base_path(request)
    generator, info = load_synthesizer(path, posterior=True)
    if request.from_scratch:
        if request.family or request.configuration is not None:
            generator = with_speaker_input(generator, _configuration(request), seed)
        if request.quantizer is not None:
            # A later version of the codes: what the rest has learned of voices and waves still holds.
            load_quantizer(generator, request.quantizer)
    config = generator.config
    place = request.base_discriminator or _discriminator_beside(path)
    if place is None:
        events.message("no discriminator weights were found: the discriminators start from nothing")
        return Networks(generator, new_discriminator(config.discriminator, seed + 1)), info
    discriminator: nn.Module
    discriminator, other = load_discriminator(place)
    expected = new_discriminator(config.discriminator, 0).state_dict()
    if {k: v.shape for k, v in expected.items()} != {
        k: v.shape for k, v in discriminator.state_dict().items()
    }:
        raise InputError(
            f"the discriminator {place.name} does not fit {path.name}",
            f"it is of {other.family}",
            "choose its pair",
        )
    return Networks(generator, discriminator, taught=True), info


def with_speaker_input(base: Synthesizer, config: FamilyConfig, seed: int) -> Synthesizer:
    """The network of `config` with the weights of `base`, which may lack the input of speaker vectors.

    That input begins without effect: the network says at first what the base said.

    Raises:
        InputError: they differ in anything else.
    """
    if base.config == config:
        return base
    network = new_synthesizer(config, seed)
    state, own = base.state_dict(), network.state_dict()
    added = [name for name in own if name not in state]
    odd = [name for name in state if name not in own or state[name].shape != own[name].shape]
    odd += [name for name in added if not name.startswith(("sv_emb.", "prelu.", "ge_to512."))]
    if odd:
        what = "the base has another configuration than the family"
        raise InputError(what, f"{odd[0]} differs", "leave --family out to go on with the base's own")
    network.load_state_dict(state, strict=False)
    if added:
        with torch.no_grad():
            network.sv_emb.weight.zero_()
            network.sv_emb.bias.zero_()
            network.prelu.weight.fill_(1.0)
    return network


def _configuration(request: SovitsRequest) -> FamilyConfig:
    if request.configuration is not None:
        return FamilyConfig.model_validate_json(read_text(request.configuration))
    return family(request.family or "tiny")


def load_quantizer(generator: Synthesizer, path: Path | None) -> None:
    """Put a trained projection and codebook into a fresh generator.

    Raises:
        InputError: no file was named, or it has other tensors.
    """
    from safetensors.torch import load_file

    if path is None:
        remedy = "make it with tools/pretrain_content.py and name it with --quantizer"
        raise InputError("a generator from nothing needs a trained quantizer", "none was named", remedy)
    if not path.is_file():
        raise InputError(f"there is no quantizer file {path}")
    state = {k: v for k, v in load_file(path).items() if k.startswith(("ssl_proj.", "quantizer."))}
    wanted = {
        k: v.shape for k, v in generator.state_dict().items() if k.startswith(("ssl_proj.", "quantizer."))
    }
    if {k: v.shape for k, v in state.items()} != wanted:
        wrong = sorted(wanted.keys() ^ state.keys()) or sorted(
            k for k in wanted if wanted[k] != state[k].shape
        )
        raise InputError(
            f"{path.name} is no quantizer of this family", f"{wrong[0]} is missing or has another shape"
        )
    generator.load_state_dict(state, strict=False)


def _base_path(request: SovitsRequest) -> Path:
    """The base weights that were named, or those of the family: the experiment's, where none was named."""
    from gsv.corpus.experiment import Experiment
    from gsv.stages.defaults import base_model

    name = request.family
    if not name and request.experiment is not None:
        name = Experiment.open(request.experiment).record.family
    return base_model(Workspace(request.workspace), name or "tiny", request.base)


def _discriminator_beside(path: Path) -> Path | None:
    """The discriminator that is published or shipped as a pair of these weights."""
    for old, new in (("s2G", "s2D"), ("sovits", "discriminator")):
        place = path.with_name(path.name.replace(old, new))
        if old in path.name and place.is_file():
            return place
    return None


def _clips(
    request: SovitsRequest, config: FamilyConfig, base: BundleInfo | None, events: Events
) -> tuple[Clips, Clips]:
    """The clips to train on, and those that previews are made of."""
    if request.arrays is not None:
        from gsv.training.arrays import PreparedArrays

        arrays = PreparedArrays.open(request.arrays)
        clips = ArrayClips(arrays, arrays.part("train"), config)
        held = arrays.part("held")
        return clips, ArrayClips(arrays, held, config) if held else clips
    from gsv.workflows.experiment_clips import experiment_clips

    assert request.experiment is not None
    name = request.base.name if request.base is not None else "of the base"
    content = _content(request) if _recipe(request, config, False).items.crop_frames else None
    found = experiment_clips(request.experiment, config, base, name, events, content)
    return found, found


def _recipe(request: SovitsRequest, config: FamilyConfig, judges: bool) -> Recipe:
    if request.recipe is not None:
        return request.recipe
    published = config.discriminator.kind == "period"
    if request.from_scratch and not published:
        if not request.loop.steps:
            raise InputError("a base from nothing needs a number of steps", "", "name it with --steps")
        recipe = base_recipe(request.loop.steps, request.adversarial_from)
    else:
        share = request.text_share
        recipe = published_recipe(share) if published else tiny_recipe(share, judges)
    if request.learning_rate:
        rates = recipe.rates.model_copy(update={"learning_rate": request.learning_rate})
        recipe = recipe.model_copy(update={"rates": rates})
    return recipe


def _default_batch_seconds(config: FamilyConfig, recipe: Recipe, device: torch.device) -> float:
    """Sixteen crops where clips are cut, else what the device's memory holds of whole clips."""
    if recipe.items.crop_frames:
        return 16 * recipe.items.crop_frames / FRAMES_A_SECOND
    if device.type != "cuda":
        return 20.0
    gigabytes = torch.cuda.get_device_properties(device).total_memory / 2**30
    return max(10.0, min(160.0, 2.5 * gigabytes))


def _previewer(request: SovitsRequest, clips: Clips, device: torch.device) -> Previewer | None:
    if not request.previews:
        return None
    from gsv.workflows.previews import ClipPreviews

    return ClipPreviews(clips, request.previews, device, request.recogniser, _content(request))


def _content(request: SovitsRequest) -> Path | None:
    """The content encoder that was named, or the shipped one."""
    shipped = Workspace(request.workspace).shipped("tiny") / "content"
    return request.content or (shipped if (shipped / "config.json").is_file() else None)


class _Exporter:
    """Writes weights with what is known of their origin."""

    def __init__(
        self, config: FamilyConfig, base: BundleInfo | None, clips: Clips, request: SovitsRequest
    ) -> None:
        self.config, self.base, self.clips = config, base, clips
        # A base brings its discriminators, so that a voice made from it need not teach new ones; they are small.
        self.with_judges = request.from_scratch and config.discriminator.kind == "spectrogram"
        self.licence = request.licence or (base.licence if base is not None else "")
        self.base_name = (
            request.base.name if request.base is not None else (base.base if base is not None else "")
        )

    def __call__(
        self, path: Path, state: Mapping[str, Tensor], judges: Mapping[str, Tensor], steps: int
    ) -> None:
        from gsv.weights.bundle import code_version, save_bundle
        from gsv.weights.networks import discriminator_info, sovits_info

        names = hashlib.sha256("\n".join(self.clips.names).encode("utf-8")).hexdigest()[:12]
        inherited = self.base.provenance if self.base is not None else ""
        info = sovits_info(
            self.config,
            base=self.base_name,
            code_version=code_version(state),
            licence=self.licence,
            provenance=f"trained on {len(self.clips.names)} clips ({names}); {inherited}".rstrip("; "),
            info=f"{steps} steps",
            has_posterior=True,
        )
        save_bundle(path, state, info)
        if self.with_judges:
            beside = path.with_name(path.name.replace("sovits", "discriminator"))
            known = {"licence": self.licence, "provenance": info.provenance, "info": info.info}
            save_bundle(beside, judges, discriminator_info(self.config, **known))
