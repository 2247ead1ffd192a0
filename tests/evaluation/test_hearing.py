"""Phone errors of an encoder by itself and with a language beside it, on held-out clips and on recordings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from gsv.audio import write
from gsv.errors import DataError, WeightsError
from gsv.evaluation.hearing import (
    BY_ITSELF,
    WITH_LANGUAGE,
    SpokenClip,
    clips_of_arrays,
    clips_of_list,
    hearing_rates,
    table,
)
from gsv.events import RecordedEvents
from gsv.listening.listener import PhoneListener
from gsv.models.content import ContentEncoder
from gsv.models.phone_language import LANGUAGE_FILE, PhoneLanguage
from tests.synthesis.conftest import RATE, small_encoder, speech
from tests.training.small import small_arrays


@pytest.fixture
def content(tmp_path: Path) -> Path:
    small_encoder(733).save(tmp_path / "content")
    return tmp_path / "content"


def test_both_ways_are_counted(content: Path) -> None:
    wave = speech(1.5)
    listener = PhoneListener(ContentEncoder.load(content))
    heard = [phone.phone for phone in listener.read(wave)]
    clips = [SpokenClip("same", "en", wave, heard), SpokenClip("other", "ja", wave, ["a", "i"])]
    events = RecordedEvents()
    rates = hearing_rates(content, clips, events)
    assert rates["en"] == {BY_ITSELF: 0.0} and rates["ja"][BY_ITSELF] > 0 and events.of("progress")
    torch.manual_seed(1)
    PhoneLanguage(732, 4, 8).save(content / LANGUAGE_FILE)
    rates = hearing_rates(content, clips, RecordedEvents())
    assert set(rates["en"]) == {BY_ITSELF, WITH_LANGUAGE} and "with language" in table(rates).splitlines()[0]
    with pytest.raises(DataError, match="nothing to hear"):
        hearing_rates(content, [], RecordedEvents())
    small_encoder(0).save(content.parent / "deaf")
    with pytest.raises(WeightsError, match="read phones"):
        hearing_rates(content.parent / "deaf", clips, RecordedEvents())


def test_the_script_reads_arrays_and_recordings(content: Path, tmp_path: Path, repository: Path) -> None:
    arrays = small_arrays(tmp_path / "arrays")
    held = clips_of_arrays(arrays, 5)
    assert [clip.name for clip in held] == ["clip5"] and len(held[0].phones) == 4
    assert not clips_of_arrays(arrays, 5, "nobody")
    write(tmp_path / "a.wav", speech(1.2), RATE)
    listed = tmp_path / "a.list"
    listed.write_text("a.wav|someone|en|Hello there.\n", encoding="utf-8")
    clip = clips_of_list(listed)[0]
    assert clip.group == "en someone" and "." not in clip.phones and clip.wave.dtype == np.float32
    command = [
        sys.executable, str(repository / "tools" / "pretrain_content.py"), "hear", "--content", str(content),
        "--arrays", str(arrays), "--recordings", str(listed),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "en someone" in done.stdout and "by itself" in done.stdout
