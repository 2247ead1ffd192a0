"""The form of the Train tab: what is trained, how long, and the folded settings.

Knows the trainers' options by name, and which of the two takes which. Hands nothing in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from gsv.studio import parts, reading
from gsv.studio.labels import Labels
from gsv.studio.studio import Studio

SOVITS, GPT = "sovits", "gpt"
PARTS = (SOVITS, GPT)
PRESETS = {
    SOVITS: {"quick": 2, "usual": 8, "thorough": 20},
    GPT: {"quick": 5, "usual": 15, "thorough": 30},
}
"""Epochs of each preset; everything else is the trainers' own default."""
SAVE_EVERY = {SOVITS: 1, GPT: 5}
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
ONLY = {"batch_seconds": SOVITS, "batch_tokens": GPT, "preference": GPT}
"""Fields that only one of the two has."""
DEFAULTS: dict[str, Any] = {
    "part": SOVITS,
    "preset": "usual",
    "epochs": PRESETS[SOVITS]["usual"],
    "save_every": SAVE_EVERY[SOVITS],
    "batch_seconds": 0,
    "batch_tokens": 0,
    "keep": 3,
    "learning_rate": 0.0,
    "precision": "auto",
    "base": "",
    "seed": 1234,
}
"""Values of the fields on a new page; a reload fills in what was there."""


@dataclass
class Form(parts.Fields):
    """The fields of the tab by name."""

    @property
    def remembered(self) -> dict[str, gr.components.Component]:
        """The fields that a reload fills in again."""
        return {name: self.fields[name] for name in ("experiment", *DEFAULTS)}

    @property
    def follows_part(self) -> list[gr.components.Component]:
        """The fields that look otherwise for another part, in the order of `part_updates`."""
        return [self.fields[name] for name in ("preset", *ONLY)]


def build(studio: Studio) -> Form:
    """Lay the form out."""
    labels = studio.labels
    fields: dict[str, gr.components.Component] = {}
    parts.heading(labels("training"), labels("training_help"))
    with gr.Group():
        fields["experiment"] = gr.Dropdown(
            [], label=labels("experiment"), info=labels("train_experiment_help"), elem_id="train-experiment"
        )
        fields["part"] = gr.Radio(
            [(labels(f"part_{name}"), name) for name in PARTS],
            value=SOVITS,
            label=labels("part"),
            info=labels("part_help"),
            elem_id="train-part",
        )
        fields["preset"] = gr.Radio(
            _presets(labels, SOVITS),
            value="usual",
            label=labels("preset"),
            info=labels("preset_help"),
            elem_id="train-preset",
        )
    with parts.fold(labels("more_settings"), "train-more"):
        _settings(studio, fields)
    return Form(fields)


def _settings(studio: Studio, fields: dict[str, gr.components.Component]) -> None:
    labels = studio.labels
    with gr.Row():
        fields["epochs"] = _number(labels, "epochs", "train-epochs", least=1)
        fields["save_every"] = _number(labels, "save_every", "train-save-every")
    with gr.Row():
        fields["batch_seconds"] = _number(labels, "batch_seconds", "train-batch-seconds")
        fields["batch_tokens"] = _number(labels, "batch_tokens", "train-batch-tokens", shown=False)
        fields["keep"] = _number(labels, "keep", "train-keep", least=1)
    with gr.Row():
        fields["learning_rate"] = gr.Number(
            value=DEFAULTS["learning_rate"],
            label=labels("learning_rate"),
            info=labels("learning_rate_help"),
            minimum=0,
            step=0.00001,
            elem_id="train-learning-rate",
            min_width=140,
        )
        fields["seed"] = _number(labels, "seed", "train-seed")
    with gr.Row():
        fields["device"] = parts.device_choice(studio, "train")
        fields["precision"] = gr.Dropdown(
            [(labels("precision_auto"), "auto"), *PRECISIONS[1:]],
            value="auto",
            label=labels("precision"),
            info=labels("precision_help"),
            elem_id="train-precision",
        )
    fields["base"] = gr.Textbox(label=labels("base"), info=labels("base_help"), elem_id="train-base")
    with gr.Row():
        fields["begin_anew"] = _box(labels, "begin_anew", "train-anew")
        fields["preference"] = _box(labels, "preference", "train-preference", shown=False)


def _number(labels: Labels, name: str, element: str, least: int = 0, shown: bool = True) -> gr.Number:
    """A whole number with a name and a line of help; an emptied field means the script's own default."""
    return gr.Number(
        value=DEFAULTS[name],
        label=labels(name),
        info=labels(f"{name}_help"),
        minimum=least,
        precision=0,
        elem_id=element,
        min_width=140,
        visible=shown,
    )


def _box(labels: Labels, name: str, element: str, shown: bool = True) -> gr.Checkbox:
    return gr.Checkbox(
        label=labels(name),
        info=labels(f"{name}_help"),
        elem_id=element,
        container=True,
        visible=shown,
    )


def _presets(labels: Labels, part: str) -> list[tuple[str, str]]:
    return [(labels(f"preset_{name}", n=epochs), name) for name, epochs in PRESETS[part].items()]


def part_updates(labels: Labels, part: str) -> list[Any]:
    """Updates of `Form.follows_part`: the presets' epochs, and the fields that only one part has."""
    shown = [gr.update(visible=part == owner) for owner in ONLY.values()]
    return [gr.update(choices=_presets(labels, part)), *shown]


def recall(studio: Studio, kept: str, before: str) -> tuple[dict[str, Any], list[Any]]:
    """The fields as this browser had them, the experiment else ``before``; and updates of what depends on them."""
    known = reading.experiments(studio.workspace)
    values = parts.remembered(kept, {"experiment": before, **DEFAULTS})
    if values["experiment"] not in known:
        values["experiment"] = known[0] if known else None
    allowed = {"part": PARTS, "preset": tuple(PRESETS[SOVITS]), "precision": PRECISIONS}
    for name, names in allowed.items():
        values[name] = values[name] if values[name] in names else DEFAULTS[name]
    lists = [gr.update(choices=sorted(known)), parts.device_update(studio)]
    return values, [*lists, *part_updates(studio.labels, values["part"])]


def settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the script, without those of the other part."""
    taken = ("epochs", "batch_seconds", "batch_tokens", "save_every", "keep", "precision", "seed")
    part = given["part"]
    found = {name.replace("_", "-"): given[name] for name in taken if ONLY.get(name, part) == part}
    rate = given.get("learning_rate")
    return found | {
        "learning-rate": rate or None,
        "preference": bool(given.get("preference")) and part == GPT,
        "fresh": bool(given.get("begin_anew")),
    }
