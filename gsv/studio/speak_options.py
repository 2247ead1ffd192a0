"""The folded settings of the Speak tab: a field for each option of the engine, under its own name.

Knows the options' bounds from where they are declared. Does not know what a request does with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from gsv.errors import GsvError
from gsv.studio import parts
from gsv.studio.studio import Studio
from gsv.synthesis.options import SpeakOptions, options_from
from gsv.text.plan import SENTENCES
from gsv.text.splitting import METHODS

SLIDERS: dict[str, tuple[float, float, float]] = {
    "speed": (0.5, 2.0, 0.05),
    "pause": (0.0, 3.0, 0.05),
    "noise_scale": (0.0, 1.5, 0.05),
    "temperature": (0.0, 2.0, 0.05),
    "top_k": (0, 100, 1),
    "top_p": (0.05, 1.0, 0.05),
    "guidance": (1.0, 4.0, 0.1),
    "repetition_penalty": (0.5, 2.5, 0.05),
    "candidates": (1, 8, 1),
    "retries": (0, 10, 1),
    "loudness": (-40, -6, 1),
    "prompt_silence": (0.0, 2.0, 0.1),
    "breath": (0, 400, 10),
    "batch_size": (1, 16, 1),
}
"""Least, most and step of what a slider offers; the engine itself takes more."""
CHECKBOXES = ("verify", "trim", "ref_free")
ROWS = (
    ("cut", "seed"),
    ("speed", "pause"),
    ("temperature", "noise_scale"),
    ("top_k", "top_p"),
    ("candidates", "retries"),
    ("repetition_penalty", "guidance"),
    ("breath", "prompt_silence"),
    ("batch_size", "loudness"),
    CHECKBOXES,
)
NAMES = tuple(name for row in ROWS for name in row)


def fields(studio: Studio, values: Mapping[str, Any]) -> dict[str, gr.components.Component]:
    """Lay the fields out, filled with ``values``; returns them by name."""
    made: dict[str, gr.components.Component] = {}
    for row in ROWS:
        with gr.Row():
            for name in row:
                made[name] = _field(studio, name, values[name])
    return made


def _field(studio: Studio, name: str, value: Any) -> gr.components.Component:
    labels = studio.labels
    common: dict[str, Any] = {
        "label": labels(f"option_{name}"),
        "info": labels(f"option_{name}_help"),
        "elem_id": f"speak-{name.replace('_', '-')}",
        "min_width": 160,
    }
    if name in CHECKBOXES:
        return gr.Checkbox(bool(value), container=True, **common)
    if name == "cut":
        choices = [(labels("cut_sentences"), SENTENCES), *((labels(f"cut_{way}"), way) for way in METHODS)]
        return gr.Dropdown(choices, value=value, **common)
    if name == "seed":
        return gr.Number(value=value, minimum=-1, precision=0, **common)
    least, most, step = SLIDERS[name]
    return gr.Slider(least, most, value, step=step, **common)


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that fields have for these settings; what a slider cannot show stands at its nearest end."""
    found = {name: values[name] for name in NAMES}
    for name, (least, most, _) in SLIDERS.items():
        number = found[name] if isinstance(found[name], int | float) else most
        found[name] = min(max(number, least), most)
    return found


def changed(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in which a request differs from what the voice has anyway. Raises InputError for wrong ones."""
    before = shown(defaults)
    values = {name: value for name, value in given.items() if value is not None and value != before[name]}
    for name in ("top_k", "candidates", "retries", "batch_size", "breath", "seed"):
        if name in values:
            values[name] = int(values[name])
    made = options_from(values)
    return {name: getattr(made, name) for name in values}


def remembered(kept: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as the browser kept them, as far as the engine takes them; else those of the voice."""
    start = shown(defaults)
    values = parts.remembered(kept, start)
    try:
        changed(values, SpeakOptions().model_dump())
    except GsvError:  # whatever a browser held, the page opens
        return start
    return values
