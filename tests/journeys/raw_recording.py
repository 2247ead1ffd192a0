"""A raw recording made of known sentences, with music and noise, and how well the steps find the sentences again.

The suite uses a minute of it. The full size is a command of its own:

    python -m tests.journeys.raw_recording --output FOLDER --whisper FOLDER [--minutes 20] [--seed 0] [--list FILE]

It also tells the time and the memory that each step took.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

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


@dataclass(frozen=True)
class Ran:
    """What a script needed."""

    seconds: float
    memory: float
    """Most bytes that it and its processes held at once, looked at twice a second."""


def script(name: str, *arguments: str) -> Ran:
    """Run a script of `tools/`, as a person would; fails with the end of its log."""
    command = [sys.executable, "-X", "utf8", str(REPOSITORY / "tools" / f"{name}.py"), *arguments]
    began, memory = time.monotonic(), 0.0
    with tempfile.TemporaryFile() as log:
        running = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
        while running.poll() is None:
            memory = max(memory, _held(running))
            time.sleep(0.5)
        log.seek(0)
        assert running.returncode == 0, f"{name}: {log.read().decode('utf-8', 'replace')[-2000:]}"
    return Ran(time.monotonic() - began, memory)


def _held(process: psutil.Process) -> float:
    total = 0.0
    with contextlib.suppress(psutil.Error):
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    return total


def through_scripts(recording: Path, folder: Path) -> dict[str, Ran]:
    """Separate, slice and denoise a recording into the folder `clean`; returns what each step needed."""
    voice, clips = folder / "voice", folder / "clips"
    return {
        "separate": script("separate", f"--input={recording}", f"--output={voice}", "--workers=1"),
        "slice": script("slice", f"--input={voice}", f"--output={clips}", "--speech", "--workers=1"),
        "denoise": script("denoise", f"--input={clips}", f"--output={folder / 'clean'}", "--workers=1"),
    }


def transcribe(clips: Path, target: Path, whisper: Path) -> Ran:
    """Write the list of a folder of clips."""
    return script(
        "transcribe", f"--input={clips}", f"--output={target}", "--language=en", f"--model={whisper}"
    )


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
    parser.add_argument("--whisper", type=Path, default=None, help="without it, nothing is transcribed")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", type=Path, default=None)
    given = parser.parse_args()
    recording, listed = given.output / "recording.wav", given.output / "voice.list"
    said = make(recording, rows(given.list), 60 * given.minutes, given.seed)
    needed = through_scripts(recording, given.output)
    result: dict[str, Any] = {"minutes": given.minutes, "seed": given.seed}
    if given.whisper is not None:
        needed["transcribe"] = transcribe(given.output / "clean", listed, given.whisper)
        clean_copies(said, given.output / "sentences")
        transcribe(given.output / "sentences", given.output / "clean.list", given.whisper)
        found = score(said, listed, given.output / "clean.list")
        result |= {**vars(found), "share": found.share}
        checked = f"--output={given.output / 'check'}"
        needed["check"] = script("check_dataset", f"--input={listed}", checked, "--workers=1")
    result["steps"] = {name: vars(ran) for name, ran in needed.items()}
    text = json.dumps(result, indent=2)
    (given.output / "result.json").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
