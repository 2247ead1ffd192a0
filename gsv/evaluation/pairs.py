"""Pairs to convert for an evaluation: a source with its text, and a reference of the voice it shall get.

Knows the table of pairs, and how a balanced set is drawn from clips that training never heard. Does not know
networks. Whether two voices are of one register is told by their pitch, which needs no list of names.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gsv.audio import read, write
from gsv.corpus.annotation import read_annotations
from gsv.errors import DataError, GsvError, InputError
from gsv.files import read_text, safe_name, write_text
from gsv.listening.similarity import SpeakerEncoder, similarity
from gsv.text import language_code
from gsv.training.arrays import ArrayItem, PreparedArrays

PAIRS_FILE = "pairs.jsonl"
OTHER_REGISTER, RECORDING = "other register", "16 kHz recording"
"""Groups that a chosen pair may belong to."""

REGISTER_BORDER = 165.0
"""Median pitch in Hz between low and high voices of adults."""

ONE_PERSON = 0.8
"""Similarity above which two speakers count as one."""

_SOURCE_SECONDS = (2.0, 12.0)
_REFERENCE_SECONDS = (3.0, 12.0)
_PITCHES = (60.0, 400.0)
_RECORDING_EVERY = 5
_MOST_OF_A_SPEAKER = 30
"""Clips of one speaker that are looked at: their pitch has to be measured."""


class Pair(BaseModel):
    """One conversion to make and score; paths may be relative to the table's folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Path
    reference: Path
    text: str = Field(min_length=1, description="what the source says: for the score, not for the conversion")
    lang: str = Field(description="language code of the text")
    speaker: str = Field(default="", description="whose voice the reference is")
    groups: tuple[str, ...] = Field(default=(), description="parts of the set that are summed up apart")


@dataclass(frozen=True)
class Voice:
    """A clip that may become a source or a reference."""

    name: str
    speaker: str
    language: str
    text: str
    high: bool
    """Whether the voice is of the high register."""


def read_pairs(path: Path) -> list[Pair]:
    """Pairs of a JSON-lines table, their paths made absolute.

    Raises InputError that lists every bad line at once, and for a table without pairs.
    """
    pairs, bad = [], []
    folder = Path(path).absolute().parent
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            pair = Pair.model_validate(json.loads(line))
            language_code(pair.lang)
        except (ValidationError, json.JSONDecodeError, GsvError) as error:
            first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            bad.append(f"line {number}: {first}")
            continue
        paths = {"source": folder / pair.source, "reference": folder / pair.reference}
        bad += [
            f"line {number}: there is no {key} {found}" for key, found in paths.items() if not found.is_file()
        ]
        pairs.append(pair.model_copy(update=paths))
    if bad:
        raise InputError(f"{Path(path).name} has {len(bad)} faults", "; ".join(bad[:20]), "Mend them all.")
    if not pairs:
        raise InputError(f"{Path(path).name} has no pairs")
    return pairs


def median_pitch(samples: np.ndarray, rate: int) -> float:
    """Median pitch in Hz of the voiced frames of `samples` `[T]`; 0 where nothing is voiced."""
    size, step = round(0.04 * rate), round(0.01 * rate)
    if len(samples) < size:
        return 0.0
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float32), size)[::step]
    level = np.square(frames).mean(axis=1)
    frames = frames[level > 0.05 * np.quantile(level, 0.95)] * np.hanning(size)
    spectrum = np.abs(np.fft.rfft(frames, 2 * size)) ** 2
    # Divided by what the window itself correlates to, else long periods would look weak.
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(size), 2 * size)) ** 2)[:size]
    correlation = np.fft.irfft(spectrum)[:, :size] / np.maximum(window, 1e-3 * window[0])
    first, last = round(rate / _PITCHES[1]), min(round(rate / _PITCHES[0]), round(0.7 * size))
    held = correlation[:, first:last] / np.maximum(correlation[:, :1], 1e-12)
    # The first strong peak: multiples of a period are as strong as the period itself.
    strong = held >= 0.9 * held.max(axis=1, keepdims=True)
    voiced = held.max(axis=1) > 0.5
    periods = first + strong.argmax(axis=1)[voiced]
    return float(rate / np.median(periods)) if len(periods) else 0.0


