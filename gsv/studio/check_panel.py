"""The doctor of data sets on the Data tab: a button, the verdict, the rows with their reasons, the clean list.

Knows the report of `tools/check_dataset.py`. Checks nothing itself: a job does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from gsv.errors import InputError
from gsv.files import safe_name
from gsv.studio import commands, parts, render
from gsv.studio.labels import Labels
from gsv.studio.studio import Studio
from gsv.workflows.dataset_check import REPORT
from gsv.workflows.dataset_words import SEVERITIES, say

SCRIPT = "check_dataset.py"
FOLDER = "checks"
"""Below the studio's outputs: one folder a list."""
SHOWN_ROWS = 200
PILLS = {"bad": "failed", "doubtful": "cancelled", "note": "queued"}
ORDER = tuple(PILLS)
Allowed = Callable[[Studio, Path, "Path | None"], None]
"""Refuses a list whose recordings lie where this page must not read."""


@dataclass(frozen=True)
class Wishes:
    """What the fields of the panel say."""

    drop: bool = True
    trim: bool = True
    level: bool = True
    doubtful: bool = False

    def options(self, repair: bool) -> dict[str, object]:
        """Options of the script; none where only a report is wanted."""
        if not repair:
            return {}
        names = [name for name in ("drop", "trim", "level") if getattr(self, name)]
        return {"fix": ",".join(names), "drop_doubtful": self.doubtful}


def build(
    studio: Studio, timer: gr.Timer, list_path: gr.Textbox, audio_folder: gr.Textbox, allowed: Allowed
) -> None:
    """Draw the folded panel below the fields of a list; ``timer`` says when to look for news."""
    labels = studio.labels
    seen = gr.State({})
    with parts.fold(labels("dataset_check"), "data-check"):
        parts.heading("", labels("dataset_check_help"))
        check = gr.Button(labels("dataset_check_start"), variant="primary", elem_id="data-check-start")
        shown = gr.HTML(js_on_load=parts.stay_script(), elem_id="data-check-report", elem_classes="plain")
        with gr.Group(), gr.Row():
            drop = gr.Checkbox(True, label=labels("dataset_drop"), elem_id="data-check-drop")
            trim = gr.Checkbox(True, label=labels("dataset_trim"), elem_id="data-check-trim")
            level = gr.Checkbox(True, label=labels("dataset_level"), elem_id="data-check-level")
            doubtful = gr.Checkbox(False, label=labels("dataset_doubtful"), elem_id="data-check-doubtful")
        with gr.Row(elem_classes="tight"):
            repair = gr.Button(labels("dataset_repair"), elem_id="data-check-repair")
            use = gr.Button(labels("dataset_use"), interactive=False, elem_id="data-check-use")
    outputs = [shown, use, seen]

    def refresh(path: str, seen_now: parts.Seen) -> list[Any]:
        made = report_of(studio, path, seen_now)
        return [*made, seen_now]

    def handler(repairs: bool) -> Any:
        def start(path: str, folder: str, *values: Any) -> list[Any]:
            wishes = Wishes(*map(bool, values[:-1]))
            parts.started(studio, hand_in(studio, path, folder, wishes, repairs, allowed))
            return refresh(path, values[-1])

        return parts.guarded(start)

    fields = [list_path, audio_folder, drop, trim, level, doubtful, seen]
    check.click(handler(False), fields, outputs, **parts.BUTTON)
    repair.click(handler(True), fields, outputs, **parts.BUTTON)
    use.click(
        parts.guarded(lambda path: clean_list(studio, path)),
        list_path,
        [list_path, audio_folder],
        **parts.BUTTON,
    )
    timer.tick(refresh, [list_path, seen], outputs, **parts.QUIET)


