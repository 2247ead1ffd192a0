"""Data sets of other programs: what is written is read again, and broken rows are named."""

from __future__ import annotations

import csv
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gsv.corpus.annotation import AnnotationRow, read_annotations, write_annotations
from gsv.corpus.exchange import EXPORTS, ImportOptions, export_dataset, import_dataset
from gsv.corpus.exchange.importing import form_of
from gsv.corpus.exchange.timed import _STYLE, audacity, read_audacity, read_subtitles, subrip
from gsv.corpus.fields import listed_path, one_line, path_fault
from gsv.errors import DataError, GsvError, InputError
from gsv.events import RecordedEvents

RATE = 8000
TEXTS = st.text(max_size=40).map(one_line).filter(lambda text: text and not _STYLE.search(text))
NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
TIMED = {"audacity": ".txt", "srt": ".srt"}


def wave(path: Path, seconds: float = 0.05, seed: int = 0) -> np.ndarray:
    """A short noise of whole 16-bit values."""
    values = np.random.default_rng(seed).integers(-9000, 9000, round(seconds * RATE), dtype=np.int16)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, values, RATE, subtype="PCM_16")
    return values


def samples(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="int16")[0]


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """A list of three clips of two speakers and languages."""
    rows = []
    for number, (text, language) in enumerate(
        (("One.", "en"), ('"二", 三', "zh"), ("=4 # —> x", "en")), start=1
    ):
        path = tmp_path / "clips" / f"{number}.wav"
        wave(path, 0.05 + 0.01 * number, number)
        rows.append(AnnotationRow(number, path, f"s{number % 2}", language, text))
    write_annotations(tmp_path / "voice.list", rows, relative_to=tmp_path)
    return tmp_path / "voice.list"


@pytest.mark.parametrize("form", EXPORTS)
def test_every_form_comes_back(form: str, voice: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "set"
    counts = export_dataset(voice, out, form)
    assert (counts.read, counts.done, counts.failed) == (3, 3, 0)
    source = out / f"set{TIMED[form]}" if form in TIMED else out / "set.list" if form == "list" else out
    assert form_of(source) == form.removesuffix("-jsonl")
    back = tmp_path / "back.list"
    assert import_dataset(source, back, ImportOptions(language="en", speaker="")).done == 3
    old, new = read_annotations(voice, check_audio=False), read_annotations(back, check_audio=False)
    assert [row.text for row in new.rows] == [row.text for row in old.rows] and not new.bad
    for before, after in zip(old.rows, new.rows, strict=True):
        first, second = samples(before.path), samples(after.path)
        if form == "srt":  # its clock counts milliseconds
            assert 0 <= len(second) - len(first) <= RATE // 1000
        assert np.array_equal(second[: len(first)], first) and len(second) - len(first) <= RATE // 1000
        if form in ("list", "audiofolder", "audiofolder-jsonl"):
            assert (after.speaker, after.language) == (before.speaker, before.language)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(TEXTS, min_size=1, max_size=3), form=st.sampled_from(EXPORTS))
def test_texts_survive_every_form(texts: list[str], form: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [
            AnnotationRow(n, folder / f"{n}.wav", "s", "en", text) for n, text in enumerate(texts, start=1)
        ]
        for row in rows:
            wave(row.path)
        write_annotations(folder / "a.list", rows)
        kept = [row.text for row in read_annotations(folder / "a.list", check_audio=False).rows]
        export_dataset(folder / "a.list", folder / "set", form)
        source = folder / "set" / f"set{TIMED[form]}" if form in TIMED else folder / "set"
        source = source / "set.list" if form == "list" else source
        import_dataset(source, folder / "b.list", ImportOptions(language="en"))
        assert (
            [row.text for row in read_annotations(folder / "b.list", check_audio=False).rows] == kept == texts
        )


@settings(max_examples=60, deadline=None)
@given(text=st.text(), name=NAMES, inner=NAMES)
def test_any_text_and_name_fits_or_is_refused(text: str, name: str, inner: str) -> None:
    folder = Path("/data/set")
    path = folder / inner / name
    field, words = listed_path(path, folder / "a.list"), one_line(text)
    if not words or path_fault(field) or ".." in (name, inner):
        return
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "a.list"
        target.write_text(f"{field}|s|en|{words}\n", encoding="utf-8", newline="\n")
        rows = read_annotations(target, check_audio=False).rows
        assert [row.text for row in rows] == [words]
        expected = path if Path(field).is_absolute() else Path(place) / field
        assert rows[0].path in (expected, Path(str(expected).replace("\\", "/")))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 10**6), TEXTS), max_size=4))
