"""The transcribe stage: its list, its side file, resume, corrections by hand, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gsv.corpus.annotation import read_annotations
from gsv.errors import Cancelled, DataError, InputError, WeightsError
from gsv.evaluation.rates import error_rate
from gsv.events import RecordedEvents
from gsv.listening.engines import EngineSettings, installed, model_folder, open_recogniser
from gsv.listening.recognition import Recognition, Segment, Word
from gsv.stages.transcribe import NOTHING_SAID, TranscribeOptions, transcribe_recordings, words_path

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "recordings"
WHISPER = Path.home() / ".cache" / "gsv" / "whisper-base"
REAL = Path(__file__).parents[2].parent / "shared" / "corpus" / "real"


class Parrot:
    """An engine that answers what it was told to, in order, and counts how often it was asked."""

    name = "parrot 1"

    def __init__(self, *answers: str | Exception, language: str = "en", sure: float = 1.0) -> None:
        self.answers, self.asked, self.language, self.sure = list(answers), 0, language, sure

    def transcribe(self, samples: np.ndarray, rate: int, language: str | None = None) -> Recognition:
        answer = self.answers[self.asked % len(self.answers)]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        words = (Word(answer, 0.1, 0.4, 0.5),)
        return Recognition(
            answer, language or self.language, self.sure, (Segment(0, 1, answer, -0.1, 0, words),)
        )


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Two clips of speech, one silent, one that is no recording."""
    folder = tmp_path / "my clips"
    folder.mkdir()
    for name in ("01.opus", "02.opus"):
        shutil.copy(EXAMPLES / name, folder / name)
    soundfile.write(folder / "silent.wav", np.zeros(16_000, np.float32), 16_000)
    (folder / "broken.wav").write_bytes(b"no sound")
    return folder


def side(output: Path) -> dict[str, dict]:
    lines = words_path(output).read_text(encoding="utf-8").splitlines()
    return {entry["name"]: entry for entry in map(json.loads, lines)}


def test_list_side_file_and_failures(clips: Path, tmp_path: Path) -> None:
    output, events = tmp_path / "voice.list", RecordedEvents()
    engine = Parrot("One | two\nthree.", "Four.")
    counts = transcribe_recordings(clips, output, tmp_path, recogniser=engine, events=events)
    assert (
        output.read_text()
        == "my clips/01.opus|my clips|en|One two three.\nmy clips/02.opus|my clips|en|Four.\n"
    )
    assert (counts.read, counts.done, counts.failed, engine.asked) == (4, 2, 2, 2)
    assert counts.reasons["silent.wav"] == NOTHING_SAID and "broken.wav" in counts.reasons
    rejected = (tmp_path / "voice.rejected.tsv").read_text().splitlines()
    assert rejected[0] == "clip\treason" and len(rejected) == 3 and rejected[1].startswith("broken.wav\t")
    first = side(output)["01.opus"]
    assert first["path"] == "my clips/01.opus" and 0.9 < first["confidence"] < 0.91
    assert first["words"] == [{"text": "One two three.", "start": 0.1, "end": 0.4, "confidence": 0.5}]
    rows = read_annotations(output).rows
    assert [row.text for row in rows] == ["One two three.", "Four."] and rows[0].path == clips / "01.opus"


def test_resumes_and_leaves_corrections_alone(clips: Path, tmp_path: Path) -> None:
    output = tmp_path / "voice.list"
    transcribe_recordings(clips, output, tmp_path, recogniser=Parrot("One.", "Two."))
    again = Parrot("Never.")
    counts = transcribe_recordings(clips, output, tmp_path, recogniser=again)
    assert (again.asked, counts.done, counts.skipped, counts.failed) == (0, 0, 2, 2)

    # The first row is corrected, the second removed, a third was written by hand; a clip is new.
    output.write_text("my clips/01.opus|my clips|en|Won!\nelsewhere.wav|me|en|By hand.\n")
    shutil.copy(EXAMPLES / "03.opus", clips / "03.opus")
    counts = transcribe_recordings(clips, output, tmp_path, recogniser=Parrot("Three."))
    assert (counts.done, counts.skipped) == (1, 2)
    expected = "my clips/01.opus|my clips|en|Won!\nelsewhere.wav|me|en|By hand.\nmy clips/03.opus|my clips|en|Three.\n"
    assert output.read_text() == expected

    # Another language: all is heard again, and still the correction stays.
    transcribe_recordings(clips, output, tmp_path, TranscribeOptions("zh"), recogniser=Parrot("一。"))
    texts = [line.split("|")[2:] for line in output.read_text().splitlines()]
    assert texts == [["en", "Won!"], ["en", "By hand."], ["zh", "一。"], ["zh", "一。"]]
    # A clip that was recorded anew is a new clip.
    shutil.copy(EXAMPLES / "04.opus", clips / "01.opus")
    transcribe_recordings(clips, output, tmp_path, TranscribeOptions("zh"), recogniser=Parrot("二。"))
    assert output.read_text().splitlines()[0] == "my clips/01.opus|my clips|zh|二。"

    transcribe_recordings(clips, output, tmp_path, TranscribeOptions(overwrite=True), recogniser=Parrot("A."))
    assert [line.split("|")[3] for line in output.read_text().splitlines()] == ["A.", "A.", "A."]


class StopsAfterOne(RecordedEvents):
    def progress(self, done: int, total: int, what: str = "") -> None:
        self.request_stop()