def hand_in(studio: Studio, path: str, folder: str, wishes: Wishes, repairs: bool, allowed: Allowed) -> str:
    """Check the fields and start the job; returns its id. Raises GsvError."""
    labels, access = studio.labels, studio.access
    source = access.existing(path or "", labels("list"))
    recordings = None
    if (folder or "").strip():
        recordings = access.existing(folder, labels("audio_folder"), "folder")
    if access.confined:
        allowed(studio, source, recordings)
    if repairs and not any(wishes.options(True).values()):
        raise labels.error("dataset_repairs")
    device = studio.devices.resolve("auto")
    settings = {
        "audio_folder": recordings,
        "language": labels.language,
        "device": device,
        "workspace": studio.workspace.root,
        **wishes.options(repairs),
    }
    call = commands.step(
        SCRIPT, source=source, output=output_of(studio, source), settings=settings, device=device
    )
    return studio.start(call, f"{labels('dataset_check')} · {source.name}")


def output_of(studio: Studio, source: Path) -> Path:
    """The folder of a list's report; lists of the same name have folders of their own."""
    mark = hashlib.sha256(str(source.absolute()).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return studio.outputs() / FOLDER / safe_name(f"{source.stem[:40]}-{mark}")


def report_of(studio: Studio, path: str, seen: parts.Seen) -> list[Any]:
    """Updates of the report and of the button that uses the clean list; the file is read when it has changed."""
    file = _report_file(studio, path)
    try:
        key: object = (str(file), file.stat().st_mtime_ns) if file is not None else ""
    except OSError:
        key = ""
    if seen.get("report", None) == key:
        return [gr.skip(), gr.skip()]
    seen["report"] = key
    made = _read(file) if key and file is not None else None
    return [shown_report(made, studio.labels), gr.update(interactive=bool(made and made.get("clean")))]


def _report_file(studio: Studio, path: str) -> Path | None:
    if not (path or "").strip():
        return None
    try:
        return output_of(studio, studio.access.path(path, studio.labels("list"))) / REPORT
    except InputError:
        return None


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "verdict" in found and "clips" in found else None


def clean_list(studio: Studio, path: str) -> list[str]:
    """The clean list of a list's check, and no folder, for the fields. Raises InputError where there is none."""
    file = _report_file(studio, path)
    made = _read(file) if file is not None else None
    if made is None or not made.get("clean"):
        raise studio.labels.error("dataset_clean")
    return [str(made["clean"]["list"]), ""]


def shown_report(made: dict[str, Any] | None, labels: Labels) -> str:
    """Verdict, findings and the rows that have something, the worst first."""
    if made is None:
        none = render.empty(labels("dataset_none"), labels("dataset_none_help"))
        return f'<div class="card">{none}</div>'
    language = labels.language
    verdict = made["verdict"]
    told = "".join(f"<li>{escape(finding[language])}</li>" for finding in made["findings"])
    clean = made.get("clean")
    if clean:
        words = labels("dataset_made", kept=clean["kept"], left=clean["left_out"], changed=clean["changed"])
        told += f"<li><b>{escape(words)}</b></li>"
    start = escape(verdict["start"][language])
    flagged = sorted(
        (clip for clip in made["clips"] if clip["severity"]), key=lambda clip: ORDER.index(clip["severity"])
    )
    rows = [_row(clip, language) for clip in flagged[:SHOWN_ROWS]]
    table = ""
    if rows:
        head = ["", labels("dataset_row"), labels("dataset_reasons")]
        table = render.table(head, rows, "check")
    more = len(flagged) - len(rows)
    if more > 0:
        table += f"<p>{escape(labels('dataset_more', n=more))}</p>"
    kind = escape(str(verdict["kind"]))
    return f'<div class="card" data-verdict="{kind}"><div class="head"><b>{start}</b></div><ul>{told}</ul></div>{table}'


def _row(clip: dict[str, Any], language: str) -> list[str]:
    severity = clip["severity"]
    pill = f'<span class="pill {PILLS[severity]}">{escape(say(SEVERITIES, severity, language, {}))}</span>'
    name = f"<b>{clip['row']}</b><br><small>{escape(Path(clip['path']).name)}</small>"
    reasons = "<br>".join(escape(problem[language]) for problem in clip["problems"])
    text = f"<br><small>{escape(clip['text'])}</small>" if clip["text"] else ""
    return [render.Markup(pill), render.Markup(name), render.Markup(reasons + text)]
