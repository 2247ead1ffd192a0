"""The steps of the Data tab that work on sound: slice, and what cleans before and after it.

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


SLICE = Step("slice", "slice.py", "clips", _slice_fields, _slice_call)
STEPS = (SLICE,)
