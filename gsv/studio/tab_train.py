"""The Train tab: settings, start and stop, loss curves, previews to listen to.

Knows its own form and the names of the trainer's options. Every button hands in a job.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from gsv.errors import InputError
from gsv.studio import commands, listening_panel, parts, reading, render
from gsv.studio.labels import Labels
from gsv.studio.studio import Studio

PRESETS = {"quick": 2, "usual": 8, "thorough": 20}
"""Epochs of each preset; everything else is the trainer's own default."""
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
PREFERRED = ("mel", "total", "loss")
"""The curve that is shown first: the first whose name holds one of these."""
SCRIPTS = (commands.TRAIN,)
DEFAULTS: dict[str, Any] = {
    "preset": "usual",
    "epochs": PRESETS["usual"],
    "save_every": 1,
    "batch_seconds": 0,
    "keep": 3,
    "precision": "auto",
    "base": "",
    "seed": 1234,
}
"""Values of the fields on a new page; a reload fills in what was there."""
MEASURED_COLOUR, SMOOTHED_COLOUR = "#99d5cf", "#0f766e"


@dataclass
class Form:
    """The fields of the tab."""

    experiment: gr.Dropdown
    preset: gr.Radio
    epochs: gr.Number
    batch_seconds: gr.Number
    save_every: gr.Number
    keep: gr.Number
    device: gr.Dropdown
    precision: gr.Dropdown
    base: gr.Textbox
    seed: gr.Number
    begin_anew: gr.Checkbox

    @property
    def inputs(self) -> list[gr.components.Component]:
        """All fields in the order of `start_training`."""
        return [
            self.experiment,
            self.epochs,
            self.batch_seconds,
            self.save_every,
            self.keep,
            self.device,
            self.precision,
            self.base,
            self.seed,
            self.begin_anew,
        ]


def build(studio: Studio, page: gr.Blocks) -> gr.Timer:
    """Lay the tab out; returns the timer that keeps it up to date."""
    labels = studio.labels
    seen = gr.State({})
    timer = gr.Timer(parts.TICK, active=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=380):
            form = _form(studio)
            start = gr.Button(labels("train_start"), variant="primary", elem_id="train-start", size="lg")
            parts.heading(labels("now"))
            panel = parts.job_panel(
                studio, "train", SCRIPTS, (labels("no_training"), labels("no_training_help"))
            )
        with gr.Column(scale=1, min_width=380):
            parts.heading(labels("curve"), labels("curve_help"))
            curve, plot, no_curve = _curve(studio)
            parts.heading(labels("previews"), labels("previews_help"))
            sounds = listening_panel.build(studio)
    outputs = [*panel.outputs, form.experiment, curve, plot, no_curve, *sounds.outputs, start, seen]

    def refresh(experiment: str, name: str, step: str, clip: str, seen_now: parts.Seen) -> list[Any]:
        known = reading.experiments(studio.workspace)
        return [
            *panel.refresh(seen_now, experiment or ""),
            _experiments(known, experiment, seen_now),
            *_curve_updates(studio, experiment or "", name or "", seen_now),
            *sounds.refresh(experiment or "", step or "", clip or "", seen_now),
            _start_update(studio, experiment or "", seen_now),
            seen_now,
        ]

    def begin(*values: Any) -> None:
        parts.started(studio, start_training(studio, *values))

    watched = [form.experiment, curve, sounds.step, sounds.clip, seen]
    start.click(parts.guarded(begin), form.inputs, None, **parts.BUTTON).then(
        refresh, watched, outputs, **parts.QUIET
    )
    form.preset.input(lambda name: PRESETS.get(name, gr.skip()), form.preset, form.epochs, **parts.QUIET)
    for watched_part in (form.experiment, curve, sounds.step, sounds.clip):
        watched_part.input(refresh, watched, outputs, **parts.QUIET)
    timer.tick(refresh, watched, outputs, **parts.QUIET)
    fields = {name: getattr(form, name) for name in ("experiment", *DEFAULTS)}
    memory = parts.memory(studio, "train", fields)
    filled = memory.restore(page, lambda kept: _remembered(studio, kept), [form.experiment, form.device])
    filled.then(refresh, watched, outputs, **parts.QUIET)
    return timer


