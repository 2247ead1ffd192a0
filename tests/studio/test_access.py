"""Nobody comes in without a login, and nobody reads outside the allowed folders."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gsv.errors import InputError
from gsv.settings import Workspace
from gsv.studio.access import Access, Credentials, is_loopback
from gsv.studio.launch import Options, admit

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "work space 数据"
    (folder / "clips").mkdir(parents=True)
    (folder / "clips" / 'odd "name".list').write_text("x", encoding="utf-8")
    (folder / "clips" / "plain.list").write_text("x", encoding="utf-8")
    (tmp_path / "secret.list").write_text("x", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize("changes", [{"share": True}, {"host": "0.0.0.0"}, {"host": "studio.example.org"}])
def test_open_page_needs_a_login_and_is_confined(root: Path, changes: dict[str, object]) -> None:
    with pytest.raises(InputError, match="login"):
        admit(Options(workspace=root, **changes))  # type: ignore[arg-type]
    admission = admit(Options(workspace=root, auth=("anna:secret",), **changes))  # type: ignore[arg-type]
    assert admission.access.confined and admission.credentials.check("anna", "secret")


def test_loopback_page_is_open_to_its_owner(root: Path) -> None:
    admission = admit(Options(workspace=root))
    assert not admission.access.confined and not admission.credentials


def test_credentials(tmp_path: Path) -> None:
    file = tmp_path / "logins"
    file.write_text("# people\nbob:pass:with:colons\n\n小明:密码\n", encoding="utf-8")
    known = Credentials.read(["anna:x"], file)
    assert known.check("bob", "pass:with:colons") and known.check("小明", "密码") and known.check("anna", "x")
    assert not known.check("bob", "") and not known.check("nobody", "") and not known.check("anna", "X")
    file.write_text("\n", encoding="utf-8")
    with pytest.raises(InputError):
        Credentials.read([], file)
    for wrong in ("anna", "anna:", ":x"):
        with pytest.raises(InputError):
            Credentials([wrong])


def test_paths_as_people_paste_them(root: Path) -> None:
    access = Access(Workspace(root))
    plain = root / "clips" / "plain.list"
    for text in (str(plain), f'"{plain}"', f" '{plain}'\n", "clips/plain.list", f"\u202a{plain}"):
        assert access.existing(text, "List") == plain
    if sys.platform != "win32":
        assert access.existing('clips/odd "name".list', "List").is_file()
    for text in ("", "  ", "clips", "clips/none.list", "a\0b", "x" * 5000):
        with pytest.raises(InputError):
            access.existing(text, "List")


def test_paths_from_a_browser_and_from_another_system(root: Path) -> None:
    access = Access(Workspace(root))
    plain = root / "clips" / "plain.list"
    assert access.existing(plain.as_uri(), "List") == plain
    if sys.platform != "win32":
        for text in (r"C:\Users\Anna\voice.list", '"D:/voice.list"', r"\\nas\voices\a.list"):
            with pytest.raises(InputError, match="Windows"):
                access.path(text, "List")


def test_confined_paths_follow_links(root: Path, tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "fine.list").write_text("x", encoding="utf-8")
    access = Access(Workspace(root), (allowed.resolve(),), confined=True)
    assert access.existing("clips/plain.list", "List").is_file()
    assert access.existing(str(allowed / "fine.list"), "List").is_file()
    for text in (
        "../secret.list",
        str(tmp_path / "secret.list"),
        "/etc/passwd",
        "~/x",
        "clips/../../secret.list",
    ):
        with pytest.raises(InputError):
            access.existing(text, "List")


@pytest.mark.skipif(sys.platform == "win32", reason="making links needs a privilege on Windows")
def test_confined_page_is_not_led_out_by_a_link(root: Path, tmp_path: Path) -> None:
    (root / "link.list").symlink_to(tmp_path / "secret.list")
    (root / "logs").mkdir()
    (root / "logs" / "led-out").symlink_to(tmp_path)
    access = Access(Workspace(root), confined=True)
    with pytest.raises(InputError):
        access.existing("link.list", "List")
    with pytest.raises(InputError):
        access.experiment("led-out")
    assert Access(Workspace(root)).existing("link.list", "List").is_file()


@pytest.mark.parametrize("name", ["", "  ", "a/b", "..", "CON", "jobs", 'a"b', "x\ny"])
def test_names_that_are_no_folder_names(root: Path, name: str) -> None:
    with pytest.raises(InputError):
        Access(Workspace(root)).experiment(name)
