"""Questions of the Proofread tab and their answers, without a browser."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gsv import audio
from gsv.studio.access import Access
from gsv.studio.proofreading_desk import Desk
from gsv.studio.studio import Studio

NASTY = "<script>alert('x')</script> & \"q\""


@pytest.fixture
def voice(plain_studio: Studio) -> Path:
    folder = plain_studio.workspace.root / "<b> clips"
    folder.mkdir()
    for name in ("a<i>.wav", "b.wav"):
        audio.write(folder / name, np.sin(np.arange(8000) / 9).astype("f"), 8000)
    path = folder / "voice.list"
    path.write_text(f"a<i>.wav|{NASTY}|en|{NASTY}\nb.wav|ann|en|Two words.\nlost.wav|ann|xx|Lost.\n", "utf-8")
    words = {"path": "b.wav", "language": "zh", "confidence": 0.4, "words": []}
    path.with_suffix(".words.jsonl").write_text("torn {\n" + json.dumps(words) + "\n", encoding="utf-8")
    return path


def ask(desk: Desk, voice: Path, deed: str, **more: Any) -> dict[str, Any]:
    """The answer as it comes through the wire."""
    question = {"key": desk.key, "list": str(voice), "folder": "", "do": deed, **more}
    return dict(json.loads(json.dumps(desk.answer(question))))


def test_a_page_is_escaped_and_says_what_is_doubtful(plain_studio: Studio, voice: Path) -> None:
    desk = Desk(plain_studio)
    answer = ask(desk, voice, "look", query={"sort": "doubt"})
    html = answer["html"]
    assert "<script>" not in html and "a<i>" not in html and "&lt;script&gt;" in html
    assert "<script>" not in answer["speakers"]
    assert [html.index(f'data-id="{number}"') for number in (3, 2, 1)] == sorted(
        html.index(f'data-id="{number}"') for number in (1, 2, 3)
    )
    assert "40 %" in html and "unknown language" in html and "sounds like Mandarin" in html
    assert "0 of 3 checked" in answer["totals"]


def test_answers_bring_what_changed(plain_studio: Studio, voice: Path) -> None:
    desk = Desk(plain_studio)
    seen = ask(desk, voice, "look")["seen"]
    more: dict[str, Any] = {"seen": seen, "shown": [1, 2, 3]}
    answer = ask(desk, voice, "change", id=2, fields={"text": "mine"}, **more)
    assert list(answer["cards"]) == ["2"] and answer["undo"] == "text" and not answer["anew"]
    late = ask(desk, voice, "change", id=2, fields={"text": "theirs"}, **more)
    assert late["conflict"] and "mine" in late["cards"]["2"]
    assert "b.wav|ann|en|mine\n" in voice.read_text(encoding="utf-8")
    refused = ask(desk, voice, "change", id=2, fields={"text": "a|b"}, seen=late["seen"])
    assert "parts the fields" in refused["error"]
    undone = ask(desk, voice, "undo", seen=late["seen"])
    assert undone["focus"] == 2 and undone["said"] == "Undone: text"
    suggested = ask(desk, voice, "splitting", id=2, seconds=0.5)["form"]
    assert 'value="Two"' in suggested and 'value="words."' in suggested
    split = ask(
        desk, voice, "split", id=2, seconds=0.5, texts=["x", "y"], seen=undone["seen"], shown=[1, 2, 3]
    )
    assert split["anew"] and split["gone"] == [2]


def test_wrong_questions_are_answered_with_a_reason(plain_studio: Studio, voice: Path) -> None:
    desk = Desk(plain_studio)
    assert "out of date" in ask(desk, voice, "look", key="guess")["error"]
    assert "no file" in ask(desk, voice.with_name("none.list"), "look")["error"]
    assert "no annotation list" in ask(desk, voice.with_name("b.wav"), "look")["error"]
    for deed, more in (
        ("dance", {}),
        ("delete", {}),
        ("delete", {"id": 99}),
        ("split", {"id": 1, "texts": 3}),
    ):
        assert ask(desk, voice, deed, **more)["error"]
    strange = {"page": "x", "size": 10**9, "show": "<b>", "sort": 3}
    assert ask(desk, voice, "look", query=strange)["pager"] == {"page": 1, "pages": 1}


def test_clips_are_heard_by_their_addresses_only(plain_studio: Studio, voice: Path) -> None:
    desk = Desk(plain_studio)
    waves = ask(desk, voice, "waves", ids=[1, 2, 3])["waves"]
    assert len(waves["2"]["peaks"]) == 240 and waves["2"]["seconds"] == pytest.approx(1.0)
    assert "no such file" in waves["3"]["error"]
    client = TestClient(Starlette(routes=[plain_studio.clips.route()]))
    heard = client.get("/" + waves["1"]["sound"])
    assert heard.content == (voice.parent / "a<i>.wav").read_bytes()
    assert (
        heard.headers["content-type"] == "audio/wav" and heard.headers["x-content-type-options"] == "nosniff"
    )
    assert client.get("/" + waves["1"]["sound"], headers={"Range": "bytes=0-3"}).content == b"RIFF"
    for guess in ("x", "..%2Fvoice.list", waves["1"]["sound"].split("/")[1][:-1] + "g"):
        assert client.get(f"/proofread-clip/{guess}").status_code == 404


def test_a_page_with_a_login_hears_and_cuts_nothing_outside(plain_studio: Studio, voice: Path) -> None:
    outside = plain_studio.workspace.root.parent / "outside.wav"
    audio.write(outside, np.ones(8000, "f"), 8000)
    voice.write_text(f"{outside}|ann|en|Far away.\nb.wav|ann|en|Near.\n", encoding="utf-8")
    confined = Access(plain_studio.workspace, confined=True)
    desk = Desk(replace(plain_studio, access=confined))
    waves = ask(desk, voice, "waves", ids=[1, 2])["waves"]
    assert "outside.wav" in waves["1"]["error"] and "sound" in waves["2"]
    for deed, more in (
        ("splitting", {"seconds": 0.5}),
        ("split", {"seconds": 0.5, "texts": ["a", "b"]}),
        ("merge", {}),
    ):
        assert "outside.wav" in ask(desk, voice, deed, id=1, **more)["error"]
    assert not voice.with_suffix(".edits").exists()
    assert ask(desk, outside, "look")["error"]