def test_times_survive(pieces: list[tuple[int, int, str]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.wav").write_bytes(b"")
        values = [(start / 1000, (start + length) / 1000, text) for start, length, text in pieces]
        for text, ending, read in (
            (audacity(values), ".txt", read_audacity),
            (subrip(values), ".srt", read_subtitles),
        ):
            (folder / f"a{ending}").write_text(text, encoding="utf-8", newline="\n")
            found = read(folder / f"a{ending}", None)
            assert [(clip.start, clip.end, one_line(clip.text)) for clip in found.clips] == values
            assert not found.bad


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from(["metadata.csv", "metadata.jsonl", "a.srt", "a.vtt", "a.txt", "a.list"]),
)
def test_any_bytes_are_refused_in_words(data: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.wav").write_bytes(b"")
        Path(folder, name).write_bytes(data)
        with pytest.raises(GsvError):
            import_dataset(Path(folder, name), Path(folder, "b.list"), ImportOptions(language="en"))


def reasons(source: Path, output: Path, **options: object) -> dict[str, str]:
    events = RecordedEvents()
    counts = import_dataset(source, output, ImportOptions(**options), events=events)  # type: ignore[arg-type]
    assert len(events.of("item")) == counts.failed
    table = output.with_suffix(".rejected.tsv").read_text(encoding="utf-8").splitlines()
    assert table[0] == "row\tsource\treason" and len(table) == counts.failed + 1
    return counts.reasons


def test_broken_rows_of_ljspeech(tmp_path: Path) -> None:
    wave(tmp_path / "wavs" / "a.wav")
    wave(tmp_path / "wavs" / "b.flac")
    lines = [
        "a|Dr. A|Doctor A",
        "only an id",
        "../../etc/passwd|x|y",
        "missing|text",
        "a|again|again",
        "b|",
        "b|B",
    ]
    (tmp_path / "metadata.csv").write_text("\n".join(lines) + "\n")
    found = reasons(tmp_path, tmp_path / "o.list", language="EN")
    assert sorted(found) == ["row 2", "row 3", "row 4", "row 5", "row 6"]
    assert "1 fields" in found["row 2"] and "leads out" in found["row 3"] and "missing file" in found["row 4"]
    assert "as in row 1" in found["row 5"] and "no text" in found["row 6"]
    expected = f"wavs/a.wav|{tmp_path.name}|en|Doctor A\nwavs/b.flac|{tmp_path.name}|en|B\n"
    assert (tmp_path / "o.list").read_text() == expected


def test_broken_rows_of_an_audio_folder(tmp_path: Path) -> None:
    for part in ("train", "test"):
        wave(tmp_path / part / "a.wav", seed=len(part))
    with (tmp_path / "train" / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([["file_name", "text", "locale"], ["a.wav", "two\nlines | here", "en-US"]])
        writer.writerows([["/etc/passwd", "x", "en"], ["", "x", "en"], ["a.wav", "x", "fr"]])
    (tmp_path / "test" / "metadata.jsonl").write_text(
        '{"file_name": "a.wav", "sentence": "二", "language": "zh", "speaker_id": 7}\n'
        '{broken\n[1]\n{"file_name": 3.5}\n'
    )
    found = reasons(tmp_path, tmp_path / "o.list")
    assert len(found) == 6 and any("fr" in reason for reason in found.values())
    rows = read_annotations(tmp_path / "o.list", check_audio=False).rows
    assert [(row.language, row.speaker, row.text) for row in rows] == [
        ("zh", "7", "二"),
        ("en", tmp_path.name, "two lines here"),
    ]


def test_labels_cut_their_recording(tmp_path: Path) -> None:
    whole = wave(tmp_path / "talk.wav", 2.0)
    lines = [
        "0.5\t1.0\tFirst.",
        "\\\t100.0\t200.0",
        "0.75\t1.25\tOver it.",
        "1.9\t9\tTo the end.",
        "3\t4\tBehind.",
    ]
    lines += ["x\ty\tno numbers", "1\t0.5\tbackwards", "0.1\t0.2", "nan\t1\tnot a number", "-1\t1\tearly"]
    (tmp_path / "talk.txt").write_text("\n".join(lines))
    found = reasons(tmp_path / "talk.txt", tmp_path / "o.list", language="en")
    assert sorted(found) == ["row 10", "row 5", "row 6", "row 7", "row 8", "row 9"]
    rows = read_annotations(tmp_path / "o.list", check_audio=False).rows
    assert [row.text for row in rows] == ["First.", "Over it.", "To the end."]
    for row, (start, end) in zip(rows, ((4000, 8000), (6000, 10000), (15200, 16000)), strict=True):
        assert row.path.parent == tmp_path / "o_clips" and np.array_equal(samples(row.path), whole[start:end])
    with pytest.raises(InputError, match="exists already"):
        import_dataset(tmp_path / "talk.txt", tmp_path / "o.list", ImportOptions(language="en"))
    assert import_dataset(
        tmp_path / "talk.txt", tmp_path / "o.list", ImportOptions(language="en", overwrite=True)
    ).done


def test_subtitles_of_both_kinds(tmp_path: Path) -> None:
    wave(tmp_path / "film.wav", 3.0)
    (tmp_path / "film.srt").write_text(
        "\ufeff1\r\n00:00:00,500 --> 00:00:01,000\r\n<i>Hello</i>,\r\n{\\an8}you.\r\n\r\n2\r\nno times\r\n\r\n"
        "00:00:01,000 --> 00:00:02,000 X1:0\r\n<b></b>\r\n"
    )
    found = reasons(tmp_path / "film.srt", tmp_path / "a.list", language="en")
    assert sorted(found) == ["row 6", "row 9"] and "no text" in found["row 9"]
    assert (tmp_path / "a.list").read_text() == "a_clips/film_0002.wav|film|en|Hello, you.\n"
    (tmp_path / "film.vtt").write_text(
        "WEBVTT\n\nNOTE a word\n\nname\n00:00.500 --> 00:01.000 align:start\n<v Ann>Fish &amp; chips\n"
    )
    other = ImportOptions(language="en", clips=tmp_path / "vtt")
    assert import_dataset(tmp_path / "film.vtt", tmp_path / "b.list", other).done == 1
    assert (tmp_path / "b.list").read_text().endswith("|en|Fish & chips\n")
    (tmp_path / "film.wav").unlink()
    with pytest.raises(InputError, match="--audio"):
        import_dataset(tmp_path / "film.srt", tmp_path / "c.list", ImportOptions(language="en"))


def test_pairs_and_what_lacks_its_half(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for name in ("ann/1.wav", "ann/2.wav", "bob/3.flac", "bob/4.wav"):
        wave(folder / name, seed=len(name))
    (folder / "ann" / "1.txt").write_text("One\nline.")
    (folder / "bob" / "3.lab").write_text("Three.")
    (folder / "bob" / "4.txt").write_bytes(b"\xff\xfe\xff")
    (folder / "readme.txt").write_text("hello")
    found = reasons(folder, tmp_path / "o.list", language="en")
    assert sorted(found) == ["row 2", "row 4", "row 5"] and "no recording beside it" in found["row 5"]
    assert (
        tmp_path / "o.list"
    ).read_text() == "set/ann/1.wav|ann|en|One line.\nset/bob/3.flac|bob|en|Three.\n"
    with pytest.raises(InputError, match="--language"):
        import_dataset(folder, tmp_path / "p.list")


def test_export_names_rows_and_never_overwrites(voice: Path, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "clips" / "1.wav", tmp_path / "1.wav")
    with voice.open("a", encoding="utf-8") as file:
        file.write("gone.wav|s|en|x\n1.wav|s|en|The same name.\n1.wav|s\n")
    counts = export_dataset(voice, tmp_path / "lj", "ljspeech")
    assert (counts.done, sorted(counts.reasons)) == (4, ["row 4", "row 6"])
    lines = (tmp_path / "lj" / "metadata.csv").read_text(encoding="utf-8").splitlines()
    assert (
        lines[3] == "1-2|The same name.|The same name." and (tmp_path / "lj" / "wavs" / "1-2.wav").is_file()
    )
    with pytest.raises(InputError, match="exists already"):
        export_dataset(voice, tmp_path / "lj", "ljspeech")
    with pytest.raises(InputError, match="no form"):
        export_dataset(voice, tmp_path / "x", "kaldi")
    assert export_dataset(voice, tmp_path / "moved.list", "list").done == 4
    (tmp_path / "bad.list").write_text("gone.wav|s|en|x\n")
    for form in EXPORTS:
        with pytest.raises(DataError, match="missing file"):
            export_dataset(tmp_path / "bad.list", tmp_path / "nothing", form)
        assert not (tmp_path / "nothing").exists()
