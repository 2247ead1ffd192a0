"""The clips of an experiment as SoVITS training takes them, after checking that all belongs together.

Knows: the experiment folder and the base's description. Does not know: training.
"""

from __future__ import annotations

from pathlib import Path

from gsv.corpus.experiment import Experiment, ModelIdentity
from gsv.corpus.items import training_items
from gsv.corpus.tables import names_in
from gsv.errors import DataError
from gsv.events import Events
from gsv.families import FamilyConfig
from gsv.training.clips import ExperimentClips
from gsv.weights.bundle import BundleInfo
from gsv.workflows.phone_places import phone_places

SHOWN = 5
"""Left-out clips that are named one by one in a message; all of them are events."""


def experiment_clips(
    folder: Path,
    config: FamilyConfig,
    base: BundleInfo | None,
    base_name: str,
    events: Events,
    content: Path | None = None,
) -> ExperimentClips:
    """Usable clips of an experiment; those left out are told with their reasons, never dropped in silence.

    With the content encoder of the folder `content`, if it reads phones, each clip knows where its own are.

    Raises:
        InputError: there is no such experiment.
        DataError: it is of another family, base or encoder, speaker vectors are missing, or nothing is usable.
    """
    experiment = Experiment.open(folder)
    record = experiment.record
    if record.family != config.name:
        raise DataError(
            f"the experiment {record.name} is of family {record.family}",
            f"the weights {base_name} are of family {config.name}",
            "choose weights of the experiment's family, or prepare another experiment",
        )
    if base is not None and base.code_version and record.base is not None:
        if record.base.version != base.code_version:
            experiment.check_base(ModelIdentity(name=base_name, version=base.code_version))
    if config.speaker_input is not None and config.speaker_input.required:
        _check_speaker_vectors(experiment, config)
    found = training_items(experiment)
    for name, reason in found.rejected.items():
        events.item(name, "failed", reason)
    if found.rejected:
        kinds = ", ".join(f"{reason}: {count}" for reason, count in found.counts.items())
        first = ", ".join(list(found.rejected)[:SHOWN])
        text = f"{len(found.rejected)} clips are left out ({kinds}), the first: {first}"
        events.message(text, level="warning")
    version = record.content.version if record.content else ""
    # Features of another encoder are told before the work.
    ExperimentClips(found.items[:1], config, version).content(0)
    places = phone_places(experiment, found.items, content, events)
    return ExperimentClips(found.items, config, version, places)


def _check_speaker_vectors(experiment: Experiment, config: FamilyConfig) -> None:
    prepared = set(names_in(experiment.content_folder, ".pt")) & set(names_in(experiment.wave_folder))
    missing = sorted(prepared - set(names_in(experiment.speaker_folder, ".pt")))
    # A few without one are left out with their reason, as any other clip that lacks something.
    if missing and len(missing) == len(prepared):
        raise DataError(
            f"{config.name} needs a speaker vector for every clip, {len(missing)} of {len(prepared)} have none",
            f"missing: {', '.join(f'7-sv_cn/{name}.pt' for name in missing[:SHOWN])}",
            f"run: python tools/extract_speaker.py --experiment {experiment.record.name}",
        )