def choose_pairs(
    sources: Sequence[Voice],
    references: Sequence[Voice],
    recordings: Sequence[Voice],
    count: int,
    seed: int,
    alike: Callable[[Voice, Voice], bool],
) -> list[tuple[Voice, Voice]]:
    """`count` pairs of speakers that are not `alike`: languages in turn, every second across registers, every
    fifth reference one of `recordings`, all speakers as evenly as can be.

    Raises DataError where no reference fits a source.
    """
    random = np.random.default_rng(seed)
    used: Counter[str] = Counter()

    def take(candidates: Iterable[Voice], role: str, other: Voice | None = None) -> Voice | None:
        keyed = [
            (used[f"{role} {clip.speaker}"], used[f"{role} {clip.name}"], random.random(), clip)
            for clip in candidates
        ]
        for *_, clip in sorted(keyed, key=lambda entry: entry[:3]):
            if other is None or not (clip.speaker == other.speaker or alike(clip, other)):
                used.update((f"{role} {clip.speaker}", f"{role} {clip.name}"))
                return clip
        return None

    languages = sorted({clip.language for clip in sources})
    pairs = []
    for number in range(count):
        language = languages[number % len(languages)]
        across = bool(number // len(languages) % 2)
        recorded = bool(recordings) and number % _RECORDING_EVERY == _RECORDING_EVERY - 1
        pool = recordings if recorded else [clip for clip in references if clip.language == language]
        # A recording has the register that it has: the source follows it.
        highs = {clip.high != across for clip in pool}
        source = take((c for c in sources if c.language == language and c.high in highs), "source")
        wanted = [c for c in pool if source and (c.high != source.high) == across]
        target = take(wanted, "reference", source) or take(pool, "reference", source)
        if source is None or target is None:
            raise DataError(f"No pair can be made for {language}", "its clips are too alike or too few")
        pairs.append((source, target))
    return pairs


def pairs_of_arrays(
    folder: Path | None, output: Path, count: int, recordings: Path | None = None, seed: int = 0
) -> Path:
    """Choose `count` pairs among the held-out clips of the prepared arrays in `folder`, write those clips and
    the table of pairs into `output`, and return the table.

    Only voices that training never heard are taken, where a language has two, and none that the speaker
    network finds too alike: a blend of voices is no other person than another blend of them. `recordings` is
    an annotation list of further references, such as 16 kHz recordings of other people. Raises DataError
    where the arrays hold out too little, InputError without a folder.
    """
    if folder is None:
        raise InputError("No clips to draw pairs from", "", "Name a table of pairs, or prepared arrays.")
    arrays = PreparedArrays.open(folder)
    heard = {item.speaker for item in arrays.items if item.part == "train"}
    items = {item.name: item for item in _unheard(arrays.part("held"), heard)}
    voices = {name: _voice(arrays, item) for name, item in _few(items).items()}
    sources = [voice for name, voice in voices.items() if _within(items[name].seconds, _SOURCE_SECONDS)]
    references = [voice for name, voice in voices.items() if _within(items[name].seconds, _REFERENCE_SECONDS)]
    recorded = _recordings(recordings) if recordings else {}
    if not sources or not references:
        raise DataError(f"{arrays.folder} holds out no clips of a useful length", "", "Make it again.")

    def samples_of(voice: Voice) -> tuple[np.ndarray, int]:
        if voice.name in recorded:
            clip = read(recorded[voice.name][1])
            return clip.samples, clip.rate
        return arrays.wave(items[voice.name], 16000), 16000

    known = [voice for voice, _ in recorded.values()]
    chosen = choose_pairs(sources, references, known, count, seed, _Likeness(samples_of))

    def path_of(voice: Voice) -> Path:
        if voice.name in recorded:
            return recorded[voice.name][1]
        path = output / f"{safe_name(voice.name)}.wav"
        if not path.is_file():
            write(path, arrays.wave(items[voice.name], 32000), 32000)
        return path

    return _written(chosen, path_of, set(recorded), output)


class _Likeness:
    """Whether two clips could be of one person, as the speaker network hears it."""

    def __init__(self, samples_of: Callable[[Voice], tuple[np.ndarray, int]]) -> None:
        self._encoder, self._samples_of = SpeakerEncoder.load(), samples_of
        self._vectors: dict[str, np.ndarray] = {}

    def __call__(self, first: Voice, second: Voice) -> bool:
        for voice in (first, second):
            if voice.name not in self._vectors:
                self._vectors[voice.name] = self._encoder.embed(*self._samples_of(voice))
        return similarity(self._vectors[first.name], self._vectors[second.name]) > ONE_PERSON


def _written(
    chosen: Sequence[tuple[Voice, Voice]], path_of: Callable[[Voice], Path], recorded: set[str], output: Path
) -> Path:
    lines = []
    for source, target in chosen:
        groups = [OTHER_REGISTER] * (source.high != target.high) + [RECORDING] * (target.name in recorded)
        pair = Pair(
            source=path_of(source), reference=path_of(target).absolute(), text=source.text,
            lang=source.language, speaker=target.speaker, groups=tuple(groups),
        )  # fmt: skip
        row = pair.model_dump(mode="json") | {"source": path_of(source).name}
        if target.name not in recorded:
            row["reference"] = path_of(target).name
        lines.append(json.dumps(row, ensure_ascii=False))
    table = output / PAIRS_FILE
    write_text(table, "\n".join(lines) + "\n")
    return table


def _unheard(held: Sequence[ArrayItem], heard: set[str]) -> list[ArrayItem]:
    """Held clips of speakers outside `heard`; of a language with fewer than two of those, all held clips."""
    found = []
    for language in sorted({item.language for item in held}):
        members = [item for item in held if item.language == language]
        fresh = [item for item in members if item.speaker not in heard]
        found += fresh if len({item.speaker for item in fresh}) > 1 else members
    return found


def _few(items: dict[str, ArrayItem]) -> dict[str, ArrayItem]:
    """The first clips of each speaker that are long enough for anything."""
    counted: Counter[str] = Counter()
    found = {}
    for name, item in items.items():
        counted[item.speaker] += _within(item.seconds, _SOURCE_SECONDS)
        if _within(item.seconds, _SOURCE_SECONDS) and counted[item.speaker] <= _MOST_OF_A_SPEAKER:
            found[name] = item
    return found


def _voice(arrays: PreparedArrays, item: ArrayItem) -> Voice:
    high = median_pitch(arrays.wave(item, 16000), 16000) >= REGISTER_BORDER
    return Voice(item.name, item.speaker, item.language, item.text, high)


def _recordings(path: Path) -> dict[str, tuple[Voice, Path]]:
    """Usable references of an annotation list by file name; raises DataError where there is none."""
    found = {}
    for row in read_annotations(path, minimum_seconds=_REFERENCE_SECONDS[0]).rows:
        if row.seconds is not None and _within(row.seconds, _REFERENCE_SECONDS):
            clip = read(row.path)
            high = median_pitch(clip.samples, clip.rate) >= REGISTER_BORDER
            voice = Voice(str(row.path), row.speaker, row.language, row.text, high)
            found[voice.name] = (voice, row.path)
    if not found:
        raise DataError(f"{path} has no clip of {_REFERENCE_SECONDS[0]:.0f} to {_REFERENCE_SECONDS[1]:.0f} s")
    return found


def _within(seconds: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= seconds <= limits[1]
