"""A raw recording made of known sentences, with music and noise, and how well the steps find the sentences again.

The suite uses a minute of it. The full size is a command of its own:

    python -m tests.journeys.raw_recording --output FOLDER --whisper FOLDER [--minutes 20] [--list FILE]
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gsv.audio import Writer, read
from gsv.audio.measures import measure, sound_span
from gsv.corpus.annotation import AnnotationRow, read_annotations
from gsv.corpus.lists import read_table
from gsv.evaluation.rates import error_rate

REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = REPOSITORY.parent / "shared" / "corpus" / "corpus.jsonl"
EXAMPLES = REPOSITORY / "docs" / "examples"
RATE, SLICE_RATE = 24_000, 32_000
PAUSES = (1.2, 2.0)
BORDER = 0.3
SENTENCE_SECONDS = (4.2, 10.0)
"""Shorter ones are joined with the next by the slicer's shortest clip, 4 s."""
NOISE_DB, MUSIC_DB, ROOM_DB = 20.0, 10.0, 60.0
"""How far each lies below the speech."""
KINDS = ("plain", "noise", "music")
_SECTION = 3
_NUMBERS = re.compile(r"_(\d{10})_(\d{10})\.wav$")


@dataclass(frozen=True)
class Sentence:
    """What is said from `start` to `end`, in seconds, and what lies under it."""

    start: float
    end: float
    text: str
    kind: str
    source: str


@dataclass
class Found:
    """How much came back: shares and error rates, by what lay under the sentences."""

    sentences: int
    returned: int
    """Both outer borders within 0.3 s of the speech itself."""
    errors: dict[str, float]
    clean_errors: dict[str, float]

    @property
    def share(self) -> float:
        return self.returned / max(1, self.sentences)


def rows(path: Path | None = None, voice: str = "") -> list[AnnotationRow]:
    """English sentences of a good length: of the corpus where it is there, else the examples."""
    if path is None and not CORPUS.is_file():
        return read_annotations(EXAMPLES / "recordings.list", EXAMPLES / "recordings").rows
    table = [row for row in read_table(path or CORPUS) if row.language == "en"]
    table = [row for row in table if voice in row.speaker]
    long = [
        row
        for row in table
        if row.seconds is None or SENTENCE_SECONDS[0] <= row.seconds <= SENTENCE_SECONDS[1]
    ]
    return [AnnotationRow(0, Path(row.file), row.speaker, "en", row.text) for row in long]


