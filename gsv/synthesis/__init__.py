"""Voices and their use: text to speech and conversion.

The names below are imported when they are first asked for, because torch takes seconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gsv.synthesis.engine import Speech, Synthesizer
    from gsv.synthesis.options import SpeakOptions
    from gsv.synthesis.subtitles import save_subtitles
    from gsv.synthesis.voice import Reference, Voice, base_voice
    from gsv.synthesis.voice_folder import load_voice

__all__ = [
    "Reference",
    "SpeakOptions",
    "Speech",
    "Synthesizer",
    "Voice",
    "base_voice",
    "load_voice",
    "save_subtitles",
]

_HOMES = {
    "Speech": "engine",
    "Synthesizer": "engine",
    "SpeakOptions": "options",
    "save_subtitles": "subtitles",
    "Reference": "voice",
    "Voice": "voice",
    "base_voice": "voice",
    "load_voice": "voice_folder",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"gsv.synthesis has no {name}")
    return getattr(importlib.import_module(f"gsv.synthesis.{_HOMES[name]}"), name)
