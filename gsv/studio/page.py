"""The page as a whole: its head, and the tabs in the order that a person needs them.

Knows the tabs by name. Each tab lays itself out.
"""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from gsv import __version__
from gsv.studio import (
    parts,
    render,
    tab_convert,
    tab_data,
    tab_jobs,
    tab_models,
    tab_proofread,
    tab_speak,
    tab_train,
    tab_voices,
)
from gsv.studio.studio import Studio

TABS = {
    "data": tab_data,
    "proofread": tab_proofread,
    "train": tab_train,
    "voices": tab_voices,
    "speak": tab_speak,
    "convert": tab_convert,
    "jobs": tab_jobs,
    "models": tab_models,
}
STRIP_SECONDS = 2.0
FOLLOW = """(list, folder, own, ownFolder) => {
  if (own && own !== localStorage.getItem('gsv-followed')) return [own, ownFolder];
  localStorage.setItem('gsv-followed', list);
  return [list, folder];
}"""

LOGO = (
    '<svg viewBox="0 0 40 40" width="34" height="34" aria-hidden="true"><rect width="40" height="40" rx="10"/>'
    '<path d="M9 17v6M14.5 12v16M20 8v24M25.5 14v12M31 17v6"/></svg>'
)


def build(studio: Studio) -> gr.Blocks:
    """The page of one studio, ready to be served."""
    labels = studio.labels
    with gr.Blocks(title=labels("title"), analytics_enabled=False, fill_width=True) as page:
        with gr.Row(elem_id="head"):
            gr.HTML(
                f'<div class="brand">{LOGO}<div><h1>{escape(labels("title"))}</h1>'
                f"<p>{escape(labels('subtitle'))}</p></div></div>",
                js_on_load=None,
                elem_classes="plain",
            )
            strip = gr.HTML(render.strip([], labels), js_on_load=None, elem_id="strip", elem_classes="plain")
        with gr.Tabs(elem_id="tabs", selected="data") as tabs:
            timers = []
            for name, module in TABS.items():
                with gr.Tab(labels(f"tab_{name}"), id=name, elem_id=f"tab-{name}"):
                    timers.append(module.build(studio, page))
        gr.HTML(
            f'<p class="foot">gsv {__version__} · {escape(labels("foot"))}</p>',
            js_on_load=None,
            elem_classes="plain",
        )
        _follow_the_list(page)
        _keep_up_to_date(studio, page, tabs, timers, strip)
    return page


def _follow_the_list(page: gr.Blocks) -> None:
    """What is named or made as a list on the tab Data is what the tab Proofread reads next.

    A list that a person named there stays.
    """
    fields: dict[str | None, Any] = {getattr(block, "elem_id", None): block for block in page.blocks.values()}
    made, read = ([fields[name] for name in names] for names in (tab_data.LISTED, tab_proofread.LISTED))
    made[0].change(None, [*made, *read], read, js=FOLLOW, **parts.QUIET)


def _keep_up_to_date(
    studio: Studio, page: gr.Blocks, tabs: gr.Tabs, timers: list[gr.Timer], strip: gr.HTML
) -> None:
    """Only the tab that is looked at asks for news, and the strip in the head."""
    seen = gr.State({})

    def select(event: gr.SelectData) -> list[Any]:
        return [gr.Timer(active=index == event.index) for index in range(len(timers))]

    def refresh(seen_now: parts.Seen) -> list[Any]:
        html = render.strip(studio.jobs.views(), studio.labels)
        return [parts.fresh(seen_now, "strip", html, html), seen_now]

    tabs.select(select, None, timers, **parts.QUIET)
    page.load(lambda: gr.Timer(active=True), None, timers[0], **parts.QUIET)
    gr.Timer(STRIP_SECONDS).tick(refresh, seen, [strip, seen], **parts.QUIET)
    page.load(refresh, seen, [strip, seen], **parts.QUIET)
