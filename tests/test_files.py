"""The safe writer: old or new content and never half, through kills and full disks; and names."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gsv import files
from gsv.errors import InputError

names = st.text(max_size=160) | st.from_regex(
    r"[ .]{0,2}(?i:con|nul|com1|lpt9)[ .]{0,2}(\.wav)?", fullmatch=True
)


@given(names)
def test_a_safe_name_is_good_on_every_system(name: str) -> None:
    safe = files.safe_name(name)
    assert safe == unicodedata.normalize("NFC", safe)
    assert 0 < len(safe.encode("utf-8")) <= files.MAX_NAME_BYTES
    assert not set(safe) & set('<>:"/\\|?*') and all(ord(letter) >= 32 for letter in safe)
    assert safe[-1] not in " ." and safe[0] not in " ."
    stem = safe.split(".")[0].rstrip().upper()
    assert stem not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}


@given(names)
def test_a_safe_name_stays_as_it_is(name: str) -> None:
    once = files.safe_name(name)
    assert files.safe_name(once) == once


@given(st.lists(names, max_size=12))
def test_safe_names_differ_without_case(wanted: list[str]) -> None:
    taken: list[str] = []
    for name in wanted:
        taken.append(files.safe_name(name, taken))
    assert len({name.casefold() for name in taken}) == len(taken)
    assert all(len(name.encode()) <= files.MAX_NAME_BYTES for name in taken)


@pytest.mark.parametrize(
    ("name", "taken", "safe"),
    [
        ("clip.wav", [], "clip.wav"),
        ("clip.wav", ["CLIP.WAV"], "clip-2.wav"),
        ("clip.wav", ["CLIP.WAV", "clip-2.wav"], "clip-3.wav"),
        ("录音 1.wav", [], "录音 1.wav"),
        ("e\u0301.wav", ["é.wav"], "é-2.wav"),
        ("aux.wav", [], "_aux.wav"),
        ("../../etc/passwd", [], "__.._etc_passwd"),
        ("a|b\t?.wav", [], "a_b__.wav"),
        ("", [], "unnamed"),
        ("...", [], "unnamed"),
        ("long" * 50 + ".wav", [], "long" * 24 + ".wav"),
        ("ıx", ["IX"], "ıx-2"),
    ],
)
def test_safe_name_examples(name: str, taken: list[str], safe: str) -> None:
    assert files.safe_name(name, taken) == safe


def test_a_safe_name_can_be_made_on_this_disk(tmp_path: Path) -> None:
    for wanted in ["a:b", "😀" * 60, "con", ".hidden", "x" * 300, "\ud800", "tab\there"]:
        (tmp_path / files.safe_name(wanted)).write_text("x")


@given(st.text())
@settings(max_examples=40)
def test_text_comes_back_as_written(text: str) -> None:
    # In the body, because a fixture would be shared by all examples.
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.txt")
        expected = text.encode("utf-8", errors="ignore").decode()
        files.write_text(path, expected)
        assert path.read_bytes() == expected.encode()
        normalised = expected.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
        assert files.read_text(path) == normalised


def test_reading_accepts_a_byte_order_mark_and_names_bad_files(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfhello\r\n")
    assert files.read_text(path) == "hello\n"
    path.write_bytes("日本".encode("shift_jis"))
    with pytest.raises(InputError, match="UTF-8"):
        files.read_text(path)
    with pytest.raises(InputError, match="no text file"):
        files.read_text(tmp_path / "absent")


def test_an_error_in_the_middle_keeps_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    files.write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), files.writing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("power")
    assert path.read_text() == '{\n  "a": 1\n}\n'
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]
    with pytest.raises(ValueError):
        files.write_json(path, {"loss": float("nan")})
    assert path.read_text() == '{\n  "a": 1\n}\n'


def test_the_temporary_file_keeps_the_ending_and_the_folder_is_made(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "voice.safetensors"
    with files.writing(target) as temporary:
        assert temporary.suffix == ".safetensors" and temporary.parent == target.parent
        temporary.write_bytes(b"x")
    assert target.read_bytes() == b"x"


WRITER = """
import sys
from pathlib import Path
from gsv import files
path = Path(sys.argv[1])
print("ready", flush=True)
number = 0
while True:
    number += 1
    files.write_bytes(path, bytes([number % 256]) * 200_000)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a Unix signal")
def test_a_kill_in_the_middle_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    files.write_bytes(path, b"\0" * 200_000)
    for round_number in range(8):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        # Kill once the child is seen at work, at a different depth each time.
        seen = 0
        while seen <= round_number:
            seen += any(entry.name.startswith(files.TEMPORARY_PREFIX) for entry in tmp_path.iterdir())
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        data = path.read_bytes()
        assert len(data) == 200_000 and len(set(data)) == 1
    files.remove_leftovers(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["data.bin"]


def test_leftovers_of_living_processes_stay(tmp_path: Path) -> None:
    (tmp_path / f"{files.TEMPORARY_PREFIX}{os.getpid()}-abc.wav").write_text("mine")
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    (tmp_path / f"{files.TEMPORARY_PREFIX}{child.pid}-def").mkdir()
    assert files.remove_leftovers(tmp_path) == 1
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    files.write_bytes(path, b"old")
    with pytest.raises(OSError, match="No space"), files.writing(path) as temporary:
        temporary.symlink_to("/dev/full")
        temporary.write_bytes(b"x" * 100_000)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_a_new_folder_appears_complete_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "generation-1"
    with files.new_folder(target) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "a").write_text("a")
        assert not target.exists()
    assert (target / "inner" / "a").read_text() == "a"
    with pytest.raises(InputError, match="exists already"), files.new_folder(target):
        pass
    with pytest.raises(RuntimeError), files.new_folder(tmp_path / "generation-2") as folder:
        (folder / "a").write_text("a")
        raise RuntimeError
    assert [entry.name for entry in tmp_path.iterdir()] == ["generation-1"]


def test_resolve_inside(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    assert files.resolve_inside("a/b.wav", [inside]) == inside / "a" / "b.wav"
    assert files.resolve_inside(inside / "x" / ".." / "y", [outside, inside]) == inside / "y"
    assert files.resolve_inside(inside, [inside]) == inside
    for bad in ["../out/a", outside / "a", "a/../../out", "nul\0byte", f"{inside}x"]:
        with pytest.raises(InputError):
            files.resolve_inside(bad, [inside])
    with pytest.raises(InputError):
        files.resolve_inside("a", [])


@pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
def test_a_link_out_of_the_allowed_folder_is_outside(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="outside"):
        files.resolve_inside("link/secret", [tmp_path / "in"])


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert files.sha256(tmp_path / "a").startswith("ba7816bf8f01cfea414140de5dae2223b00361a396177a9c")