def test_a_stopped_run_goes_on_where_it_was(clips: Path, tmp_path: Path) -> None:
    output, engine = tmp_path / "voice.list", Parrot("One.", "Two.")
    with pytest.raises(Cancelled):
        transcribe_recordings(clips, output, tmp_path, recogniser=engine, events=StopsAfterOne())
    assert not output.exists() and engine.asked == 1
    transcribe_recordings(clips, output, tmp_path, recogniser=engine)
    assert engine.asked == 2 and [line.split("|")[3] for line in output.read_text().splitlines()] == [
        "One.",
        "Two.",
    ]


def test_what_fails_is_listed_and_the_rest_goes_on(clips: Path, tmp_path: Path) -> None:
    output = tmp_path / "voice.list"
    counts = transcribe_recordings(
        clips, output, tmp_path, recogniser=Parrot(RuntimeError("out of luck"), "Two.")
    )
    assert counts.done == 1 and "out of luck" in counts.reasons["01.opus"]
    # A failed clip is tried again, a punctuation mark is nothing said.
    counts = transcribe_recordings(clips, output, tmp_path, recogniser=Parrot("…"))
    assert counts.skipped == 1 and counts.reasons["01.opus"] == NOTHING_SAID
    foreign = Parrot("Guten Tag", language="de", sure=0.9)
    with pytest.raises(DataError, match="none of 4 items"):
        transcribe_recordings(clips, tmp_path / "other.list", tmp_path, recogniser=foreign)
    assert not (tmp_path / "other.list").exists()
    assert "de (90%)" in (tmp_path / "other.rejected.tsv").read_text()


def test_odd_names(tmp_path: Path) -> None:
    folder = tmp_path / "$(touch x); 声音 'quoted'"
    folder.mkdir()
    for name in ("a|b.opus", "c\nd.opus", " e.opus", "二 \\ back.opus"):
        shutil.copy(EXAMPLES / "01.opus", folder / name)
    counts = transcribe_recordings(folder, tmp_path / "v.list", tmp_path, recogniser=Parrot("One."))
    assert counts.done == 2 and sorted(counts.reasons) == ["a|b.opus", "c\nd.opus"]
    found = read_annotations(tmp_path / "v.list")
    assert not found.bad and {row.path.name for row in found.rows} == {" e.opus", "二 \\ back.opus"}
    assert len((tmp_path / "v.rejected.tsv").read_text().splitlines()) == 3


def test_refusals_name_the_way_out(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"tools/models\.py download whisper-"):
        transcribe_recordings(clips, tmp_path / "a.list", tmp_path)
    with pytest.raises(WeightsError, match="download whisper-small"):
        transcribe_recordings(clips, tmp_path / "a.list", tmp_path, TranscribeOptions(model="small"))
    with pytest.raises(InputError, match=r"no recogniser.*sensevoice-small"):
        transcribe_recordings(clips, tmp_path / "a.list", tmp_path, TranscribeOptions(model="huge"))
    with pytest.raises(InputError, match="no recogniser that we know"):
        open_recogniser(str(clips), tmp_path)
    with pytest.raises(InputError, match="unknown language"):
        transcribe_recordings(
            clips, tmp_path / "a.list", tmp_path, TranscribeOptions("fr"), recogniser=Parrot("x")
        )
    with pytest.raises(InputError, match="Name a file that ends"):
        transcribe_recordings(clips, tmp_path / "a.txt", tmp_path, recogniser=Parrot("x"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no recording"):
        transcribe_recordings(tmp_path / "empty", tmp_path / "a.list", tmp_path, recogniser=Parrot("x"))
    (tmp_path / "mine.list").write_text("a.wav|me|en|Mine.\n")
    with pytest.raises(InputError, match="--overwrite"):
        transcribe_recordings(clips, tmp_path / "mine.list", tmp_path, recogniser=Parrot("x"))
    assert (tmp_path / "mine.list").read_text() == "a.wav|me|en|Mine.\n"
    with pytest.raises(InputError, match="beam"):
        EngineSettings(beam_size=0)


def test_models_of_the_catalogue_are_found(tmp_path: Path) -> None:
    assert installed(tmp_path) == ()
    with pytest.raises(WeightsError, match="sensevoice-small"):
        model_folder("sensevoice-small", tmp_path)
    assert model_folder(str(tmp_path), tmp_path) == tmp_path


@pytest.mark.skipif(not (WHISPER / "model.bin").is_file(), reason=f"no Whisper model in {WHISPER}")
@pytest.mark.skipif(not REAL.is_dir(), reason="the recordings of corpus/real are not here")
def test_whisper_base_on_real_recordings(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    expected = {
        "allison_conf-full.flac": "That conference is full.",
        "librivox_0930.wav": "He might even have been made amiable himself.",
    }
    for name in expected:
        shutil.copy(REAL / name, folder / name)
    options = TranscribeOptions(model=str(WHISPER), engine=EngineSettings("cpu", threads=1))
    counts = transcribe_recordings(folder, tmp_path / "real.list", tmp_path, options)
    assert counts.done == 2
    for row in read_annotations(tmp_path / "real.list").rows:
        assert row.language == "en" and error_rate(expected[row.path.name], row.text, "en").rate <= 0.08
    for entry in side(tmp_path / "real.list").values():
        times = [value for word in entry["words"] for value in (word["start"], word["end"])]
        assert times == sorted(times) and times[0] >= 0 and times[-1] <= entry["seconds"] + 0.1
        assert len(entry["words"]) == len(entry["text"].split()) and 0.3 < entry["confidence"] <= 1
