"""A real studio in a process of its own, and a real browser to use it with."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from . import miniature

REPOSITORY = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 150.0
"""Seconds before a journey is given up; nothing waits this long unless something is broken."""


def refuse(reason: str) -> None:
    """Skip with the reason; where CI is set the journeys must run, so there it is a failure."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium of the system."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        refuse("no Chromium is installed (Debian: apt-get install chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        refuse("the package playwright is not installed (tests/requirements.txt names it)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield running
        running.close()


class RunningStudio:
    """A studio that can be ended and opened again."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._process: subprocess.Popen[bytes] | None = None
        self._log = workspace.parent / "studio.log"

    def start(self, *arguments: str) -> None:
        """Open the studio and wait until it answers."""
        command = [sys.executable, str(REPOSITORY / "webui.py"), "--port", str(self.port)]
        command += ["--workspace", str(self.workspace), *arguments]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.workspace.parent)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
                return
            except OSError:
                text = self._log.read_text(encoding="utf-8", errors="replace")
                assert self._process.poll() is None and time.monotonic() < end, text
                time.sleep(0.2)

    def kill(self) -> None:
        """End the studio at once, as a crash would; its jobs go on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def end_jobs(self) -> None:
        """End what was started here and still runs: children of a studio that is gone included."""
        mark = str(self.workspace / "logs" / "jobs")
        for process in psutil.process_iter(["cmdline"]):
            if any(mark in argument for argument in process.info["cmdline"] or ()):
                process.kill()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """A studio over a workspace with a hard name, a miniature base and twenty clips."""
    quotes = "'\"" if sys.platform != "win32" else "'"
    workspace = tmp_path_factory.mktemp("journey") / f"it{quotes}s $(touch pwned) 数据 🎙"
    workspace.mkdir()
    miniature.make_base(workspace / "pretrained_models")
    miniature.make_clips(workspace / "录音 clips")
    running = RunningStudio(workspace)
    running.start()
    yield running
    running.kill()
    running.end_jobs()
    assert not list(workspace.parent.rglob("pwned")), "a name was run as a command"


@pytest.fixture
def page(browser: Any, studio: RunningStudio) -> Iterator[Any]:
    """The studio's page in a fresh browser window, which must not ask the internet for anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    context.set_default_timeout(PATIENCE * 1000)
    outside: list[str] = []
    errors: list[str] = []
    shown = context.new_page()
    shown.on("request", lambda request: outside.append(request.url) if not _is_local(request.url) else None)
    shown.on("pageerror", lambda error: errors.append(str(error)))
    shown.goto(studio.url)
    shown.wait_for_selector("#data-all")
    yield shown
    context.close()
    assert outside == [] and errors == []


def _is_local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))
