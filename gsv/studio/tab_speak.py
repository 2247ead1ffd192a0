"""The Speak tab: a text and a voice in, speech out, sentence by sentence.

Knows which listener updates what. The form is laid out in `speak_form`, jobs are handed in by `speaking`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import resources
from typing import Any

import gradio as gr

from gsv.studio import (
    commands,
    parts,
    render,
    render_speech,
    speak_form,
    speak_options,
    speaking,
    speaking_voices,
    speeches,
)
from gsv.studio.phone_lines import ReadText
from gsv.studio.studio import Studio

SCRIPTS = (commands.SPEAK,)
LOOK_EVERY = 3.0
"""Seconds between two looks at the voices on the disk."""
PICK = """
element.addEventListener('click', (event) => {
  const row = event.target.closest('button[data-speech]');
  if (row) trigger('select', {speech: row.dataset.speech});
});
"""
CHOSEN = (
    "(...given) => [document.querySelector('#speak-said .said')?.dataset.speech ?? '', ...given.slice(1)]"
)
"""The speech that the page shows now, whatever the studio has learnt since."""


@dataclass
class Results:
    """The right side: the job, the recording, its sentences, and what was spoken before."""

    panel: parts.JobPanel
    sound: gr.Audio
    files: gr.HTML
    said: gr.HTML
    history: gr.HTML
    reuse: gr.Button
    remove: gr.Button

    @property
    def outputs(self) -> list[Any]:
        """The components in the order of `_news`."""
        return [*self.panel.outputs, self.sound, self.files, self.said, self.history, self.reuse, self.remove]


@dataclass
class Tab:
    """The tab's parts, and the updates that its listeners give."""

    studio: Studio
    form: speak_form.Form
    results: Results
    start: gr.Button

    @property
    def watched(self) -> list[Any]:
        """What the news depend on."""
        return [self.form.fields[name] for name in ("voice", "sovits", "gpt")]

    @property
    def outputs(self) -> list[Any]:
        """Everything that the news update."""
        form = self.form
        return [*self.watched, form.pair, form.lacking, form.clips, *self.results.outputs]

    def refresh(self, voice: str, sovits: str, gpt: str, name: str, seen: parts.Seen) -> list[Any]:
        """All news, and the memory of what the page shows."""
        chosen = speaking_voices.Chosen(voice or "", sovits or "", gpt or "")
        return [*_voice_news(self.studio, chosen, seen), *_news(self.studio, self.results, name, seen), seen]

    def pick(self, voice: str, sovits: str, gpt: str, name: str) -> list[Any]:
        """The same for a speech that was just chosen: everything is sent once more, older news may be on their way."""
        *news, _ = self.refresh(voice, sovits, gpt, name, {})
        return [*news, {}, name]


def build(studio: Studio, page: gr.Blocks) -> gr.Timer:
    """Lay the tab out; returns the timer that keeps it up to date."""
    labels = studio.labels
    seen, chosen, read = gr.State({}), gr.State(""), gr.State(None)
    timer = gr.Timer(parts.TICK, active=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=380):
            form = speak_form.build(studio)
            start = gr.Button(labels("speak_start"), variant="primary", elem_id="speak-start", size="lg")
        with gr.Column(scale=5, min_width=340):
            results = _results(studio)
    tab = Tab(studio, form, results, start)
    watched, outputs = [*tab.watched, chosen, seen], [*tab.outputs, seen]

    def begin(*values: Any) -> str:
        *given, text_read = values
        job, name = speaking.start_speech(studio, form.given(tuple(given)), text_read)
        parts.started(studio, job)
        return name

    start.click(parts.guarded(begin), [*form.inputs, read], chosen, **parts.BUTTON).then(
        tab.refresh, watched, outputs, **parts.QUIET
    )
    _attach_results(tab, chosen, watched, outputs, seen)
    _attach_phones(tab, read)
    _attach_voice(tab)
    timer.tick(tab.refresh, watched, outputs, **parts.QUIET)
    memory = parts.memory(studio, "speak", form.remembered)
    lists = [form.fields[name] for name in ("voice", "sovits", "gpt", "device")]
    filled = memory.restore(page, partial(speak_form.recall, studio), lists)
    filled.then(tab.refresh, watched, outputs, **parts.QUIET)
    return timer


