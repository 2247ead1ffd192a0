"""Downloads from a loopback server that cuts, lies, redirects and refuses."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock

from gsv.errors import Cancelled, InputError, ResourceError, WeightsError
from gsv.events import RecordedEvents
from gsv.weights import catalogue as catalogue_module
from gsv.weights import download as download_module
from gsv.weights.catalogue import CatalogueFile, Entry, address, check, find, part_path, status
from gsv.weights.download import Patience, download, download_all

BODY = bytes(range(256)) * 2000
REVISION = "0" * 40
QUICK = Patience(tries=3, pause=0.0, timeout=5.0)
TOOL = Path(__file__).resolve().parents[2] / "tools" / "models.py"


@dataclass
class Behaviour:
    """What the server does with each request in turn; the last one stays."""

    body: bytes = BODY
    cut_after: list[int | None] = field(default_factory=lambda: [None])
    ranges: bool = True
    status: list[int] = field(default_factory=lambda: [200])
    redirect: str = ""
    announce: int | None = None
    announced: bool = True
    wrong_range: bool = False
    requests: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        behaviour: Behaviour = self.server.behaviour  # type: ignore[attr-defined]
        self.close_connection = True
        asked = self.headers.get("Range")
        number = len(behaviour.requests)
        behaviour.requests.append(asked)
        behaviour.paths.append(self.path)
        code = behaviour.status[min(number, len(behaviour.status) - 1)]
        if code != 200:
            return self.answer(code, b"no", {})
        if behaviour.redirect and not self.path.startswith("/moved"):
            return self.answer(302, b"", {"Location": behaviour.redirect})
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and behaviour.ranges else 0
        if start and start >= len(behaviour.body):
            return self.answer(416, b"", {"Content-Range": f"bytes */{len(behaviour.body)}"})
        body = behaviour.body[start:]
        cut = behaviour.cut_after[min(number, len(behaviour.cut_after) - 1)]
        headers = {"Content-Length": str(behaviour.announce or len(body))} if behaviour.announced else {}
        if start:
            first = start + 1 if behaviour.wrong_range else start
            total = len(behaviour.body)
            headers["Content-Range"] = f"bytes {first}-{total - 1}/{total}"
        self.answer(206 if start else 200, body if cut is None else body[:cut], headers)

    def answer(self, code: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        if code not in (200, 206):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@dataclass
class Server:
    behaviour: Behaviour
    source: str


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.behaviour = Behaviour()  # type: ignore[attr-defined]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield Server(httpd.behaviour, f"http://127.0.0.1:{httpd.server_port}")  # type: ignore[attr-defined]
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def entry(size: int | None = len(BODY), sha256: str | None = "", path: str = "a=1/m ü.bin") -> Entry:
    digest = hashlib.sha256(BODY).hexdigest() if sha256 == "" else sha256
    file = CatalogueFile(path=path, size=size, sha256=digest)
    return Entry(
        name="model", role="sovits", licence="MIT", repository="who/what", revision=REVISION, files=(file,)
    )


def fetch(server: Server, root: Path, wanted: Entry | None = None) -> RecordedEvents:
    events = RecordedEvents()
    download(wanted or entry(), root, source=server.source, events=events, patience=QUICK)
    return events


@pytest.mark.parametrize("name", ["uvr-mdx-voc-ft", "mel-band-roformer", "deepfilternet3"])
def test_files_of_a_release_arrive_at_their_place(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What GitHub serves; the loopback server gives every file the same short body."""
    digest = hashlib.sha256(BODY).hexdigest()
    published = find(name)
    files = tuple(file.model_copy(update={"size": len(BODY), "sha256": digest}) for file in published.files)
    here = server.source + "/{repository}/releases/download/{release}"
    monkeypatch.setattr(catalogue_module, "_RELEASES", here)
    fetch(server, tmp_path, published.model_copy(update={"files": files}))
    assert server.behaviour.paths == [
        f"/{published.repository}/releases/download/{published.release}/{file.path}" for file in files
    ]
    for file in files:
        assert (tmp_path / published.folder / file.path).read_bytes() == BODY
    assert status(published.model_copy(update={"files": files}), tmp_path) == "complete"
    assert published.folder == ("separation" if published.role == "separation" else name)


def test_a_file_arrives_verified(server: Server, tmp_path: Path) -> None:
    assert status(entry(), tmp_path) == "missing"
    events = fetch(server, tmp_path)
    assert (tmp_path / "a=1" / "m ü.bin").read_bytes() == BODY
    assert [path.name for path in (tmp_path / "a=1").iterdir()] == ["m ü.bin"]
    assert status(entry(), tmp_path) == "complete"
    last = events.of("progress")[-1]
    assert last["done"] == last["total"] == len(BODY) and "model" in last["what"]
    assert events.of("item")[-1]["state"] == "done"
    assert fetch(server, tmp_path).of("item")[-1]["state"] == "skipped"
    assert len(server.behaviour.requests) == 1


