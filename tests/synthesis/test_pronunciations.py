"""The engine reads with the lexicons of its workspace and of the folder that a voice's weights lie in."""

from __future__ import annotations

from pathlib import Path

from gsv.synthesis.engine import Synthesizer
from gsv.synthesis.voice import Voice


def _phones(engine: Synthesizer, voice: Voice) -> list[str]:
    return engine.read("Hello zorb.", voice).utterances[0].phones.phones


def test_lexicons_of_a_voice(engine: Synthesizer, voice: Voice) -> None:
    near = Path(voice.gpt).parent / "lexicon.tsv"
    far = engine.workspace.root / "lexicon.tsv"
    try:
        far.write_text("en\tzorb\tZ UW1\n", encoding="utf-8")
        assert _phones(engine, voice)[-3:] == ["Z", "UW1", "."]
        near.write_text("en\tzorb\tZ IY1\n", encoding="utf-8")
        assert _phones(engine, voice)[-3:] == ["Z", "IY1", "."]
        near.unlink()
        assert _phones(engine, voice)[-3:] == ["Z", "UW1", "."]
    finally:
        far.unlink(missing_ok=True)
        near.unlink(missing_ok=True)
