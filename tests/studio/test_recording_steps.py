"""The steps of the Data tab: what they hand in, where results go, what waits for what."""

from __future__ import annotations

from pathlib import Path

import pytest

from gsv.errors import InputError
from gsv.studio import recording_steps, tab_data
from gsv.studio.recording_steps import Step
from gsv.studio.studio import Studio

STEPS = {step.name: step for step in tab_data.STEPS}


@pytest.fixture
def studio(plain_studio: Studio, tmp_path: Path) -> Studio:
    """A studio whose scripts of the steps do nothing."""
    for step in tab_data.STEPS:
        (tmp_path / "tools" / step.script).write_text("", encoding="utf-8")
    return plain_studio


def begin(studio: Studio, name: str, source: Path | str, output: str = "") -> recording_steps.Started:
    step: Step = STEPS[name]
    return recording_steps.start(studio, step, str(source), output, {})


def test_results_of_one_source_share_a_folder(studio: Studio, tmp_path: Path) -> None:
    source = tmp_path / "it's $(my) 录音.mp4"
    source.write_bytes(b"sound")
    first = begin(studio, "slice", source)
    home = studio.outputs() / "recordings" / "it's $(my) 录音"
    assert first.output == home / "clips"
    view = studio.jobs.view(first.job)
    assert view is not None and f"--input={source}" in view.command.arguments
    assert f"--output={first.output}" in view.command.arguments
    first.output.mkdir(parents=True)
    assert recording_steps.output_folder(studio, first.output) == home
    assert begin(studio, "slice", source, str(tmp_path / "else where")).output == tmp_path / "else where"


WAITING = """
import pathlib, time
while not pathlib.Path(__file__).with_name("go").exists():
    time.sleep(0.05)
"""


def test_a_step_may_wait_for_the_one_that_makes_its_source(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "talk").mkdir()
    (tmp_path / "tools" / "slice.py").write_text(WAITING, encoding="utf-8")
    try:
        first = begin(studio, "slice", tmp_path / "talk")
        assert not first.output.exists()
        begin(studio, "slice", first.output, str(tmp_path / "again"))
        for source in (tmp_path / "nowhere", "", " "):
            with pytest.raises(InputError):
                begin(studio, "slice", source)
        assert len(studio.jobs.views()) == 2
    finally:
        (tmp_path / "tools" / "go").touch()