@pytest.mark.parametrize(("size", "announced"), [(None, True), (None, False), (len(BODY), False)])
def test_unknown_sizes(server: Server, tmp_path: Path, size: int | None, announced: bool) -> None:
    server.behaviour.announced = announced
    fetch(server, tmp_path, entry(size=size))
    assert (tmp_path / "a=1" / "m ü.bin").read_bytes() == BODY


def test_cut_connections_are_continued(server: Server, tmp_path: Path) -> None:
    server.behaviour.cut_after = [100_000, 0, 0, 50_000, None]
    events = fetch(server, tmp_path)
    assert (tmp_path / "a=1" / "m ü.bin").read_bytes() == BODY
    assert server.behaviour.requests == [None, *["bytes=100000-"] * 3, "bytes=150000-"]
    assert any("trying again" in line["text"] for line in events.of("message"))


def test_a_server_without_ranges_starts_again(server: Server, tmp_path: Path) -> None:
    server.behaviour.ranges = False
    server.behaviour.cut_after = [100_000, 200_000, None]
    fetch(server, tmp_path)
    assert (tmp_path / "a=1" / "m ü.bin").read_bytes() == BODY


def test_an_interrupted_download_goes_on_later(server: Server, tmp_path: Path) -> None:
    server.behaviour.cut_after = [123_456, 0]
    with pytest.raises(ResourceError, match="cannot fetch") as error:
        fetch(server, tmp_path)
    text = str(error.value)
    assert "m ü.bin" in text and server.source in text and "--source" in text
    assert len(server.behaviour.requests) == 4
    path = tmp_path / "a=1" / "m ü.bin"
    assert part_path(path).stat().st_size == 123_456 and not path.exists()
    assert status(entry(), tmp_path) == "partial"
    server.behaviour.cut_after = [None]
    fetch(server, tmp_path)
    assert path.read_bytes() == BODY and server.behaviour.requests[-1] == "bytes=123456-"


def test_wrong_beginning_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "a=1" / "m ü.bin"
    path.parent.mkdir()
    part_path(path).write_bytes(b"something else")
    fetch(server, tmp_path)
    assert path.read_bytes() == BODY


@pytest.mark.parametrize("extra", [0, 5])
def test_complete_or_longer_beginnings(server: Server, tmp_path: Path, extra: int) -> None:
    path = tmp_path / "a=1" / "m ü.bin"
    for size in (len(BODY), None):
        path.parent.mkdir(exist_ok=True)
        part_path(path).write_bytes(BODY + bytes(extra))
        fetch(server, tmp_path, entry(size=size))
        assert path.read_bytes() == BODY
        path.unlink()


@pytest.mark.parametrize("size", [len(BODY), None])
def test_wrong_bytes_are_refused_and_removed(server: Server, tmp_path: Path, size: int | None) -> None:
    server.behaviour.body = BODY[:-1] + b"x"
    with pytest.raises(WeightsError, match="SHA-256"):
        fetch(server, tmp_path, entry(size=size))
    assert list((tmp_path / "a=1").iterdir()) == []


def test_wrong_size_is_refused_before_it_is_fetched(server: Server, tmp_path: Path) -> None:
    server.behaviour.body = b"<html>sign in to the network</html>"
    with pytest.raises(WeightsError, match="it has 35 bytes"):
        fetch(server, tmp_path)
    assert list((tmp_path / "a=1").iterdir()) == []


def test_more_bytes_than_announced_are_not_taken(server: Server, tmp_path: Path) -> None:
    server.behaviour.body, server.behaviour.announced = BODY + b"more", False
    with pytest.raises(ResourceError, match="more than it announced"):
        fetch(server, tmp_path)
    assert not (tmp_path / "a=1" / "m ü.bin").exists()


def test_another_part_than_asked_for_is_not_taken(server: Server, tmp_path: Path) -> None:
    server.behaviour.cut_after, server.behaviour.wrong_range = [1000, None], True
    with pytest.raises(ResourceError, match="another part"):
        fetch(server, tmp_path)


@pytest.mark.parametrize(("code", "requests"), [(404, 1), (403, 1), (503, 3)])
def test_refusals(server: Server, tmp_path: Path, code: int, requests: int) -> None:
    server.behaviour.status = [code]
    with pytest.raises(ResourceError, match=str(code)):
        fetch(server, tmp_path)
    assert len(server.behaviour.requests) == requests


def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.behaviour.status = [503, 429, 200]
    fetch(server, tmp_path)
    assert status(entry(), tmp_path) == "complete"


