"""The studio as it is really opened: refusals on the command line, and what its server gives away."""

from __future__ import annotations

import importlib.util
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from gsv.jobs import StudioLock
from gsv.studio.launch import Options, run

REPOSITORY = Path(__file__).parents[2]
LOGIN = {"username": "anna", "password": "secret"}


def command(*arguments: str) -> tuple[int, str]:
    """Exit code and words of `webui.py` with these arguments, for runs that end by themselves."""
    spec = importlib.util.spec_from_file_location("webui", REPOSITORY / "webui.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result = CliRunner().invoke(module.app, list(arguments))
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "needs a login"),
        (["--share"], "needs a login"),
        (["--auth", "nobody"], "name:password"),
        (["--language", "fr"], "Choose one of en, zh"),
        (["--allow", "/no/such/folder"], "is no folder"),
        (["--workspace", "/no/such/folder"], "there is no folder"),
    ],
)
def test_wrong_options_end_with_code_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    base = [] if "--workspace" in arguments else ["--workspace", str(tmp_path)]
    code, output = command(*base, *arguments)
    assert code == 2 and words in output
    assert not (tmp_path / "logs").exists()


def test_second_studio_in_a_workspace_is_refused(tmp_path: Path) -> None:
    with StudioLock(tmp_path / "logs") as lock:
        lock.acquire("http://the.first.one")
        code, output = command("--workspace", str(tmp_path))
    assert code == 1 and "http://the.first.one" in output


def test_port_in_use_is_said_with_a_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, output = command("--workspace", str(tmp_path), "--port", str(port))
    assert code == 1 and f"port {port}" in output and "--port" in output
    with StudioLock(tmp_path / "logs") as lock:  # nothing is left behind
        lock.acquire("the next one")


class Server:
    """A studio in a thread of this process."""

    def __init__(self, workspace: Path, **changes: object) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._stopped = threading.Event()
        options = Options(port=self.port, workspace=workspace, **changes)  # type: ignore[arg-type]
        opened = threading.Event()
        arguments = (options, REPOSITORY / "tools", lambda line: opened.set(), self._stopped)
        self._thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._thread.start()
        assert opened.wait(timeout=120)

    def close(self) -> None:
        """End the studio."""
        self._stopped.set()
        self._thread.join(timeout=30)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a log that is shown and a secret that is not."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "logs" / "voice").mkdir(parents=True)
    (folder / "logs" / "voice" / "shown.wav").write_bytes(b"RIFF")
    (folder / "secret.txt").write_text("secret", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def open_server(workspace: Path) -> Iterator[Server]:
    """Without a login, on loopback."""
    server = Server(workspace)
    yield server
    server.close()


def test_foreign_host_names_are_refused(open_server: Server) -> None:
    assert httpx.get(open_server.url).status_code == 200
    assert httpx.get(open_server.url, headers={"Host": "evil.example.org"}).status_code == 400


def test_only_shown_folders_are_served(open_server: Server, workspace: Path) -> None:
    def status(path: str) -> int:
        return httpx.get(f"{open_server.url}/gradio_api/file={path}").status_code

    assert status(str(workspace / "logs" / "voice" / "shown.wav")) == 200
    for path in (workspace / "secret.txt", workspace / "logs" / ".." / "secret.txt", "/etc/passwd", __file__):
        assert status(str(path)) in (403, 404), path


def test_large_uploads_are_refused(open_server: Server) -> None:
    page = httpx.get(open_server.url + "/config").json()
    assert page["max_file_size"] == 200 * 1024 * 1024 and page["analytics_enabled"] is False


def test_page_names_no_other_server(open_server: Server) -> None:
    text = httpx.get(open_server.url).text
    for asked in ("fonts.googleapis", "gstatic", "cdnjs", "unpkg", "jsdelivr", "huggingface.co"):
        assert asked not in text


def test_login_guards_everything(workspace: Path, tmp_path: Path) -> None:
    server = Server(tmp_path, auth=("anna:secret",))
    try:
        sound = f"{server.url}/gradio_api/file={workspace / 'logs' / 'voice' / 'shown.wav'}"
        assert httpx.get(server.url + "/config").status_code == 401
        assert httpx.get(sound).status_code == 401
        assert httpx.post(server.url + "/gradio_api/upload", files={"files": b"x"}).status_code == 401
        with httpx.Client(base_url=server.url) as client:
            assert client.post("/login", data={**LOGIN, "password": "wrong"}).status_code == 400
            assert client.post("/login", data=LOGIN).status_code == 200
            assert client.get("/config").status_code == 200
            assert client.get("/theme.css").status_code == 200
    finally:
        server.close()
