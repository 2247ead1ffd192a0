"""The Voices tab: make a voice of a trained experiment; list, rename, delete, export and import voices.

Knows its own form. Making a voice is a job, the rest are quick changes of folders.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from gsv import files
from gsv.studio import commands, parts, reading, render, render_speech, speaking_voices
from gsv.studio.studio import Studio
from gsv.synthesis import voice_folder

SCRIPTS = (commands.MAKE_VOICE,)
LOOK_EVERY = 3.0
"""Seconds between two looks at the disk."""
MOST_CLIPS = 10
EXPORTS = "voices"
"""Folder of the results in which zip files are kept."""
DEFAULTS: dict[str, Any] = {"experiment": "", "name": "", "licence": "", "consent": "", "references": 4}
"""Values of the fields on a new page; a reload fills in what was there."""


def build(studio: Studio, page: gr.Blocks) -> gr.Timer:
    """Lay the tab out; returns the timer that keeps it up to date."""
    labels = studio.labels
    seen = gr.State({})
    timer = gr.Timer(parts.TICK, active=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=380):
            fields = _form(studio)
            start = gr.Button(labels("voice_make"), variant="primary", elem_id="voices-make", size="lg")
            parts.heading(labels("now"))
            panel = parts.job_panel(
                studio, "voices", SCRIPTS, (labels("no_voice_made"), labels("no_voice_made_help"))
            )
        with gr.Column(scale=1, min_width=380):
            parts.heading(labels("voices"), labels("voices_help"))
            table = gr.HTML(js_on_load=None, elem_id="voices-table", elem_classes="plain")
            chosen = gr.Dropdown([], label=labels("voice_chosen"), elem_id="voices-chosen")
            actions = _actions(studio, chosen)
    watched = [fields["experiment"], fields["sovits"], fields["gpt"], chosen, seen]
    lists = [fields["experiment"], fields["sovits"], fields["gpt"]]
    shown = [*panel.outputs, table, *lists, chosen, seen]

    def refresh(experiment: str, sovits: str, gpt: str, voice: str, seen_now: parts.Seen) -> list[Any]:
        return [
            *panel.refresh(seen_now),
            *_listing(studio, (experiment, sovits, gpt, voice), seen_now),
            seen_now,
        ]

    def begin(*values: Any) -> None:
        parts.started(studio, make(studio, dict(zip(fields, values, strict=True))))

    start.click(parts.guarded(begin), list(fields.values()), None, **parts.BUTTON).then(
        refresh, watched, shown, **parts.QUIET
    )
    for done in actions:
        done.then(_at_once(refresh), watched, shown, **parts.QUIET)
    timer.tick(refresh, watched, shown, **parts.QUIET)
    memory = parts.memory(studio, "voices", {name: fields[name] for name in DEFAULTS})
    filled = memory.restore(
        page, lambda kept: _recall(studio, kept), [fields["experiment"], fields["device"]]
    )
    filled.then(refresh, watched, shown, **parts.QUIET)
    return timer


def _form(studio: Studio) -> dict[str, gr.components.Component]:
    labels = studio.labels
    fields: dict[str, gr.components.Component] = {}
    parts.heading(labels("voice_new"), labels("voice_new_help"))
    with gr.Group():
        fields["experiment"] = gr.Dropdown(
            [], label=labels("experiment"), info=labels("voice_experiment_help"), elem_id="voices-experiment"
        )
        for name in ("name", "consent", "licence"):
            fields[name] = gr.Textbox(
                label=labels(f"voice_{name}"), info=labels(f"voice_{name}_help"), elem_id=f"voices-{name}"
            )
    with parts.fold(labels("more_settings"), "voices-more"):
        with gr.Row():
            for kind in ("sovits", "gpt"):
                fields[kind] = gr.Dropdown(
                    [(labels("weights_best"), "")],
                    value="",
                    label=labels(f"speak_{kind}"),
                    info=labels("weights_best_help"),
                    elem_id=f"voices-{kind}",
                    min_width=200,
                )
        with gr.Row():
            fields["references"] = gr.Slider(
                1,
                MOST_CLIPS,
                DEFAULTS["references"],
                step=1,
                label=labels("voice_references"),
                info=labels("voice_references_help"),
                elem_id="voices-references",
            )
            fields["trials"] = gr.Checkbox(
                True,
                label=labels("voice_trials"),
                info=labels("voice_trials_help"),
                container=True,
                elem_id="voices-trials",
            )
        fields["device"] = parts.device_choice(studio, "voices")
    return fields


def _actions(studio: Studio, chosen: gr.Dropdown) -> list[gr.events.Dependency]:
    """The buttons that change or pass on the chosen voice; returns what they do, for others to follow."""
    labels = studio.labels
    with gr.Row(elem_classes="tight"):
        export = gr.Button(labels("voice_export"), size="sm", elem_id="voices-export", min_width=120)
        remove = gr.Button(
            labels("voice_delete"), size="sm", variant="stop", elem_id="voices-delete", min_width=120
        )
    link = gr.HTML(js_on_load=None, elem_id="voices-link", elem_classes="plain")
    with gr.Row(elem_classes="tight renaming", equal_height=True):
        name = gr.Textbox(
            label=labels("voice_new_name"), elem_id="voices-new-name", min_width=180, scale=3, max_lines=1
        )
        rename = gr.Button(labels("voice_rename"), elem_id="voices-rename", min_width=110, scale=1)
    parts.heading(labels("voice_import"), labels("voice_import_help"))
    archive = gr.File(
        label=labels("voice_archive"), file_types=[".zip"], elem_id="voices-archive", height=150
    )
    bring = gr.Button(labels("voice_import_start"), size="sm", elem_id="voices-import", min_width=120)

    def act(function: Callable[..., Any]) -> Any:
        return parts.guarded(lambda *values: function(studio, *values))

    question = json.dumps(labels("voice_delete_sure"))
    sure = f"(name) => [name && confirm({question} + ' ' + name) ? name : '']"
    return [
        export.click(act(export_voice), chosen, link, **parts.BUTTON),
        remove.click(act(delete_voice), chosen, link, js=sure, **parts.BUTTON),
        rename.click(act(rename_voice), [chosen, name], name, **parts.BUTTON),
        bring.click(act(import_voice), archive, archive, **parts.BUTTON),
    ]


def _at_once(refresh: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """The same, looking at the disk now."""

    def listener(experiment: str, sovits: str, gpt: str, voice: str, seen: parts.Seen) -> list[Any]:
        seen.pop("looked", None)
        return refresh(experiment, sovits, gpt, voice, seen)

    return listener


def make(studio: Studio, given: Mapping[str, Any]) -> str:
    """Check the fields and hand the making of a voice in; returns the job's id. Raises GsvError."""
    labels, experiment = studio.labels, str(given.get("experiment") or "")
    if not experiment:
        raise labels.error("no_trained_experiment")
    studio.access.experiment(experiment)
    name = str(given.get("name") or "").strip() or experiment
    _check_name(studio, name)
    if not str(given.get("consent") or "").strip():
        raise labels.error("no_consent")
    weights = {
        kind: studio.access.existing(given[kind], labels(f"speak_{kind}")) if given.get(kind) else None
        for kind in ("sovits", "gpt")
    }
    texts = {kind: str(given.get(kind) or "").strip() for kind in ("licence", "consent")}
    settings: dict[str, object] = {"name": name, **weights, **texts, "references": given.get("references")}
    call = commands.make_voice(
        workspace=studio.workspace.root,
        experiment=experiment,
        device=studio.devices.resolve(str(given.get("device") or "auto")),
        settings=settings,
        trials=bool(given.get("trials", True)),
    )
    return studio.start(call, f"{labels('voice_new')} · {name}")


