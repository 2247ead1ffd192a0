"""The step of the Data tab that writes down what is said: clips to an annotation list.

Knows its fields and which options of the script they are. Does not know how a step is drawn, and loads no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from gsv.listening import engines
from gsv.studio import commands, parts
from gsv.studio.recording_steps import Step
from gsv.studio.studio import Studio
from gsv.text import LANGUAGES

SCRIPT = "transcribe.py"


def _fields(studio: Studio) -> dict[str, gr.components.Component]:
    labels = studio.labels
    with gr.Group():
        with gr.Row():
            language = gr.Dropdown(
                [
                    (labels("transcribe_auto"), engines.AUTOMATIC),
                    *((labels(f"language_{code}"), code) for code in LANGUAGES),
                ],
                value=engines.AUTOMATIC,
                label=labels("transcribe_language"),
                info=labels("transcribe_language_help"),
                elem_id="transcribe-language",
            )
            model = gr.Dropdown(
                [(labels("transcribe_best"), engines.AUTOMATIC), *((name, name) for name in engines.names())],
                value=engines.AUTOMATIC,
                allow_custom_value=True,
                label=labels("transcribe_model"),
                info=labels("transcribe_model_help"),
                elem_id="transcribe-model",
            )
        speaker = gr.Textbox(
            label=labels("transcribe_speaker"),
            info=labels("transcribe_speaker_help"),
            elem_id="transcribe-speaker",
        )
    return {
        "language": language,
        "model": model,
        "speaker": speaker,
        "device": parts.device_choice(studio, "transcribe"),
    }


def _call(studio: Studio, source: Path, output: Path, values: Mapping[str, Any]) -> commands.Call:
    """The script's call; a model that is not there is told at once. Raises GsvError."""
    model = str(values.get("model") or engines.AUTOMATIC).strip()
    if model not in (engines.AUTOMATIC, *engines.names(), *engines.WHISPER_SIZES):
        model = str(studio.access.existing(model, studio.labels("transcribe_model"), "folder"))
    engines.model_folder(model, studio.workspace.pretrained)
    device = studio.devices.resolve(str(values.get("device") or "auto"))
    settings = {
        "workspace": studio.workspace.root,
        "language": values.get("language"),
        "model": model,
        "speaker": str(values.get("speaker") or "").strip(),
        "device": device,
    }
    return commands.step(SCRIPT, source=source, output=output, settings=settings, device=device)


TRANSCRIBE = Step("transcribe", SCRIPT, "clips.list", _fields, _call, makes_list=True)
