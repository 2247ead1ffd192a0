"""The Data tab: from raw recordings to an annotation list, and from the list to a prepared experiment.

Knows its own form, and which steps lead to a list. Every button hands in a job.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from gsv import files
from gsv.errors import InputError
from gsv.studio import (
    check_panel,
    commands,
    exchange_panel,
    parts,
    reading,
    recording_steps,
    render,
    sound_steps,
    transcribe_step,
)
from gsv.studio.studio import Studio

FAMILIES = ("tiny", "v2", "v2Pro", "v2ProPlus", "v1")
STEPS = (*sound_steps.STEPS, transcribe_step.TRANSCRIBE)
"""What leads from raw recordings to a list, in order."""
SCRIPTS = (commands.ALL_STAGES, *commands.STAGES.values())
REMEMBERED = ("list_path", "audio_folder", "experiment", "family", "bert")
"""Fields that a reload of the page fills in again."""
LISTED = ("data-list", "data-audio")
"""Where the list's path and its recordings' folder stand on the page."""
NAMED_ROWS = 5


@dataclass
class Form:
    """The fields of the tab."""

    list_path: gr.Textbox
    audio_folder: gr.Textbox
    experiment: gr.Textbox
    family: gr.Dropdown
    bert: gr.Textbox
    device: gr.Dropdown

    @property
    def inputs(self) -> list[gr.components.Component]:
        """All fields in the order of `start`."""
        return [
            self.list_path,
            self.audio_folder,
            self.experiment,
            self.family,
            self.bert,
            self.device,
        ]


def build(studio: Studio, page: gr.Blocks) -> gr.Timer:
    """Lay the tab out; returns the timer that keeps it up to date."""
    labels = studio.labels
    seen = gr.State({})
    timer = gr.Timer(parts.TICK, active=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=380):
            parts.heading(labels("raw_recordings"), labels("raw_recordings_help"))
            steps = recording_steps.lay_out(studio, STEPS)
            form = _form(studio)
            exchanged = exchange_panel.build(studio, form.list_path, form.audio_folder, check_rows)
            check_panel.build(studio, timer, form.list_path, form.audio_folder, check_rows)
            everything = gr.Button(labels("prepare_all"), variant="primary", elem_id="data-all", size="lg")
            with parts.fold(labels("single_stages"), "data-stages"):
                stages = {name: _stage(studio, name) for name in commands.STAGES}
        with gr.Column(scale=5, min_width=340):
            parts.heading(labels("now"))
            scripts = (*SCRIPTS, check_panel.SCRIPT, exchange_panel.SCRIPT, *(step.script for step in STEPS))
            panel = parts.job_panel(
                studio, "data", scripts, (labels("no_prepare"), labels("no_prepare_help"))
            )
            parts.heading(labels("experiment_holds"))
            holds = gr.HTML(js_on_load=None, elem_id="data-holds", elem_classes="plain")
    memory = parts.memory(studio, "data", {name: getattr(form, name) for name in REMEMBERED})
    refresh_outputs = [*panel.outputs, holds, seen]

    def refresh(experiment: str, seen_now: parts.Seen) -> list[Any]:
        html = _holds(studio, experiment)
        return [*panel.refresh(seen_now), parts.fresh(seen_now, "holds", html, html), seen_now]

    def handler(stage: str) -> Any:
        def start(*values: Any) -> list[Any]:
            parts.started(studio, start_stage(studio, stage, *values[:-1]))
            return refresh(values[2], values[-1])

        return parts.guarded(start)

    for stage, button in {commands.ALL: everything, **stages}.items():
        button.click(handler(stage), [*form.inputs, seen], refresh_outputs, **parts.BUTTON)
    begun = recording_steps.connect(studio, page, steps, (form.list_path, form.audio_folder))
    for pressed in (*begun, *exchanged):
        pressed.then(refresh, [form.experiment, seen], refresh_outputs, **parts.QUIET)
    timer.tick(refresh, [form.experiment, seen], refresh_outputs, **parts.QUIET)
    filled = memory.restore(page, lambda kept: _remembered(studio, kept), [form.device])
    filled.then(refresh, [form.experiment, seen], refresh_outputs, **parts.QUIET)
    return timer


def _form(studio: Studio) -> Form:
    labels = studio.labels
    parts.heading(labels("recordings"), labels("recordings_help"))
    with gr.Group():
        list_path = gr.Textbox(
            label=labels("list"),
            info=labels("list_help"),
            placeholder="/home/me/voice/voice.list",
            elem_id=LISTED[0],
        )
        audio_folder = gr.Textbox(
            label=labels("audio_folder"), info=labels("audio_folder_help"), elem_id=LISTED[1]
        )
    with gr.Group(), gr.Row():
        experiment = gr.Textbox(
            label=labels("experiment"),
            info=labels("experiment_help"),
            placeholder="my-voice",
            elem_id="data-experiment",
            min_width=240,
        )
        family = gr.Dropdown(
            [(labels(f"family_{name}"), name) for name in FAMILIES],
            value="tiny",
            label=labels("family"),
            info=labels("family_help"),
            elem_id="data-family",
            min_width=240,
        )
    with parts.fold(labels("more_settings"), "data-more"):
        bert = gr.Textbox(label=labels("bert"), info=labels("bert_help"), elem_id="data-bert")
        device = parts.device_choice(studio, "data")
    return Form(list_path, audio_folder, experiment, family, bert, device)


def _stage(studio: Studio, name: str) -> gr.Button:
    """One line of the folded part: a button, and what it does."""
    labels = studio.labels
    with gr.Row(elem_classes="stage"):
        button = gr.Button(labels(f"stage_{name}"), size="sm", scale=2, min_width=150, elem_id=f"data-{name}")
        gr.HTML(
            f"<p>{escape(labels(f'stage_{name}_help'))}</p>",
            js_on_load=None,
            elem_classes="plain stage-help",
        )
    return button


def start_stage(
    studio: Studio,
    stage: str,
    list_path: str,
    audio_folder: str,
    experiment: str,
    family: str,
    bert: str,
    device: str,
) -> str:
    """Check the fields, and hand in a stage (or "all"); returns the job's id. Raises GsvError."""
    labels, access = studio.labels, studio.access
    rows = access.existing(list_path or "", labels("list"))
    folder = None
    if (audio_folder or "").strip():
        folder = access.existing(audio_folder, labels("audio_folder"), "folder")
    name = (experiment or "").strip()
    access.experiment(name)
    if access.confined:
        check_rows(studio, rows, folder)
    call = commands.prepare(
        stage,
        workspace=studio.workspace.root,
        experiment=name,
        list_path=rows,
        audio_folder=folder,
        family=family,
        bert=access.existing(bert, labels("bert"), "folder") if (bert or "").strip() else None,
        device=studio.devices.resolve(device),
    )
    title = "prepare_all" if stage == commands.ALL else f"stage_{stage}"
    return studio.start(call, f"{labels(title)} · {name}")


