"""Jobs and tables as HTML. Everything that comes from outside is escaped here.

Knows labels and views. Does not know Gradio.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from html import escape

from gsv.errors import GsvError
from gsv.jobs import JobState, JobView, Reason
from gsv.studio.commands import SPEAK
from gsv.studio.labels import Labels

ICONS = {
    JobState.QUEUED: "…",
    JobState.RUNNING: "▶",
    JobState.DONE: "✓",
    JobState.FAILED: "!",
    JobState.CANCELLED: "■",
}


MACHINE_UNITS = ("samples", "bytes")
MANY = 1_000_000
"""From here on a count is a figure for machines."""


class Markup(str):
    """Text that is HTML already, made by this package."""

    __slots__ = ()


def notice(error: GsvError | Reason) -> str:
    """What, why and remedy of an error, for a pop-up (whose own headline is only its kind)."""
    parts = [f"<b>{escape(error.what)}</b>", *(escape(part) for part in (error.why, error.remedy) if part)]
    return "<br>".join(parts)


def empty(title: str, text: str) -> str:
    """What stands where nothing is yet."""
    return f'<div class="empty"><b>{escape(title)}</b><span>{escape(text)}</span></div>'


def unknown(labels: Labels) -> str:
    """What stands in a job's place until the page has its first news: nobody is told "nothing yet" too early."""
    return f'<div class="card job" aria-busy="true">{empty("", labels("looking"))}</div>'


def pill(view: JobView, labels: Labels) -> str:
    """The state of a job as a coloured word."""
    name = "stopping" if view.stopping else view.status.value
    return f'<span class="pill {view.status.value}">{ICONS[view.status]} {escape(labels("state_" + name))}</span>'


def bar(view: JobView) -> str:
    """A progress bar that keeps its height whatever it shows."""
    share = 1.0 if view.status is JobState.DONE else view.fraction
    waiting = share is None and view.status is JobState.RUNNING
    width = "100" if waiting else f"{100 * (share or 0.0):.1f}"
    kind = " waiting" if waiting else ""
    return f'<div class="bar {view.status.value}{kind}"><i style="width:{width}%"></i></div>'


def line_of(view: JobView, labels: Labels) -> str:
    """One line of figures: how far, how long, what is left."""
    parts: list[str] = []
    if view.status is JobState.QUEUED:
        parts.append(labels("place_in_line", place=view.place))
        parts.append(labels("waits_for", device=view.command.line))
    if view.total > 0 and view.status not in (JobState.QUEUED, JobState.DONE):
        parts.extend(_figures(view))
    if view.status is JobState.RUNNING and view.fraction is not None:
        parts.append(f"{100 * view.fraction:.0f} %")
    if view.seconds_left is not None and not view.stopping:
        parts.append(labels("time_left", time=labels.duration(view.seconds_left)))
    if view.state.started is not None:
        name = "running_for" if view.status is JobState.RUNNING else "took"
        parts.append(labels(name, time=labels.duration(view.elapsed)))
    if view.quiet:
        parts.append(labels("quiet_for", time=labels.duration(view.silent_for)))
    return " · ".join(escape(part) for part in parts)


def _figures(view: JobView) -> list[str]:
    """What is counted and how far; of samples and bytes nobody wants the millions, their share follows."""
    what = [view.what] if view.what and view.what not in MACHINE_UNITS else []
    return what if view.total >= MANY else [*what, f"{view.done:,.0f}/{view.total:,.0f}"]


def reason(view: JobView, labels: Labels) -> str:
    """What, why and remedy of a failure."""
    found = view.reason
    if found is None:
        return ""
    rows = [f'<b class="what">{escape(found.what)}</b>']
    if found.why:
        rows.append(f'<div class="why">{escape(found.why)}</div>')
    if found.remedy:
        rows.append(f'<div class="remedy"><b>{escape(labels("remedy"))}</b> {escape(found.remedy)}</div>')
    return f'<div class="reason">{"".join(rows)}</div>'


def counts(view: JobView, labels: Labels) -> str:
    """Read, done, skipped and failed items of a stage."""
    cells = []
    for name in ("read", "done", "skipped", "failed"):
        value = view.counts.get(name)
        if isinstance(value, int):
            if name == "failed":  # a job of several stages: items that an earlier one left out count too
                value = max(value, len(_left_out(view)))
            mark = ' class="bad"' if name == "failed" and value else ""
            word = "count_flagged" if name == "failed" and view.command.script == SPEAK else f"count_{name}"
            cells.append(f"<span{mark}><b>{value}</b> {escape(labels(word))}</span>")
    return f'<div class="counts">{"".join(cells)}</div>' if cells else ""


