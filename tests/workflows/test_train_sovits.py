"""Training SoVITS from an experiment or arrays to weights that load, by the function and by the script."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from gsv import audio
from gsv.errors import Cancelled, DataError, GsvError, InputError
from gsv.events import RecordedEvents
from gsv.families import FamilyConfig
from gsv.training.metrics import read_metrics
from gsv.training.task import LoopSettings
from gsv.weights.bundle import code_version, read_info
from gsv.weights.networks import load_synthesizer
from gsv.workflows.train_sovits import SovitsRequest, train_sovits, with_speaker_input
from tests.training.small import small_arrays, small_base, small_config, small_content, small_experiment

TOOL = Path(__file__).resolve().parents[2] / "tools" / "train_sovits.py"


def request_for(workspace: Path, **changes: Any) -> SovitsRequest:
    loop = LoopSettings(**{"epochs": 1, "save_minutes": 0.0, "workers": 1, **changes.pop("loop", {})})
    fields = {
        "workspace": workspace,
        "device": "cpu",
        "batch_seconds": 60.0,
        "previews": 1,
        "loop": loop,
        **changes,
    }
    return SovitsRequest(**fields)


def trained(folder: Path, config: FamilyConfig, clips: int, **changes: Any) -> tuple[Path, RecordedEvents]:
    """Train an experiment of `clips` clips; its weights and events."""
    experiment = small_experiment(folder / "logs" / "voice", config, clips)
    base = small_base(folder / "base.safetensors", config)
    events = RecordedEvents()
    result = train_sovits(request_for(folder, experiment=experiment.folder, base=base, **changes), events)
    assert result.weights is not None
    return result.weights, events


@pytest.mark.parametrize("name", ["v2", "tiny"])
def test_an_experiment_becomes_weights(tmp_path: Path, name: str) -> None:
    config = small_config(name)
    weights, events = trained(tmp_path, config, 5, loop={"steps": 2})
    network, info = load_synthesizer(weights, posterior=True)
    base, _ = load_synthesizer(tmp_path / "base.safetensors")
    assert info.family == name and info.has_posterior and info.licence == "MIT" and "2 steps" in info.info
    assert info.code_version == code_version(base.state_dict()) == code_version(network.state_dict())
    changed = [
        k for k, v in network.state_dict().items() if not torch.allclose(v, base.state_dict()[k], atol=1e-6)
    ]
    assert changed and not any(key.startswith(("ssl_proj", "quantizer")) for key in changed)
    lines = read_metrics(tmp_path / "logs" / "voice" / "metrics" / "sovits.jsonl")
    assert [line["step"] for line in lines] == [1, 2] and all(line["mel"] > 0 for line in lines)
    assert events.of("estimate") and events.of("saved")


def test_previews_are_three_files_with_measures(tmp_path: Path) -> None:
    content = small_content(tmp_path / "content")
    _, events = trained(tmp_path, small_config(), 4, content=content, loop={"steps": 4, "save_every": 1})
    shown = events.of("preview")[0]
    files = sorted(path.name for path in Path(shown["folder"]).iterdir())
    assert [name.rsplit("-", 1)[1] for name in files] == [
        "inference.wav",
        "original.wav",
        "reconstruction.wav",
    ]
    kinds = ("inference", "reconstruction")
    assert set(shown["values"]) == {f"{what}_{kind}" for what in ("mel", "phone_error") for kind in kinds}
    assert shown["values"]["phone_error_inference"] > 0
    lengths = {len(audio.read(Path(shown["folder"]) / name, 32000).samples) // 1280 for name in files}
    assert len(lengths) == 1
    inference = next(Path(shown["folder"]) / name for name in files if "inference" in name)
    assert "synthetic" in " ".join(audio.read_tags(inference).values())
    assert (
        read_metrics(tmp_path / "logs" / "voice" / "metrics" / "sovits-previews.jsonl")[0]["mel_inference"]
        > 0
    )


def test_previews_without_a_usable_recogniser_go_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, events = trained(tmp_path, small_config(), 3, recogniser=tmp_path / "absent", loop={"steps": 4})
    assert set(events.of("preview")[0]["values"]) == {"mel_inference", "mel_reconstruction"}
    assert "error rates could not be measured" in caplog.text


@pytest.mark.parametrize("clips", [1, 20])
def test_small_sets_work(tmp_path: Path, clips: int) -> None:
    _, events = trained(tmp_path, small_config(), clips, previews=0, loop={"steps": 2})
    assert f"{clips} clips" in events.of("message")[1]["text"]
    assert events.of("counts")[0]["done"] == clips


def test_left_out_clips_are_told(tmp_path: Path) -> None:
    config = small_config()
    experiment = small_experiment(tmp_path / "voice", config, 4)
    experiment.content_path("clip 2.wav").unlink()
    base = small_base(tmp_path / "base.safetensors", config)
    events = RecordedEvents()
    request = request_for(tmp_path, experiment=experiment.folder, base=base, previews=0, loop={"steps": 1})
    train_sovits(request, events)
    assert events.of("item")[0]["name"] == "clip 2.wav"
    assert any(
        "left out" in line["text"] and "no content features" in line["text"] for line in events.of("message")
    )


def test_pro_without_speaker_vectors_names_them(tmp_path: Path) -> None:
    config = small_config("v2Pro")
    experiment = small_experiment(tmp_path / "voice", config, 3, speakers=False)
    base = small_base(tmp_path / "base.safetensors", config)
    with pytest.raises(DataError) as caught:
        train_sovits(request_for(tmp_path, experiment=experiment.folder, base=base), RecordedEvents())
    assert "7-sv_cn/clip 0.wav.pt" in caught.value.why and "extract_speaker" in caught.value.remedy


def test_pro_with_speaker_vectors_trains(tmp_path: Path) -> None:
    trained(tmp_path, small_config("v2Pro"), 3, loop={"steps": 1})


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    config = small_config()
    experiment = small_experiment(tmp_path / "voice", config, 3)
    other = small_base(tmp_path / "other.safetensors", small_config("v2"))
    with pytest.raises(DataError, match=r"tiny.*v2"):
        train_sovits(request_for(tmp_path, experiment=experiment.folder, base=other), RecordedEvents())
    with pytest.raises(InputError, match="data are not named"):
        train_sovits(request_for(tmp_path), RecordedEvents())
    with pytest.raises(InputError, match="base model is missing"):
        missing = tmp_path / "missing.safetensors"
        train_sovits(request_for(tmp_path, experiment=experiment.folder, base=missing), RecordedEvents())
    # Without --base it is the base that ships, also for a workspace that has none; its encoder is a larger one.
    with pytest.raises(DataError, match="16 channels, the network reads 256"):
        train_sovits(request_for(tmp_path, experiment=experiment.folder), RecordedEvents())
    with pytest.raises(GsvError, match="trained quantizer"):
        arrays = small_arrays(tmp_path / "arrays")
        configuration = arrays / "configuration.json"
        request = request_for(
            tmp_path, arrays=arrays, output=tmp_path, from_scratch=True, configuration=configuration
        )
        train_sovits(request, RecordedEvents())


def test_from_scratch_stops_and_goes_on(tmp_path: Path) -> None:
    arrays = small_arrays(tmp_path / "arrays", 5)
    common: dict[str, Any] = {
        "arrays": arrays,
        "output": tmp_path / "out",
        "checkpoints": tmp_path / "elsewhere",
        "from_scratch": True,
        "quantizer": arrays / "quantizer.safetensors",
        "configuration": arrays / "configuration.json",
        "adversarial_from": 2,
        "loop": {"steps": 4, "save_every": 0},
    }

    class StopAfterTwo(RecordedEvents):
        def stop_requested(self) -> bool:
            return sum(line["kind"] == "progress" for line in self.lines) >= 2

    with pytest.raises(Cancelled):
        train_sovits(request_for(tmp_path, **common), StopAfterTwo())
    assert (
        list((tmp_path / "elsewhere" / "sovits").glob("generation-*"))
        and not (tmp_path / "out" / "checkpoints").exists()
    )
    assert (tmp_path / "out" / "weights" / "sovits-latest.safetensors").is_file()
    result = train_sovits(request_for(tmp_path, **common), RecordedEvents())
    assert result.step == 4 and result.weights is not None
    assert read_info(result.weights).family == "tiny"
    # The discriminators lie beside, and a voice made from this base is judged by them from the first step on.
    judges = result.weights.with_name(result.weights.name.replace("sovits", "discriminator"))
    assert read_info(judges).role == "discriminator"
    experiment = small_experiment(tmp_path / "logs" / "voice", small_config(), 3).folder
    events = RecordedEvents()
    request = request_for(tmp_path, experiment=experiment, base=result.weights, previews=0, loop={"steps": 1})
    train_sovits(request, events)
    assert "adversarial" in events.of("metric")[0]["values"]
    assert not list((experiment / "weights").glob("discriminator*"))


def test_a_base_takes_over_a_later_quantizer(tmp_path: Path) -> None:
    """What was learned of waves is kept; the codes, and the version that is recorded, are the new ones'."""
    from safetensors.torch import load_file, save_file

    arrays = small_arrays(tmp_path / "arrays")
    base = small_base(tmp_path / "base.safetensors", small_config())
    state = load_file(arrays / "quantizer.safetensors")
    later = {name: value + 0.5 for name, value in state.items()}
    save_file(later, tmp_path / "later.safetensors")
    common: dict[str, Any] = {
        "arrays": arrays,
        "output": tmp_path / "out",
        "from_scratch": True,
        "base": base,
    }
    result = train_sovits(
        request_for(
            tmp_path, **common, quantizer=tmp_path / "later.safetensors", previews=0, loop={"steps": 1}
        ),
        RecordedEvents(),
    )
    assert result.weights is not None
    before, after = load_synthesizer(base)[0].state_dict(), load_synthesizer(result.weights)[0].state_dict()
    for name, value in later.items():
        assert torch.allclose(after[name], value, atol=2e-3)
    assert read_info(result.weights).code_version != read_info(base).code_version
    moved = max(float((after[n] - before[n]).abs().max()) for n in before if n.startswith("dec."))
    assert moved < 0.05


