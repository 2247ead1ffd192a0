"""An annotated list to prepared arrays: what training from nothing reads.

Knows how clips are decoded, how their text becomes phones, and which part each belongs to. The result
needs no audio library and no language package to be read (`gsv.training.arrays`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from gsv.audio import read, resample
from gsv.corpus.splits import CorpusRow, parts_of, sentence_key
from gsv.errors import DataError, GsvError
from gsv.events import Counts, Events
from gsv.files import write_json, writing
from gsv.text import language_code, phones_of
from gsv.text.symbols import table
from gsv.training.arrays import ITEMS_FILE, WAVE_FILES, ArrayItem

SILENT = frozenset(["!", "?", "…", ",", ".", "-", "SP", "SP2", "SP3", "UNK", "_", "[", "]", "停", "空"])
"""Symbols that nobody hears: no target of the CTC head."""
SMALL_SPEAKER = 20
"""Of speakers with fewer clips only every fifth gives one up: a clip each would cost a tenth of the corpus."""


def array_parts(
    rows: Sequence[CorpusRow],
    mixes: Mapping[str, Mapping[str, float]],
    voices: frozenset[str],
    share: float = 0.02,
) -> list[str]:
    """`train`, `held` or `unused` for each row.

    Held are all clips of `voices` and of every blend that contains one, and the last `share` of other
    speakers. A held sentence that training hears from another speaker is `unused` if its voice is held,
    and goes back to training if not.
    """
    held: set[str] = set()
    small = 0
    by_speaker: dict[str, list[CorpusRow]] = {}
    for row in rows:
        by_speaker.setdefault(row.speaker, []).append(row)
    for speaker in sorted(by_speaker):
        clips = by_speaker[speaker]
        if parts_of(speaker, mixes) & voices:
            held.update(row.file for row in clips)
            continue
        count = max(1, round(share * len(clips))) if len(clips) >= SMALL_SPEAKER else int(small % 5 == 0)
        small += 1
        held.update(row.file for row in clips[len(clips) - count :])
    said = {sentence_key(row.text) for row in rows if row.file not in held}
    parts = []
    for row in rows:
        if row.file not in held:
            parts.append("train")
        elif sentence_key(row.text) not in said:
            parts.append("held")
        else:
            parts.append("unused" if parts_of(row.speaker, mixes) & voices else "train")
    return parts


def _decoded(job: tuple[str, str]) -> tuple[bytes, bytes, int] | GsvError:
    """16 kHz and 32 kHz samples of one file as little-endian 16-bit bytes, and the file's own rate in Hz."""
    try:
        audio = read(Path(job[0]) / job[1])
    except GsvError as error:
        return error
    waves = [resample(audio.samples, audio.rate, rate) for rate in WAVE_FILES]
    low, high = (np.clip(np.round(wave * 32767), -32768, 32767).astype("<i2").tobytes() for wave in waves)
    return low, high, audio.rate


def _decode_all(
    rows: Sequence[CorpusRow], folder: Path, workers: int
) -> Iterator[tuple[bytes, bytes, int] | GsvError]:
    jobs = [(str(folder), row.file) for row in rows]
    if workers <= 1:
        yield from map(_decoded, jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_decoded, jobs, chunksize=8)


def phone_ids(text: str, language: str) -> tuple[list[int], list[int]]:
    """Symbol ids of a text in table v2, and those of them that are heard. Raises InputError as `phones_of`."""
    phones = phones_of(text, language).phones
    symbols = table("v2")
    return symbols.ids(phones), symbols.ids([phone for phone in phones if phone not in SILENT])


def prepare_arrays(
    rows: Sequence[CorpusRow],
    folder: Path,
    output: Path,
    parts: Sequence[str],
    events: Events,
    workers: int = 1,
) -> Counts:
    """Write prepared arrays of `rows` (files relative to `folder`) into `output`.

    A row that cannot be read or spoken is counted with its reason and left out.
    Raises DataError if no row is left.
    """
    output.mkdir(parents=True, exist_ok=True)
    counts = Counts(read=len(rows))
    items: list[dict[str, Any]] = []
    names: set[str] = set()
    offsets = [0, 0]
    with (
        writing(output / WAVE_FILES[16000]) as low_path,
        writing(output / WAVE_FILES[32000]) as high_path,
        low_path.open("wb") as low_file,
        high_path.open("wb") as high_file,
    ):
        decoded = _decode_all(rows, folder, workers)
        for index, (row, part, result) in enumerate(zip(rows, parts, decoded, strict=True)):
            events.check_stop()
            try:
                if isinstance(result, GsvError):
                    raise result
                phones, spoken = phone_ids(row.text, row.language)
                item = _item(row, part, phones, spoken, result, offsets, names)
            except GsvError as error:
                counts.fail(row.file, str(error))
                events.item(row.file, "failed", str(error))
                continue
            low_file.write(result[0])
            high_file.write(result[1])
            offsets = [offsets[0] + item.length16, offsets[1] + item.length32]
            items.append(asdict(item))
            counts.done += 1
            if index % 50 == 0:
                events.progress(index, len(rows), "prepared arrays")
        counts.require_some("prepared arrays")
    write_json(output / ITEMS_FILE, items)
    events.counts(counts)
    return counts


def _item(
    row: CorpusRow,
    part: str,
    phones: list[int],
    spoken: list[int],
    decoded: tuple[bytes, bytes, int],
    offsets: list[int],
    names: set[str],
) -> ArrayItem:
    name = Path(row.file).stem
    if name in names:
        raise DataError(
            f"{row.file} is named like another clip", "names must differ in prepared arrays", "rename it"
        )
    names.add(name)
    return ArrayItem(
        name=name,
        speaker=row.speaker,
        language=language_code(row.language),
        text=row.text,
        phones=phones,
        spoken=spoken,
        part=part,
        offset16=offsets[0],
        length16=len(decoded[0]) // 2,
        offset32=offsets[1],
        length32=len(decoded[1]) // 2,
        source_rate=decoded[2],
    )


def add_speaker_vectors(folder: Path, events: Events) -> int:
    """Vectors `[256]` of the shipped speaker network beside prepared arrays, for families that are fed with them.

    Returns how many there are. A clip that has none, because it is silent, is an error: training takes all.
    """
    from safetensors.numpy import save_file

    from gsv.files import writing
    from gsv.listening.similarity import SpeakerEncoder
    from gsv.training.arrays import PreparedArrays
    from gsv.training.clips import SPEAKER_VECTORS_FILE

    arrays = PreparedArrays.open(folder)
    encoder = SpeakerEncoder.load()
    vectors = {}
    for number, item in enumerate(arrays.items):
        events.check_stop()
        vectors[item.name] = encoder.embed(arrays.wave(item, 16_000), 16_000)
        if number % 50 == 0:
            events.progress(number, len(arrays.items), "speaker vectors")
    with writing(folder / SPEAKER_VECTORS_FILE) as temporary:
        save_file(vectors, temporary)
    return len(vectors)
