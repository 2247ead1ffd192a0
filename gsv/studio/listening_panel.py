"""Previews of a training run: choose a step and a clip, hear what was meant and what came out.

Knows the previews of an experiment as files. Makes no sound itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from gsv.studio import parts, reading, render, theme
from gsv.studio.studio import Studio


@dataclass
class ListeningPanel:
    """Two choices and a player for each kind of sound."""

    studio: Studio
    step: gr.Dropdown
    clip: gr.Dropdown
    players: dict[str, gr.Audio]
    area: gr.Column
    nothing: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        """The components that `refresh` updates, in order."""
        return [self.area, self.nothing, self.step, self.clip, *self.players.values()]

    def refresh(self, experiment: str, part: str, step: str, clip: str, seen: parts.Seen) -> list[Any]:
        """Updates for a part (SoVITS or GPT); while its newest step is shown, a newer one takes its place."""
        folder = self.studio.access.experiment(experiment) / "previews" / part if experiment else None
        found = reading.previews(folder) if folder is not None else []
        steps = list(dict.fromkeys(preview.step for preview in found))
        followed = seen.get("newest") in (None, step) or step not in steps
        shown = (steps[0] if steps else "") if followed else step
        seen["newest"] = steps[0] if steps else None
        clips = [preview.clip for preview in found if preview.step == shown]
        heard = clip if clip in clips else (clips[0] if clips else "")
        sounds = next((each.sounds for each in found if (each.step, each.clip) == (shown, heard)), {})
        named = [(self.studio.labels("preview_at", n=reading.number_in(each)), each) for each in steps]
        there = bool(found)
        return [
            parts.fresh(seen, "area", there, gr.update(visible=there)),
            parts.fresh(seen, "nothing", there, gr.update(visible=not there)),
            parts.choice(seen, "steps", named, step, shown or None),
            parts.choice(seen, "clips", clips, clip, heard or None),
            *(self._player(kind, sounds, seen) for kind in self.players),
        ]

    @staticmethod
    def _player(kind: str, sounds: dict[str, Any], seen: parts.Seen) -> Any:
        path = sounds.get(kind)
        key = (str(path), path.stat().st_mtime_ns if path is not None and path.exists() else 0)
        update = gr.update(value=str(path) if path is not None else None, visible=path is not None)
        return parts.fresh(seen, f"sound-{kind}", key, update)


def build(studio: Studio) -> ListeningPanel:
    """Lay the panel out."""
    labels = studio.labels
    with gr.Column(visible=False) as area:
        with gr.Row(elem_classes="tight"):
            step = gr.Dropdown([], label=labels("preview_step"), elem_id="preview-step", min_width=140)
            clip = gr.Dropdown([], label=labels("preview_clip"), elem_id="preview-clip", min_width=140)
        players = {
            kind: gr.Audio(
                label=labels(f"preview_{kind}"),
                interactive=False,
                elem_id=f"preview-{kind}",
                buttons=["download"],
                waveform_options=theme.waveform(),
                elem_classes="player",
            )
            for kind in reading.PREVIEW_KINDS
        }
    nothing = gr.HTML(
        f'<div class="card">{render.empty(labels("no_previews"), labels("no_previews_help"))}</div>',
        js_on_load=None,
        elem_classes="plain",
    )
    return ListeningPanel(studio, step, clip, players, area, nothing)
