"""Loading and using a language opens no socket, starts no process, and only happens when it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

TEXTS = {
    "zh": "你好，GPT和银行行长2024年。",
    "en": "Dr. Zorblatt paid $3.50 in 2024.",
    "ja": "今日は100円、OKです。",
    "ko": "안녕하세요, 3개 먹는 밥.",
    "yue": "我哋今日食咗3碗飯。",
}
GUARD = """
import sys

def guard(event, arguments):
    forbidden = ("socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.system", "os.exec",
                 "os.posix_spawn", "os.fork", "os.spawn", "os.startfile", "pty.spawn", "urllib.Request")
    if event.startswith(forbidden):
        raise SystemExit(f"{event} {arguments}")

sys.addaudithook(guard)
import gsv.text
heavy = {"jieba", "pypinyin", "pyopenjtalk", "mecab", "ToJyutping", "opencc", "torch", "transformers", "nltk"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
found = gsv.text.phones_of(sys.argv[2], sys.argv[1])
assert len(found.phones) > 8
assert not {"nltk", "g2p_en", "g2pk2", "torch", "transformers"} & set(sys.modules)
print(len(found.phones))
"""


@pytest.mark.parametrize("language", TEXTS)
def test_no_socket_and_no_process(language: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", GUARD, language, TEXTS[language]],
        capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout


MISSING = """
import sys
from gsv.errors import DependencyError
from gsv.text import phones_of
for rule in sys.argv[1:]:
    language, module, text = rule.split("|")
    sys.modules[module] = None
    try:
        phones_of(text, language)
    except DependencyError as error:
        print(language, error)
"""
PACKAGES = {
    "zh": ("jieba", "jieba"), "ja": ("pyopenjtalk", "pyopenjtalk-plus"), "ko": ("mecab", "python-mecab-ko"),
    "yue": ("ToJyutping", "ToJyutping"),
}  # fmt: skip


def test_missing_package_names_the_command() -> None:
    rules = [f"{language}|{module}|{TEXTS[language]}" for language, (module, _) in PACKAGES.items()]
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", MISSING, *rules],
        capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    for language, (_, package) in PACKAGES.items():
        assert any(
            line.startswith(f"{language} ") and f"pip install {package}" in line
            for line in done.stdout.splitlines()
        ), done.stderr + done.stdout
