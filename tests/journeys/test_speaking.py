"""From prepared recordings to a voice that speaks, as a person does it on the page: in order, in one workspace."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import psutil

from gsv import audio
from gsv.settings import Workspace
from gsv.stages.inputs import PreparationInputs
from gsv.workflows.prepare import prepare

from . import steps
from .conftest import RunningStudio

EXPERIMENT = "婶婶 aunt's"
SOUNDS = "录音 clips"
VOICE, RENAMED = "Aunt 婶", "my aunt's 声音"
TEXT = "Hello there. 你好 world."


def arguments(studio: RunningStudio, job: str) -> list[str]:
    """What a job was started with."""
    path = studio.workspace / "logs" / "jobs" / job / "command.json"
    return list(json.loads(path.read_text(encoding="utf-8"))["arguments"])


def fill_in(page: Any, studio: RunningStudio, text: str = TEXT, retries: str = "0") -> None:
    """Fill in the form of the Speak tab."""
    steps.open_tab(page, "speak")
    steps.upload(page, "speak-reference", studio.workspace / SOUNDS / "$(touch pwned).wav")
    steps.fill(page, "speak-text", text)
    steps.unfold(page, "speak-more")
    steps.fill(page, "speak-retries", retries)


def versions(page: Any) -> dict[str, str]:
    """When each sentence that is shown was made, by its number."""
    rows = page.locator("#speak-said .sentence[data-version]").all()
    return {row.get_attribute("data-number"): row.get_attribute("data-version") for row in rows}


def test_a_base_that_cannot_speak_says_what_is_missing(page: Any, studio: RunningStudio) -> None:
    gpt = studio.workspace / "pretrained_models" / "tiny" / "gpt.safetensors"
    hidden = gpt.rename(gpt.with_suffix(".hidden"))
    steps.open_tab(page, "speak")
    words = page.wait_for_selector("#speak-lacking .reason").inner_text()
    assert "cannot speak yet" in words and "What helps:" in words and "Models tab" in words
    hidden.rename(gpt)
    page.wait_for_selector("#speak-lacking .reason", state="hidden")


def test_speak_two_sentences_with_corrected_phones(page: Any, studio: RunningStudio, tmp_path: Path) -> None:
    fill_in(page, studio)
    steps.unfold(page, "speak-read")
    page.wait_for_function("document.querySelector('#speak-phones textarea')?.value.includes('n i2 h ao3')")
    assert page.locator("#speak-languages .part").all_inner_texts() == [
        "Hello there. English",
        "你好 Mandarin",
        "world. English",
    ]
    phones = steps.value(page, "speak-phones")
    steps.fill(page, "speak-phones", phones.replace("n i2 h ao3", "n i4 h ao4"))
    job = steps.start(page, "speak-start", "speak-job")
    assert steps.wait_for_state(page, "speak-job") == "done", steps.text_of(page, "speak-job")
    given = arguments(studio, job)
    assert "--set=retries=0" in given and any(value.startswith("--phones=") for value in given)
    page.wait_for_selector('#speak-said .sentence[data-number="2"][data-version]')
    assert page.locator("#speak-said .sentence .pill").all_inner_texts() == ["Flagged", "Flagged"]
    assert page.locator("#speak-said .flags li").count() >= 2
    report = next((studio.workspace / "output").glob("*/report.json"))
    said = json.loads(report.read_text(encoding="utf-8"))["sentences"]
    assert said[1]["phones"][:4] == ["n", "i4", "h", "ao4"]
    page.wait_for_selector("#speak-result a[download]")
    sound = steps.download(page, "speak-result", tmp_path)
    assert audio.read(sound).seconds > 0.3
    assert any("synthetic" in text.lower() for text in audio.read_tags(sound).values())
    for form in ("SRT", "VTT", "JSON"):
        file = steps.follow(page, f'#speak-files a:text-is("{form}")', tmp_path)
        assert "Hello there." in file.read_text(encoding="utf-8") and file.suffix == f".{form.lower()}"


def test_say_one_sentence_again_and_find_it_after_a_reload(page: Any, studio: RunningStudio) -> None:
    steps.open_tab(page, "speak")
    page.wait_for_selector('#speak-said .sentence[data-number="2"][data-version]')
    assert steps.value(page, "speak-text") == ""
    page.locator("#speak-reuse:not([disabled])").click()
    page.wait_for_function(
        "(text) => document.querySelector('#speak-text textarea')?.value === text", arg=TEXT
    )
    page.wait_for_selector("#speak-reference a[download], #speak-reference [data-testid*=waveform]")
    before = versions(page)
    with page.expect_request(lambda request: "0001.flac" in request.url):
        page.locator('#speak-said .sentence[data-number="1"] .play').click()
    job = steps.shown_job(page, "speak-job")
    page.locator('#speak-said .sentence[data-number="2"] .again').click()
    page.wait_for_function("(job) => document.querySelector('#speak-job .job')?.dataset.job !== job", arg=job)
    assert steps.wait_for_state(page, "speak-job") == "done", steps.text_of(page, "speak-job")
    page.wait_for_function(
        "(old) => { const row = document.querySelector('#speak-said .sentence[data-number=\"2\"]'); "
        "return row?.dataset.version && row.dataset.version !== old; }",
        arg=before["2"],
    )
    assert versions(page)["1"] == before["1"]
    page.reload()
    steps.open_tab(page, "speak")
    page.wait_for_selector('#speak-said .sentence[data-number="2"][data-version]')
    assert TEXT in steps.text_of(page, "speak-history")
    assert steps.value(page, "speak-text") == TEXT and steps.value(page, "speak-retries") == "0"
    page.wait_for_selector("#speak-result a[download]")


def test_a_speech_that_crashes_shows_why(page: Any, studio: RunningStudio) -> None:
    fill_in(page, studio, "One more sentence. " * 40, "5")
    job = steps.start(page, "speak-start", "speak-job")
    assert steps.wait_for_state(page, "speak-job", "running") == "running"
    state = studio.workspace / "logs" / "jobs" / job / "state.json"
    psutil.Process(json.loads(state.read_text(encoding="utf-8"))["pid"]).kill()
    page.wait_for_selector(f'#speak-job .job[data-job="{job}"][data-state="failed"]')
    assert page.locator("#speak-job .reason .what").inner_text()
    page.wait_for_selector("#speak-said .again.rest")


def test_train_the_gpt(page: Any, studio: RunningStudio, tmp_path: Path) -> None:
    sounds = studio.workspace / SOUNDS
    prepare(
        PreparationInputs(
            experiment=EXPERIMENT,
            list_path=next(sounds.glob("*.list")),
            family="tiny",
            audio_folder=sounds,
            workspace=Workspace(studio.workspace).root,
        )
    )
    page.reload()
    steps.open_tab(page, "train")
    steps.choose(page, "train-experiment", EXPERIMENT)
    page.locator("#train-part").get_by_text("Speaking (GPT)").click()
    steps.unfold(page, "train-more")
    page.wait_for_selector("#train-batch-tokens")
    for field, text in (("epochs", "1"), ("save-every", "1"), ("learning-rate", "0.001")):
        steps.fill(page, f"train-{field}", text)
    job = steps.start(page, "train-start", "train-job")
    given = arguments(studio, job)
    assert {"--epochs=1", "--learning-rate=0.001", "--batch-tokens=0"} <= set(given)
    assert steps.wait_for_state(page, "train-job") == "done", steps.text_of(page, "train-job")
    page.wait_for_selector("#train-plot canvas, #train-plot svg")
    assert "gpt" in steps.value(page, "train-curve")
    file = steps.download(page, "preview-speech", tmp_path)
    assert audio.read(file).seconds > 0.05


def test_make_a_voice_and_speak_with_it(page: Any, studio: RunningStudio, tmp_path: Path) -> None:
    lend_sovits(studio)
    steps.open_tab(page, "voices")
    steps.choose(page, "voices-experiment", EXPERIMENT)
    steps.fill(page, "voices-name", VOICE)
    page.locator("#voices-make").click()
    toast = page.wait_for_selector(".toast-body")
    assert "nobody has said" in toast.inner_text()
    steps.fill(page, "voices-consent", "made up for a test")
    steps.unfold(page, "voices-more")
    page.locator("#voices-trials input").click()
    steps.start(page, "voices-make", "voices-job")
    assert steps.wait_for_state(page, "voices-job") == "done", steps.text_of(page, "voices-job")
    page.wait_for_function(f"document.querySelector('#voices-table')?.innerText.includes('{VOICE}')")
    steps.fill(page, "voices-new-name", RENAMED)
    page.locator("#voices-rename").click()
    page.wait_for_function(
        "(name) => document.querySelector('#voices-chosen input')?.value === name", arg=RENAMED
    )
    page.locator("#voices-export").click()
    archive = steps.follow(page, "#voices-link a[download]", tmp_path)
    assert "voice.json" in zipfile.ZipFile(archive).namelist()
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("#voices-delete").click()
    page.wait_for_function("document.querySelector('#voices-table')?.innerText.includes('No voices yet')")
    page.locator("#voices-archive input[type=file]").set_input_files(archive)
    page.wait_for_selector("#voices-archive .file-preview, #voices-archive table")
    page.locator("#voices-import").click()
    page.wait_for_function(
        "(name) => document.querySelector('#voices-chosen input')?.value === name", arg=RENAMED
    )
    steps.open_tab(page, "speak")
    page.wait_for_timeout(3500)  # as often as the tab looks for voices
    steps.choose(page, "speak-voice", RENAMED)
    page.wait_for_function("document.querySelector('#speak-clips')?.innerText.includes('brings its own')")
    steps.fill(page, "speak-text", "One day.")
    steps.unfold(page, "speak-more")
    steps.fill(page, "speak-retries", "0")
    steps.start(page, "speak-start", "speak-job")
    assert steps.wait_for_state(page, "speak-job") == "done", steps.text_of(page, "speak-job")


def lend_sovits(studio: RunningStudio) -> None:
    """Let the base's SoVITS pass as trained: its training has a journey of its own."""
    weights = studio.workspace / "logs" / EXPERIMENT / "weights"
    base = studio.workspace / "pretrained_models" / "tiny" / "sovits.safetensors"
    (weights / "sovits-e0001-s000001.safetensors").write_bytes(base.read_bytes())