def make(path: Path, given: Sequence[AnnotationRow], seconds: float, seed: int = 0) -> list[Sentence]:
    """Write a recording of so many seconds; three sentences plain, three over noise, three over music, and again."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(given)).tolist()
    said: list[Sentence] = []
    position = 0
    with Writer(path, RATE) as writer:
        while position < seconds * RATE:
            row = given[order[len(said) % len(order)]]
            kind = KINDS[len(said) // _SECTION % len(KINDS)]
            clip = read(row.path, RATE).samples
            first, end = sound_span(clip, RATE)
            voice = clip[first:end]
            level = 10 ** (measure(voice, RATE).level_db / 20)
            pause = round(random.uniform(*PAUSES) * RATE)
            wave = np.concatenate([np.zeros(pause, np.float32), voice, np.zeros(pause // 2, np.float32)])
            wave = wave + random.standard_normal(len(wave)) * level * 10 ** (-ROOM_DB / 20)
            if kind == "noise":
                wave = wave + random.standard_normal(len(wave)) * level * 10 ** (-NOISE_DB / 20)
            if kind == "music":
                wave = wave + music(len(wave), position, random) * level * 10 ** (-MUSIC_DB / 20)
            writer.append((0.9 * wave).astype(np.float32))
            start = (position + pause) / RATE
            said.append(Sentence(start, start + len(voice) / RATE, row.text, kind, str(row.path)))
            position += len(wave)
    return said


def music(length: int, position: int, random: np.random.Generator) -> np.ndarray:
    """A beat of chords `[length]` of mean square one, that goes on where the last one ended."""
    time = (np.arange(length) + position) / RATE
    roots = np.array([110.0, 146.8, 130.8, 98.0])[(time // 1.2).astype(int) % 4]
    beat = np.exp(-4.0 * (time % 0.4))
    phase = 2 * np.pi * np.cumsum(roots) / RATE
    wave = sum(np.sin(phase * ratio) for ratio in (1.0, 1.26, 1.5, 2.0, 3.0))
    drums = random.standard_normal(length) * np.exp(-30 * (time % 0.8)) * 1.5
    mixed = wave * beat + drums
    return np.asarray(mixed / np.sqrt(np.mean(np.square(mixed))))


def script(name: str, *arguments: str) -> None:
    """Run a script of `tools/`, as a person would; fails with the end of its log."""
    command = [sys.executable, "-X", "utf8", str(REPOSITORY / "tools" / f"{name}.py"), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert ended.returncode == 0, f"{name}: {ended.stderr[-2000:]}"


def through_scripts(recording: Path, folder: Path, whisper: Path) -> Path:
    """Separate, slice, denoise and transcribe a recording; returns the list."""
    script("separate", f"--input={recording}", f"--output={folder / 'voice'}", "--workers=1")
    script("slice", f"--input={folder / 'voice'}", f"--output={folder / 'clips'}", "--speech", "--workers=1")
    script("denoise", f"--input={folder / 'clips'}", f"--output={folder / 'clean'}", "--workers=1")
    return transcribed(folder / "clean", folder / "voice.list", whisper)


def transcribed(clips: Path, target: Path, whisper: Path) -> Path:
    """The list of a folder of clips."""
    script("transcribe", f"--input={clips}", f"--output={target}", "--language=en", f"--model={whisper}")
    return target


def clean_copies(said: Sequence[Sentence], folder: Path) -> None:
    """The sentences as they were before anything was mixed in, for the same recogniser."""
    for number, sentence in enumerate(said):
        with Writer(folder / f"{number:04d}.wav", RATE) as writer:
            writer.append(read(Path(sentence.source), RATE).samples)


def score(said: Sequence[Sentence], listed: Path, clean_list: Path) -> Found:
    """Which sentences came back with their borders, and the error rates beside those of the clean clips."""
    clips = []
    for row in read_annotations(listed, minimum_seconds=0).rows:
        numbers = _NUMBERS.search(row.path.name)
        assert numbers is not None, row.path.name
        clips.append((int(numbers[1]) / SLICE_RATE, int(numbers[2]) / SLICE_RATE, row.text))
    clips.sort()
    heard_clean = {int(row.path.stem): row.text for row in read_annotations(clean_list).rows}
    returned = 0
    edits: dict[str, list[float]] = {kind: [] for kind in KINDS}
    clean: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number, sentence in enumerate(said):
        own = [clip for clip in clips if _middle_inside(clip, sentence)]
        returned += bool(own) and _borders_fit(own, sentence)
        heard = " ".join(text for _, _, text in own)
        edits[sentence.kind].append(error_rate(sentence.text, heard, "en").rate)
        clean[sentence.kind].append(error_rate(sentence.text, heard_clean.get(number, ""), "en").rate)
    return Found(
        len(said),
        returned,
        {kind: float(np.mean(values)) for kind, values in edits.items() if values},
        {kind: float(np.mean(values)) for kind, values in clean.items() if values},
    )


def _middle_inside(clip: tuple[float, float, str], sentence: Sentence) -> bool:
    return sentence.start <= (clip[0] + clip[1]) / 2 <= sentence.end


def _borders_fit(own: Sequence[tuple[float, float, str]], sentence: Sentence) -> bool:
    """Whether both outer borders lie within 0.3 s of the speech."""
    return abs(sentence.start - own[0][0]) <= BORDER and abs(own[-1][1] - sentence.end) <= BORDER


def main() -> None:
    """The full size, from the command line; writes `result.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--whisper", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--list", type=Path, default=None)
    given = parser.parse_args()
    said = make(given.output / "recording.wav", rows(given.list), 60 * given.minutes)
    clean_copies(said, given.output / "sentences")
    listed = through_scripts(given.output / "recording.wav", given.output, given.whisper)
    found = score(
        said, listed, transcribed(given.output / "sentences", given.output / "clean.list", given.whisper)
    )
    script("check_dataset", f"--input={listed}", f"--output={given.output / 'check'}", "--workers=1")
    text = json.dumps({**vars(found), "share": found.share}, indent=2)
    (given.output / "result.json").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
