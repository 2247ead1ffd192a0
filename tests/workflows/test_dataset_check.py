"""The doctor of data sets on the example clips: faults that were put in are found, sources stay untouched."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gsv.audio import read, resample, write
from gsv.audio.measures import measure
from gsv.corpus.annotation import read_annotations
from gsv.errors import Cancelled, DataError, InputError
from gsv.events import Events, RecordedEvents
from gsv.files import sha256
from gsv.workflows.dataset_check import PROBLEMS, REPORT, CheckOptions, check_dataset
from gsv.workflows.dataset_fix import Repairs

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
TEXTS = {
    row.path.name: row.text
    for row in read_annotations(EXAMPLES / "recordings.list", EXAMPLES / "recordings").rows
}

MENDED = ("05.opus", "06.opus")
"""These are in the list as faint and with silent edges only."""
OTHER = (
    "My old grandfather planted seven apple trees behind the house, and the children ate all of the fruit."
)


def options(**changes: Any) -> CheckOptions:
    return CheckOptions(**{"device": "cpu", "workers": 1, **changes})


def kinds(made: dict[str, Any], row: int) -> set[str]:
    return {problem["kind"] for problem in made["clips"][row - 1]["problems"]}


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A list in an oddly named folder: six of the example clips, then one row for each fault; and its report."""
    folder = tmp_path_factory.mktemp("check") / "it's $(touch pwned) 数据"
    folder.mkdir()
    for clip in sorted((EXAMPLES / "recordings").glob("*.opus")):
        shutil.copy(clip, folder)
    first, second = (read(folder / name) for name in ("03.opus", "04.opus"))
    random = np.random.default_rng(0)
    level = 10 ** ((measure(first.samples, first.rate).level_db - 8) / 20)
    sounds = {
        "clipped": np.clip(first.samples * 6, -1, 1),
        "noisy": first.samples + random.standard_normal(len(first.samples)) * level,
        "raised": resample(resample(first.samples, first.rate, 8_000), 8_000, first.rate),
        "half": second.samples[: len(second.samples) // 2],
        "silent": np.zeros(first.rate * 2),
        "edges": np.concatenate([np.zeros(first.rate * 3), read(folder / "06.opus").samples]),
        "faint": read(folder / "05.opus").samples * 0.02,
    }
    for name, samples in sounds.items():
        write(folder / f"{name}.wav", samples.astype(np.float32), first.rate)
    write(folder / "copy.ogg", second.samples * 0.5, second.rate)
    shutil.copy(folder / "03.opus", folder / "same.opus")
    shutil.copy(folder / "07.opus", folder / "wrong.opus")
    (folder / "broken.wav").write_bytes(b"this is no sound")
    rows = [f"{name}|river|en|{text}" for name, text in TEXTS.items() if name not in MENDED]
    third, fourth = TEXTS["03.opus"], TEXTS["04.opus"]
    rows += [f"{name}.wav|river|EN|{third}" for name in ("clipped", "noisy", "raised", "silent")]
    rows += [f"half.wav|river|en|{fourth}", f"copy.ogg|river|en|{fourth}", f"same.opus|river|en|{third}"]
    rows += [f"edges.wav|river|en|{TEXTS['06.opus']}", f"faint.wav|river|en|{TEXTS['05.opus']}"]
    rows += [
        f"wrong.opus|river|en|{OTHER}",
        "broken.wav|river|en|Nothing.",
        "a|b",
        "x.wav|r|xx|Hi.",
    ]
    (folder / "voice.list").write_text("\n".join(rows) + "\n", encoding="utf-8")
    made = check_dataset(folder / "voice.list", folder / "report", options())
    assert not list(folder.parent.rglob("pwned"))
    return folder, made


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (7, "clipped"),
        (8, "noisy"),
        (9, "telephone"),
        (10, "silent"),
        (11, "less_said"),
        (12, "re_encoded"),
        (13, "copy"),
        (14, "silent_edge"),
        (15, "quiet"),
        (16, "other_text"),
        (17, "unusable"),
        (18, "unusable"),
        (19, "unusable"),
    ],
)
def test_every_fault_is_found(spoilt: tuple[Path, dict[str, Any]], row: int, kind: str) -> None:
    _, made = spoilt
    assert kind in kinds(made, row), made["clips"][row - 1]


