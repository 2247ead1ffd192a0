"""One running studio: what every tab needs, in one value.

Knows the workspace, the jobs, the words, the rules of access and the devices. Builds
no page.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gsv.errors import GsvError
from gsv.jobs import JobManager, JobView
from gsv.settings import Workspace
from gsv.studio import commands
from gsv.studio.access import Access
from gsv.studio.clip_addresses import ClipAddresses
from gsv.studio.devices import DeviceSearch
from gsv.studio.labels import Labels
from gsv.studio.phone_lines import TextReader
from gsv.studio.reading import Curves

logger = logging.getLogger(__name__)


@dataclass
class Studio:
    """The parts that the tabs share."""

    workspace: Workspace
    jobs: JobManager
    labels: Labels
    access: Access
    devices: DeviceSearch
    reader: TextReader = field(init=False)
    clips: ClipAddresses = field(default_factory=ClipAddresses)
    _curves: dict[str, Curves] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reader = TextReader(self.workspace)

    def start(self, call: commands.Call, title: str) -> str:
        """Hand a call in as a job; returns its id. Raises GsvError with the reason when it cannot be."""
        job_id = self.jobs.submit(
            call.script,
            call.arguments,
            title=title,
            line=call.line,
            experiment=call.experiment,
            outputs=call.outputs,
        )
        self.note_job(call.experiment, job_id)
        return job_id

    def latest(self, scripts: Sequence[str], experiment: str = "") -> JobView | None:
        """The newest job of these scripts (and of this experiment, if one is named); running ones first."""
        views = [
            view
            for view in self.jobs.views()
            if view.command.script in scripts and experiment in ("", view.command.experiment)
        ]
        active = [view for view in views if not view.status.final]
        if active:
            return active[-1]
        return views[0] if views else None

    def last_value(self, scripts: Sequence[str], option: str) -> str:
        """What an option was set to in the newest job of these scripts; empty when there is none."""
        view = self.latest(scripts)
        return commands.value_of(view.command.arguments, option) if view is not None else ""

    def curves(self, experiment: str) -> dict[str, list[tuple[float, float]]]:
        """Loss curves of an experiment by name."""
        folder = self.access.experiment(experiment) / "metrics"
        return self._curves.setdefault(experiment, Curves(folder)).update()

    def outputs(self) -> Path:
        """Where conversions and speech are kept."""
        return self.workspace.root / "output"

    def note_job(self, experiment: str, job_id: str) -> None:
        """Let the experiment know its job. Called at the start and, since the first job makes the
        experiment, at the end too; an experiment that cannot be written to goes without."""
        from gsv.corpus.experiment import RECORD_FILE, Experiment

        if not experiment:
            return
        folder = self.workspace.experiment(experiment)
        if not (folder / RECORD_FILE).is_file():
            return
        try:
            Experiment.open(folder).add_job(job_id)
        except (GsvError, OSError) as error:
            logger.warning("the job could not be noted in the experiment: %s", error)