def _left_out(view: JobView) -> list[tuple[str, str]]:
    """Items that failed in any stage of the job, with the reasons."""
    named = view.counts.get("reasons")
    known = dict(view.failed_items)
    if isinstance(named, dict):
        known.update({str(name): str(why) for name, why in named.items()})
    return list(known.items())


def failed_items(view: JobView, labels: Labels) -> str:
    """Items that failed, folded away."""
    items = _left_out(view)
    if not items:
        return ""
    rows = "".join(f"<li><b>{escape(name)}</b> {escape(why)}</li>" for name, why in items[:100])
    # A sentence that failed a check is in the recording all the same.
    label = "flagged_items" if view.command.script == SPEAK else "failed_items"
    title = escape(labels(label, n=len(items)))
    return f'<details class="items"><summary>{title}</summary><ul>{rows}</ul></details>'


def card(view: JobView | None, labels: Labels, title: str, text: str) -> str:
    """The job of a tab, or what stands there before the first one."""
    if view is None:
        return f'<div class="card job">{empty(title, text)}</div>'
    message = escape(view.message) if view.status is JobState.RUNNING else ""
    level, _ = view.messages[-1] if view.messages else ("info", "")
    return (
        f'<div class="card job" data-job="{escape(view.id)}" data-state="{view.status.value}">'
        f'<div class="head">{pill(view, labels)}<b>{escape(view.command.title)}</b></div>'
        f'{bar(view)}<div class="line">{line_of(view, labels) or "&nbsp;"}</div>'
        f'<div class="message {level}">{message or "&nbsp;"}</div>'
        f"{reason(view, labels)}{counts(view, labels)}{failed_items(view, labels)}</div>"
    )


def job_list(views: Sequence[JobView], labels: Labels, chosen: str) -> str:
    """All jobs as buttons, one of them chosen."""
    if not views:
        return f'<div class="card">{empty(labels("no_jobs"), labels("no_jobs_help"))}</div>'
    return f'<div class="jobs">{"".join(_row(view, labels, view.id == chosen) for view in views)}</div>'


def _row(view: JobView, labels: Labels, chosen: bool) -> str:
    kind = " chosen" if chosen else ""
    why = f" · {escape(view.reason.what)}" if view.reason is not None else ""
    started = (
        time.strftime("%Y-%m-%d %H:%M", time.localtime(view.command.created)) if view.command.created else ""
    )
    return (
        f'<button type="button" class="row{kind}" data-job="{escape(view.id)}" '
        f'data-state="{view.status.value}" aria-pressed="{str(chosen).lower()}">'
        f'{pill(view, labels)}<span class="title" title="{escape(view.command.title)}">'
        f"{escape(view.command.title)}</span>"
        f'<span class="when">{started}</span>{bar(view)}'
        f'<span class="line">{line_of(view, labels) or "&nbsp;"}{why}</span></button>'
    )


def log(text: str, labels: Labels) -> str:
    """The last lines of a log."""
    return f'<pre class="log" tabindex="0">{escape(text) if text else escape(labels("no_log"))}</pre>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """A plain table; a cell of `Markup` is put in as it is, every other one is escaped."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in rows)
    inner = f'<table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="card scroll">{inner}</div>'


def _cell(cell: str) -> str:
    return f"<td>{cell if isinstance(cell, Markup) else escape(cell)}</td>"


def status(name: str, labels: Labels) -> Markup:
    """Whether a model is there, as a coloured word."""
    kind = {"complete": "done", "partial": "cancelled", "damaged": "failed"}.get(name, "queued")
    return Markup(f'<span class="pill {kind}">{escape(labels("status_" + name))}</span>')


def strip(views: Sequence[JobView], labels: Labels) -> str:
    """The line in the page's head: what runs now."""
    running = [view for view in views if view.status is JobState.RUNNING]
    waiting = sum(view.status is JobState.QUEUED for view in views)
    if not running:
        return f'<div class="strip idle"><i></i>{escape(labels("idle"))}</div>'
    first = running[0]
    parts = [first.command.title]
    if first.fraction is not None:
        parts.append(f"{100 * first.fraction:.0f} %")
    if first.seconds_left is not None:
        parts.append(labels("time_left", time=labels.duration(first.seconds_left)))
    if len(running) + waiting > 1:
        parts.append(labels("more_jobs", n=len(running) + waiting - 1))
    return f'<div class="strip busy"><i></i><span>{escape(" · ".join(parts))}</span></div>'
