"""The steps from raw recordings to an annotation list: a row of folds on the Data tab.

Knows what steps have alike: where the sound comes from, where the results go, a button, and that a step
fills in the paths of those after it. Does not know what a step does: `Step` says which script it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from gsv.studio import commands, parts
from gsv.studio.studio import Studio

FOLDER = "recordings"
"""Below the studio's outputs: one folder a source, with a folder a step."""


@dataclass(frozen=True)
class Step:
    """One step. Labels: ``step_NAME`` (title), ``step_NAME_help`` and ``start_NAME`` (button)."""

    name: str
    script: str
    folder: str
    """Name of what it makes, a folder or a file, below the folder of its source."""
    lay_out: Callable[[Studio], dict[str, gr.components.Component]]
    """Makes its further fields; one named ``device`` gets its choices filled in."""
    call: Callable[[Studio, Path, Path, Mapping[str, Any]], commands.Call]
    """The script's call for a source, an output and the values of the further fields. Raises GsvError."""
    makes_list: bool = False
    """Whether the output is an annotation list, which is filled in below instead of a later step's source."""


@dataclass(frozen=True)
class Started:
    """A step that was handed in."""

    job: str
    source: Path
    output: Path


@dataclass
class Shown:
    """A step's fields on the page; ``further`` are those of `Step.lay_out`."""

    step: Step
    source: gr.Textbox
    output: gr.Textbox
    further: dict[str, gr.components.Component]
    button: gr.Button

    @property
    def inputs(self) -> list[gr.components.Component]:
        """All fields, the source and the output first."""
        return [self.source, self.output, *self.further.values()]


def output_folder(studio: Studio, source: Path) -> Path:
    """Where the results of a source go; the results of an earlier step share its folder."""
    home = studio.outputs() / FOLDER
    if source.is_relative_to(home) and source != home:
        return home / source.relative_to(home).parts[0]
    return home / (source.stem if source.is_file() else source.name)


def start(studio: Studio, step: Step, source: str, output: str, further: Mapping[str, Any]) -> Started:
    """Check the paths, and hand the step in. Raises GsvError."""
    labels, access = studio.labels, studio.access
    found = access.path(source or "", labels("step_source"))
    if not found.exists() and not _is_made(studio, found):
        raise labels.error("no_source", path=found)
    if (output or "").strip():
        target = access.path(output, labels("step_output"))
    else:
        target = output_folder(studio, found) / step.folder
    call = step.call(studio, found, target, further)
    return Started(studio.start(call, f"{labels(f'step_{step.name}')} · {found.name}"), found, target)


def _is_made(studio: Studio, path: Path) -> bool:
    """Whether a job that has not ended makes this path, so that the next step may wait for it in line."""
    return any(str(path) in view.command.outputs for view in studio.jobs.views() if not view.status.final)


def lay_out(studio: Studio, steps: Sequence[Step]) -> list[Shown]:
    """Draw one fold a step, in order."""
    labels = studio.labels
    shown = []
    for number, step in enumerate(steps, start=1):
        with parts.fold(f"{number} · {labels(f'step_{step.name}')}", f"step-{step.name}"):
            gr.HTML(
                f"<p>{escape(labels(f'step_{step.name}_help'))}</p>",
                js_on_load=None,
                elem_classes="plain stage-help",
            )
            with gr.Group():
                source = gr.Textbox(
                    label=labels("step_source"),
                    info=labels("step_source_help") if number == 1 else None,
                    elem_id=f"{step.name}-input",
                )
                output = gr.Textbox(
                    label=labels("step_output"),
                    placeholder=labels("step_output_help"),
                    elem_id=f"{step.name}-output",
                )
            further = step.lay_out(studio)
            button = gr.Button(labels(f"start_{step.name}"), variant="primary", elem_id=f"{step.name}-start")
        shown.append(Shown(step, source, output, further, button))
    return shown


def connect(
    studio: Studio, page: gr.Blocks, shown: Sequence[Shown], lists: tuple[gr.Textbox, gr.Textbox]
) -> list[gr.events.Dependency]:
    """Let the buttons hand in jobs and fill in what comes next; returns what a refresh may follow.

    ``lists`` are the fields of the annotation list and of its recordings' folder.
    """
    pressed = []
    for number, one in enumerate(shown):
        later = [other.source for other in shown[number + 1 :] if not one.step.makes_list]
        filled = [one.output, *(lists if one.step.makes_list else later)]
        pressed.append(
            one.button.click(
                parts.guarded(_begin(studio, one, len(later))), one.inputs, filled, **parts.BUTTON
            )
        )
    _remember(studio, page, shown)
    return pressed


def _begin(studio: Studio, shown: Shown, later: int) -> Callable[..., list[Any]]:
    def begin(source: str, output: str, *values: Any) -> list[Any]:
        further = dict(zip(shown.further, values, strict=True))
        begun = start(studio, shown.step, source, output, further)
        parts.started(studio, begun.job)
        made = str(begun.output)
        # A list names its recordings with their full paths.
        return [made, made, ""] if shown.step.makes_list else [made, *[made] * later]

    return begin


def _remember(studio: Studio, page: gr.Blocks, shown: Sequence[Shown]) -> None:
    """A reload of the page, or another browser, finds the fields as they were."""
    fields: dict[str, gr.components.Component] = {}
    for one in shown:
        fields |= {f"{one.step.name}-input": one.source, f"{one.step.name}-output": one.output}
        fields |= {f"{one.step.name}-{name}": field for name, field in one.further.items()}
    devices = [one.further["device"] for one in shown if "device" in one.further]
    defaults = {name: field.value for name, field in fields.items()}  # type: ignore[attr-defined]

    def recall(kept: str) -> tuple[dict[str, Any], list[Any]]:
        values = dict(defaults)
        for one in shown:
            for option in ("input", "output"):
                values[f"{one.step.name}-{option}"] = studio.last_value((one.step.script,), option)
        return parts.remembered(kept, values), [parts.device_update(studio) for _ in devices]

    parts.memory(studio, "steps", fields).restore(page, recall, devices)
