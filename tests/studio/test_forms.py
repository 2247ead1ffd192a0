"""What the forms of the tabs hand in, and what they refuse before a job is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gsv import audio
from gsv.errors import DataError, InputError
from gsv.studio import train_form
from gsv.studio.studio import Studio
from gsv.studio.tab_convert import start_conversion
from gsv.studio.tab_data import start_stage
from gsv.studio.tab_train import start_training


def sound(path: Path, seconds: float = 1.0, rate: int = 8000) -> str:
    """Write a hum; returns its path as text."""
    samples = 0.1 * np.sin(np.arange(int(seconds * rate)) / 5).astype(np.float32)
    audio.write(path, samples, rate)
    return str(path)


def convert(studio: Studio, source: str | None, reference: str | None, **changes: Any) -> str:
    """Press the button of the Convert tab."""
    form: dict[str, Any] = {
        "voice": "",
        "text": " ",
        "language": "en",
        "speed": 1.0,
        "noise": 0.5,
        "seed": 0,
        "device": "cpu",
    }
    return start_conversion(studio, source, reference, **{**form, **changes})


def arguments(studio: Studio, job: str) -> list[str]:
    """What a job is started with."""
    view = studio.jobs.view(job)
    assert view is not None
    return list(view.command.arguments)


def test_conversion_keeps_its_uploads_and_its_settings(plain_studio: Studio, tmp_path: Path) -> None:
    source = sound(tmp_path / "it's $(me) 说.wav")
    job = convert(plain_studio, source, sound(tmp_path / "voice.wav"), text="-Hello", seed=7, speed=1.25)
    given = arguments(plain_studio, job)
    assert "--text=-Hello" in given and "--seed=7" in given and "--speed=1.25" in given
    kept = next(value.partition("=")[2] for value in given if value.startswith("--source="))
    assert Path(kept).is_file() and Path(kept).is_relative_to(plain_studio.outputs())


def test_conversion_refuses_what_is_no_recording(plain_studio: Studio, tmp_path: Path) -> None:
    good = sound(tmp_path / "good.wav")
    text = tmp_path / "text.wav"
    text.write_text("this is no sound", encoding="utf-8")
    for source, reference, kind in (
        (None, good, InputError),
        (good, None, InputError),
        (good, text, DataError),
    ):
        with pytest.raises(kind):
            convert(plain_studio, source, str(reference) if reference else None)
    with pytest.raises(InputError, match="too long"):
        convert(plain_studio, good, sound(tmp_path / "long.wav", seconds=605, rate=1000))
    assert plain_studio.jobs.views() == [] and not plain_studio.outputs().exists()


def test_training_refuses_what_is_not_prepared(plain_studio: Studio) -> None:
    for part in train_form.PARTS:
        for experiment in (None, "", "nobody"):
            form = {**train_form.DEFAULTS, "part": part, "experiment": experiment, "device": "cpu"}
            with pytest.raises(InputError, match=r"experiment|prepared"):
                start_training(plain_studio, form)
    assert plain_studio.jobs.views() == []


def test_training_of_each_part_takes_its_own_options(plain_studio: Studio) -> None:
    folder = plain_studio.workspace.logs / "anna"
    (folder / "4-cnhubert").mkdir(parents=True)
    (folder / "4-cnhubert" / "a.pt").write_bytes(b"x")
    (folder / "2-name2text.txt").write_text("a\tb c\t\tbc\n", encoding="utf-8")
    (folder / "6-name2semantic.tsv").write_text("item_name\tsemantic_audio\na\t1 2\n", encoding="utf-8")
    form = {**train_form.DEFAULTS, "experiment": "anna", "device": "cpu", "learning_rate": 0.00005}
    sound = arguments(plain_studio, start_training(plain_studio, {**form, "batch_tokens": 7}))
    assert "--learning-rate=5e-05" in sound and "--batch-seconds=0" in sound
    speaking = {**form, "part": "gpt", "learning_rate": 0.0, "preference": True}
    given = arguments(plain_studio, start_training(plain_studio, speaking))
    assert "--preference" in given and "--batch-tokens=0" in given
    assert not [name for name in given if name.startswith(("--learning-rate", "--batch-seconds"))]


def test_preparation_takes_quoted_paths_and_refuses_odd_names(plain_studio: Studio, tmp_path: Path) -> None:
    rows = tmp_path / "my list.list"
    rows.write_text("a.wav|me|en|Hello.\n", encoding="utf-8")
    job = start_stage(plain_studio, "all", f'"{rows}"', "", " anna ", "tiny", "", "cpu")
    assert {f"--list={rows}", "--experiment=anna"} <= set(arguments(plain_studio, job))
    for name in ("", "..", "a/b", "con", "jobs"):
        with pytest.raises(InputError):
            start_stage(plain_studio, "all", str(rows), "", name, "tiny", "", "cpu")
