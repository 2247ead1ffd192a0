"""Pictures of every tab for the documentation, taken from a studio that is open.

    python tests/journeys/screenshots.py http://127.0.0.1:9874 docs/images SUFFIX WIDTH [SOURCE REFERENCE]

Knows the page's tabs. Starts no studio and no job: what is to be seen must be there. SOURCE and REFERENCE
are recordings to show in the Convert tab.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

HEIGHT = 860
TABS = ("data", "proofread", "train", "voices", "speak", "convert", "jobs", "models")
TALLEST = 1700
LARGEST_FILE = 200_000


def take(url: str, folder: Path, suffix: str, width: int, sounds: tuple[str, ...] = ()) -> list[Path]:
    """Save a picture of each tab into `folder`, `width` pixels wide; returns the files."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": width, "height": HEIGHT})
        page.goto(url)
        page.wait_for_selector("#data-all")
        for tab in TABS:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            page.locator(f"#tab-{tab}-button").click()
            page.wait_for_timeout(4000)
            if tab == "convert":
                for name, sound in zip(("source", "reference"), sounds, strict=False):
                    page.locator(f"#convert-{name} input[type=file]").set_input_files(sound)
            busy = page.locator('#jobs-list [data-state="running"]')
            if tab == "jobs" and busy.count():
                busy.first.click()
            page.wait_for_timeout(3000)
            tall = page.evaluate("document.querySelector('main').getBoundingClientRect().bottom + 40")
            page.set_viewport_size({"width": width, "height": int(min(max(tall, 600), TALLEST))})
            page.wait_for_timeout(2500)
            target = folder / f"{tab}{suffix}.png"
            page.screenshot(path=target)
            with Image.open(target) as picture:
                picture.convert("RGB").quantize(256).save(target, optimize=True)
            assert target.stat().st_size < LARGEST_FILE, f"{target} is too large"
            saved.append(target)
        browser.close()
    return saved


if __name__ == "__main__":
    for path in take(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), tuple(sys.argv[5:])):
        print(path)
