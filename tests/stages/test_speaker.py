"""The speaker stage: vectors beside the waves for Pro families, refused for others."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from gsv.audio import read, write
from gsv.corpus.experiment import Experiment
from gsv.corpus.tables import load_tensor
from gsv.errors import InputError
from gsv.listening.similarity import SpeakerEncoder
from gsv.models.speaker import SpeakerNetwork
from gsv.settings import Workspace
from gsv.stages.defaults import speaker_model
from gsv.stages.speaker import extract_speaker


def test_vectors_of_a_pro_experiment(tmp_path: Path) -> None:
    experiment = Experiment.create(tmp_path / "pro", "v2Pro")
    experiment.wave_folder.mkdir()
    for seed in range(2):
        noise = np.random.default_rng(seed).normal(size=16000).astype(np.float32) * 0.1
        write(experiment.wave_path(f"{seed}.wav"), noise, 32000)
    torch.manual_seed(0)
    network = tmp_path / "speaker.ckpt"
    torch.save(SpeakerNetwork().state_dict(), network)
    counts = extract_speaker(experiment.folder, network, workers=1)
    assert (counts.done, counts.failed) == (2, 0)
    first = load_tensor(experiment.speaker_path("0.wav"), (1, 20480))
    assert not torch.equal(first, load_tensor(experiment.speaker_path("1.wav"), (1, 20480)))
    experiment.speaker_path("0.wav").unlink()
    assert extract_speaker(experiment.folder, network, workers=1).done == 1
    shutil.copy(experiment.wave_path("0.wav"), experiment.wave_path("1.wav"))
    assert extract_speaker(experiment.folder, network, workers=1).done == 1
    assert torch.equal(first, load_tensor(experiment.speaker_path("1.wav"), (1, 20480)))


def test_tiny_takes_the_vectors_of_the_network_that_ships(tmp_path: Path) -> None:
    experiment = Experiment.create(tmp_path / "voice", "tiny")
    experiment.wave_folder.mkdir()
    noise = np.random.default_rng(1).normal(size=32000).astype(np.float32) * 0.1
    write(experiment.wave_path("0.wav"), noise, 32000)
    write(experiment.wave_path("1.wav"), np.zeros(32000, np.float32), 32000)
    network = speaker_model(Workspace(tmp_path), "tiny")
    counts = extract_speaker(experiment.folder, network, workers=1)
    assert (counts.done, counts.failed) == (1, 1) and "silent" in counts.reasons["1.wav"]
    vector = load_tensor(experiment.speaker_path("0.wav"), (1, 256))[0]
    expected = SpeakerEncoder.load().embed(read(experiment.wave_path("0.wav"), 32000).samples, 32000)
    assert np.array_equal(vector.numpy(), expected)


def test_other_families_take_none(tmp_path: Path) -> None:
    Experiment.create(tmp_path / "old", "v2")
    with pytest.raises(InputError, match="no speaker vectors"):
        extract_speaker(tmp_path / "old", tmp_path / "nowhere.ckpt")
