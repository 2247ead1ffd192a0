"""The form of the Speak tab: voice, reference, text, phones, settings.

Knows how the fields are laid out and remembered. Hands nothing in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from gsv.studio import parts, render_speech, speak_options, speaking_voices, theme
from gsv.studio.speaking_voices import Chosen
from gsv.studio.studio import Studio

LANGUAGES = ("auto", "zh", "en", "ja", "ko", "yue", "auto_yue")
REFERENCE_LANGUAGES = ("auto", "zh", "en", "ja", "ko", "yue")
DEFAULTS: dict[str, Any] = {
    "voice": speaking_voices.BASE,
    "sovits": "",
    "gpt": "",
    "reference_text": "",
    "reference_language": "auto",
    "text": "",
    "language": "auto",
}
"""Values of the fields on a new page; a reload fills in what was there."""


@dataclass
class Form(parts.Fields):
    """The fields of the tab by name, and what stands beside them."""

    pair: gr.Column
    lacking: gr.HTML
    clips: gr.HTML
    languages: gr.HTML
    afresh: gr.Button

    @property
    def names(self) -> list[str]:
        """Names of the fields, in the order of `inputs`."""
        return list(self.fields)

    @property
    def remembered(self) -> dict[str, gr.components.Component]:
        """The fields that a reload fills in again."""
        return {name: self.fields[name] for name in (*DEFAULTS, *speak_options.NAMES)}


def build(studio: Studio) -> Form:
    """Lay the form out."""
    fields: dict[str, gr.components.Component] = {}
    parts.heading(studio.labels("speak"), studio.labels("speak_help"))
    pair = _voice(studio, fields)
    lacking = gr.HTML(js_on_load=None, elem_id="speak-lacking", elem_classes="plain")
    clips = _reference(studio, fields)
    _text(studio, fields)
    languages, afresh = _phones(studio, fields)
    with parts.fold(studio.labels("more_settings"), "speak-more"):
        start = speak_options.shown(speaking_voices.defaults(studio.workspace, Chosen()))
        fields.update(speak_options.fields(studio, start))
        fields["device"] = parts.device_choice(studio, "speak")
    return Form(fields, pair, lacking, clips, languages, afresh)


def _voice(studio: Studio, fields: dict[str, gr.components.Component]) -> gr.Column:
    labels = studio.labels
    with gr.Group():
        fields["voice"] = gr.Dropdown(
            [(labels("speak_base"), "")],
            value="",
            label=labels("speak_voice"),
            info=labels("speak_voice_help"),
            elem_id="speak-voice",
        )
        with gr.Column(visible=False, elem_id="speak-pair", elem_classes="joined") as pair, gr.Row():
            for name in ("gpt", "sovits"):
                fields[name] = gr.Dropdown(
                    [],
                    label=labels(f"speak_{name}"),
                    info=labels(f"speak_{name}_help"),
                    elem_id=f"speak-{name}",
                    min_width=200,
                )
    return pair


def _reference(studio: Studio, fields: dict[str, gr.components.Component]) -> gr.HTML:
    labels = studio.labels
    clips = gr.HTML(js_on_load=None, elem_id="speak-clips", elem_classes="plain")
    with gr.Row(elem_classes="tight", equal_height=False):
        fields["reference"] = gr.Audio(
            label=labels("speak_reference"),
            sources=["upload", "microphone"],
            type="filepath",
            elem_id="speak-reference",
            editable=False,
            buttons=["download"],
            waveform_options=theme.waveform(),
            min_width=220,
            elem_classes="player",
        )
        with gr.Column(min_width=220), gr.Group():
            fields["reference_text"] = gr.Textbox(
                label=labels("reference_text"),
                info=labels("reference_text_help"),
                lines=2,
                elem_id="speak-reference-text",
            )
            fields["reference_language"] = gr.Dropdown(
                [(labels(f"language_{code}"), code) for code in REFERENCE_LANGUAGES],
                value="auto",
                label=labels("reference_language"),
                elem_id="speak-reference-language",
            )
    return clips


def _text(studio: Studio, fields: dict[str, gr.components.Component]) -> None:
    labels = studio.labels
    with gr.Group():
        fields["text"] = gr.Textbox(
            label=labels("speak_text"),
            info=labels("speak_text_help"),
            lines=4,
            max_lines=14,
            elem_id="speak-text",
        )
        fields["language"] = gr.Dropdown(
            [(labels(f"language_{code}"), code) for code in LANGUAGES],
            value="auto",
            label=labels("speak_language"),
            info=labels("speak_language_help"),
            elem_id="speak-language",
        )


def _phones(studio: Studio, fields: dict[str, gr.components.Component]) -> tuple[gr.HTML, gr.Button]:
    labels = studio.labels
    with parts.fold(labels("phones"), "speak-read"):
        languages = gr.HTML(
            render_speech.languages(None, labels),
            js_on_load=None,
            elem_id="speak-languages",
            elem_classes="plain",
        )
        fields["phones"] = gr.Textbox(
            label=labels("phones_field"),
            info=labels("phones_field_help"),
            lines=4,
            max_lines=20,
            elem_id="speak-phones",
            elem_classes="mono",
        )
        afresh = gr.Button(
            labels("phones_afresh"), size="sm", elem_id="speak-afresh", elem_classes="quiet-button"
        )
    return languages, afresh


def recall(studio: Studio, kept: str) -> tuple[dict[str, Any], list[Any]]:
    """The fields as this browser had them, as far as they can be so still; and updates of the lists."""
    values = parts.remembered(kept, {**DEFAULTS, "voice": speaking_voices.best_choice(studio.workspace)})
    voices = speaking_voices.voices(studio)
    if values["voice"] not in [value for _, value in voices]:
        values["voice"] = speaking_voices.best_choice(studio.workspace)
    for name, allowed in (("language", LANGUAGES), ("reference_language", REFERENCE_LANGUAGES)):
        values[name] = values[name] if values[name] in allowed else DEFAULTS[name]
    pairs = {kind: speaking_voices.weights(studio.workspace, kind) for kind in ("sovits", "gpt")}
    for kind, choices in pairs.items():
        known = [path for _, path in choices]
        values[kind] = values[kind] if values[kind] in known else next(iter(known), None)
    chosen = Chosen(values["voice"], values["sovits"] or "", values["gpt"] or "")
    values |= speak_options.remembered(kept, speaking_voices.defaults(studio.workspace, chosen))
    updates = [gr.update(choices=choices) for choices in (voices, pairs["sovits"], pairs["gpt"])]
    return values, [*updates, parts.device_update(studio)]


def lists(studio: Studio, chosen: Chosen, seen: parts.Seen) -> list[Any]:
    """Updates of the choices of voice, SoVITS and GPT, as the workspace has them now."""
    voices = speaking_voices.voices(studio)
    known = [value for _, value in voices]
    value = chosen.voice if chosen.voice in known else speaking_voices.best_choice(studio.workspace)
    updates = [parts.choice(seen, "voices", voices, chosen.voice or None, value or None)]
    if value == "" and chosen.voice != "":
        updates = [gr.update(choices=voices, value="")]
    for kind, given in (("sovits", chosen.sovits), ("gpt", chosen.gpt)):
        choices = speaking_voices.weights(studio.workspace, kind)
        paths = [path for _, path in choices]
        good = given if given in paths else next(iter(paths), None)
        updates.append(parts.choice(seen, kind, choices, given, good))
    return updates


def clips_notice(studio: Studio, chosen: Chosen) -> str:
    """Whether a recording is needed, in a line."""
    name = "clips_own" if speaking_voices.has_clips(studio.workspace, chosen) else "clips_needed"
    return f'<p class="note">{studio.labels(name)}</p>'