def _results(studio: Studio) -> Results:
    labels = studio.labels
    parts.heading(labels("now"))
    panel = parts.job_panel(studio, "speak", SCRIPTS, (labels("no_speech"), labels("no_speech_help")))
    parts.heading(labels("speech"), labels("speech_help"))
    sound = parts.player(labels("speech"), "speak-result")
    files = gr.HTML(js_on_load=None, elem_id="speak-files", elem_classes="plain")
    parts.heading(labels("said"), labels("said_help"))
    script = resources.files("gsv.studio").joinpath("player.js").read_text(encoding="utf-8")
    said = gr.HTML(render.unknown(labels), js_on_load=script, elem_id="speak-said", elem_classes="plain")
    parts.heading(labels("history"), labels("history_help"))
    history = gr.HTML(js_on_load=PICK, elem_id="speak-history", elem_classes="plain")
    with gr.Row(elem_classes="tight"):
        reuse = _button(labels("reuse"), "speak-reuse")
        remove = _button(labels("speech_remove"), "speak-remove")
    return Results(panel, sound, files, said, history, reuse, remove)


def _button(label: str, element: str) -> gr.Button:
    """One of the buttons below the history; it wakes up when there is something to choose."""
    return gr.Button(label, size="sm", interactive=False, elem_id=element, elem_classes="quiet-button")


def _attach_results(
    tab: Tab, chosen: gr.State, watched: list[Any], outputs: list[Any], seen: gr.State
) -> None:
    """What pressing something on the right side does."""
    studio, results = tab.studio, tab.results
    shown = gr.Textbox(visible=False)

    def pick(voice: str, sovits: str, gpt: str, event: gr.EventData) -> list[Any]:
        return tab.pick(voice, sovits, gpt, str(event.speech))

    def again(voice: str, sovits: str, gpt: str, event: gr.EventData) -> list[Any]:
        parts.started(studio, speaking.say_again(studio, str(event.speech), int(event.redo)))
        return tab.pick(voice, sovits, gpt, str(event.speech))

    def remove(name: str, voice: str, sovits: str, gpt: str) -> list[Any]:
        if name:
            speaking.forget(studio, name)
        return tab.pick(voice, sovits, gpt, "")

    def reuse(name: str) -> list[Any]:
        return _filled_in(tab, speeches.speech_named(studio.outputs(), name))

    changed = [*outputs, chosen]
    results.history.select(pick, tab.watched, changed, **parts.QUIET)
    results.said.select(_with_event(again), tab.watched, changed, **parts.BUTTON)
    question = json.dumps(studio.labels("speech_remove_sure"))
    sure = (
        "(...given) => [confirm(" + question + ") ? "
        "(document.querySelector('#speak-said .said')?.dataset.speech ?? '') : '', ...given.slice(1)]"
    )
    results.remove.click(parts.guarded(remove), [shown, *tab.watched], changed, js=sure, **parts.BUTTON)
    results.reuse.click(parts.guarded(reuse), shown, tab.form.inputs, js=CHOSEN, **parts.BUTTON).then(
        tab.refresh, watched, outputs, **parts.QUIET
    )


def _with_event(function: Callable[..., list[Any]]) -> Callable[..., Any]:
    """`parts.guarded` for a listener that takes an event: Gradio finds it by the annotation."""

    def listener(voice: str, sovits: str, gpt: str, event: gr.EventData) -> Any:
        return parts.guarded(function)(voice, sovits, gpt, event)

    return listener


def _filled_in(tab: Tab, speech: speeches.Speech) -> list[Any]:
    """The form as it was when a speech was asked for; its reference too. Phones are read anew."""
    form = speech.request.form
    clip = next(speech.folder.glob("reference-*"), None)
    values: dict[str, Any] = {name: form[name] for name in tab.form.names if name in form}
    known = [value for _, value in speaking_voices.voices(tab.studio)]
    if values.get("voice") not in known:
        values.pop("voice", None)
    values |= {"reference": str(clip) if clip is not None else None, "phones": ""}
    return [values.get(name, gr.skip()) for name in tab.form.names]


