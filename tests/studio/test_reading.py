"""What the page shows of the disk: curves that grow, are cut back, and previews in order."""

from __future__ import annotations

import json
from pathlib import Path

from gsv.settings import Workspace
from gsv.studio.reading import Curves, contents, experiments, previews, smoothed, thinned, weights


def lines(*steps: int) -> str:
    return "".join(
        json.dumps({"t": 1.0, "step": step, "mel": 10.0 - step, "note": "x"}) + "\n" for step in steps
    )


def test_curves_follow_a_growing_file_and_one_that_was_cut_back(tmp_path: Path) -> None:
    path = tmp_path / "sovits.jsonl"
    curves = Curves(tmp_path)
    assert curves.update() == {}
    path.write_text(lines(1, 2) + '{"step": 3, "me')
    assert curves.update() == {"sovits · mel": [(1.0, 9.0), (2.0, 8.0)]}
    path.write_text(lines(1, 2, 3))
    assert curves.update()["sovits · mel"][-1] == (3.0, 7.0)
    replacement = tmp_path / "new"
    replacement.write_text(lines(1))
    replacement.replace(path)
    assert curves.update()["sovits · mel"] == [(1.0, 9.0)]


def test_odd_lines_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'x\n[]\n{"mel": 1}\n{"step": 1, "mel": null, "ok": true}\n\xff\n')
    assert Curves(tmp_path).update() == {}


def test_long_curves_are_thinned_but_end_where_they_end() -> None:
    points = [(float(step), 1.0) for step in range(10_001)]
    thin = thinned(points, 100)
    assert len(thin) <= 100 and thin[-1] == (10_000.0, 1.0)
    assert thinned(points[:5], 100) == points[:5]


def test_a_smooth_line_stays_among_its_points() -> None:
    points = [(float(step), float(step % 2)) for step in range(200)]
    line = smoothed(points)
    assert [step for step, _ in line] == [step for step, _ in points]
    assert all(0 <= value <= 1 for _, value in line) and abs(line[-1][1] - 0.5) < 0.1
    assert smoothed([]) == []


def test_previews_are_grouped_and_the_newest_comes_first(tmp_path: Path) -> None:
    for step in ("step-000000009", "step-000000100"):
        for clip in ("a-b", "我 'x'"):
            for kind in ("original", "reconstruction", "inference"):
                file = tmp_path / "sovits" / step / f"{clip}-{kind}.wav"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(b"")
    (tmp_path / "sovits" / "step-000000100" / "notes.txt").write_text("x")
    found = previews(tmp_path)
    assert [(preview.step[-3:], preview.clip) for preview in found] == [
        ("100", "a-b"),
        ("100", "我 'x'"),
        ("009", "a-b"),
        ("009", "我 'x'"),
    ]
    assert set(found[0].sounds) == {"original", "reconstruction", "inference"}
    assert previews(tmp_path / "none") == []


def test_empty_workspace(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert (
        experiments(workspace) == []
        and weights(workspace, "sovits") == []
        and contents(tmp_path / "x") is None
    )


def test_published_experiment_without_our_record(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    folder = workspace.logs / "旧 experiment"
    folder.mkdir(parents=True)
    (folder / "2-name2text.txt").write_text("a\tb c\t\tbc\n", encoding="utf-8")
    (folder / "weights").mkdir()
    (folder / "weights" / "e8.safetensors").write_bytes(b"")
    (workspace.logs / "jobs").mkdir()
    assert experiments(workspace) == ["旧 experiment"]
    found = contents(folder)
    assert found is not None and found.text == 1 and not found.ready
    (folder / "weights" / "gpt-e0002-s000010.safetensors").write_bytes(b"")
    assert [name for name, _ in weights(workspace, "sovits")] == ["旧 experiment · e8"]
    assert [name for name, _ in weights(workspace, "gpt")] == ["旧 experiment · gpt-e0002-s000010"]
