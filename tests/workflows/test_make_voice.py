"""A prepared experiment becomes a voice: weights by previews, clips, settings, and the scripts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gsv.audio import write
from gsv.corpus.experiment import Experiment
from gsv.errors import InputError
from gsv.events import RecordedEvents
from gsv.settings import Workspace
from gsv.stages.inputs import PreparationInputs
from gsv.synthesis.engine import Synthesizer
from gsv.synthesis.options import SpeakOptions
from gsv.synthesis.voice_folder import load_voice, read_record
from gsv.training.metrics import MetricsFile
from gsv.workflows.make_voice import VoiceInputs, best_weights, make_voice
from gsv.workflows.prepare import prepare
from tests.synthesis.conftest import RATE, make_workspace, speech
from tests.synthesis.speaking import add_gpt

TEXTS = ("The lamp is lit.", "Two boats went out.", "Rain fell all day.", "We read a little.")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("voices 声音"))
    add_gpt(root)
    rows = []
    for number, text in enumerate(TEXTS):
        write(root / f"clip {number}.wav", speech(2 + number, 120, seed=number), RATE)
        rows.append(f"clip {number}.wav|aunt|en|{text}\n")
    (root / "clips.list").write_text("".join(rows), encoding="utf-8")
    prepare(
        PreparationInputs(
            experiment="aunt", list_path=root / "clips.list", family="tiny", audio_folder=root, workspace=root
        )
    )
    weights = Experiment.open(root / "logs" / "aunt").weights
    weights.mkdir()
    for step in (10, 20):
        for kind in ("sovits", "gpt"):
            source = root / "pretrained_models" / "tiny" / f"{kind}.safetensors"
            shutil.copy(source, weights / f"{kind}-e0001-s{step:06}.safetensors")
    return root


def test_previews_choose_the_weights(root: Path) -> None:
    experiment = Experiment.open(root / "logs" / "aunt")
    newest = best_weights(experiment, "sovits")
    assert newest is not None and newest.stem.endswith("20")
    metrics = MetricsFile(experiment.metrics / "sovits-previews.jsonl")
    metrics.append(10, {"phone_error_inference": 0.1, "other": 3.0})
    metrics.append(20, {"phone_error_inference": 0.2, "other": 1.0})
    best = best_weights(experiment, "sovits")
    assert best is not None and best.stem.endswith("10")
    assert best_weights(experiment, "nothing") is None


def test_a_voice_is_made_and_speaks(root: Path) -> None:
    events = RecordedEvents()
    inputs = VoiceInputs(
        Workspace(root), "aunt", name="Aunt", references=3, licence="CC0", consent="made up", device="cpu",
        settings={"ref_free": False},
    )  # fmt: skip
    folder = make_voice(inputs, events)
    record = read_record(folder)
    assert folder == root / "voices" / "Aunt" and record.family == "tiny" and record.consent == "made up"
    # The clip of two seconds is too short to lead.
    assert {item.text for item in record.references} == set(TEXTS[1:])
    assert record.tested["sentences"] >= 1 and record.defaults["top_k"] in (3, 8, 15)
    spoken = Synthesizer(Workspace(root), "cpu").speak("Hello.", load_voice(folder), SpeakOptions(seed=1))
    assert spoken.sentences and spoken.reference.phones
    with pytest.raises(InputError, match="already"):
        make_voice(inputs)


def test_what_is_missing_is_named(root: Path) -> None:
    for experiment in ("nobody", "../aunt"):
        with pytest.raises(InputError):
            make_voice(VoiceInputs(Workspace(root), experiment, device="cpu"))
    bare = root / "logs" / "bare"
    shutil.copytree(root / "logs" / "aunt", bare)
    shutil.rmtree(bare / "weights")
    with pytest.raises(InputError, match="train_sovits"):
        make_voice(VoiceInputs(Workspace(root), "bare", device="cpu"))


def test_the_scripts(root: Path, tmp_path: Path, repository: Path) -> None:
    def run(tool: str, *more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(repository / "tools" / tool), *more, "--workspace", str(root)]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=300
        )

    made = run("make_voice.py", "--experiment", "aunt", "--no-trials", "--device", "cpu")
    assert made.returncode == 0, made.stderr
    assert run("voices.py", "export", "aunt", "aunt.zip").returncode == 0
    assert run("voices.py", "rename", "aunt", "Tante").returncode == 0
    assert run("voices.py", "import", "aunt.zip").returncode == 0
    listed = run("voices.py", "list")
    assert "Tante" in listed.stdout and "aunt" in listed.stdout and "tiny" in listed.stdout
    assert run("voices.py", "delete", "Tante", "--yes").returncode == 0
    missing = run("voices.py", "delete", "Tante", "--yes")
    assert missing.returncode == 1 and "no voice" in missing.stderr
    assert json.loads((root / "voices" / "aunt" / "voice.json").read_text(encoding="utf-8"))["name"] == "aunt"