def test_untouched_clips_pass(spoilt: tuple[Path, dict[str, Any]]) -> None:
    _, made = spoilt
    flagged = {clip["row"]: clip["problems"] for clip in made["clips"][:6] if clip["severity"]}
    assert not {row for row, found in flagged.items() if any(p["severity"] != "note" for p in found)}, flagged


def test_report_says_what_a_beginner_needs(spoilt: tuple[Path, dict[str, Any]]) -> None:
    folder, made = spoilt
    assert json.loads((folder / "report" / REPORT).read_text(encoding="utf-8")) == made
    assert "seconds of clean speech: too little" in made["verdict"]["en"]
    assert "秒干净语音" in made["verdict"]["zh"]
    assert "look mislabelled" in made["verdict"]["en"] or "looks mislabelled" in made["verdict"]["en"]
    for clip in made["clips"]:
        for problem in clip["problems"]:
            assert problem["en"] and problem["zh"] and problem["severity"] in ("bad", "doubtful", "note")
    lines = (folder / "report" / PROBLEMS).read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t") == ["row", "severity", "file", "reasons"]
    assert all(len(line.split("\t")) == 4 for line in lines)


def test_second_run_listens_to_nothing_and_says_the_same(spoilt: tuple[Path, dict[str, Any]]) -> None:
    folder, made = spoilt
    events = RecordedEvents()
    assert check_dataset(folder / "voice.list", folder / "report", options(), events=events) == made
    counts = events.of("counts")[0]
    assert (counts["read"], counts["done"], counts["skipped"], counts["failed"]) == (19, 0, 16, 3)