def test_redirects(server: Server, tmp_path: Path) -> None:
    server.behaviour.cut_after = [None, 1000, None, None]
    server.behaviour.redirect = f"{server.source}/moved/here"
    fetch(server, tmp_path)
    assert (tmp_path / "a=1" / "m ü.bin").read_bytes() == BODY
    assert server.behaviour.requests == [None, None, "bytes=1000-", "bytes=1000-"]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_unsafe_redirects_are_not_followed(server: Server, tmp_path: Path, target: str) -> None:
    server.behaviour.redirect = target
    with pytest.raises(ResourceError, match=r"not safe to follow|not allowed"):
        fetch(server, tmp_path)


def test_no_network(tmp_path: Path) -> None:
    closed = Server(Behaviour(), "http://127.0.0.1:9")
    with pytest.raises(ResourceError, match="no connection") as error:
        fetch(closed, tmp_path)
    assert str(tmp_path / "a=1" / "m ü.bin") in str(error.value)


def test_stop_keeps_what_has_come(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "BLOCK", 4096)

    class Stopping(RecordedEvents):
        def progress(self, done: int, total: int, what: str = "") -> None:
            if done > 20_000:
                self.request_stop()

    with pytest.raises(Cancelled):
        download(entry(), tmp_path, source=server.source, events=Stopping(), patience=QUICK)
    part = part_path(tmp_path / "a=1" / "m ü.bin")
    assert BODY.startswith(part.read_bytes()) and part.stat().st_size > 20_000


def test_full_disk_is_said_before_the_start(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(download_module.shutil, "disk_usage", lambda path: usage(1, 1, 1000))
    with pytest.raises(ResourceError, match="no room"):
        fetch(server, tmp_path)
    assert list((tmp_path / "a=1").iterdir()) == []


def test_two_downloads_of_one_file(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a=1").mkdir()
    with (
        FileLock(str(tmp_path / "a=1" / "m ü.bin.lock")),
        pytest.raises(ResourceError, match="being downloaded already"),
    ):
        fetch(server, tmp_path)


def test_a_wrong_file_is_replaced_only_by_a_right_one(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "a=1" / "m ü.bin"
    path.parent.mkdir()
    path.write_bytes(bytes(len(BODY)))
    server.behaviour.status = [404]
    with pytest.raises(ResourceError):
        fetch(server, tmp_path)
    assert path.read_bytes() == bytes(len(BODY))
    server.behaviour.status = [200]
    events = fetch(server, tmp_path)
    assert path.read_bytes() == BODY
    assert any("fetched again" in line["text"] for line in events.of("message"))


def test_nothing_starts_with_a_wrong_name_or_source(tmp_path: Path) -> None:
    for names, source in ((["v2", "nothing"], "huggingface"), (["v2"], "nowhere"), ([], "huggingface")):
        with pytest.raises(InputError):
            download_all(names, tmp_path, source=source)
    with pytest.raises(InputError, match="comes with this program"):
        download_all(["tiny"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_addresses() -> None:
    wanted = entry()
    (file,) = wanted.files
    expected = f"who/what/resolve/{REVISION}/a%3D1/m%20%C3%BC.bin"
    assert address(wanted, file) == f"https://huggingface.co/{expected}"
    assert address(wanted, file, "hf-mirror") == f"https://hf-mirror.com/{expected}"
    assert address(wanted, file, "https://here.example/mirror/") == f"https://here.example/mirror/{expected}"


def test_the_command(server: Server, tmp_path: Path) -> None:
    """The tool fetches a catalogued model from a mirror and refuses bytes that are not the published ones."""
    (tmp_path / "work space").mkdir()
    server.behaviour.body = b"x" * 1449
    options = [f"--workspace={tmp_path / 'work space'}", f"--events={tmp_path / 'events.jsonl'}"]
    command = [sys.executable, str(TOOL), "download", "hubert", f"--source={server.source}", *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1 and "SHA-256" in done.stderr, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert lines[-1]["kind"] == "failed"
    models = tmp_path / "work space" / "pretrained_models"
    assert not list(models.rglob("*.json")) and not list(models.rglob("*.part"))


def test_checks_of_what_is_there(tmp_path: Path) -> None:
    wanted = entry()
    path = tmp_path / "a=1" / "m ü.bin"
    path.parent.mkdir()
    path.write_bytes(bytes(len(BODY)))
    assert status(wanted, tmp_path) == "complete"
    (found,) = check(wanted, tmp_path, hashes=True)
    assert found.state == "damaged" and "SHA-256" in found.reason
    path.write_bytes(b"short")
    assert status(wanted, tmp_path) == "damaged"
    (found,) = check(entry(size=None, sha256=None), tmp_path, hashes=True)
    assert found.state == "complete" and "no SHA-256 is known" in found.reason
