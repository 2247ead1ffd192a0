"""The panel of the Data tab where data sets of other programs come in and go out.

Knows the options of `tools/dataset.py`. Every button hands in a job; the list that an import makes is filled in.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from gsv.corpus.exchange import EXPORTS, IMPORTS
from gsv.files import safe_name
from gsv.studio import commands, parts
from gsv.studio.studio import Studio
from gsv.text import LANGUAGES

SCRIPT = "dataset.py"
FOLDER = "datasets"
"""Below the studio's outputs: lists that were imported, and folders that were exported."""
Allowed = Callable[[Studio, Path, "Path | None"], None]
"""Refuses a list whose recordings lie where this page must not read."""


def build(
    studio: Studio, list_path: gr.Textbox, audio_folder: gr.Textbox, allowed: Allowed
) -> list[gr.events.Dependency]:
    """Draw the folded panel; an import fills in ``list_path``. Returns what a refresh may follow."""
    labels = studio.labels
    with parts.fold(labels("exchange"), "data-exchange"):
        parts.heading("", labels("exchange_help"))
        with gr.Group():
            fields = _import_fields(studio)
        bring = gr.Button(labels("start_import"), variant="primary", elem_id="import-start")
        with gr.Group(), gr.Row():
            given = _forms(studio, EXPORTS, "export")
            place = gr.Textbox(
                label=labels("exchange_folder"),
                placeholder=labels("step_output_help"),
                elem_id="export-output",
            )
        send = gr.Button(labels("start_export"), elem_id="export-start")

    def bring_in(*values: str) -> list[Any]:
        # A list names its recordings so that no folder is needed.
        return [str(hand_in_import(studio, *values, allowed=allowed)), ""]

    def send_out(*values: str) -> None:
        # The field stays as it is: what was made once cannot be made there again.
        parts.inform(labels("export_goes", path=hand_in_export(studio, *values, allowed=allowed)))

    return [
        bring.click(
            parts.guarded(bring_in),
            fields,
            [list_path, audio_folder],
            **parts.BUTTON,
        ),
        send.click(parts.guarded(send_out), [list_path, audio_folder, given, place], None, **parts.BUTTON),
    ]


def _import_fields(studio: Studio) -> list[gr.components.Component]:
    """What is brought in, in which form and language, where its sound lies, and the list to be made."""
    labels = studio.labels
    source = gr.Textbox(
        label=labels("exchange_source"), info=labels("exchange_source_help"), elem_id="import-input"
    )
    with gr.Row():
        form = _forms(studio, IMPORTS, "import")
        language = gr.Dropdown(
            [(labels("exchange_said"), ""), *((labels(f"language_{code}"), code) for code in LANGUAGES)],
            value="",
            label=labels("exchange_language"),
            elem_id="import-language",
        )
    audio = gr.Textbox(
        label=labels("exchange_audio"), info=labels("exchange_audio_help"), elem_id="import-audio"
    )
    made = gr.Textbox(
        label=labels("exchange_list_file"), placeholder=labels("step_output_help"), elem_id="import-output"
    )
    return [source, form, language, audio, made]


def _forms(studio: Studio, names: tuple[str, ...], action: str) -> gr.Dropdown:
    labels = studio.labels
    return gr.Dropdown(
        [(labels(f"exchange_{name.replace('-', '_')}"), name) for name in names],
        value=names[0],
        label=labels("exchange_form"),
        elem_id=f"{action}-form",
    )


def hand_in_import(
    studio: Studio, source: str, form: str, language: str, audio: str, output: str, *, allowed: Allowed
) -> Path:
    """Check the fields, and hand the import in; returns the list that it makes. Raises GsvError."""
    labels, access = studio.labels, studio.access
    found = access.path(source or "", labels("exchange_source"))
    if not found.exists():
        raise labels.error("no_source", path=found)
    sound = access.path(audio, labels("exchange_audio")) if (audio or "").strip() else None
    if access.confined and found.is_file() and (form == "list" or found.suffix.lower() == ".list"):
        allowed(studio, found, sound)
    stem = found.stem if found.is_file() else found.name
    target = _target(studio, output, "exchange_list_file", f"{stem}.list")
    values = {"input": found, "output": target, "format": form, "language": language, "audio": sound}
    call = commands.dataset("import", values, target)
    parts.started(studio, studio.start(call, f"{labels('start_import')} · {found.name}"))
    return target


def hand_in_export(
    studio: Studio, list_path: str, audio_folder: str, form: str, output: str, *, allowed: Allowed
) -> Path:
    """Check the fields, and hand the export in; returns the folder that it makes. Raises GsvError."""
    labels, access = studio.labels, studio.access
    listed = access.existing(list_path or "", labels("list"))
    folder = None
    if (audio_folder or "").strip():
        folder = access.existing(audio_folder, labels("audio_folder"), "folder")
    if access.confined:
        allowed(studio, listed, folder)
    target = _target(studio, output, "exchange_folder", f"{listed.stem}-{form}")
    values = {"input": listed, "output": target, "format": form, "audio-folder": folder}
    call = commands.dataset("export", values, target)
    parts.started(studio, studio.start(call, f"{labels('start_export')} · {listed.name}"))
    return target


def _target(studio: Studio, output: str, label: str, name: str) -> Path:
    """The named output, or a free name among the studio's own."""
    if (output or "").strip():
        return studio.access.path(output, studio.labels(label))
    home = studio.outputs() / FOLDER
    taken = [path.name for path in home.iterdir()] if home.is_dir() else []
    return home / safe_name(name, taken)
