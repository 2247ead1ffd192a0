"""The steps of the Data tab that work on sound: separate, slice, denoise.

Knows the fields of each and which options of its script they are. Does not know how a step is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from gsv.studio import commands
from gsv.studio.recording_steps import Step
from gsv.studio.studio import Studio
from gsv.weights.catalogue import entries

MODEL_ENDINGS = (".onnx", ".ckpt", ".pth", ".th", ".yaml")
BUILT_IN = "built-in"
DENOISERS = ("rnnoise", "deepfilternet3")
SEPARATORS = tuple(entry for entry in entries() if entry.role == "separation")


def _separate_fields(studio: Studio) -> dict[str, gr.components.Component]:
    labels = studio.labels
    # Those of the catalogue are there before their download, which may come while the page is open.
    models = [
        (labels("separate_built_in"), BUILT_IN),
        *((labels(f"separate_{entry.name}"), entry.name) for entry in SEPARATORS),
        *((name, name) for name in own_separators(studio)),
    ]
    with gr.Group():
        model = gr.Dropdown(
            models,
            value=BUILT_IN,
            label=labels("separate_model"),
            info=labels("separate_model_help"),
            elem_id="separate-model",
        )
        rest = gr.Checkbox(False, label=labels("separate_rest"), info=labels("separate_rest_help"))
    return {"model": model, "keep_rest": rest}


def own_separators(studio: Studio) -> list[str]:
    """Names of the separation models in the workspace that are not the catalogue's."""
    folder = studio.workspace.pretrained / "separation"
    known = {file.path for entry in SEPARATORS for file in entry.files}
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(path.name for path in found if path.suffix in MODEL_ENDINGS and path.name not in known)


def _separate_call(studio: Studio, source: Path, output: Path, values: Mapping[str, Any]) -> commands.Call:
    settings = {"workspace": studio.workspace.root, **values}
    return commands.step("separate.py", source=source, output=output, settings=settings)


def _slice_fields(studio: Studio) -> dict[str, gr.components.Component]:
    labels = studio.labels
    with gr.Group():
        speech = gr.Checkbox(
            True, label=labels("slice_speech"), info=labels("slice_speech_help"), elem_id="slice-speech"
        )
        with gr.Row():
            threshold = gr.Slider(
                -60, -10, -34, step=1, label=labels("slice_threshold"), info=labels("slice_threshold_help")
            )
            max_clip = gr.Slider(
                4, 30, 12, step=1, label=labels("slice_max_clip"), info=labels("slice_max_clip_help")
            )
    return {"speech": speech, "threshold": threshold, "max_clip": max_clip}


def _slice_call(studio: Studio, source: Path, output: Path, values: Mapping[str, Any]) -> commands.Call:
    return commands.step("slice.py", source=source, output=output, settings=values)


def _denoise_fields(studio: Studio) -> dict[str, gr.components.Component]:
    labels = studio.labels
    with gr.Group(), gr.Row():
        model = gr.Dropdown(
            [(labels(f"denoise_{name}"), name) for name in DENOISERS],
            value=DENOISERS[0],
            label=labels("denoise_model"),
            info=labels("denoise_model_help"),
            elem_id="denoise-model",
        )
        strength = gr.Slider(
            0.1, 1, 0.7, step=0.05, label=labels("denoise_strength"), info=labels("denoise_strength_help")
        )
    return {"model": model, "strength": strength}


def _denoise_call(studio: Studio, source: Path, output: Path, values: Mapping[str, Any]) -> commands.Call:
    settings = {"workspace": studio.workspace.root, **values}
    return commands.step("denoise.py", source=source, output=output, settings=settings)


STEPS = (
    Step("separate", "separate.py", "voice", _separate_fields, _separate_call),
    Step("slice", "slice.py", "clips", _slice_fields, _slice_call),
    Step("denoise", "denoise.py", "clean", _denoise_fields, _denoise_call),
)