def check_rows(studio: Studio, list_path: Path, audio_folder: Path | None) -> None:
    """On a page that others can reach, each recording that a list names must lie in an allowed folder."""
    from gsv.corpus.annotation import read_annotations

    outside = []
    for row in read_annotations(list_path, audio_folder, check_audio=False).rows:
        try:
            files.resolve_inside(row.path, studio.access.roots)
        except InputError:
            outside.append(str(row.number))
    if outside:
        named = ", ".join(outside[:NAMED_ROWS]) + (" …" if len(outside) > NAMED_ROWS else "")
        raise studio.labels.error("rows_outside", n=len(outside), rows=named, list=list_path.name)


def _remembered(studio: Studio, kept: str) -> tuple[dict[str, Any], list[Any]]:
    """The fields as this browser had them, or else as the newest preparation had them."""
    options = dict(zip(REMEMBERED, ("list", "audio-folder", "experiment", "family", "bert"), strict=True))
    values = {name: studio.last_value(SCRIPTS, option) for name, option in options.items()}
    values = parts.remembered(kept, values)
    if values["family"] not in FAMILIES:
        values["family"] = FAMILIES[0]
    return values, [parts.device_update(studio)]


def _holds(studio: Studio, experiment: str) -> str:
    """What the named experiment holds, as a table."""
    labels = studio.labels
    name = (experiment or "").strip()
    try:
        found = reading.contents(studio.access.experiment(name)) if name else None
    except InputError:
        found = None
    if found is None:
        return (
            f'<div class="card">{render.empty(labels("no_experiment"), labels("no_experiment_help"))}</div>'
        )
    rows = [
        (labels("holds_family"), found.family),
        (labels("holds_items"), str(found.items)),
        (labels("stage_text"), str(found.text)),
        (labels("stage_content"), str(found.content)),
        (labels("stage_semantic"), str(found.codes)),
        *([(labels("holds_bert"), str(found.bert))] if found.bert else []),
        *([(labels("stage_speaker"), str(found.speaker))] if found.speaker else []),
        (labels("holds_rejected"), str(found.rejected)),
    ]
    return render.table([name, ""], rows, "figures")
