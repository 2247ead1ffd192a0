"""The panel of the doctor: what it hands in, and what it shows of a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gsv.errors import InputError
from gsv.studio import check_panel, tab_data
from gsv.studio.check_panel import Wishes
from gsv.studio.labels import Labels
from gsv.studio.studio import Studio
from gsv.workflows.dataset_judge import Clip
from gsv.workflows.dataset_report import report


@pytest.fixture
def studio(plain_studio: Studio, tmp_path: Path) -> Studio:
    (tmp_path / "tools" / check_panel.SCRIPT).write_text("", encoding="utf-8")
    return plain_studio


def hand_in(
    studio: Studio, path: str, *, repairs: bool = False, wishes: Wishes | None = None
) -> tuple[str, ...]:
    job = check_panel.hand_in(studio, path, "", wishes or Wishes(), repairs, tab_data.check_rows)
    view = studio.jobs.view(job)
    assert view is not None
    return view.command.arguments


def test_what_is_handed_in(studio: Studio, tmp_path: Path) -> None:
    rows = tmp_path / "it's $(my) 录音.list"
    rows.write_text("a.wav|me|en|Hello.\n", encoding="utf-8")
    plain = hand_in(studio, str(rows))
    assert f"--input={rows}" in plain and "--language=en" in plain
    assert not any(argument.startswith(("--fix", "--drop")) for argument in plain)
    mended = hand_in(studio, str(rows), repairs=True, wishes=Wishes(trim=False, doubtful=True))
    assert "--fix=drop,level" in mended and "--drop-doubtful" in mended
    for bad in ("", "/no/such.list"):
        with pytest.raises(InputError):
            hand_in(studio, bad)
    with pytest.raises(InputError):
        hand_in(studio, str(rows), repairs=True, wishes=Wishes(False, False, False, False))
    with pytest.raises(InputError):
        check_panel.clean_list(studio, str(rows))


def test_lists_of_one_name_have_reports_of_their_own(studio: Studio, tmp_path: Path) -> None:
    first, second = (check_panel.output_of(studio, tmp_path / name / "voice.list") for name in "ab")
    assert first != second and first.parent == second.parent == studio.outputs() / "checks"


def test_report_is_shown_and_escaped(studio: Studio, tmp_path: Path) -> None:
    rows = tmp_path / "voice.list"
    rows.write_text("x", encoding="utf-8")
    clip = Clip(1, "<img src=x>.wav", "me", "en", "<script>", 0.0)
    clip.add("unusable", "bad", "drop", detail="<b>missing</b>")
    made = report([clip], listened=True)
    clean = tmp_path / "clean.list"
    made["clean"] = {"list": str(clean), "kept": 3, "left_out": 1, "changed": 2}
    seen: dict[str, object] = {}
    before = check_panel.report_of(studio, str(rows), seen)
    assert "Not checked yet" in before[0] and before[1]["interactive"] is False
    folder = check_panel.output_of(studio, rows)
    folder.mkdir(parents=True)
    (folder / check_panel.REPORT).write_text(json.dumps(made), encoding="utf-8")
    html, button = check_panel.report_of(studio, str(rows), seen)
    assert "<script>" not in html and "<img" not in html and "<b>missing" not in html
    assert "Not one clip can be used." in html and "3 clips" in html and button["interactive"] is True
    assert check_panel.report_of(studio, str(rows), seen)[0] != html, "the same report is not sent twice"
    assert check_panel.clean_list(studio, str(rows)) == [str(clean), ""]
    assert "没有一个片段可以使用" in check_panel.shown_report(made, Labels("zh"))
    (folder / check_panel.REPORT).write_text("{torn", encoding="utf-8")
    assert "Not checked yet" in check_panel.report_of(studio, str(rows), {})[0]
