"""The Proofread tab: which list is read, and the part of the page where it is.

Knows its two fields. What is done with clips is asked for by the part's own script.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import gradio as gr

from gsv.studio import parts, render_proofread
from gsv.studio.proofreading_desk import Desk
from gsv.studio.studio import Studio

LISTED = ("proofread-list", "proofread-audio")
"""Where the list's path and its recordings' folder stand on the page."""
REMEMBERED = {"list_path": "", "audio_folder": ""}
OPEN = (
    "(...given) => { document.querySelector('#proofread-desk .desk')?.dispatchEvent("
    "new CustomEvent('open-list', {bubbles: true})); return []; }"
)


def build(studio: Studio, page: gr.Blocks) -> gr.Timer:
    """Lay the tab out; returns a timer, as every tab does, though the part asks for news by itself."""
    labels = studio.labels
    desk = Desk(studio)
    parts.heading(labels("proofread_title"), labels("proofread_title_help"))
    with gr.Row(elem_classes="opening"):
        list_path = gr.Textbox(
            label=labels("list"),
            info=labels("list_help"),
            placeholder="/home/me/voice/voice.list",
            elem_id=LISTED[0],
            scale=5,
        )
        audio_folder = gr.Textbox(
            label=labels("audio_folder"),
            info=labels("audio_folder_help"),
            elem_id=LISTED[1],
            scale=4,
        )
        button = gr.Button(labels("proofread_open"), variant="primary", elem_id="proofread-open", scale=1)

    def answer(question: dict[str, Any]) -> dict[str, Any]:
        return desk.answer(question)

    gr.HTML(
        render_proofread.desk(labels, desk.key),
        elem_id="proofread-desk",
        elem_classes="plain",
        js_on_load=resources.files("gsv.studio").joinpath("proofread.js").read_text(encoding="utf-8"),
        server_functions=[answer],
    )
    fields = {"list_path": list_path, "audio_folder": audio_folder}
    memory = parts.memory(studio, "proofread", fields)
    memory.restore(page, lambda kept: (parts.remembered(kept, REMEMBERED), []), [])
    gr.on([button.click, list_path.submit, audio_folder.submit], None, None, None, js=OPEN, **parts.QUIET)
    return gr.Timer(60.0, active=False)