def _check_name(studio: Studio, name: str) -> None:
    if not name or files.safe_name(name) != name:
        raise studio.labels.error("voice_name", name=name)
    if (voice_folder.voices_folder(studio.workspace) / name).exists():
        raise studio.labels.error("voice_taken", name=name)


def _folder(studio: Studio, name: str | None) -> Path:
    """The folder of a saved voice. Raises InputError for a name that is none."""
    known = [folder.name for folder in voice_folder.list_voices(studio.workspace)]
    if name not in known:
        raise studio.labels.error("no_voice_chosen")
    return voice_folder.voices_folder(studio.workspace) / str(name)


def export_voice(studio: Studio, name: str | None) -> str:
    """Write a voice as a zip file among the results; returns a link to it."""
    folder = _folder(studio, name)
    target = studio.outputs() / EXPORTS / f"{folder.name}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    voice_folder.export_voice(folder, target)
    words = escape(studio.labels("voice_download", name=target.name))
    link = escape(render_speech.address(target, target.stat().st_mtime_ns))
    return (
        f'<div class="files"><a class="file" href="{link}" download="{escape(target.name)}">{words}</a></div>'
    )


def delete_voice(studio: Studio, name: str | None) -> str:
    """Remove a voice; the page has asked before, and names nothing where the answer was no."""
    if name:
        voice_folder.delete_voice(_folder(studio, name))
        parts.inform(studio.labels("voice_deleted", name=name))
    return ""


