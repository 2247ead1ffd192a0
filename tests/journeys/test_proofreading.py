"""Proofreading a list on the page: what is typed is kept, what is done can be undone, two windows lose nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gsv.corpus.proofreading import Proofreading

from . import miniature, steps
from .conftest import PATIENCE, RunningStudio

SOUNDS = "录音 clips"
NASTY = 'She <img src=x onerror="window.hurt=1"> said "no" & left'


@pytest.fixture
def voice(studio: RunningStudio, request: pytest.FixtureRequest) -> Path:
    """A list of six clips, one of them with a text full of HTML."""
    names = ("plain.wav", "two words.wav", "it's.wav", "$(touch pwned).wav", "🎙 take.wav", "a&b;c.wav")
    texts = ("One two three four.", NASTY, "今天天气很好。", "Five six seven.", "Eight nine.", "你好世界。")
    path = studio.workspace / SOUNDS / f"{request.node.name}.list"
    rows = (
        f"{name}|aunt|{'zh' if text[0] > '一' else 'en'}|{text}"
        for name, text in zip(names, texts, strict=True)
    )
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def texts(path: Path) -> list[str]:
    return [line.split("|")[3] for line in path.read_text(encoding="utf-8").splitlines()]


def open_list(page: Any, path: Path) -> None:
    steps.open_tab(page, "proofread")
    steps.fill(page, "proofread-list", str(path))
    page.locator("#proofread-open").click()
    page.wait_for_selector("#proofread-desk .clip")


def clip(page: Any, number: int) -> Any:
    """The card of a row by its number for life."""
    return page.locator(f'#proofread-desk .clip[data-id="{number}"]')


def wait_for(page: Any, holds: Callable[[], bool]) -> None:
    """Wait until something holds on the disk."""
    for _ in range(int(PATIENCE * 10)):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it never came true")


def shown(page: Any) -> list[str]:
    """The texts of the cards in their order."""
    return [str(field.input_value()) for field in page.locator("#proofread-desk .clip textarea").all()]


def test_the_list_of_the_data_tab_is_read_next(page: Any, voice: Path, tmp_path: Path) -> None:
    steps.open_tab(page, "data")
    steps.fill(page, "data-list", str(voice))
    steps.open_tab(page, "proofread")
    field = page.locator("#proofread-list textarea, #proofread-list input").first
    wait_for(page, lambda: field.input_value() == str(voice))
    steps.fill(page, "proofread-list", str(tmp_path / "own.list"))
    steps.open_tab(page, "data")
    steps.fill(page, "data-list", str(tmp_path / "other.list"))
    steps.open_tab(page, "proofread")
    page.wait_for_timeout(1000)
    assert field.input_value() == str(tmp_path / "own.list")


def test_edits_are_kept_and_undone(page: Any, studio: RunningStudio, voice: Path) -> None:
    before = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in voice.parent.glob("*.wav")}
    start = texts(voice)
    open_list(page, voice)
    assert shown(page) == start and page.evaluate("window.hurt") is None
    page.wait_for_function("document.querySelectorAll('#proofread-desk .play:not(:disabled)').length === 6")

    clip(page, 1).locator("textarea").fill("One two  drei four.")
    wait_for(page, lambda: texts(voice)[0] == "One two drei four.")
    page.reload()
    steps.open_tab(page, "proofread")
    page.wait_for_selector("#proofread-desk .clip")
    assert shown(page)[0] == "One two drei four."
    clip(page, 4).locator("[data-field=language]").select_option("ja")
    wait_for(page, lambda: "|ja|Five" in voice.read_text(encoding="utf-8"))
    for _ in range(2):
        page.locator("#proofread-desk .tools [data-do=undo]:not(:disabled)").click()
        page.wait_for_function("document.querySelector('#proofread-desk .said').innerText.includes('Undone')")
        page.evaluate("document.querySelector('#proofread-desk .said').innerText = ''")
    wait_for(page, lambda: texts(voice) == start)

    clip(page, 1).locator("[data-do=splitting]").click()
    clip(page, 1).locator("[data-side=at]").fill("0.5")
    clip(page, 1).locator("[data-do=split]").click()
    wait_for(page, lambda: len(texts(voice)) == 7)
    page.wait_for_function("document.querySelectorAll('#proofread-desk .clip').length === 7")
    assert shown(page)[:2] == texts(voice)[:2] and "".join(texts(voice)[:2]) == "One twothree four."
    clip(page, 7).locator("[data-do=merge]").click()
    wait_for(page, lambda: texts(voice) == start)
    clip(page, 3).locator("[data-do=delete]").click()
    wait_for(page, lambda: texts(voice) == start[:2] + start[3:])
    page.wait_for_selector('#proofread-desk .clip[data-id="3"][data-standing=deleted]')
    page.locator("#proofread-show").select_option("deleted")
    page.wait_for_function("document.querySelectorAll('#proofread-desk .clip').length === 1")
    clip(page, 3).locator("[data-do=restore]").click()
    wait_for(page, lambda: texts(voice) == start)
    after = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in voice.parent.glob("*.wav")}
    assert after == before and len(list(voice.with_suffix(".edits").glob("*.wav"))) == 3


def test_the_keyboard_does_it_all(page: Any, voice: Path) -> None:
    start = texts(voice)
    open_list(page, voice)
    page.wait_for_function("document.querySelectorAll('#proofread-desk .play:not(:disabled)').length === 6")
    clip(page, 1).locator("textarea").focus()
    keys = page.keyboard
    keys.press("Alt+p")
    page.wait_for_function("document.querySelector('#proofread-desk .play').classList.contains('on')")
    keys.press("Alt+p")
    keys.press("Control+a")
    keys.type("Typed")
    keys.press("Control+Enter")
    page.wait_for_selector('#proofread-desk .clip.checked[data-id="1"]')
    page.wait_for_selector('#proofread-desk .clip.current[data-id="2"]')
    keys.press("Alt+ArrowDown")
    keys.press("Alt+x")
    wait_for(page, lambda: texts(voice) == ["Typed", start[1], *start[3:]])
    page.wait_for_selector('#proofread-desk .clip[data-id="3"][data-standing=deleted]')
    keys.press("Alt+ArrowUp")
    keys.press("Alt+ArrowUp")
    page.wait_for_selector('#proofread-desk .clip.current[data-id="1"]')
    keys.press("Alt+s")
    page.wait_for_selector("#proofread-desk .splitting")
    for _ in ("the deletion", "the mark", "the text"):
        keys.press("Alt+z")
        page.wait_for_function("document.querySelector('#proofread-desk .said').innerText.includes('Undone')")
        page.evaluate("document.querySelector('#proofread-desk .said').innerText = ''")
    wait_for(page, lambda: texts(voice) == start)
    keys.press("Alt+y")
    wait_for(page, lambda: texts(voice)[0] == "Typed")
    words = page.locator("#proofread-desk .keys").inner_text()
    assert all(key in words for key in ("Alt+P", "Ctrl+Enter", "Alt+S", "Alt+Z"))


def test_two_windows_lose_nothing(page: Any, voice: Path) -> None:
    start = texts(voice)
    open_list(page, voice)
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector("#data-all")
    steps.open_tab(other, "proofread")
    other.wait_for_selector("#proofread-desk .clip")
    # The same clip, typed in both: the second one is told, and keeps what it typed.
    clip(page, 1).locator("textarea").fill("from here")
    other.evaluate("document.querySelector('.clip[data-id=\"1\"] textarea').focus()")
    clip(other, 1).locator("textarea").fill("from there")
    wait_for(page, lambda: texts(voice)[0] in ("from here", "from there"))
    late, words = (other, "from there") if texts(voice)[0] == "from here" else (page, "from here")
    late.wait_for_selector("#proofread-desk .clash")
    assert clip(late, 1).locator("textarea").input_value() == words
    told = clip(late, 1).locator(".clash").inner_text()
    assert texts(voice)[0] in told, told
    clip(late, 1).locator("[data-do=mine]").click()
    wait_for(page, lambda: texts(voice)[0] == words)
    # Another clip is free, and the first window sees it by itself.
    clip(other, 4).locator("textarea").fill("news")
    wait_for(page, lambda: texts(voice)[3] == "news")
    page.wait_for_function("""document.querySelector('.clip[data-id="4"] textarea').value === 'news'""")
    clip(other, 5).locator("[data-do=merge]").click()
    page.wait_for_function("document.querySelectorAll('#proofread-desk .clip').length === 5")
    assert texts(voice) == [words, start[1], start[2], "news", "Eight nine. 你好世界。"]
    other.close()


def test_an_edit_that_waits_is_not_written_over_news(page: Any, voice: Path) -> None:
    open_list(page, voice)
    waiting: list[Any] = []

    def hold_news(route: Any) -> None:
        if waiting or '"news"' not in (route.request.post_data or ""):
            route.continue_()
        else:
            waiting.append(route)

    page.route("**/component_server/**", hold_news)
    wait_for(page, lambda: bool(waiting))
    # Its turn comes after the news, which will bring what the other window writes meanwhile.
    clip(page, 1).locator("textarea").fill("from here")
    Proofreading(voice).change(1, text="from there")
    page.wait_for_timeout(1500)
    waiting[0].continue_()
    page.wait_for_selector("#proofread-desk .clash")
    page.wait_for_timeout(1500)
    assert texts(voice)[0] == "from there" and clip(page, 1).locator("textarea").input_value() == "from here"
    clip(page, 1).locator("[data-do=mine]").click()
    wait_for(page, lambda: texts(voice)[0] == "from here")


def test_ten_thousand_clips(page: Any, studio: RunningStudio) -> None:
    path = studio.workspace / SOUNDS / "many.list"
    names = miniature.HARD_NAMES
    rows = (f"{names[n % len(names)]}|aunt|en|Sentence {n} of many." for n in range(1, 10_001))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    open_list(page, path)
    assert shown(page) == [f"Sentence {n} of many." for n in range(1, 21)]
    assert "0 of 10,000 checked" in page.locator("#proofread-desk .totals").inner_text()
    field = page.locator("#proofread-desk .pager input")
    field.fill("500")
    field.press("Enter")
    page.wait_for_selector('#proofread-desk .clip[data-id="10000"]')
    assert len(shown(page)) == 20
    clip(page, 9_990).locator("textarea").fill("changed")
    wait_for(page, lambda: texts(path)[9_989] == "changed")
    page.locator("#proofread-text").fill("sentence 77 ")
    page.wait_for_function("document.querySelectorAll('#proofread-desk .clip').length === 1")
    assert shown(page) == ["Sentence 77 of many."]
