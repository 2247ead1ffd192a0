"""The Models tab: which models are there, which can be fetched, and the buttons that do it.

Knows the catalogue by its names. Downloads nothing itself: a job does.
"""

from __future__ import annotations

import time
from html import escape
from typing import Any

import gradio as gr

from gsv.errors import InputError
from gsv.studio import commands, parts, render
from gsv.studio.studio import Studio

SCRIPTS = (commands.MODELS,)
LOOK_EVERY = 5.0
"""Seconds between two looks at the disk."""
MEGABYTE = 1_000_000


def build(studio: Studio, page: gr.Blocks) -> gr.Timer:
    """Lay the tab out; returns the timer that keeps it up to date."""
    labels = studio.labels
    seen = gr.State({})
    timer = gr.Timer(parts.TICK, active=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=7, min_width=420):
            parts.heading(labels("models"), labels("models_help"))
            table = gr.HTML(js_on_load=None, elem_id="models-table", elem_classes="plain")
        with gr.Column(scale=4, min_width=300):
            parts.heading(labels("fetch"), labels("fetch_help"))
            with gr.Group():
                name = gr.Dropdown([], label=labels("model"), elem_id="models-name")
            with gr.Row(elem_classes="tight"):
                download = gr.Button(labels("download"), variant="primary", elem_id="models-download")
                verify = gr.Button(labels("verify"), elem_id="models-verify")
            panel = parts.job_panel(studio, "models", SCRIPTS, (labels("no_fetch"), labels("no_fetch_help")))
    outputs = [*panel.outputs, table, name, seen]

    def refresh(chosen: str, seen_now: parts.Seen) -> list[Any]:
        return [*panel.refresh(seen_now), *_listing(studio, chosen, seen_now), seen_now]

    def handler(action: str) -> Any:
        def start(chosen: str | None, seen_now: parts.Seen) -> list[Any]:
            if not chosen:
                raise InputError(labels("no_model"), remedy=labels("no_model_help"))
            call = commands.models(action, (chosen,), workspace=studio.workspace.root)
            parts.started(studio, studio.start(call, f"{labels(action)} · {chosen}"))
            return refresh(chosen, seen_now)

        return parts.guarded(start)

    for action, button in (("download", download), ("verify", verify)):
        button.click(handler(action), [name, seen], outputs, **parts.BUTTON)
    timer.tick(refresh, [name, seen], outputs, **parts.QUIET)
    page.load(refresh, [name, seen], outputs, **parts.QUIET)
    return timer


def _listing(studio: Studio, chosen: str | None, seen: parts.Seen) -> list[Any]:
    """Updates of the table and of the choice; the disk is looked at now and then only."""
    now = time.monotonic()
    if now - seen.get("looked", -LOOK_EVERY) < LOOK_EVERY:
        return [gr.skip(), gr.skip()]
    seen["looked"] = now
    from gsv.weights import catalogue

    labels = studio.labels
    rows, names = [], []
    for entry in catalogue.entries():
        home = studio.workspace.shipped(entry.name).parent if entry.shipped else studio.workspace.pretrained
        status = catalogue.status(entry, home)
        names.append(entry.name)
        rows.append(
            (
                render.Markup(f"<b>{escape(entry.name)}</b><br><small>{escape(entry.note)}</small>"),
                labels(f"role_{entry.role}"),
                _size(sum(file.size or 0 for file in entry.files), labels("unknown_size")),
                entry.licence,
                render.status(status, labels),
            )
        )
    head = [labels(f"models_{column}") for column in ("name", "role", "size", "licence", "status")]
    html = render.table(head, rows, "models")
    value = chosen if chosen in names else (names[0] if names else None)
    return [
        parts.fresh(seen, "table", html, html),
        parts.choice(seen, "names", names, chosen, value),
    ]


def _size(size: int, unknown: str) -> str:
    """Bytes in the unit that people compare downloads by."""
    return f"{size / MEGABYTE:,.0f} MB" if size >= MEGABYTE else (unknown if not size else "< 1 MB")
