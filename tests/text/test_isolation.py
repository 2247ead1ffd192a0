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


PLANNED = """
import sys
from gsv.text.plan import plan
from gsv.text.reading import PUBLISHED, NATURAL
made = plan(sys.argv[2], sys.argv[1], manner=PUBLISHED if len(sys.argv) > 3 else NATURAL)
print(len(made.utterances), *{part.segment.language for item in made.utterances for part in item.segments})
print(*sorted({"jieba", "pypinyin", "pyopenjtalk", "mecab", "ToJyutping", "emoji"} & set(sys.modules)))
"""


@pytest.mark.parametrize(("choice", "text", "languages", "loaded"), [
    ("auto", " ".join(TEXTS.values()) + "😀", {"zh", "en", "ja", "ko", "yue"}, None),
    ("en", "Hello there.", {"en"}, set()),
    ("zh", "你好。", {"zh"}, {"jieba", "pypinyin"}),
    ("ja", "こんにちは。", {"ja"}, {"pyopenjtalk"}),
    ("ko", "안녕하세요.", {"ko"}, {"mecab"}),
    ("yue", "我哋去。", {"yue"}, {"ToJyutping"}),
])  # fmt: skip
def test_each_language_loads_what_it_needs(
    choice: str, text: str, languages: set[str], loaded: set[str] | None
) -> None:
    guarded = GUARD.split("import gsv.text")[0] + PLANNED
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", guarded, choice, text],
        capture_output=True, text=True, encoding="utf-8", timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    first, second = done.stdout.splitlines()
    assert set(first.split()[1:]) == languages
    assert loaded is None or set(second.split()) == loaded


OPTIONAL = {
    "opencc": ("zh", "opencc", "漢字。"), "pypinyin": ("zh", "pypinyin", "汉字。"), "emoji": ("en", "emoji", "OK 😀"),
}  # fmt: skip


@pytest.mark.parametrize("module", OPTIONAL)
def test_each_missing_package_names_its_command(module: str) -> None:
    language, package, text = OPTIONAL[module]
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", MISSING, f"{language}|{module}|{text}"],
        capture_output=True, text=True, encoding="utf-8", timeout=300, check=False,
    )  # fmt: skip
    assert f"pip install {package}" in done.stdout, done.stderr + done.stdout
