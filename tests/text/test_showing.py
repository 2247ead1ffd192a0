"""What a person is shown of a text, from Python and from the shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gsv.text.plan import plan
from gsv.text.showing import lines

ROOT = Path(__file__).resolve().parents[2]


def test_lines() -> None:
    shown = list(lines(plan('我用Python。<break time="1s"/><prosody rate="1.2">はい。</prosody>ж', "zh")))
    assert shown[0] == "1. 我用Python。"
    assert [line[3:6].strip() for line in shown if line.startswith("   ") and line[3] != " "] == [
        "zh",
        "en",
        "ja",
    ]
    assert "2. break of 1 s" in shown
    assert "3. はい。 (rate 1.2)" in shown
    assert shown[-1].startswith("warning: no reading for 'ж'")


def test_the_script(tmp_path: Path) -> None:
    (tmp_path / "logs" / "anna").mkdir(parents=True)
    (tmp_path / "logs" / "anna" / "lexicon.tsv").write_text("en\tgsv\tJH IY1\n", encoding="utf-8")
    command = [sys.executable, "-X", "utf8", str(ROOT / "tools" / "read_text.py"), "--text", "gsv, e.g. £5",
               "--language", "en", "--workspace", str(tmp_path), "--experiment", "anna"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert "for example five pounds" in done.stdout
    assert "JH IY1 ," in done.stdout
    failed = subprocess.run(
        [*command, "--language", "fr"], capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert failed.returncode == 1
    assert "unknown language 'fr'" in failed.stderr
