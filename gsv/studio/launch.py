"""Opening the studio: who may come in, which jobs there were, and the server.

Knows the order in which the parts start and end. Lays out no page.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gsv.errors import InputError, ResourceError
from gsv.jobs import JobManager, StudioLock
from gsv.settings import Workspace, workspace_of
from gsv.studio.access import Access, Credentials, is_loopback
from gsv.studio.devices import DeviceSearch
from gsv.studio.labels import Labels
from gsv.studio.studio import Studio

if TYPE_CHECKING:
    import gradio

logger = logging.getLogger(__name__)

DEFAULT_PORT = 9874
LARGEST_UPLOAD = "200mb"
KEEP_UPLOADS = (3600, 86_400)
"""Seconds: how often the temporary uploads are looked at, and how old they may get."""


@dataclass(frozen=True)
class Options:
    """How the studio is to be opened; the fields are those of the command line."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    share: bool = False
    auth: tuple[str, ...] = ()
    auth_file: Path | None = None
    allow: tuple[Path, ...] = ()
    inbrowser: bool = False
    language: str = "en"
    workspace: Path | None = None


@dataclass(frozen=True)
class Admission:
    """What the options mean once they were checked."""

    workspace: Workspace
    access: Access
    credentials: Credentials
    labels: Labels


def admit(options: Options) -> Admission:
    """Check the options before anything starts. Raises InputError naming the one that is wrong."""
    workspace = workspace_of(options.workspace)
    open_to_others = options.share or not is_loopback(options.host)
    credentials = Credentials.read(options.auth, options.auth_file)
    if open_to_others and not credentials:
        raise InputError(
            "a page that others can reach needs a login",
            "--share was given" if options.share else f"{options.host} can be reached from other computers",
            "Add --auth NAME:PASSWORD or --auth-file FILE, or leave out --share and --host.",
        )
    for folder in options.allow:
        if not folder.is_dir():
            raise InputError(f"--allow {folder} is no folder", remedy="Name one that exists.")
    allowed = tuple(folder.resolve() for folder in options.allow)
    labels = Labels(options.language)
    access = Access(workspace, allowed, confined=open_to_others, labels=labels)
    return Admission(workspace, access, credentials, labels)


def run(
    options: Options, tools: Path, say: Callable[[str], None], stopped: threading.Event | None = None
) -> None:
    """Serve the studio until ``stopped`` is set or Ctrl-C; jobs that run then go on.

    ``tools`` holds the scripts; ``say`` takes the lines for the terminal. Raises InputError for
    wrong options, ResourceError when the workspace or the port is taken.
    """
    admission = admit(options)
    with StudioLock(admission.workspace.logs) as lock:
        lock.acquire(f"http://{options.host}:{options.port}")
        jobs = JobManager(admission.workspace.jobs, tools, admission.workspace.root)
        devices = DeviceSearch()
        devices.start()
        studio = Studio(admission.workspace, jobs, admission.labels, admission.access, devices)
        jobs.on_end = lambda view: studio.note_job(view.command.experiment, view.id)
        jobs.recover()
        jobs.watch()
        try:
            page = _serve(studio, admission, options)
            say(f"The studio is open: {page.local_url}")
            if page.share_url:
                say(f"For others: {page.share_url}")
            try:
                (stopped or threading.Event()).wait()
            finally:
                page.close(verbose=False)
        except KeyboardInterrupt:
            say("The studio is closed. Jobs that run go on; open it again to see them.")
        finally:
            jobs.close()


def _serve(studio: Studio, admission: Admission, options: Options) -> gradio.Blocks:
    """Build the page and start its server in the background."""
    import gradio as gr

    from gsv.studio import page as page_module
    from gsv.studio import theme

    page = page_module.build(studio)
    page.delete_cache = KEEP_UPLOADS
    shown = [studio.workspace.logs, studio.outputs()]
    try:
        page.launch(
            server_name=options.host,
            server_port=options.port,
            share=options.share,
            auth=admission.credentials.check if admission.credentials else None,
            inbrowser=options.inbrowser,
            allowed_paths=[str(path) for path in shown],
            max_file_size=LARGEST_UPLOAD,
            theme=theme.theme(),
            css=theme.style_sheet(),
            head=theme.HEAD,
            footer_links=[],
            ssr_mode=False,
            run_history=False,
            enable_monitoring=False,
            pwa=False,
            mcp_server=False,
            quiet=True,
            show_error=False,
            prevent_thread_lock=True,
            app_kwargs=_server_settings(studio, admission),
        )
    except OSError as error:
        raise ResourceError(
            f"port {options.port} on {options.host} cannot be used",
            str(error).splitlines()[0],
            "End the program that uses it, or choose another one with --port.",
        ) from error
    logger.debug("gradio %s serves the page", gr.__version__)
    return page


def _server_settings(studio: Studio, admission: Admission) -> dict[str, Any]:
    """Settings of the web application: no generated documentation, recordings by their secret addresses;
    on a private page, local names only.

    A web site that lets its own name point to 127.0.0.1 would otherwise pass as this page.
    """
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    settings: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    settings["routes"] = [studio.clips.route()]
    if not admission.access.confined:
        names = ["127.0.0.1", "localhost", "[::1]", "::1"]
        settings["middleware"] = [Middleware(TrustedHostMiddleware, allowed_hosts=names)]
    return settings
