"""A voice as a folder and as a zip file: hashes, names, and zip files that mean harm."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from gsv.errors import DataError, InputError
from gsv.settings import Workspace
from gsv.synthesis.engine import Synthesizer
from gsv.synthesis.options import SpeakOptions
from gsv.synthesis.voice import Voice
from gsv.synthesis.voice_folder import (
    VOICE_FILE,
    delete_voice,
    export_voice,
    find_voice,
    import_voice,
    list_voices,
    load_voice,
    read_record,
    rename_voice,
    save_voice,
)


@pytest.fixture
def saved(voice: Voice, tmp_path: Path) -> Path:
    return save_voice(
        tmp_path / "voices" / "Grandma 奶奶", voice, family="tiny", licence="CC0", consent="made up"
    )


def test_a_saved_voice_speaks_the_same(engine: Synthesizer, voice: Voice, saved: Path) -> None:
    loaded = load_voice(saved)
    assert loaded.name == "Grandma 奶奶" and loaded.references[0].text == "The lamp is lit."
    options = SpeakOptions(seed=4)
    assert (engine.speak("Hi.", loaded, options).samples == engine.speak("Hi.", voice, options).samples).all()
    assert read_record(saved).consent == "made up"


def test_found_by_name_renamed_and_deleted(saved: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert find_voice(workspace, saved.name) == saved and find_voice(workspace, saved) == saved
    with pytest.raises(InputError, match="Grandma"):
        find_voice(workspace, "Grandpa")
    for bad in ("", "a/b", "..", "con"):
        with pytest.raises(InputError):
            rename_voice(saved, bad)
    with pytest.raises(InputError, match="already"):
        rename_voice(saved, saved.name)
    moved = rename_voice(saved, "Aunt")
    assert load_voice(moved).name == "Aunt" and list_voices(workspace) == [moved]
    with pytest.raises(InputError):
        delete_voice(tmp_path)
    delete_voice(moved)
    assert list_voices(workspace) == []


def test_changed_and_missing_files_are_named(saved: Path, voice: Voice) -> None:
    with pytest.raises(InputError, match="exists"):
        save_voice(saved, voice)
    clip = saved / read_record(saved).references[0].path
    clip.write_bytes(clip.read_bytes() + b"x")
    with pytest.raises(DataError, match=r"reference\.wav"):
        load_voice(saved)
    clip.unlink()
    with pytest.raises(DataError, match="missing"):
        load_voice(saved, verify=False)
    (saved / VOICE_FILE).write_text("{}")
    with pytest.raises(DataError, match="damaged"):
        load_voice(saved)


def test_a_record_cannot_point_outside(saved: Path) -> None:
    record = json.loads((saved / VOICE_FILE).read_text(encoding="utf-8"))
    record["gpt"]["path"] = "../../elsewhere.safetensors"
    (saved / VOICE_FILE).write_text(json.dumps(record))
    with pytest.raises(InputError, match="outside"):
        load_voice(saved)


def test_out_and_in_again(saved: Path, tmp_path: Path) -> None:
    first = export_voice(saved, tmp_path / "a.zip")
    assert first.read_bytes() == export_voice(saved, tmp_path / "b.zip").read_bytes()
    with pytest.raises(InputError, match="already"):
        import_voice(first, saved.parent)
    other = import_voice(first, saved.parent, "Second")
    assert load_voice(other).name == "Second"
    assert import_voice(first, tmp_path / "elsewhere").name == saved.name


def test_the_lexicon_travels_and_a_bad_one_is_refused(saved: Path, tmp_path: Path) -> None:
    (saved / "lexicon.tsv").write_text("en\tgsv\tJH IY1\n", encoding="utf-8")
    path = export_voice(saved, tmp_path / "a.zip")
    there = import_voice(path, tmp_path / "in")
    assert (there / "lexicon.tsv").read_text(encoding="utf-8") == "en\tgsv\tJH IY1\n"
    (saved / "lexicon.tsv").write_text("en\tgsv\tno phones\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"lexicon\.tsv line 1"):
        import_voice(export_voice(saved, tmp_path / "b.zip"), tmp_path / "other")
    assert not list((tmp_path / "other").glob("*"))


@pytest.mark.parametrize(
    "name", ["../out.json", "/etc/x.json", "a/b/c.wav", "x.py", "references\\..\\..\\x.wav"]
)
def test_zip_files_that_mean_harm(saved: Path, tmp_path: Path, name: str) -> None:
    path = export_voice(saved, tmp_path / "a.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"harm")
    with pytest.raises(DataError, match="no voice has"):
        import_voice(path, tmp_path / "in")
    assert not list(tmp_path.rglob("out.json")) and not list((tmp_path / "in").glob("*"))


def test_zip_files_that_are_none(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"no zip")
    with pytest.raises(InputError, match="zip"):
        import_voice(tmp_path / "a.zip", tmp_path / "in")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("note.md", "nothing")
    with pytest.raises(DataError, match="holds no voice"):
        import_voice(tmp_path / "b.zip", tmp_path / "in")
    good = export_voice(saved, tmp_path / "c.zip")
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(tmp_path / "d.zip", "w") as target:
        for entry in source.infolist():
            data = source.read(entry)
            target.writestr(entry.filename, data[:-1] if entry.filename.startswith("gpt") else data)
    with pytest.raises(DataError, match="gpt"):
        import_voice(tmp_path / "d.zip", tmp_path / "in")
    assert not list((tmp_path / "in").glob("*"))
