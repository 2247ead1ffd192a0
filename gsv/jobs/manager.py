"""The jobs of a workspace: hand in, start in turn, watch, stop, find again.

Knows scripts by name, folders and processes. Does not know what a script does. One
manager works in a workspace at a time (see `lock`); the page only reads its views.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from gsv import files
from gsv.errors import GsvError, InputError, ResourceError
from gsv.jobs import logs, process, verdict
from gsv.jobs.progress import EventReader
from gsv.jobs.records import Command, JobFolder, JobState, Reason, State, new_id
from gsv.jobs.views import JobView, view_of

logger = logging.getLogger(__name__)

STOP_PATIENCE = 20.0
"""Seconds that a job has to stop by itself."""
INTERVAL = 0.5


class _Job:
    """One job in memory: its records, its reader and, if we started it, its process."""

    def __init__(self, folder: JobFolder, command: Command, state: State) -> None:
        self.folder = folder
        self.command = command
        self.state = state
        self.reader = EventReader(folder.events)
        self.child: subprocess.Popen[bytes] | None = None
        self.ending: threading.Thread | None = None

    def set_state(self, state: State) -> None:
        """Take the new state, and keep it; a full disk is no reason to lose track of a process."""
        self.state = state
        try:
            self.folder.write_state(state)
        except OSError as error:
            logger.error("the state of job %s could not be written: %s", self.command.id, error)


class JobManager:
    """All jobs under ``folder`` (one folder a job); scripts come from ``tools``.

    ``workspace`` is the working folder of the children. Call `recover` once, then
    `watch`; without `watch`, call `tick` yourself.
    """

    def __init__(
        self, folder: Path, tools: Path, workspace: Path, stop_patience: float = STOP_PATIENCE
    ) -> None:
        self._folder = folder
        self._tools = tools
        self._workspace = workspace
        self._stop_patience = stop_patience
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._ended: list[str] = []
        self.on_end: Callable[[JobView], None] | None = None
        """Called once for each job that ended, outside the lock, from whatever thread looked at it."""
        self._thread: threading.Thread | None = None

    def submit(
        self,
        script: str,
        arguments: Sequence[str],
        *,
        title: str,
        line: str = "cpu",
        experiment: str = "",
        outputs: Sequence[Path] = (),
    ) -> str:
        """Hand in ``tools/SCRIPT`` with ``arguments``; returns the job's id.

        It starts at once if no other job of its ``line`` runs. ``--events`` is added.
        Raises InputError for an unknown script and ResourceError when the disk refuses.
        """
        if Path(script).name != script or not (self._tools / script).is_file():
            raise InputError(f"there is no script {script}", f"{self._tools} does not hold it")
        command = Command(
            id=new_id(script),
            title=title,
            script=script,
            arguments=tuple(arguments),
            line=line,
            experiment=experiment,
            outputs=tuple(str(path) for path in outputs),
            created=time.time(),
        )
        folder = JobFolder(self._folder / command.id)
        try:
            with files.new_folder(folder.path) as temporary:
                JobFolder(temporary).write_command(command)
                JobFolder(temporary).write_state(State())
        except OSError as error:
            raise ResourceError(
                "the job could not be written down", str(error), "Free some disk space."
            ) from error
        with self._lock:
            self._jobs[command.id] = _Job(folder, command, State())
        self.tick()
        return command.id

    def repeat(self, job_id: str) -> str:
        """Hand in once more what a job ran; returns the new id."""
        old = self._job(job_id).command
        return self.submit(
            old.script,
            old.arguments,
            title=old.title,
            line=old.line,
            experiment=old.experiment,
            outputs=[Path(path) for path in old.outputs],
        )

    def stop(self, job_id: str) -> None:
        """Ask a job to stop; one that waits is cancelled at once, one that ignores it is ended."""
        with self._lock:
            job = self._job(job_id)
            now = time.time()
            if job.state.state is JobState.QUEUED:
                job.set_state(job.state.model_copy(update={"state": JobState.CANCELLED, "ended": now}))
            elif job.state.state is JobState.RUNNING and job.state.stop_requested is None:
                try:
                    files.write_text(job.folder.stop, "stop\n")
                except OSError as error:
                    logger.error("the stop request of %s could not be written: %s", job_id, error)
                job.set_state(job.state.model_copy(update={"stop_requested": now}))

    def remove(self, job_id: str) -> None:
        """Forget a job that has ended, and remove its folder; what it made elsewhere stays."""
        with self._lock:
            job = self._job(job_id)
            if not job.state.state.final:
                raise InputError("the job has not ended", "", "Stop it first.")
            shutil.rmtree(job.folder.path, ignore_errors=True)
            del self._jobs[job_id]

    def views(self) -> list[JobView]:
        """All jobs, the newest first."""
        with self._lock:
            now = time.time()
            ordered = sorted(self._jobs.values(), key=lambda job: (job.command.created, job.command.id))
            places = self._places(ordered)
            shown = [view_of(job.command, job.state, job.folder, job.reader, now) for job in ordered]
            return [replace(view, place=places.get(view.id, 0)) for view in reversed(shown)]

    def view(self, job_id: str) -> JobView | None:
        """One job, or None when it is not (or no longer) there."""
        return next((view for view in self.views() if view.id == job_id), None)

    def log(self, job_id: str, lines: int = 200) -> str:
        """The last lines that a job wrote."""
        return logs.tail(self._job(job_id).folder.log, lines)

    def tick(self) -> None:
        """Look at every job once: take in events, notice ends, start who is next."""
        with self._lock:
            for job in list(self._jobs.values()):
                if job.state.state is JobState.RUNNING:
                    self._look_at(job)
            self._start_next()
            ended, self._ended = self._ended, []
        for job_id in ended:
            view = self.view(job_id)
            if view is not None and self.on_end is not None:
                self.on_end(view)

    def recover(self) -> None:
        """Take up the jobs of an earlier studio: running ones are watched, dead ones are failed."""
        with self._lock:
            for path in sorted(self._folder.glob("*/")):
                if not path.name.startswith(files.TEMPORARY_PREFIX):
                    self._recover_one(JobFolder(path))
            if self._folder.is_dir():
                files.remove_leftovers(self._folder)
        self.tick()

    def watch(self) -> None:
        """Keep everything up to date from a thread, until `close`."""
        self._thread = threading.Thread(target=self._watch, name="jobs", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching. Running jobs go on: the next studio finds them again."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _watch(self) -> None:
        while not self._closing.wait(INTERVAL):
            try:
                self.tick()
            except Exception:  # the watch must outlive any single surprise
                logger.exception("looking at the jobs failed")

    def _job(self, job_id: str) -> _Job:
        with self._lock:
            if job_id not in self._jobs:
                raise InputError(
                    "this job is no longer there", "it was removed", "Choose another one in the list."
                )
            return self._jobs[job_id]

    @staticmethod
    def _places(ordered: Sequence[_Job]) -> dict[str, int]:
        """Place in line, from 1, of each job that waits."""
        waiting: dict[str, int] = {}
        places = {}
        for job in ordered:
            if job.state.state is JobState.QUEUED:
                waiting[job.command.line] = waiting.get(job.command.line, 0) + 1
                places[job.command.id] = waiting[job.command.line]
        return places

    def _start_next(self) -> None:
        ordered = sorted(self._jobs.values(), key=lambda job: (job.command.created, job.command.id))
        busy = {job.command.line for job in ordered if job.state.state is JobState.RUNNING}
        for job in ordered:
            waits = job.state.state is JobState.QUEUED and job.command.line not in busy
            if waits and self._start(job):
                busy.add(job.command.line)

    def _start(self, job: _Job) -> bool:
        """Start one job; what keeps it from starting is its reason to have failed."""
        now = time.time()
        arguments = list(job.command.arguments)
        # Behind a bare "--" nothing is an option any more.
        options = arguments.index("--") if "--" in arguments else len(arguments)
        arguments[options:options] = ["--events", str(job.folder.events)]
        try:
            job.folder.stop.unlink(missing_ok=True)
            script = str(self._tools / job.command.script)
            job.child = process.start([script, *arguments], job.folder.log, self._workspace)
        except (OSError, ValueError) as error:
            reason = Reason(what="the script could not be started", why=str(error))
            job.set_state(State(state=JobState.FAILED, started=now, ended=now, reason=reason))
            return False
        known = process.identity(job.child.pid)
        started = known.started if known else now
        job.set_state(State(state=JobState.RUNNING, pid=job.child.pid, process_started=started, started=now))
        return True

    def _look_at(self, job: _Job) -> None:
        """Bring one running job up to date."""
        alive = self._alive(job)
        job.reader.update()  # after the check: what a process wrote before it ended is then there
        logs.bound(job.folder.log)
        if not alive:
            self._end(job)
        elif job.state.stop_requested is not None:
            self._insist(job)

    def _alive(self, job: _Job) -> bool:
        if job.child is not None:
            return job.child.poll() is None
        if job.state.pid is None or job.state.process_started is None:
            return False
        return process.is_same(
            process.Identity(job.state.pid, job.state.process_started), str(job.folder.events)
        )

    def _insist(self, job: _Job) -> None:
        """End the process tree of a job that was asked to stop and did not, off the watching thread."""
        waited = time.time() - (job.state.stop_requested or 0.0)
        if waited >= self._stop_patience and job.ending is None and job.state.pid is not None:
            job.ending = threading.Thread(target=process.end_tree, args=(job.state.pid,), daemon=True)
            job.ending.start()

    def _end(self, job: _Job) -> None:
        """Write down how a job ended."""
        exit_code = job.child.returncode if job.child is not None else None
        if job.child is not None and job.state.pid is not None:
            process.end_group(job.state.pid)
        outcome, reason = verdict.judge(job.state, exit_code, job.reader.progress, job.folder.log)
        changes = {"state": outcome, "reason": reason, "exit_code": exit_code, "ended": time.time()}
        job.set_state(job.state.model_copy(update=changes))
        self._ended.append(job.command.id)

    def _recover_one(self, folder: JobFolder) -> None:
        """Take up one folder; one that cannot be read becomes a failed job, not a crash."""
        try:
            command, state = folder.read_command(), folder.read_state()
        except GsvError as error:
            logger.warning("%s", error)
            command = Command(
                id=folder.path.name, title=folder.path.name, script="", arguments=(), created=0.0
            )
            reason = Reason(what=error.what, why=error.why, remedy=error.remedy)
            self._jobs[command.id] = _Job(folder, command, State(state=JobState.FAILED, reason=reason))
            return
        job = self._jobs[folder.path.name] = _Job(folder, command, state)
        if state.state is JobState.QUEUED:
            self._find_lost(job)
        job.reader.update()

    @staticmethod
    def _find_lost(job: _Job) -> None:
        """A studio that died between starting a process and noting it down left it unnoticed.

        The log is made at the start, so its presence tells. The process is looked for by
        its command line; without one, the next look at the job judges how it ended.
        """
        if not job.folder.log.exists():
            return
        found = process.find(str(job.folder.events))
        started = found.started if found else job.folder.log.stat().st_mtime
        job.set_state(
            State(
                state=JobState.RUNNING,
                pid=found.pid if found else None,
                process_started=found.started if found else None,
                started=started,
            )
        )
