"""The Train tab: settings, start and stop, loss curves, previews to listen to.

Knows which trainer a part has. The form is laid out in `train_form`; every button hands in a job.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from gsv.errors import InputError
from gsv.jobs import JobView
from gsv.studio import commands, listening_panel, parts, reading, render, train_form
from gsv.studio.labels import Labels
from gsv.studio.studio import Studio
from gsv.studio.train_form import GPT, PRESETS, SAVE_EVERY, SOVITS

PREFERRED = {SOVITS: ("mel", "total", "loss"), GPT: ("loss", "total")}
"""The curve that is shown first: the first whose name holds one of these."""
SCRIPTS = {SOVITS: commands.TRAIN, GPT: commands.TRAIN_GPT}
MEASURED_COLOUR, SMOOTHED_COLOUR = "#99d5cf", "#0f766e"


def build(studio: Studio, page: gr.Blocks) -> gr.Timer:
    """Lay the tab out; returns the timer that keeps it up to date."""
    labels = studio.labels
    seen = gr.State({})
    timer = gr.Timer(parts.TICK, active=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=380):
            form = train_form.build(studio)
            start = gr.Button(labels("train_start"), variant="primary", elem_id="train-start", size="lg")
            parts.heading(labels("now"))
            panel = parts.job_panel(
                studio, "train", tuple(SCRIPTS.values()), (labels("no_training"), labels("no_training_help"))
            )
        with gr.Column(scale=1, min_width=380):
            parts.heading(labels("curve"), labels("curve_help"))
            curve, plot, no_curve = _curve(studio)
            parts.heading(labels("previews"), labels("previews_help"))
            sounds = listening_panel.build(studio)
    fields = form.fields
    outputs = [*panel.outputs, fields["experiment"], curve, plot, no_curve, *sounds.outputs, start, seen]

    def refresh(
        experiment: str, part: str, name: str, step: str, clip: str, seen_now: parts.Seen
    ) -> list[Any]:
        known = reading.experiments(studio.workspace)
        return [
            *panel.refresh(seen_now, experiment or ""),
            _experiments(known, experiment, seen_now),
            *_curve_updates(studio, experiment or "", part, name or "", seen_now),
            *sounds.refresh(experiment or "", part, step or "", clip or "", seen_now),
            _start_update(studio, experiment or "", part, seen_now),
            seen_now,
        ]

    def begin(*values: Any) -> None:
        parts.started(studio, start_training(studio, form.given(values)))

    watched = [fields["experiment"], fields["part"], curve, sounds.step, sounds.clip, seen]
    start.click(parts.guarded(begin), form.inputs, None, **parts.BUTTON).then(
        refresh, watched, outputs, **parts.QUIET
    )
    _attach_form(studio, form)
    for watched_part in (fields["experiment"], fields["part"], curve, sounds.step, sounds.clip):
        watched_part.input(refresh, watched, outputs, **parts.QUIET)  # type: ignore[attr-defined]
    timer.tick(refresh, watched, outputs, **parts.QUIET)
    memory = parts.memory(studio, "train", form.remembered)
    more = [fields["experiment"], fields["device"], *form.follows_part]
    filled = memory.restore(page, lambda kept: train_form.recall(studio, kept, _before(studio)), more)
    filled.then(refresh, watched, outputs, **parts.QUIET)
    return timer


def _attach_form(studio: Studio, form: train_form.Form) -> None:
    """What follows from a preset, and from what is to be trained."""
    fields = form.fields

    def preset(name: str, part: str) -> Any:
        return PRESETS[part].get(name, gr.skip())

    def part(name: str, length: str) -> list[Any]:
        epochs = PRESETS[name].get(length, PRESETS[name]["usual"])
        return [epochs, SAVE_EVERY[name], *train_form.part_updates(studio.labels, name)]

    choices = [fields["preset"], fields["part"]]
    fields["preset"].input(preset, choices, fields["epochs"], **parts.QUIET)  # type: ignore[attr-defined]
    follows = [fields["epochs"], fields["save_every"], *form.follows_part]
    fields["part"].input(part, [fields["part"], fields["preset"]], follows, **parts.QUIET)  # type: ignore[attr-defined]


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


def _curve_updates(studio: Studio, experiment: str, part: str, name: str, seen: parts.Seen) -> list[Any]:
    """Updates of the choice of curves and of the plot; the curves are those of the part."""
    curves = studio.curves(experiment) if experiment else {}
    names, given = [each for each in curves if each.startswith(part)], name
    if name not in names:
        first = (each for key in PREFERRED[part] for each in names if key in each)
        name = next(first, names[0] if names else "")
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


def _start_update(studio: Studio, experiment: str, part: str, seen: parts.Seen) -> Any:
    """The start button says whether it begins or goes on."""
    known = bool(experiment) and experiment in reading.experiments(studio.workspace)
    goes_on = known and any((studio.workspace.logs / experiment / "checkpoints" / part).glob("*"))
    name = "train_go_on" if goes_on else "train_start"
    latest = studio.latest((SCRIPTS[part],), experiment) if known else None
    free = (
        latest is None or latest.status.final
    )  # a second training of the same would only wait for the first
    return parts.fresh(seen, "start", (name, free), gr.update(value=studio.labels(name), interactive=free))


def start_training(studio: Studio, given: Mapping[str, Any]) -> str:
    """Check the fields and hand the training in; returns the job's id. Raises GsvError."""
    labels, experiment, part = studio.labels, given["experiment"], given["part"]
    if not experiment:
        raise InputError(labels("no_experiment"), remedy=labels("no_experiment_help"))
    found = reading.contents(studio.access.experiment(experiment))
    ready = found is not None and (found.ready if part == SOVITS else min(found.text, found.codes) > 0)
    if found is None or not ready:
        raise InputError(labels("not_prepared", name=experiment), remedy=labels("not_prepared_help"))
    base = str(given.get("base") or "").strip()
    settings = train_form.settings(given)
    settings["base"] = studio.access.existing(base, labels("base")) if base else None
    if part == GPT:
        settings |= _gpt_settings(studio, experiment, found.family, bool(base))
    call = commands.train(
        workspace=studio.workspace.root,
        experiment=experiment,
        device=studio.devices.resolve(given["device"]),
        settings=settings,
        script=SCRIPTS[part],
    )
    return studio.start(call, f"{labels('training')} · {labels(f'part_{part}')} · {experiment}")


def _gpt_settings(studio: Studio, experiment: str, family: str, has_base: bool) -> dict[str, Path | None]:
    """What the previews of a GPT are heard with. Raises InputError where there is no GPT to start from."""
    shipped = studio.workspace.shipped("tiny")
    if family == "tiny" and not has_base and not (shipped / "gpt.safetensors").is_file():
        raise studio.labels.error("no_gpt_base")
    own = [path for name, path in reading.weights(studio.workspace, SOVITS) if _of(experiment, path)]
    sovits = own[0] if own else shipped / "sovits.safetensors"
    heard = (own or family == "tiny") and sovits.is_file()
    content = shipped / "content"
    return {
        "sovits": sovits if heard else None,
        "content": content if heard and (content / "config.json").is_file() else None,
    }


def _of(experiment: str, path: Path) -> bool:
    return path.parent.parent.name == experiment


def _before(studio: Studio) -> str:
    """The experiment of the newest training."""
    last: JobView | None = studio.latest(tuple(SCRIPTS.values()))
    return last.command.experiment if last is not None else ""