def _attach_phones(tab: Tab, read: gr.State) -> None:
    """The phones follow the text once a person leaves it, and whatever else decides how it is read."""
    form, studio = tab.form, tab.studio
    outputs = [form.languages, form.fields["phones"], read]

    def look(afresh: bool, *values: Any) -> list[Any]:
        *fields, before = values
        given = form.given(tuple(fields))
        if not afresh and _same(studio, given, before):
            return [gr.skip(), gr.skip(), gr.skip()]
        found, lines, error = speaking.look(studio, given, before, afresh)
        if error is not None:
            return [f'<div class="reason">{render.notice(error)}</div>', "", None]
        return [render_speech.languages(found, studio.labels), lines, found]

    inputs = [*form.inputs, read]
    follow = partial(look, False)
    form.fields["text"].blur(follow, inputs, outputs, **parts.QUIET)  # type: ignore[attr-defined]
    for name in ("language", "voice", "sovits", "cut"):
        form.fields[name].input(follow, inputs, outputs, **parts.QUIET)  # type: ignore[attr-defined]
    form.fields["breath"].release(follow, inputs, outputs, **parts.QUIET)  # type: ignore[attr-defined]
    form.afresh.click(parts.guarded(partial(look, True)), inputs, outputs, **parts.BUTTON)


def _same(studio: Studio, given: dict[str, Any], before: ReadText | None) -> bool:
    """Whether the text was read just so already."""
    if before is None or before.text != str(given.get("text") or "").strip():
        return False
    return before.manner == speaking.manner_of(studio, given)


def _attach_voice(tab: Tab) -> None:
    """Another voice brings the settings that it was tested with."""
    fields = tab.form.fields
    outputs = [fields[name] for name in speak_options.NAMES]

    def settings(voice: str, sovits: str, gpt: str) -> list[Any]:
        chosen = speaking_voices.Chosen(voice or "", sovits or "", gpt or "")
        return list(speak_options.shown(speaking_voices.defaults(tab.studio.workspace, chosen)).values())

    for name in ("voice", "sovits"):
        fields[name].input(settings, tab.watched, outputs, **parts.QUIET)  # type: ignore[attr-defined]


def _voice_news(studio: Studio, chosen: speaking_voices.Chosen, seen: parts.Seen) -> list[Any]:
    """Updates of the lists of voices and of what is said about the chosen one."""
    now, key = time.monotonic(), ("voice", chosen)
    if seen.get("key") == key and now - seen.get("looked", -LOOK_EVERY) < LOOK_EVERY:
        return [gr.skip()] * 6
    seen["looked"], seen["key"] = now, key
    paired = chosen.voice == speaking_voices.PAIR
    lacking = render_speech.lacking(*speaking_voices.lacking(studio, chosen), studio.labels)
    clips = speak_form.clips_notice(studio, chosen)
    return [
        *speak_form.lists(studio, chosen, seen),
        parts.fresh(seen, "pair", paired, gr.update(visible=paired)),
        parts.fresh(seen, "lacking", lacking, lacking),
        parts.fresh(seen, "clips", clips, clips),
    ]


def _news(studio: Studio, results: Results, name: str, seen: parts.Seen) -> list[Any]:
    """Updates of the right side for the chosen speech; without a choice the newest one is shown."""
    labels, views = studio.labels, studio.jobs.views()
    found = speeches.speeches(studio.outputs())
    speech = next((item for item in found if item.name == name), found[0] if found else None)
    standing = speaking.standing(views, speech) if speech is not None else render_speech.Standing()
    said = render_speech.sentences(speech, speech.said() if speech is not None else [], standing, labels)
    files = render_speech.downloads(speech, labels)
    states = speaking.states(views, found)
    history = render_speech.history(found, speech.name if speech is not None else "", states, labels)
    path = speech.output if speech is not None and speech.output.is_file() else None
    sound = (str(path), path.stat().st_mtime_ns) if path is not None else None
    there, idle = speech is not None, speech is not None and not standing.active
    return [
        *results.panel.refresh(seen),
        parts.fresh(seen, "result", sound, str(path) if path is not None else None),
        parts.fresh(seen, "files", files, files),
        parts.fresh(seen, "said", said, said),
        parts.fresh(seen, "history", history, history),
        parts.fresh(seen, "reuse", there, gr.update(interactive=there)),
        parts.fresh(seen, "remove", idle, gr.update(interactive=idle)),
    ]
