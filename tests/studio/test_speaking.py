"""What the Speak tab hands in, refuses, keeps and shows again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gsv import audio, files
from gsv.errors import InputError
from gsv.jobs import JobState
from gsv.studio import render_speech, speak_form, speak_options, speaking, speaking_voices, speeches
from gsv.studio.labels import Labels
from gsv.studio.speaking_voices import Chosen
from gsv.studio.studio import Studio
from gsv.synthesis.voice import Reference, Voice
from gsv.synthesis.voice_folder import save_voice

EVIL = "<img src=x onerror=alert(1)>"
TEXT = "Hello there. 你好 world."


@pytest.fixture
def ready(plain_studio: Studio) -> Studio:
    """A studio whose base seems to be there, and which has one saved voice."""
    tiny = plain_studio.workspace.pretrained / "tiny"
    tiny.mkdir(parents=True)
    for name in ("sovits", "gpt"):
        (tiny / f"{name}.safetensors").write_bytes(b"x")
    clip = plain_studio.workspace.root / "clip.wav"
    audio.write(clip, 0.1 * np.sin(np.arange(16_000) / 5).astype(np.float32), 8000)
    voice = Voice(
        sovits=tiny / "sovits.safetensors",
        gpt=tiny / "gpt.safetensors",
        references=(Reference(path=clip, text="Hm.", language="en"),),
        defaults={"top_k": 5, "temperature": 0.6},
    )
    save_voice(plain_studio.workspace.root / "voices" / "李 Anna", voice, family="tiny")
    return plain_studio


def form(studio: Studio, **changes: Any) -> dict[str, Any]:
    """The fields as a new page has them, with changes."""
    chosen = Chosen(changes.get("voice", ""))
    settings = speak_options.shown(speaking_voices.defaults(studio.workspace, chosen))
    clip = str(studio.workspace.root / "clip.wav")
    filled = {"text": TEXT, "reference": clip, "phones": "", "device": "cpu"}
    return {**speak_form.DEFAULTS, **settings, **filled, **changes}


def arguments(studio: Studio, job: str) -> list[str]:
    view = studio.jobs.view(job)
    assert view is not None
    return list(view.command.arguments)


def test_only_what_a_person_changed_is_set(ready: Studio) -> None:
    job, name = speaking.start_speech(ready, form(ready, temperature=0.5, verify=False), None)
    given = arguments(ready, job)
    assert [item for item in given if item.startswith("--set=")] == [
        "--set=temperature=0.5",
        "--set=verify=false",
    ]
    folder = ready.outputs() / name
    assert files.read_text(folder / "text.txt").strip() == TEXT
    kept = next(item for item in given if item.startswith("--reference=")).partition("=")[2]
    assert Path(kept).parent == folder and not any(item.startswith("--phones") for item in given)


def test_a_saved_voice_needs_no_recording_and_has_its_own_settings(ready: Studio) -> None:
    fields = form(ready, voice="voice:李 Anna", reference=None)
    assert fields["top_k"] == 5 and fields["breath"] == 130
    given = arguments(ready, speaking.start_speech(ready, fields, None)[0])
    assert any(item.startswith("--voice=") and item.endswith("李 Anna") for item in given)
    assert not any(item.startswith(("--set=", "--reference", "--sovits")) for item in given)


def test_what_cannot_be_spoken_is_refused_before_a_job_is_made(ready: Studio) -> None:
    for changes, why in (
        ({"text": " "}, "no text"),
        ({"text": "。"}, "nothing to say"),
        ({"reference": None}, "no recording"),
        ({"voice": "voice:nobody"}, "no voice nobody"),
        ({"voice": "voice:../x"}, "no voice"),
        ({"voice": "pair"}, "Two weights"),
        ({"temperature": 99}, "temperature"),
    ):
        with pytest.raises(InputError, match=why):
            speaking.start_speech(ready, form(ready, **changes), None)
    (ready.workspace.pretrained / "tiny" / "gpt.safetensors").unlink()
    with pytest.raises(InputError, match="cannot speak yet") as caught:
        speaking.start_speech(ready, form(ready), None)
    assert "Models tab" in caught.value.remedy
    assert ready.jobs.views() == [] and not ready.outputs().exists()


def test_corrected_phones_go_with_their_sentence(ready: Studio) -> None:
    fields = form(ready)
    read, lines, error = speaking.look(ready, fields, None)
    assert read is not None and error is None and len(lines.splitlines()) == 2
    first, second = lines.splitlines()
    fields |= {"phones": f"{first}\n{second} AH0", "text": f"One more. {TEXT}"}
    job, name = speaking.start_speech(ready, fields, read)
    edits = json.loads(files.read_text(ready.outputs() / name / "phones.json"))
    assert [edit["sentence"] for edit in edits] == [3] and edits[0]["phones"][-1] == "AH0"
    assert f"--phones={ready.outputs() / name / 'phones.json'}" in arguments(ready, job)
    _, kept, _ = speaking.look(ready, fields, read)
    assert kept.splitlines()[2].endswith("AH0")
    _, afresh, _ = speaking.look(ready, fields, read, afresh=True)
    assert not afresh.endswith("AH0")
    for wrong in (first, f"{first}\nQQ9"):
        with pytest.raises(InputError, match=r"lines of phones|no phone QQ9"):
            speaking.start_speech(ready, {**fields, "phones": wrong}, read)


def test_phones_are_shown_with_the_lexicon_of_the_voice(ready: Studio) -> None:
    own = ready.workspace.root / "voices" / "李 Anna" / "lexicon.tsv"
    files.write_text(own, "en\tgsv\tZH UW1\n")
    lines = {
        voice: speaking.look(ready, form(ready, voice=voice, text="We like gsv."), None)[1]
        for voice in ("voice:李 Anna", speaking_voices.BASE)
    }
    assert "ZH UW1" in lines["voice:李 Anna"] and "ZH" not in lines[speaking_voices.BASE]
    files.write_text(own, "en\tgsv\tZH AO1 ZH\n")
    assert (
        "ZH AO1 ZH" in speaking.look(ready, form(ready, voice="voice:李 Anna", text="We like gsv."), None)[1]
    )


def test_a_speech_is_found_again_and_a_sentence_redone(ready: Studio) -> None:
    job, name = speaking.start_speech(ready, form(ready), None)
    speech = speeches.speech_named(ready.outputs(), name)
    assert speaking.standing(ready.jobs.views(), speech).active
    with pytest.raises(InputError, match="being made"):
        speaking.say_again(ready, name, 1)
    write_said(speech)
    assert [(item.passed, item.failures) for item in speech.said()] == [
        (True, ()),
        (False, ("nothing missing",)),
        (None, ()),
    ]
    ready.jobs.stop(job)
    while not (view := ready.jobs.view(job)) or not view.status.final:
        ready.jobs.tick()
    assert view.status in (JobState.CANCELLED, JobState.DONE)
    again = arguments(ready, speaking.say_again(ready, name, 2))
    assert again[-1] == "--redo=2" and again[:-1] == arguments(ready, job)
    assert [found.name for found in speeches.speeches(ready.outputs())] == [name]
    with pytest.raises(InputError):
        speeches.speech_named(ready.outputs(), f"../{name}")


def write_said(speech: speeches.Speech) -> None:
    """The files of a speech of three sentences, two of them said."""
    speech.parts.mkdir()
    files.write_json(speech.parts / "speech.json", {"seed": 1, "sentences": 3})
    for index, passed in enumerate((True, False)):
        checks = [
            {"name": "finite", "passed": True},
            {"name": "nothing missing", "passed": passed, "note": EVIL},
        ]
        report = {
            "index": index,
            "text": EVIL,
            "language": "en",
            "passed": passed,
            "seconds": 1.5,
            "attempts": 2,
            "checks": checks,
        }
        files.write_json(speech.parts / f"{index + 1:04}.json", {"report": report})
        (speech.parts / f"{index + 1:04}.flac").write_bytes(b"x")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_of_a_speech_reaches_the_page_as_html(ready: Studio, language: str) -> None:
    labels = Labels(language)
    _, name = speaking.start_speech(ready, form(ready, text=f"Hello {EVIL}"), None)
    speech = speeches.speech_named(ready.outputs(), name)
    write_said(speech)
    read, _, _ = speaking.look(ready, form(ready, text=f"Hello &lt; {EVIL}"), None)
    pages = [
        render_speech.sentences(speech, speech.said(), render_speech.Standing(), labels),
        render_speech.history([speech], name, {}, labels),
        render_speech.languages(read, labels),
        render_speech.lacking(EVIL, EVIL, labels),
        render_speech.downloads(speech, labels),
    ]
    assert all("<img" not in page for page in pages)
    assert pages[0].count('class="again"') == 2 and 'data-redo="0"' in pages[0]
    assert labels("check_nothing_missing") in pages[0]


def test_a_damaged_folder_is_no_speech(ready: Studio) -> None:
    folder = ready.outputs() / "20300101-000000"
    folder.mkdir(parents=True)
    for content in ("{", "[]", json.dumps({"text": "a"})):
        (folder / "request.json").write_text(content, encoding="utf-8")
        assert speeches.speeches(ready.outputs()) == []


def test_the_page_says_its_errors_in_chinese() -> None:
    error = Labels("zh").error("path_empty", name="列表")
    assert "尚未填写" in error.what and "路径" in error.remedy
