"""What a person does on the page, as functions for the journeys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FIRST = {
    "data": "list",
    "proofread": "list",
    "train": "experiment",
    "voices": "table",
    "speak": "text",
    "convert": "source",
    "jobs": "list",
    "models": "table",
}
"""Something to see in each tab."""
TABS = tuple(FIRST)
SETTLING = 500
"""Milliseconds."""
FINAL = ("done", "failed", "cancelled")


def open_tab(page: Any, name: str) -> None:
    """Choose a tab, and wait until it is whole.

    Gradio builds a tab when it is first opened, and sets its fields once more in the next frame: too
    soon after for a person to have typed anything, but not for a browser that is driven.
    """
    page.locator(f"button[role=tab]#tab-{name}-button").click()
    page.wait_for_selector(f"#tab-{name}", state="visible")
    page.wait_for_selector(f"#{name}-{FIRST[name]}", state="visible")
    page.wait_for_timeout(SETTLING)


def unfold(page: Any, element: str) -> None:
    """Open a folded part by the keyboard."""
    page.locator(f"#{element}-fold button").press("Enter")
    page.wait_for_selector(f"#{element}", state="visible")


def fill(page: Any, element: str, text: str) -> None:
    """Type into a field and leave it."""
    field = page.locator(f"#{element}").locator("textarea, input").first
    field.fill(text)
    field.blur()


def choose(page: Any, element: str, text: str) -> None:
    """Choose from a list by the words shown."""
    page.locator(f"#{element} input").first.click()
    page.get_by_role("option", name=text, exact=True).click()


def value(page: Any, element: str) -> str:
    """What a field holds."""
    return str(page.locator(f"#{element}").locator("textarea, input").first.input_value())


def shown_job(page: Any, panel: str) -> str:
    """Id of the job that a panel shows, once it has news; empty when it shows none."""
    return page.locator(f"#{panel} .job:not([aria-busy])").get_attribute("data-job") or ""


def start(page: Any, button: str, panel: str) -> str:
    """Press a start button, and wait until the panel shows the new job; returns its id."""
    before = shown_job(page, panel)
    page.locator(f"#{button}").click()
    page.wait_for_function(
        "([panel, before]) => (document.querySelector(`#${panel} .job`)?.dataset.job ?? '') !== before",
        arg=[panel, before],
    )
    return shown_job(page, panel)


def wait_for_state(page: Any, panel: str, *states: str) -> str:
    """Wait until the job that a panel shows is in one of the states (or has ended); returns the state."""
    wanted = ", ".join(f'#{panel} .job[data-state="{state}"]' for state in (*states, *FINAL))
    found = page.wait_for_selector(wanted)
    return str(found.get_attribute("data-state"))


def text_of(page: Any, panel: str) -> str:
    """All words that a panel shows, once it has news."""
    page.wait_for_selector(f"#{panel} .card:not([aria-busy]), #{panel} .jobs")
    return str(page.locator(f"#{panel}").inner_text())


def download(page: Any, player: str, folder: Path) -> Path:
    """Press a player's download button; returns the saved file."""
    with page.expect_download() as waiting:
        page.locator(f"#{player} a[download]").first.click()
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    return target


def upload(page: Any, element: str, file: Path) -> None:
    """Drop a recording on a field, and wait until it is there."""
    page.locator(f"#{element} input[type=file]").set_input_files(file)
    page.wait_for_selector(f"#{element} a[download], #{element} [data-testid*=waveform]")


def follow(page: Any, link: str, folder: Path) -> Path:
    """Press a link that downloads; returns the saved file."""
    with page.expect_download() as waiting:
        page.locator(link).click()
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    return target
