"""From recordings to a converted clip, as a person does it on the page: in order, in one workspace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gsv import audio

from . import steps
from .conftest import RunningStudio

EXPERIMENT = "我的 voice's 🎵"
SOUNDS = "录音 clips"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
PLACES = """[...document.querySelectorAll('button, input, .card, .heading')].map((element) => {
  const box = element.getBoundingClientRect();
  return [element.id, Math.round(box.x), Math.round(box.y)].join();
})"""


def test_empty_page_says_what_to_do(page: Any) -> None:
    assert "Nothing prepared yet" in steps.text_of(page, "data-job")
    for tab, words in (
        ("train", "No training yet"),
        ("voices", "No voice made yet"),
        ("speak", "Nothing spoken yet"),
        ("convert", "Nothing converted yet"),
    ):
        steps.open_tab(page, tab)
        assert words in steps.text_of(page, f"{tab}-job")
    steps.open_tab(page, "jobs")
    assert "No jobs yet" in steps.text_of(page, "jobs-list")
    steps.open_tab(page, "models")
    page.wait_for_selector("#models-table tbody tr")


def test_wrong_path_is_refused_with_a_remedy(page: Any) -> None:
    steps.fill(page, "data-list", "/no/such/file.list")
    steps.fill(page, "data-experiment", "nothing")
    page.locator("#data-all").click()
    toast = page.wait_for_selector("[data-testid=toast-body], .toast-body")
    assert "there is no file" in toast.inner_text() and "Check the path" in toast.inner_text()


def test_reload_loses_nothing(page: Any) -> None:
    steps.fill(page, "data-list", "/half/typed 路径")
    steps.open_tab(page, "train")
    steps.unfold(page, "train-more")
    steps.fill(page, "train-epochs", "77")
    steps.open_tab(page, "convert")
    steps.unfold(page, "convert-more")
    steps.fill(page, "convert-text", "Half a sentence, 半句话")
    page.reload()
    page.wait_for_function("document.querySelector('#data-list textarea')?.value === '/half/typed 路径'")
    steps.open_tab(page, "train")
    assert steps.value(page, "train-epochs") == "77"
    steps.open_tab(page, "convert")
    assert steps.value(page, "convert-text") == "Half a sentence, 半句话"


def test_failed_job_shows_its_reason(page: Any, studio: RunningStudio) -> None:
    lost = studio.workspace / "lost 失.list"
    lost.write_text("nowhere.wav|me|en|Hello there.\n", encoding="utf-8")
    steps.fill(page, "data-list", str(lost))
    steps.fill(page, "data-experiment", "lost")
    steps.start(page, "data-all", "data-job")
    assert steps.wait_for_state(page, "data-job") == "failed"
    assert "What helps:" in steps.text_of(page, "data-job")


def test_prepare_twenty_clips(page: Any, studio: RunningStudio) -> None:
    sounds = studio.workspace / SOUNDS
    steps.fill(page, "data-list", str(next(sounds.glob("*.list"))))
    steps.fill(page, "data-audio", str(sounds))
    steps.fill(page, "data-experiment", EXPERIMENT)
    job = steps.start(page, "data-all", "data-job")
    page.reload()
    page.wait_for_selector("#data-job .job[data-job]")
    assert steps.shown_job(page, "data-job") == job
    assert steps.wait_for_state(page, "data-job") == "done", steps.text_of(page, "data-job")
    page.wait_for_function("document.querySelector('#data-holds')?.innerText.includes('20')")
    folder = studio.workspace / "logs" / EXPERIMENT
    assert len(list((folder / "4-cnhubert").glob("*.pt"))) == 20
    assert steps.value(page, "data-experiment") == EXPERIMENT


def test_train_with_a_moving_curve_and_a_preview(page: Any, studio: RunningStudio, tmp_path: Path) -> None:
    steps.open_tab(page, "train")
    steps.choose(page, "train-experiment", EXPERIMENT)
    steps.unfold(page, "train-more")
    steps.fill(page, "train-epochs", "2")
    steps.fill(page, "train-save-every", "2")
    job = steps.start(page, "train-start", "train-job")
    assert {"--epochs=2", "--save-every=2"} <= set(arguments(studio, job))
    page.wait_for_selector("#train-plot canvas, #train-plot svg")
    first = points(studio)
    page.reload()
    steps.open_tab(page, "train")
    assert steps.wait_for_state(page, "train-job") == "done", steps.text_of(page, "train-job")
    assert points(studio) > first
    page.wait_for_selector("#train-plot canvas, #train-plot svg")
    file = steps.download(page, "preview-inference", tmp_path)
    assert audio.read(file).seconds > 0.3


def points(studio: RunningStudio) -> int:
    """Lines of the metrics that the curve is drawn from."""
    files = (studio.workspace / "logs" / EXPERIMENT / "metrics").glob("*.jsonl")
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)


def test_convert_and_download(page: Any, studio: RunningStudio, tmp_path: Path) -> None:
    sounds = studio.workspace / SOUNDS
    steps.open_tab(page, "convert")
    steps.upload(page, "convert-source", sounds / "🎙 take.wav")
    steps.upload(page, "convert-reference", sounds / "$(touch pwned).wav")
    page.wait_for_function("document.querySelector('#convert-voice input') !== null")
    steps.start(page, "convert-start", "convert-job")
    assert steps.wait_for_state(page, "convert-job") == "done", steps.text_of(page, "convert-job")
    page.wait_for_selector("#convert-result a[download]")
    file = steps.download(page, "convert-result", tmp_path)
    assert audio.read(file).seconds > 0.3
    assert any("synthetic" in text.lower() for text in audio.read_tags(file).values())


def arguments(studio: RunningStudio, job: str) -> list[str]:
    """What a job was started with."""
    path = studio.workspace / "logs" / "jobs" / job / "command.json"
    return list(json.loads(path.read_text(encoding="utf-8"))["arguments"])


def test_stop_a_job_and_see_the_next_one_wait(page: Any, studio: RunningStudio) -> None:
    long_training(page, studio)
    assert steps.wait_for_state(page, "train-job", "running") == "running"
    steps.open_tab(page, "data")
    waiting = steps.start(page, "data-text", "data-job") if open_stages(page) else ""
    steps.open_tab(page, "jobs")
    row = page.locator(f'#jobs-list [data-job="{waiting}"]')
    row.wait_for()
    assert "Place 1 in line" in row.inner_text()
    page.locator('#jobs-list [data-state="running"]').click()
    page.wait_for_selector('#jobs-card .job[data-state="running"]')
    page.locator("#jobs-stop:not([disabled])").click()
    assert steps.wait_for_state(page, "jobs-card") == "cancelled", steps.text_of(page, "jobs-card")
    row.click()
    page.wait_for_selector(f'#jobs-card .job[data-job="{waiting}"]')
    assert steps.wait_for_state(page, "jobs-card") == "done"


def open_stages(page: Any) -> bool:
    """Unfold the single stages."""
    steps.unfold(page, "data-stages")
    return True


def long_training(page: Any, studio: RunningStudio) -> str:
    """Start a training that would take for ever."""
    steps.open_tab(page, "train")
    steps.choose(page, "train-experiment", EXPERIMENT)
    steps.unfold(page, "train-more")
    steps.fill(page, "train-epochs", "100000")
    steps.fill(page, "train-save-every", "0")
    job = steps.start(page, "train-start", "train-job")
    assert "--epochs=100000" in arguments(studio, job)
    return job


def test_studio_that_was_killed_finds_its_jobs_again(page: Any, studio: RunningStudio) -> None:
    job = long_training(page, studio)
    assert steps.wait_for_state(page, "train-job", "running") == "running"
    studio.kill()
    studio.start("--language", "zh")
    page.goto(studio.url)
    page.wait_for_selector("#data-all")
    assert page.locator("#data-all").inner_text() == "全部准备"
    steps.open_tab(page, "jobs")
    page.wait_for_selector(f'#jobs-list [data-job="{job}"][data-state="running"]')
    assert "运行中" in steps.text_of(page, "jobs-card")
    page.locator("#jobs-stop:not([disabled])").click()
    assert steps.wait_for_state(page, "jobs-card") == "cancelled"
    state = json.loads((studio.workspace / "logs" / "jobs" / job / "state.json").read_text(encoding="utf-8"))
    assert state["state"] == "cancelled"


def test_nothing_is_cut_off_and_nothing_jumps(page: Any) -> None:
    for tab in steps.TABS:
        page.set_viewport_size({"width": 1280, "height": 900})
        steps.open_tab(page, tab)
        page.wait_for_timeout(2000)  # the first news of a tab fill it
        before = page.evaluate(PLACES)
        page.wait_for_timeout(1500)
        assert page.evaluate(PLACES) == before, tab
        for width in (1280, 800, 400):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(TOO_WIDE) <= 0, (tab, width)


def test_every_tab_is_in_sight_on_a_telephone_and_opens_by_keyboard(page: Any) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    for tab in steps.TABS:
        steps.open_tab(page, tab)
    page.locator("#tab-jobs-button").press("Enter")
    page.wait_for_selector("#tab-jobs", state="visible")