def test_an_older_base_gains_the_speaker_input_without_changing_at_first(tmp_path: Path) -> None:
    config = small_config()
    older = config.model_copy(update={"speaker_input": None, "speaker_dimension": 16})
    wider = older.model_copy(update={"speaker_input": config.speaker_input})
    base = load_synthesizer(small_base(tmp_path / "older.safetensors", older))[0]
    network = with_speaker_input(base, wider, 3).eval()
    spectrum = torch.rand(1, 1025, 40, generator=torch.Generator().manual_seed(1))
    embedding = torch.rand(1, 256, generator=torch.Generator().manual_seed(2))
    assert torch.equal(network.speaker_of(spectrum, embedding=embedding), base.speaker_of(spectrum))
    with pytest.raises(InputError, match="another configuration"):
        with_speaker_input(base, config, 3)


def tool(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, str(TOOL), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_saves_and_exits_130_and_the_next_start_goes_on(tmp_path: Path) -> None:
    config = small_config()
    small_experiment(tmp_path / "logs" / "my voice", config, 3)
    base = small_base(tmp_path / "base.safetensors", config)
    events = tmp_path / "events.jsonl"
    arguments = ["--experiment", "my voice", "--base", base, "--workspace", tmp_path, "--events", events]
    arguments += ["--device", "cpu", "--epochs", "500", "--previews", "0", "--save-every", "0"]
    process = tool(*arguments, cwd="/")
    while process.poll() is None and not (events.is_file() and '"kind": "metric"' in events.read_text()):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    assert lines[-1]["kind"] == "failed" and lines[-1]["cancelled"]
    saved = [line for line in lines if line["kind"] == "saved"]
    assert Path(saved[-1]["weights"]).is_file()
    # In this process: the same experiment, one step more.
    step = saved[-1]["step"]
    request = request_for(
        tmp_path,
        experiment=tmp_path / "logs" / "my voice",
        base=base,
        batch_seconds=0.0,
        previews=0,
        loop={"steps": step + 1},
    )
    again = RecordedEvents()
    assert train_sovits(request, again).step == step + 1
    assert any(f"going on from step {step}" in line["text"] for line in again.of("message"))


def test_the_script_fails_in_one_line(tmp_path: Path) -> None:
    process = tool("--experiment", "absent", "--workspace", tmp_path, cwd="/")
    _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.strip().splitlines()[-1].startswith("failed: there is no experiment absent")