def _form(studio: Studio) -> Form:
    labels = studio.labels
    parts.heading(labels("training"), labels("training_help"))
    with gr.Group():
        experiment = gr.Dropdown(
            [], label=labels("experiment"), info=labels("train_experiment_help"), elem_id="train-experiment"
        )
        preset = gr.Radio(
            [(labels(f"preset_{name}", n=epochs), name) for name, epochs in PRESETS.items()],
            value="usual",
            label=labels("preset"),
            info=labels("preset_help"),
            elem_id="train-preset",
        )
    with parts.fold(labels("more_settings"), "train-more"):
        with gr.Row():
            epochs = _number(labels, "epochs", "train-epochs", least=1)
            save_every = _number(labels, "save_every", "train-save-every")
        with gr.Row():
            batch_seconds = _number(labels, "batch_seconds", "train-batch-seconds")
            keep = _number(labels, "keep", "train-keep", least=1)
        with gr.Row():
            device = parts.device_choice(studio, "train")
            precision = gr.Dropdown(
                [(labels("precision_auto"), "auto"), *PRECISIONS[1:]],
                value="auto",
                label=labels("precision"),
                info=labels("precision_help"),
                elem_id="train-precision",
            )
        base = gr.Textbox(label=labels("base"), info=labels("base_help"), elem_id="train-base")
        with gr.Row():
            seed = _number(labels, "seed", "train-seed")
            anew = gr.Checkbox(
                label=labels("begin_anew"),
                info=labels("begin_anew_help"),
                elem_id="train-anew",
                container=True,
            )
    return Form(
        experiment, preset, epochs, batch_seconds, save_every, keep, device, precision, base, seed, anew
    )


def _number(labels: Labels, name: str, element: str, least: int = 0) -> gr.Number:
    """A whole number with a name and a line of help; an emptied field means the script's own default."""
    return gr.Number(
        value=DEFAULTS[name],
        label=labels(name),
        info=labels(f"{name}_help"),
        minimum=least,
        precision=0,
        elem_id=element,
        min_width=140,
    )


def _curve(studio: Studio) -> tuple[gr.Dropdown, gr.LinePlot, gr.HTML]:
    labels = studio.labels
    choice = gr.Dropdown([], label=labels("curve_choice"), elem_id="train-curve", show_label=False)
    plot = gr.LinePlot(
        _frame(labels, []),
        x="step",
        y="value",
        color="kind",
        color_map={labels("measured"): MEASURED_COLOUR, labels("smoothed"): SMOOTHED_COLOUR},
        color_title=" ",
        x_title=labels("step"),
        y_title=labels("value"),
        height=280,
        show_label=False,
        elem_id="train-plot",
        buttons=[],
        visible=False,
    )
    nothing = gr.HTML(
        f'<div class="card">{render.empty(labels("no_curve"), labels("no_curve_help"))}</div>',
        js_on_load=None,
        elem_id="train-no-curve",
        elem_classes="plain",
    )
    return choice, plot, nothing


def _frame(labels: Labels, points: list[tuple[float, float]]) -> Any:
    """Points as the table that a plot takes, and below them a smooth line through them."""
    import pandas  # type: ignore[import-untyped]

    rows = [(step, value, labels("measured")) for step, value in points]
    if len(points) >= reading.FEWEST_SMOOTHED:
        rows += [(step, value, labels("smoothed")) for step, value in reading.smoothed(points)]
    return pandas.DataFrame(rows, columns=["step", "value", "kind"])


