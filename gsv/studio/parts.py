"""Pieces that several tabs are made of: the panel of a job, error pop-ups, quiet updates.

Knows Gradio and the studio. Does not know any tab.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from typing import Any

import gradio as gr

from gsv.errors import GsvError, as_gsv_error
from gsv.jobs import JobView
from gsv.studio import render, theme
from gsv.studio.studio import Studio

logger = logging.getLogger(__name__)

Seen = dict[str, Any]
"""What one browser page shows now, so that only changes are sent to it."""

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
"""How every listener of the page is attached: no spinners over the form, not offered as an API."""

BUTTON: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
"""The same for buttons: only through Gradio's queue can a listener pop up a message."""

FOLD = """
const button = element.querySelector('button');
button.addEventListener('click', () => {
  button.setAttribute('aria-expanded', button.getAttribute('aria-expanded') === 'false');
});
"""

TICK = 1.0
ERROR_SECONDS = 20
INFO_SECONDS = 4


@dataclass
class Fields:
    """The fields of a form by name, in the order in which listeners get their values."""

    fields: dict[str, gr.components.Component]

    @property
    def inputs(self) -> list[gr.components.Component]:
        """All fields."""
        return list(self.fields.values())

    def given(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """The values of `inputs` by name."""
        return dict(zip(self.fields, values, strict=True))


def player(label: str, name: str) -> gr.Audio:
    """Where a result is heard and downloaded; `name` is its id on the page."""
    return gr.Audio(
        label=label,
        interactive=False,
        elem_id=name,
        buttons=["download"],
        waveform_options=theme.waveform(),
        elem_classes="player",
    )


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


def inform(text: str) -> None:
    """Pop up a short word of confirmation."""
    gr.Info(text, duration=INFO_SECONDS)


def fresh(seen: Seen, name: str, key: object, update: object) -> Any:
    """``update`` when ``key`` is not what this page showed last under ``name``; else nothing."""
    if name in seen and seen[name] == key:
        return gr.skip()
    seen[name] = key
    return update


def choice(seen: Seen, name: str, options: Sequence[Any], given: str | None, value: str | None) -> Any:
    """Update of a list to choose from, where ``given`` is what the page has chosen and ``value`` what is valid.

    The value is sent only where it differs from the given one: a choice that a person makes while
    this answer is on its way must not be undone by it.
    """
    changes: dict[str, Any] = {}
    if name not in seen or seen[name] != list(options):
        seen[name] = changes["choices"] = list(options)
    if (value or None) != (given or None):
        changes["value"] = value
    return gr.update(**changes) if changes else gr.skip()


@dataclass(frozen=True)
class Memory:
    """What is filled in on a tab, kept by the browser for each workspace: a reload loses nothing."""

    place: str
    fields: Mapping[str, gr.components.Component]

    def keep(self) -> None:
        """Let the browser write the fields down at each change."""
        names, inputs = json.dumps(list(self.fields)), list(self.fields.values())
        record = f"Object.fromEntries({names}.map((name, at) => [name, values[at]]))"
        script = (
            f"(...values) => {{ localStorage.setItem('{self.place}', JSON.stringify({record})); return []; }}"
        )
        gr.on([field.change for field in inputs], None, inputs, None, js=script, **QUIET)  # type: ignore[attr-defined]

    def restore(
        self, page: gr.Blocks, recall: Callable[[str], tuple[Mapping[str, Any], list[Any]]], more: list[Any]
    ) -> gr.events.Dependency:
        """Fill the fields in when the page opens; returns what other listeners can follow.

        ``recall`` takes what was kept and gives the fields by name, and updates of the components
        ``more``. A field that a person has filled in by the time the answer comes is left alone.
        """
        kept, found = gr.Textbox(visible=False), gr.Textbox(visible=False)
        fields = list(self.fields.values())
        names, first = json.dumps(list(self.fields)), json.dumps([field.value for field in fields])  # type: ignore[attr-defined]

        def look(text: str) -> Any:
            values, updates = recall(text)
            # Of one output Gradio takes the answer itself, not a list of one.
            return [json.dumps(values), *updates] if more else json.dumps(values)

        read = f"() => [localStorage.getItem('{self.place}') ?? '']"
        fill = (
            f"(found, ...now) => {{ const values = JSON.parse(found), names = {names}, first = {first}; return "
            "now.map((value, at) => (value ?? '') === (first[at] ?? '') ? values[names[at]] : value); }"
        )
        opened = page.load(look, kept, [found, *more], js=read, **QUIET)
        return opened.then(None, [found, *fields], fields, js=fill, **QUIET)


def memory(studio: Studio, name: str, fields: Mapping[str, gr.components.Component]) -> Memory:
    """The memory of a tab, at work."""
    workspace = hashlib.sha256(str(studio.workspace.root).encode("utf-8")).hexdigest()[:12]
    made = Memory(f"gsv-{workspace}-{name}", fields)
    made.keep()
    return made


def remembered(kept: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The kept values that are of the defaults' kind, else the defaults; a browser may hold anything."""
    try:
        found = json.loads(kept or "{}")
    except ValueError:
        found = {}
    given = found if isinstance(found, dict) else {}
    return {
        name: given[name] if name in given and _alike(given[name], default) else default
        for name, default in defaults.items()
    }


def _alike(value: object, default: object) -> bool:
    if isinstance(default, str | bool) or isinstance(value, bool):
        return type(default) is type(value)
    return isinstance(value, int | float)


def stay_script() -> str:
    """Script of a part whose words are replaced: what was opened or scrolled stays so."""
    return resources.files("gsv.studio").joinpath("stay.js").read_text(encoding="utf-8")


def shown_job(element: str) -> str:
    """Script for a button: the job that the card shows now, whatever the studio has learnt since."""
    return f"(...given) => [document.querySelector('#{element} .job')?.dataset.job ?? '', ...given.slice(1)]"


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

    def stop_now(self, job_id: str) -> None:
        """Ask a job to stop. Raises GsvError when it is gone."""
        view = self.studio.jobs.view(job_id)
        if view is not None and not view.status.final:
            self.studio.jobs.stop(job_id)
            inform(self.studio.labels("stop_asked"))


def job_panel(studio: Studio, name: str, scripts: Sequence[str], empty: tuple[str, str]) -> JobPanel:
    """Lay out the panel of a tab, showing the newest job of ``scripts``."""
    labels = studio.labels
    card = gr.HTML(
        render.unknown(labels),
        elem_id=f"{name}-job",
        js_on_load=stay_script(),
        elem_classes="plain",
    )
    stop = gr.Button(
        labels("stop"),
        variant="stop",
        interactive=False,
        elem_id=f"{name}-stop",
        size="sm",
        elem_classes="quiet-button",
    )
    panel = JobPanel(studio, tuple(scripts), empty, card, stop)
    shown = gr.Textbox(visible=False)
    stop.click(guarded(panel.stop_now), shown, None, js=shown_job(f"{name}-job"), **BUTTON)
    return panel


def fold(title: str, element: str) -> gr.Column:
    """A part that is folded away until its title is pressed, to be filled in a ``with`` statement.

    Gradio's own accordion builds its fields when it is opened, and sets them back a moment later.
    """
    gr.HTML(
        f'<button type="button" class="fold" aria-expanded="false" aria-controls="{element}">'
        f"<i></i>{escape(title)}</button>",
        js_on_load=FOLD,
        elem_id=f"{element}-fold",
        elem_classes="plain fold-head",
    )
    return gr.Column(elem_id=element, elem_classes="fold-body")


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
        inform(studio.labels("queued_info", place=view.place))
    else:
        inform(studio.labels("started_info"))