def rename_voice(studio: Studio, voice: str | None, name: str | None) -> str:
    """Give a voice another name; returns what the field holds then."""
    folder, new = _folder(studio, voice), (name or "").strip()
    _check_name(studio, new)
    voice_folder.rename_voice(folder, new)
    parts.inform(studio.labels("voice_renamed", name=new))
    return ""


def import_voice(studio: Studio, archive: str | None) -> None:
    """Unpack a voice that was uploaded; the field is empty then."""
    if not archive:
        raise studio.labels.error("no_archive")
    home = voice_folder.voices_folder(studio.workspace)
    home.mkdir(parents=True, exist_ok=True)
    made = voice_folder.import_voice(Path(archive), home)
    parts.inform(studio.labels("voice_imported", name=made.name))


def _listing(studio: Studio, chosen: tuple[str, str, str, str], seen: parts.Seen) -> list[Any]:
    """Updates of the table and of the choices; the disk is looked at now and then only."""
    now = time.monotonic()
    if now - seen.get("looked", -LOOK_EVERY) < LOOK_EVERY:
        return [gr.skip()] * 5
    seen["looked"] = now
    experiment, *given, voice = chosen
    names = [folder.name for folder in voice_folder.list_voices(studio.workspace)]
    html = _table(studio, names)
    known = _trained(studio)
    kinds = []
    for kind, path in zip(("sovits", "gpt"), given, strict=True):
        choices = [(studio.labels("weights_best"), ""), *speaking_voices.weights(studio.workspace, kind)]
        good = path if path in [value for _, value in choices] else ""
        kinds.append(parts.choice(seen, kind, choices, path, good))
    first = experiment if experiment in known else next(iter(known), None)
    shown = voice if voice in names else next(iter(names), None)
    return [
        parts.fresh(seen, "table", html, html),
        parts.choice(seen, "experiments", known, experiment, first),
        *kinds,
        parts.choice(seen, "names", names, voice, shown),
    ]


def _table(studio: Studio, names: list[str]) -> str:
    labels = studio.labels
    if not names:
        return f'<div class="card">{render.empty(labels("no_voices"), labels("no_voices_help"))}</div>'
    rows = []
    for name in names:
        record = speaking_voices.saved_record(studio.workspace, name)
        if record is None:
            rows.append((name, labels("status_damaged"), "", ""))
            continue
        consent = f"<br><small>{escape(record.consent)}</small>" if record.consent else ""
        rows.append(
            (
                render.Markup(f"<b>{escape(name)}</b>{consent}"),
                record.family,
                str(len(record.references)),
                record.licence,
            )
        )
    head = [labels(f"voices_{column}") for column in ("name", "family", "clips", "licence")]
    return render.table(head, rows, "voices")


def _trained(studio: Studio) -> list[str]:
    """Experiments that have weights of their own."""
    trained = {path.parent.parent.name for _, path in reading.weights(studio.workspace, "sovits")}
    return sorted(trained)


def _recall(studio: Studio, kept: str) -> tuple[dict[str, Any], list[Any]]:
    """The fields as this browser had them, as far as they can be so still."""
    values = parts.remembered(kept, DEFAULTS)
    known = _trained(studio)
    if values["experiment"] not in known:
        values["experiment"] = next(iter(known), None)
    return values, [gr.update(choices=known), parts.device_update(studio)]
