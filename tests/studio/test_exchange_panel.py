"""Import, export and transcription from the page: what is handed in, and what is refused at the button."""

from __future__ import annotations

from pathlib import Path

import pytest

from gsv.errors import InputError, WeightsError
from gsv.studio import exchange_panel, recording_steps, tab_data
from gsv.studio.access import Access
from gsv.studio.exchange_panel import hand_in_export, hand_in_import
from gsv.studio.studio import Studio
from gsv.studio.transcribe_step import TRANSCRIBE


@pytest.fixture
def studio(plain_studio: Studio, tmp_path: Path) -> Studio:
    """A studio whose scripts of these panels do nothing."""
    for script in (exchange_panel.SCRIPT, TRANSCRIBE.script):
        (tmp_path / "tools" / script).write_text("", encoding="utf-8")
    return plain_studio


def arguments(studio: Studio) -> tuple[str, ...]:
    return studio.jobs.views()[0].command.arguments


def test_import_and_export_hand_in_jobs(studio: Studio, tmp_path: Path) -> None:
    source = tmp_path / "my set $(x)"
    source.mkdir()
    made = hand_in_import(studio, str(source), "ljspeech", "en", "", "", allowed=tab_data.check_rows)
    assert made == studio.outputs() / "datasets" / "my set $(x).list"
    given = arguments(studio)
    assert given[0] == "import" and {f"--input={source}", f"--output={made}", "--format=ljspeech"} <= set(
        given
    )
    assert not any(argument.startswith("--audio") for argument in given)
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_text("a.wav|s|en|x\n", encoding="utf-8")
    again = hand_in_import(studio, str(source), "auto", "", "", "", allowed=tab_data.check_rows)
    assert again != made and again.parent == made.parent

    folder = hand_in_export(studio, str(made), "", "pairs", "", allowed=tab_data.check_rows)
    assert folder.parent == made.parent and "--format=pairs" in arguments(studio)
    with pytest.raises(InputError):
        hand_in_import(studio, str(tmp_path / "nowhere"), "auto", "", "", "", allowed=tab_data.check_rows)
    with pytest.raises(InputError):
        hand_in_export(studio, "", "", "pairs", "", allowed=tab_data.check_rows)


def test_a_page_for_others_keeps_to_its_folders(studio: Studio, tmp_path: Path) -> None:
    outside = tmp_path / "secret.wav"
    outside.write_bytes(b"")
    inside = studio.workspace.root / "a.list"
    inside.write_text(f"{outside}|s|en|x\n", encoding="utf-8")
    studio.access = Access(studio.workspace, confined=True)
    for hand_in in (
        lambda: hand_in_export(studio, str(inside), "", "pairs", "", allowed=tab_data.check_rows),
        lambda: hand_in_import(studio, str(inside), "auto", "", "", "", allowed=tab_data.check_rows),
        lambda: hand_in_import(studio, str(outside), "srt", "", "", "", allowed=tab_data.check_rows),
    ):
        with pytest.raises(InputError, match=r"outside|not"):
            hand_in()


def test_transcribing_says_at_once_what_is_missing(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    model = tmp_path / "a model"
    model.mkdir()
    values = {"language": "en", "model": str(model), "speaker": " Ann ", "device": "cpu"}
    begun = recording_steps.start(studio, TRANSCRIBE, str(tmp_path / "clips"), "", values)
    assert begun.output == studio.outputs() / "recordings" / "clips" / "clips.list"
    assert {f"--model={model}", "--language=en", "--speaker=Ann"} <= set(arguments(studio))
    with pytest.raises(WeightsError, match=r"download whisper-small"):
        recording_steps.start(studio, TRANSCRIBE, str(tmp_path / "clips"), "", {"model": "small"})
    with pytest.raises(InputError):
        recording_steps.start(studio, TRANSCRIBE, str(tmp_path / "clips"), "", {"model": "/no/such"})