def test_an_edited_text_is_heard_again(spoilt: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, _ = spoilt
    shutil.copytree(folder / "report", tmp_path / "report")
    edited = (folder / "voice.list").read_text(encoding="utf-8").replace(TEXTS["01.opus"], "Good morning.")
    (folder / "edited.list").write_text(edited, encoding="utf-8")
    events = RecordedEvents()
    made = check_dataset(folder / "edited.list", tmp_path / "report", options(), events=events)
    assert events.of("counts")[0]["done"] == 1
    assert {"more_said", "other_text"} & kinds(made, 1)


def test_repairs_make_a_new_list_and_touch_no_source(
    spoilt: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, _ = spoilt
    before = {path.name: sha256(path) for path in folder.iterdir() if path.is_file()}
    shutil.copytree(folder / "report", tmp_path / "out")
    repairs = Repairs.of(["drop", "trim", "level"])
    made = check_dataset(folder / "voice.list", tmp_path / "out", options(repairs=repairs))
    assert {path.name: sha256(path) for path in folder.iterdir() if path.is_file()} == before
    found = read_annotations(Path(made["clean"]["list"]))
    assert not found.bad
    names = {row.path.name for row in found.rows}
    assert set(TEXTS) - set(MENDED) <= names and {"edges.wav", "faint.wav"} <= names
    assert not names & {"clipped.wav", "noisy.wav", "silent.wav", "copy.ogg", "same.opus", "broken.wav"}
    edges = next(row.path for row in found.rows if row.path.name == "edges.wav")
    assert edges.parent == tmp_path / "out" / "clips"
    assert measure(read(edges).samples, read(edges).rate).before < 0.4
    faint = read(next(row.path for row in found.rows if row.path.name == "faint.wav"))
    assert measure(faint.samples, faint.rate).level_db > -30
    stamp = edges.stat().st_mtime_ns
    assert check_dataset(folder / "voice.list", tmp_path / "out", options(repairs=repairs)) == made
    assert edges.stat().st_mtime_ns == stamp, "a clip was written again"


def test_doubtful_clips_go_too_when_asked(spoilt: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, made = spoilt
    doubtful = {Path(clip["path"]).name for clip in made["clips"] if clip["severity"] == "doubtful"}
    assert doubtful
    shutil.copytree(folder / "report", tmp_path / "out")
    again = check_dataset(folder / "voice.list", tmp_path / "out", options(repairs=Repairs(doubtful=True)))
    assert not doubtful & {row.path.name for row in read_annotations(Path(again["clean"]["list"])).rows}


def test_two_processes_find_what_one_does(spoilt: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, _ = spoilt
    once = check_dataset(folder / "voice.list", tmp_path / "one", options(listen=False))
    twice = check_dataset(folder / "voice.list", tmp_path / "two", options(listen=False, workers=2))
    assert once == twice


def test_without_networks_the_figures_are_there(spoilt: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, _ = spoilt
    made = check_dataset(folder / "voice.list", tmp_path / "out", options(listen=False))
    assert "clipped" in kinds(made, 7) and "other_text" not in kinds(made, 16)
    assert "no content encoder listened" in made["verdict"]["en"]


class StopAfter(Events):
    """A stop request once some clips were heard."""

    def progress(self, done: int, total: int, what: str = "") -> None:
        if what == "listening" and done >= 8:
            self.request_stop()


def test_a_stopped_check_goes_on_where_it_was(spoilt: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, _ = spoilt
    with pytest.raises(Cancelled):
        check_dataset(folder / "voice.list", tmp_path / "out", options(listen=False), events=StopAfter())
    events = RecordedEvents()
    check_dataset(folder / "voice.list", tmp_path / "out", options(listen=False), events=events)
    assert events.of("counts")[0]["skipped"] >= 8


def test_bad_lists_are_typed_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        check_dataset(tmp_path / "none.list", tmp_path / "out", options())
    (tmp_path / "empty.list").write_text("\n", encoding="utf-8")
    with pytest.raises(InputError):
        check_dataset(tmp_path / "empty.list", tmp_path / "out", options())
    (tmp_path / "lost.list").write_text("nowhere.wav|a|en|Hello.\n", encoding="utf-8")
    with pytest.raises(DataError):
        check_dataset(tmp_path / "lost.list", tmp_path / "out", options())
    made = json.loads((tmp_path / "out" / REPORT).read_text(encoding="utf-8"))
    assert made["verdict"]["kind"] == "nothing", "the report is written all the same"
    with pytest.raises(InputError):
        check_dataset(tmp_path / "lost.list", tmp_path / "lost.list", options())
    with pytest.raises(InputError):
        check_dataset(tmp_path / "lost.list", tmp_path / "out", options(content=tmp_path))
    with pytest.raises(InputError):
        Repairs.of(["polish"])


def test_script_speaks_and_fails_as_scripts_do(spoilt: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, _ = spoilt
    shutil.copytree(folder / "report", tmp_path / "out")
    script = [sys.executable, "-X", "utf8", str(ROOT / "tools" / "check_dataset.py"), "--workers=1"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*script, *arguments], capture_output=True, text=True, encoding="utf-8", check=False, cwd=tmp_path
        )

    done = run(f"--input={folder / 'voice.list'}", f"--output={tmp_path / 'out'}", "--language=zh")
    assert done.returncode == 0 and "秒干净语音" in done.stderr, done.stderr[-2000:]
    failed = run(f"--input={tmp_path / 'none.list'}", f"--output={tmp_path / 'out'}")
    assert failed.returncode == 1 and "there is no text file" in failed.stderr.splitlines()[-1]
    wrong = run(f"--input={folder / 'voice.list'}", f"--output={tmp_path / 'out'}", "--fix=polish")
    assert wrong.returncode == 1 and "there is no repair polish" in wrong.stderr.splitlines()[-1]
