"""Child processes: start one, recognise it again later, end it with all it started.

Knows process ids and operating systems. Does not know jobs, folders or events.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

logger = logging.getLogger(__name__)

POLL = 0.05
START_TOLERANCE = 2.0
"""Seconds by which two readings of a process's start may differ (clock corrections)."""


@dataclass(frozen=True)
class Identity:
    """A process: its id may be given to another one later, its start time tells them apart."""

    pid: int
    started: float


def start(arguments: Sequence[str], log: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Start a script with this Python; its output is appended to ``log``.

    The child is the head of a process group of its own, so that Ctrl-C in the
    studio's terminal does not reach it and its workers can be ended with it.
    Raises OSError when the system cannot start it.
    """
    command = [sys.executable, "-X", "utf8", "-u", *arguments]
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            close_fds=True,
            start_new_session=os.name == "posix",
            creationflags=_creation_flags(),
        )


def _creation_flags() -> int:
    """Windows: an own group, and no console window that pops up."""
    if sys.platform == "win32":
        return subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return 0


def identity(pid: int) -> Identity | None:
    """Identity of a live process, or None when there is none with this id."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return Identity(pid, process.create_time())
    except psutil.Error:
        return None


def is_same(known: Identity, mark: str) -> bool:
    """True while the very process that was started still runs.

    ``mark`` is text that only its command line holds (the path of its events):
    it decides when the system's clock was set in the meantime.
    """
    now = identity(known.pid)
    if now is None:
        return False
    return abs(now.started - known.started) < START_TOLERANCE or mark in _command_line(known.pid)


def find(mark: str) -> Identity | None:
    """The process whose command line holds ``mark`` as one argument, if one runs."""
    for process in psutil.process_iter():
        if mark in _command_line(process.pid):
            return identity(process.pid)
    return None


def _command_line(pid: int) -> list[str]:
    """Arguments of a process; empty when the system does not tell."""
    try:
        return list(psutil.Process(pid).cmdline())
    except (psutil.Error, OSError):
        return []


def end_tree(pid: int, patience: float = 3.0) -> None:
    """End a process and all that it started: ask first, insist after ``patience`` seconds."""
    try:
        head = psutil.Process(pid)
        tree = [*head.children(recursive=True), head]
    except psutil.Error:
        tree = []
    for process in tree:
        _quietly(process.terminate)
    for process in _still_alive(tree, patience):
        _quietly(process.kill)
    _still_alive(tree, patience)
    end_group(pid)


def _still_alive(processes: Sequence[psutil.Process], patience: float) -> list[psutil.Process]:
    """Those that have not ended within ``patience`` seconds.

    Looks on from outside: psutil's own waiting would take the exit status away from
    whoever started the process.
    """
    end = time.monotonic() + patience
    while alive := [process for process in processes if _is_alive(process)]:
        if time.monotonic() >= end:
            break
        time.sleep(POLL)
    return alive


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def end_group(pid: int) -> None:
    """End workers that outlived the head of their group (POSIX only; elsewhere nothing)."""
    if sys.platform == "win32":
        return
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        logger.debug("no process is left in group %d", pid)


def _quietly(action: Callable[[], None]) -> None:
    """Call ``action``; a process that is gone already is what we want."""
    try:
        action()
    except psutil.Error:
        logger.debug("the process has ended by itself")
