"""Pieces that several tabs are made of: the panel of a job, error pop-ups, quiet updates.

Knows Gradio and the studio. Does not know any tab.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from gsv.errors import GsvError, as_gsv_error
from gsv.jobs import JobView
from gsv.studio import render
from gsv.studio.studio import Studio

logger = logging.getLogger(__name__)

Seen = dict[str, Any]
"""What one browser page shows now, so that only changes are sent to it."""

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
"""How every listener of the page is attached: no spinners over the form, not offered as an API."""

BUTTON: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
"""The same for buttons: only through Gradio's queue can a listener pop up a message."""

TICK = 1.0
ERROR_SECONDS = 20
INFO_SECONDS = 4


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """A listener whose errors pop up with what, why and remedy, and change nothing on the page."""

    @functools.wraps(function)
    def listener(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:  # the page must say what went wrong, whatever it was
            known = as_gsv_error(error)
            if not isinstance(error, GsvError):
                logger.exception("a button of the page failed")
            gr.Warning(render.notice(known), duration=ERROR_SECONDS)
            return gr.skip()

    return listener


def fresh(seen: Seen, name: str, key: object, update: object) -> Any:
    """``update`` when ``key`` is not what this page showed last under ``name``; else nothing."""
    if name in seen and seen[name] == key:
        return gr.skip()
    seen[name] = key
    return update


@dataclass
class JobPanel:
    """The card of a tab's job, with its stop button."""

    studio: Studio
    scripts: tuple[str, ...]
    empty: tuple[str, str]
    card: gr.HTML
    stop: gr.Button

    @property
    def outputs(self) -> list[gr.components.Component]:
        """The components that `refresh` updates, in order."""
        return [self.card, self.stop]

    def view(self, experiment: str = "") -> JobView | None:
        """The job to show."""
        return self.studio.latest(self.scripts, experiment)

    def refresh(self, seen: Seen, experiment: str = "") -> list[Any]:
        """Updates of the card and the button."""
        view = self.view(experiment)
        html = render.card(view, self.studio.labels, *self.empty)
        active = view is not None and not view.status.final and not view.stopping
        return [
            fresh(seen, "card", html, html),
            fresh(seen, "stop", active, gr.update(interactive=active)),
        ]

    def stop_now(self, experiment: str = "") -> None:
        """Ask the shown job to stop. Raises GsvError when it is gone."""
        view = self.view(experiment)
        if view is not None and not view.status.final:
            self.studio.jobs.stop(view.id)
            gr.Info(self.studio.labels("stop_asked"), duration=INFO_SECONDS)


def job_panel(studio: Studio, name: str, scripts: Sequence[str], empty: tuple[str, str]) -> JobPanel:
    """Lay out the panel of a tab, showing the newest job of ``scripts``."""
    labels = studio.labels
    card = gr.HTML(
        render.card(None, labels, *empty), elem_id=f"{name}-job", js_on_load=None, elem_classes="plain"
    )
    stop = gr.Button(
        labels("stop"),
        variant="stop",
        interactive=False,
        elem_id=f"{name}-stop",
        size="sm",
        elem_classes="quiet-button",
    )
    return JobPanel(studio, tuple(scripts), empty, card, stop)


def heading(title: str, text: str = "") -> gr.HTML:
    """A heading with a line of help below it."""
    below = f"<p>{escape(text)}</p>" if text else ""
    return gr.HTML(
        f'<div class="heading"><h2>{escape(title)}</h2>{below}</div>',
        js_on_load=None,
        elem_classes="plain",
    )


def device_choice(studio: Studio, name: str) -> gr.Dropdown:
    """Where a job computes; the names are filled in once they are known."""
    labels = studio.labels
    return gr.Dropdown(
        [(labels("device_auto"), "auto")],
        value="auto",
        label=labels("device"),
        info=labels("device_help"),
        elem_id=f"{name}-device",
    )


def device_update(studio: Studio) -> Any:
    """The choices of `device_choice`, without waiting for an answer that is not there yet."""
    found = studio.devices.get(patience=0.0)
    automatic = f"{studio.labels('device_auto')} ({found.best})"
    return gr.update(choices=[(automatic, "auto"), *((name, name) for name in found.names)])


def started(studio: Studio, job_id: str) -> None:
    """Say that a job was handed in, and whether it waits."""
    view = studio.jobs.view(job_id)
    if view is not None and view.place:
        gr.Info(studio.labels("queued_info", place=view.place), duration=INFO_SECONDS)
    else:
        gr.Info(studio.labels("started_info"), duration=INFO_SECONDS)