def _curve_updates(studio: Studio, experiment: str, name: str, seen: parts.Seen) -> list[Any]:
    """Updates of the choice of curves and of the plot."""
    curves = studio.curves(experiment) if experiment else {}
    names, given = list(curves), name
    if name not in curves:
        name = next((each for key in PREFERRED for each in names if key in each), names[0] if names else "")
    points = reading.thinned(curves.get(name, []))
    shown = (experiment, name, len(curves.get(name, [])), points[-1:] or None)
    named = [(_spoken(studio, each), each) for each in names]
    return [
        parts.choice(seen, "curves", named, given, name or None),
        parts.fresh(
            seen, "points", shown, gr.update(value=_frame(studio.labels, points), visible=bool(points))
        ),
        parts.fresh(seen, "no points", bool(points), gr.update(visible=not points)),
    ]


def _spoken(studio: Studio, name: str) -> str:
    """A curve's name as a person would say it: what it is, then how often it is measured."""
    stem, _, metric = name.partition(reading.BETWEEN)
    trainer, _, kind = stem.partition("-")
    often = {"": "each_step", "epochs": "each_epoch", "previews": "each_preview"}.get(kind)
    words = studio.labels(often) if often else kind
    return f"{metric} ({trainer}, {words})"


def _experiments(known: list[str], chosen: str | None, seen: parts.Seen) -> Any:
    """Update of the list of experiments; the first one is chosen while there is no choice."""
    value = chosen if chosen in known else (known[0] if known else None)
    return parts.choice(seen, "experiments", sorted(known), chosen, value)


def _start_update(studio: Studio, experiment: str, seen: parts.Seen) -> Any:
    """The start button says whether it begins or goes on."""
    known = bool(experiment) and experiment in reading.experiments(studio.workspace)
    goes_on = known and any((studio.workspace.logs / experiment / "checkpoints").glob("*/*"))
    name = "train_go_on" if goes_on else "train_start"
    latest = studio.latest(SCRIPTS, experiment) if known else None
    free = (
        latest is None or latest.status.final
    )  # a second training of the same would only wait for the first
    return parts.fresh(seen, "start", (name, free), gr.update(value=studio.labels(name), interactive=free))


def start_training(
    studio: Studio,
    experiment: str | None,
    epochs: float | None,
    batch_seconds: float | None,
    save_every: float | None,
    keep: float | None,
    device: str,
    precision: str,
    base: str,
    seed: float | None,
    begin_anew: bool,
) -> str:
    """Check the fields and hand the training in; returns the job's id. Raises GsvError."""
    labels = studio.labels
    if not experiment:
        raise InputError(labels("no_experiment"), remedy=labels("no_experiment_help"))
    found = reading.contents(studio.access.experiment(experiment))
    if found is None or not found.ready:
        raise InputError(labels("not_prepared", name=experiment), remedy=labels("not_prepared_help"))
    settings = {
        "epochs": epochs,
        "batch-seconds": batch_seconds,
        "save-every": save_every,
        "keep": keep,
        "precision": precision,
        "base": studio.access.existing(base, labels("base")) if (base or "").strip() else None,
        "seed": seed,
        "fresh": bool(begin_anew),
    }
    call = commands.train(
        workspace=studio.workspace.root,
        experiment=experiment,
        device=studio.devices.resolve(device),
        settings=settings,
    )
    return studio.start(call, f"{labels('training')} · {experiment}")


def _remembered(studio: Studio, kept: str) -> tuple[dict[str, Any], list[Any]]:
    """The fields as this browser had them; the experiment is else that of the newest training."""
    known = reading.experiments(studio.workspace)
    last = studio.latest(SCRIPTS)
    before = last.command.experiment if last is not None else ""
    values = parts.remembered(kept, {"experiment": before, **DEFAULTS})
    if values["experiment"] not in known:
        values["experiment"] = known[0] if known else None
    for name, allowed in (("preset", tuple(PRESETS)), ("precision", PRECISIONS)):
        values[name] = values[name] if values[name] in allowed else DEFAULTS[name]
    return values, [gr.update(choices=sorted(known)), parts.device_update(studio)]
