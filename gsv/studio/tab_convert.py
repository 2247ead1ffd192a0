"""The Convert tab: somebody's speech in, the same words in another voice out.

Knows its own form. The button hands in a job; the newest result is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from gsv.jobs import JobState
from gsv.studio import commands, outputs, parts, reading, theme
from gsv.studio.studio import Studio

SCRIPTS = (commands.CONVERT,)
LANGUAGES = ("zh", "en", "ja")
LARGEST_NOISE = 1.5
LARGEST_BYTES = 4 << 30
"""Of an upload; the server refuses smaller ones already (`launch`)."""
LONGEST_SOURCE = 6 * 3600.0
"""Seconds of speech that one conversion may take."""
DEFAULTS: dict[str, Any] = {"text": "", "language": "en", "speed": 1.0, "noise": 0.5, "seed": 0}
"""Values of the fields on a new page; a reload fills in what was there."""


@dataclass
class Form:
    """The fields of the tab."""

    source: gr.Audio
    reference: gr.Audio
    voice: gr.Dropdown
    text: gr.Textbox
    language: gr.Dropdown
    speed: gr.Slider
    noise: gr.Slider
    seed: gr.Number
    device: gr.Dropdown

    @property
    def inputs(self) -> list[gr.components.Component]:
        """All fields in the order of `start_conversion`."""
        return [
            self.source,
            self.reference,
            self.voice,
            self.text,
            self.language,
            self.speed,
            self.noise,
            self.seed,
            self.device,
        ]


def build(studio: Studio, page: gr.Blocks) -> gr.Timer:
    """Lay the tab out; returns the timer that keeps it up to date."""
    labels = studio.labels
    seen = gr.State({})
    timer = gr.Timer(parts.TICK, active=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=380):
            form = _form(studio)
            start = gr.Button(labels("convert_start"), variant="primary", elem_id="convert-start", size="lg")
        with gr.Column(scale=5, min_width=340):
            parts.heading(labels("now"))
            panel = parts.job_panel(
                studio, "convert", SCRIPTS, (labels("no_convert"), labels("no_convert_help"))
            )
            parts.heading(labels("result"), labels("result_help"))
            result = parts.player(labels("result"), "convert-result")
    shown = [*panel.outputs, result, form.voice, seen]

    def refresh(voice: str, seen_now: parts.Seen) -> list[Any]:
        return [
            *panel.refresh(seen_now),
            _result(studio, seen_now),
            _voices(studio, voice, seen_now),
            seen_now,
        ]

    def begin(*values: Any) -> None:
        parts.started(studio, start_conversion(studio, *values))

    watched = [form.voice, seen]
    start.click(parts.guarded(begin), form.inputs, None, **parts.BUTTON).then(
        refresh, watched, shown, **parts.QUIET
    )
    timer.tick(refresh, watched, shown, **parts.QUIET)
    fields = {name: getattr(form, name) for name in ("voice", *DEFAULTS)}
    memory = parts.memory(studio, "convert", fields)
    filled = memory.restore(page, lambda kept: _remembered(studio, kept), [form.voice, form.device])
    filled.then(refresh, watched, shown, **parts.QUIET)
    return timer


def _form(studio: Studio) -> Form:
    labels = studio.labels
    parts.heading(labels("conversion"), labels("conversion_help"))
    with gr.Row(elem_classes="tight"):
        source = _upload(studio, "source")
        reference = _upload(studio, "reference")
    with gr.Group():
        voice = gr.Dropdown(
            [(labels("voice_base"), "")],
            value="",
            label=labels("voice"),
            info=labels("voice_help"),
            elem_id="convert-voice",
        )
    return Form(source, reference, voice, *_options(studio))


def _options(
    studio: Studio,
) -> tuple[gr.Textbox, gr.Dropdown, gr.Slider, gr.Slider, gr.Number, gr.Dropdown]:
    """The folded part of the form, in the order of `Form`: text, language, speed, noise, seed, device."""
    labels = studio.labels
    with parts.fold(labels("more_settings"), "convert-more"):
        text = gr.Textbox(label=labels("text"), info=labels("text_help"), lines=2, elem_id="convert-text")
        with gr.Row():
            language = gr.Dropdown(
                [(labels(f"language_{code}"), code) for code in LANGUAGES],
                value=DEFAULTS["language"],
                label=labels("text_language"),
                info=labels("text_language_help"),
                elem_id="convert-language",
            )
            seed = gr.Number(
                value=DEFAULTS["seed"],
                label=labels("seed"),
                info=labels("convert_seed_help"),
                minimum=0,
                precision=0,
                elem_id="convert-seed",
            )
        with gr.Row():
            speed = gr.Slider(
                0.5,
                2.0,
                DEFAULTS["speed"],
                step=0.05,
                label=labels("speed"),
                info=labels("speed_help"),
                elem_id="convert-speed",
            )
            noise = gr.Slider(
                0.0,
                LARGEST_NOISE,
                DEFAULTS["noise"],
                step=0.05,
                label=labels("noise"),
                info=labels("noise_help"),
                elem_id="convert-noise",
            )
        device = parts.device_choice(studio, "convert")
    return text, language, speed, noise, seed, device


def _upload(studio: Studio, name: str) -> gr.Audio:
    labels = studio.labels
    return gr.Audio(
        label=labels(name),
        sources=["upload", "microphone"],
        type="filepath",
        elem_id=f"convert-{name}",
        editable=False,
        buttons=["download"],
        waveform_options=theme.waveform(),
        min_width=220,
        elem_classes="player",
    )


def _remembered(studio: Studio, kept: str) -> tuple[dict[str, Any], list[Any]]:
    """The fields as this browser had them, as far as they can be so still."""
    values = parts.remembered(kept, {"voice": "", **DEFAULTS})
    if values["language"] not in LANGUAGES:
        values["language"] = DEFAULTS["language"]
    choices = _known_voices(studio)
    if values["voice"] not in [path for _, path in choices]:
        values["voice"] = ""
    return values, [gr.update(choices=choices), parts.device_update(studio)]


def _known_voices(studio: Studio) -> list[tuple[str, str]]:
    """Voices as (name to show, file): the base that ships, then trained ones."""
    trained = [(shown, str(path)) for shown, path in reading.weights(studio.workspace, "sovits")]
    return [(studio.labels("voice_base"), ""), *trained]


def _voices(studio: Studio, chosen: str | None, seen: parts.Seen) -> Any:
    """Update of the list of voices."""
    choices = _known_voices(studio)
    value = chosen if chosen in [path for _, path in choices] else ""
    return parts.choice(seen, "voices", choices, chosen, value)


def _result(studio: Studio, seen: parts.Seen) -> Any:
    """The sound of the newest conversion that is done."""
    for view in studio.jobs.views():
        if view.command.script == commands.CONVERT and view.status is JobState.DONE:
            path = next((Path(name) for name in view.command.outputs if Path(name).is_file()), None)
            if path is not None:
                return parts.fresh(seen, "result", (view.id, path), str(path))
    return parts.fresh(seen, "result", None, None)


def start_conversion(
    studio: Studio,
    source: str | None,
    reference: str | None,
    voice: str | None,
    text: str,
    language: str,
    speed: float,
    noise: float,
    seed: float | None,
    device: str,
) -> str:
    """Keep the uploads, and hand the conversion in; returns the job's id. Raises GsvError."""
    from gsv import audio

    labels = studio.labels
    said = outputs.check_upload(studio, labels("source"), source, audio.Limits(LARGEST_BYTES, LONGEST_SOURCE))
    imitated = outputs.check_upload(studio, labels("reference"), reference)
    weights = studio.access.existing(voice, labels("voice")) if voice else None
    folder = outputs.new_folder(studio)
    kept_source = outputs.keep(studio, said, folder, "source")
    kept_reference = outputs.keep(studio, imitated, folder, "reference")
    has_text = bool((text or "").strip())
    settings = {
        "weights": weights,
        "text": text.strip() if has_text else None,
        "language": language if has_text else None,
        "speed": speed if speed != 1.0 else None,
        "noise-scale": noise,
        "seed": seed,
    }
    call = commands.convert(
        workspace=studio.workspace.root,
        source=kept_source,
        reference=kept_reference,
        output=folder / f"converted-{outputs.safe_stem(said.stem)}.wav",
        device=studio.devices.resolve(device),
        settings=settings,
    )
    return studio.start(call, f"{labels('conversion')} · {said.stem}")
