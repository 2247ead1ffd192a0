"""The Jobs tab: every job of the workspace, and all that is known of the chosen one.

Knows views of jobs. Starts nothing but repetitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from gsv.errors import GsvError
from gsv.studio import parts, render
from gsv.studio.studio import Studio

PICK = """
element.addEventListener('click', (event) => {
  const row = event.target.closest('[data-job]');
  if (row) trigger('select', {job: row.dataset.job});
});
"""
LOG_LINES = 300


@dataclass
class Details:
    """The list of jobs, and all that stands beside it."""

    rows: gr.HTML
    card: gr.HTML
    stop: gr.Button
    again: gr.Button
    remove: gr.Button
    log: gr.HTML

    @property
    def outputs(self) -> list[gr.components.Component]:
        """The components in the order of `_updates`."""
        return [self.rows, self.card, self.stop, self.again, self.remove, self.log]


def build(studio: Studio, page: gr.Blocks) -> gr.Timer:
    """Lay the tab out; returns the timer that keeps it up to date."""
    seen, chosen = gr.State({}), gr.State("")
    timer = gr.Timer(parts.TICK, active=False)
    details = _layout(studio)
    outputs = [*details.outputs, seen]
    shown = gr.Textbox(visible=False)

    def refresh(job_id: str, seen_now: parts.Seen) -> list[Any]:
        return _updates(studio, job_id, seen_now)

    def change(job_id: str) -> list[Any]:
        # Without a memory of what is shown, so that the next tick sends everything once more: news
        # of the job that was shown before may still be on their way to the page.
        return [*_updates(studio, job_id, {})[:-1], {}, job_id]

    def pick(event: gr.EventData) -> list[Any]:
        return change(str(event.job))

    def run_again(job_id: str) -> list[Any]:
        new = studio.jobs.repeat(job_id)
        parts.started(studio, new)
        return change(new)

    def forget(job_id: str) -> list[Any]:
        studio.jobs.remove(job_id)
        return change("")

    def end(job_id: str) -> list[Any]:
        studio.jobs.stop(job_id)
        parts.inform(studio.labels("stop_asked"))
        return change(job_id)

    details.rows.select(pick, None, [*outputs, chosen], **parts.QUIET)
    script = parts.shown_job("jobs-card")
    actions = ((details.stop, end), (details.again, run_again), (details.remove, forget))
    for button, action in actions:
        listener = parts.guarded(action)
        button.click(listener, shown, [*outputs, chosen], js=script, **parts.BUTTON)
    timer.tick(refresh, [chosen, seen], outputs, **parts.QUIET)
    page.load(refresh, [chosen, seen], outputs, **parts.QUIET)
    return timer


def _layout(studio: Studio) -> Details:
    labels = studio.labels
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=340):
            parts.heading(labels("jobs"), labels("jobs_help"))
            rows = gr.HTML(js_on_load=PICK, elem_id="jobs-list", elem_classes="plain")
        with gr.Column(scale=7, min_width=380):
            parts.heading(labels("details"))
            card = gr.HTML(js_on_load=parts.stay_script(), elem_id="jobs-card", elem_classes="plain")
            with gr.Row(elem_classes="tight"):
                stop = _button(labels("stop"), "jobs-stop", "stop")
                again = _button(labels("again"), "jobs-again", "secondary")
                remove = _button(labels("remove"), "jobs-remove", "secondary")
            parts.heading(labels("log"))
            log = gr.HTML(
                render.log("", labels),
                js_on_load=parts.stay_script(),
                elem_id="jobs-log",
                elem_classes="plain",
            )
    return Details(rows, card, stop, again, remove, log)


def _button(label: str, element: str, variant: Any) -> gr.Button:
    """One of the buttons below the chosen job; it wakes up when it can do something."""
    return gr.Button(
        label, variant=variant, size="sm", interactive=False, elem_id=element, elem_classes="quiet-button"
    )


def _updates(studio: Studio, job_id: str, seen: parts.Seen) -> list[Any]:
    """Updates of the whole tab for the chosen job; without a choice the newest one is shown."""
    labels = studio.labels
    views = studio.jobs.views()
    view = next((view for view in views if view.id == job_id), views[0] if views else None)
    chosen = view.id if view is not None else ""
    listed = render.job_list(views, labels, chosen)
    card = render.card(view, labels, labels("no_choice"), labels("no_choice_help"))
    active = view is not None and not view.status.final
    ended = view is not None and view.status.final
    can_stop = active and view is not None and not view.stopping
    text = render.log(_log(studio, chosen), labels)
    return [
        parts.fresh(seen, "list", listed, listed),
        parts.fresh(seen, "card", card, card),
        parts.fresh(seen, "stop", can_stop, gr.update(interactive=can_stop)),
        parts.fresh(seen, "again", ended, gr.update(interactive=ended)),
        parts.fresh(seen, "remove", ended, gr.update(interactive=ended)),
        parts.fresh(seen, "log", text, text),
        seen,
    ]


def _log(studio: Studio, job_id: str) -> str:
    """The log of a job that may be removed at this very moment."""
    try:
        return studio.jobs.log(job_id, LOG_LINES) if job_id else ""
    except GsvError:
        return ""
