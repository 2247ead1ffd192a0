"""The page speaks every language completely, and has no word too many."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gsv.studio
from gsv.corpus import proofreading_rows, proofreading_view
from gsv.corpus.exchange import EXPORTS, IMPORTS
from gsv.errors import InputError
from gsv.families import FAMILY_NAMES
from gsv.jobs import JobState
from gsv.studio import (
    commands,
    render_proofread,
    render_speech,
    sound_steps,
    speak_form,
    speak_options,
    tab_convert,
    tab_data,
    train_form,
)
from gsv.studio.labels import LANGUAGES, Labels, fields, table
from gsv.studio.page import TABS
from gsv.studio.reading import PREVIEW_KINDS
from gsv.text.splitting import METHODS
from gsv.weights import catalogue

SOURCES = Path(gsv.studio.__file__).parent
MADE_NAMES = {
    *(f"tab_{name}" for name in TABS),
    *(f"state_{state.value}" for state in JobState),
    *(f"stage_{name}" for name in commands.STAGES),
    *(f"stage_{name}_help" for name in commands.STAGES),
    *(f"step_{step.name}{ending}" for step in tab_data.STEPS for ending in ("", "_help")),
    *(f"start_{step.name}" for step in tab_data.STEPS),
    *(f"denoise_{name}" for name in sound_steps.DENOISERS),
    *(f"separate_{entry.name}" for entry in sound_steps.SEPARATORS),
    *(f"exchange_{name.replace('-', '_')}" for name in (*IMPORTS, *EXPORTS)),
    *(f"family_{name}" for name in FAMILY_NAMES),
    *(f"preset_{name}" for name in train_form.PRESETS["gpt"]),
    *(f"part_{name}" for name in train_form.PARTS),
    *(f"option_{name}{ending}" for name in speak_options.NAMES for ending in ("", "_help")),
    *(f"cut_{name}" for name in METHODS),
    *(f"check_{name.replace(' ', '_')}" for name in render_speech.CHECKS),
    *(f"speak_{kind}{ending}" for kind in ("sovits", "gpt") for ending in ("", "_help")),
    *(f"said_{state}" for state in ("passed", "flagged", "unchecked")),
    *(f"voice_{name}{ending}" for name in ("name", "consent", "licence") for ending in ("", "_help")),
    *(f"voices_{column}" for column in ("name", "family", "clips", "licence")),
    *(f"language_{code}" for code in speak_form.LANGUAGES),
    *(f"error_no_{kind}" for kind in ("file", "folder")),
    *(f"language_{code}" for code in tab_convert.LANGUAGES),
    *(f"preview_{kind}" for kind in PREVIEW_KINDS),
    *(f"count_{name}" for name in ("read", "done", "skipped", "failed")),
    *(f"status_{name}" for name in ("complete", "partial", "missing", "damaged")),
    *(f"models_{name}" for name in ("name", "role", "size", "licence", "status")),
    *(f"role_{entry.role}" for entry in catalogue.entries()),
    *(f"show_{name}" for name in proofreading_view.SHOWN),
    *(f"sort_{name}" for name in proofreading_view.SORTS),
    *(f"fault_{name}" for name in proofreading_rows.FAULTS),
    *(f"edit_{kind}" for kind in render_proofread.EDITS),
    *(f"key_{name}" for name, _ in render_proofread.KEYS),
    *(f"proofread_said_{name}" for name in render_proofread.SAID),
    *(f"proofread_{name}_n" for name in ("faulty", "deleted")),
    *(f"split_{side}" for side in ("left", "right")),
    "state_stopping",
}


def used_names() -> set[str]:
    """Names of labels that the sources write out."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES.glob("*.py"))
    direct = set(re.findall(r"labels\(\s*[\"'](\w+)[\"'][,)\s]", text)) | set(
        re.findall(r"self\(\"(\w+)\"", text)
    )
    quoted = set(re.findall(r"\"(\w+)\"", text))
    numbers = set(re.findall(r"_(?:number|box)\(labels, \"(\w+)\"", text))
    errors = {f"error_{name}" for name in re.findall(r"\.error\(\s*\"(\w+)\"", text)}
    errors |= {"error_no_file", "error_no_folder"}
    direct |= errors | {f"{name}{part}" for name in errors for part in ("_why", "_help")} & set(table())
    direct = {name for name in direct if not name.endswith("_")}  # the beginning of a name made elsewhere
    return direct | numbers | {f"{name}_help" for name in numbers} | (quoted & set(table()))


def test_every_label_has_every_language() -> None:
    for name, words in table().items():
        assert tuple(sorted(words)) == tuple(sorted(LANGUAGES)), name
        assert all(text.strip() == text and text for text in words.values()), name
        assert len({frozenset(fields(text)) for text in words.values()}) == 1, name


def test_chinese_is_chinese() -> None:
    for name, words in table().items():
        if name not in ("seconds",):
            assert re.search(r"[\u4e00-\u9fff]", words["zh"]), name
        assert not re.search(r"[\u4e00-\u9fff]", words["en"]), name


def test_table_holds_what_the_page_uses_and_no_more() -> None:
    needed = used_names() | MADE_NAMES
    assert needed - set(table()) == set()
    assert set(table()) - needed == set()


def test_durations_and_unknown_language() -> None:
    labels = Labels("en")
    assert [labels.duration(seconds) for seconds in (0.4, 59, 61, 3599, 3661)] == [
        "0 s",
        "59 s",
        "1 min",
        "60 min",
        "1 h 1 min",
    ]
    with pytest.raises(InputError):
        Labels("fr")
