"""Clips being proofread as HTML. Everything that comes from outside is escaped here.

Knows labels and rows of a list. Does not know Gradio, nor where recordings lie.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import PureWindowsPath

from gsv.corpus.proofreading_rows import DELETED, State
from gsv.corpus.proofreading_view import SHOWN, SORTS, Item, Show, View
from gsv.corpus.proofreading_words import Heard
from gsv.studio import render
from gsv.studio.labels import Labels
from gsv.text import LANGUAGES

EDITS = ("text", "language", "speaker", "check", "uncheck", "delete", "restore", "split", "merge")
"""Kinds of edits, each with words of its own."""
KEYS = (
    ("play", "Alt+P"),
    ("next", "Alt+↓"),
    ("previous", "Alt+↑"),
    ("save", "Ctrl+Enter"),
    ("delete", "Alt+X"),
    ("split", "Alt+S"),
    ("merge", "Alt+M"),
    ("undo", "Alt+Z"),
    ("redo", "Alt+Y"),
)
"""What the keyboard does, and how; the page's script holds the same table."""
KEY_OF = {"check": "save", "splitting": "split", "restore": "delete", "split": ""}
"""Buttons whose key goes by another name."""
SAID = ("saving", "saved", "unsaved", "lost", "news", "conflict", "mine", "theirs")
"""Words that the page's script puts in by itself."""
DOUBTFUL, SURE = 0.6, 0.85
DOUBTFUL_WORD = 0.5
MOST_SPEAKERS = 200


def desk(labels: Labels, key: str) -> str:
    """The whole part, with nothing opened yet."""
    said = json.dumps({name: labels(f"proofread_said_{name}") for name in SAID})
    shows = "".join(f'<option value="{name}">{escape(labels(f"show_{name}"))}</option>' for name in SHOWN)
    sorts = "".join(f'<option value="{name}">{escape(labels(f"sort_{name}"))}</option>' for name in SORTS)
    nothing = render.empty(labels("proofread_nothing"), labels("proofread_nothing_help"))
    return (
        f'<div class="desk" data-key="{escape(key)}" data-said="{escape(said)}">'
        f'<div class="tools" role="search">{_field("text", labels("proofread_search"))}'
        f"{_choice('show', labels('proofread_show'), shows)}{_choice('language', labels('proofread_language'), '')}"
        f"{_choice('speaker', labels('proofread_speaker'), '')}"
        f"{_choice('sort', labels('proofread_sort'), sorts)}</div>"
        f'<div class="tools"><div class="totals" role="status"></div>{_pause(labels)}'
        f'<label class="tick"><input type="checkbox" data-query="follow"> {escape(labels("proofread_follow"))}</label>'
        f"{_button('undo', labels('proofread_undo'), 'disabled')}"
        f"{_button('redo', labels('proofread_redo'), 'disabled')}</div>"
        f'<div class="said" role="status" aria-live="polite"></div><datalist id="proofread-speakers"></datalist>'
        f'<div class="cards"><div class="card">{nothing}</div></div>{_pager(labels)}{_keys(labels)}</div>'
    )


def _field(name: str, label: str) -> str:
    return (
        f'<label class="field wide">{escape(label)}<input type="search" data-query="{name}" '
        f'id="proofread-{name}" autocomplete="off"></label>'
    )


def _choice(name: str, label: str, options: str) -> str:
    return (
        f'<label class="field">{escape(label)}<select data-query="{name}" id="proofread-{name}">{options}'
        "</select></label>"
    )


def _pause(labels: Labels) -> str:
    return (
        f'<label class="tick" title="{escape(labels("proofread_pause_help"))}">{escape(labels("proofread_pause"))} '
        '<input type="number" data-query="pause" value="0" min="0" max="2" step="0.1"></label>'
    )


def _button(deed: str, words: str, more: str = "", title: str = "") -> str:
    keys = dict(KEYS).get(KEY_OF.get(deed, deed), "")
    hint = " · ".join(filter(None, (title, keys)))
    return (
        f'<button type="button" class="again" data-do="{deed}" title="{escape(hint)}" {more}>'
        f"{escape(words)}</button>"
    )


def _pager(labels: Labels) -> str:
    return (
        f'<nav class="pager" aria-label="{escape(labels("proofread_pages"))}" hidden>'
        f"{_button('back', labels('proofread_back'))}"
        f'<label>{escape(labels("proofread_page"))} <input type="number" min="1" value="1" data-query="page"></label>'
        f'<span class="of"></span>{_button("forward", labels("proofread_forward"))}<span class="found"></span></nav>'
    )


def _keys(labels: Labels) -> str:
    rows = "".join(
        f"<li><kbd>{escape(keys)}</kbd> {escape(labels(f'key_{name}'))}</li>" for name, keys in KEYS
    )
    return f'<div class="keys"><b>{escape(labels("proofread_keys"))}</b><ul>{rows}</ul></div>'


def totals(counts: Mapping[Show, int], labels: Labels) -> str:
    """How far the work is."""
    share = counts["checked"] / counts["all"] if counts["all"] else 0.0
    words = [labels("proofread_checked_of", n=f"{counts['checked']:,}", total=f"{counts['all']:,}")]
    rest: tuple[Show, ...] = ("faulty", "deleted")
    words += [labels(f"proofread_{name}_n", n=counts[name]) for name in rest if counts[name]]
    return (
        f'<div class="bar done"><i style="width:{100 * share:.1f}%"></i></div>'
        f"<span>{escape(' · '.join(words))}</span>"
    )


def options(found: Mapping[str, int], chosen: str, labels: Labels, kind: str) -> str:
    """The languages or speakers of a list to choose from, behind the choice of all; at most some hundred."""
    shown = {name: count for name, count in list(found.items())[:MOST_SPEAKERS] if name}
    if chosen and chosen not in shown:
        shown[chosen] = found.get(chosen, 0)
    rows = []
    for name, count in shown.items():
        mark = " selected" if name == chosen else ""
        words = f"{language_name(name, labels) if kind == 'language' else name} ({count:,})"
        rows.append(f'<option value="{escape(name)}"{mark}>{escape(words)}</option>')
    return f'<option value="">{escape(labels("proofread_every"))}</option>{"".join(rows)}'


def language_name(code: str, labels: Labels) -> str:
    """A language in words, or as the list spells it."""
    return labels(f"language_{code}") if code in LANGUAGES else code or "–"


def edit_name(kind: str, labels: Labels) -> str:
    """What an edit did, in words."""
    return labels(f"edit_{kind}") if kind in EDITS else kind


def cards(view: View, state: State, labels: Labels) -> str:
    """The clips of a page."""
    if not view.items:
        return (
            f'<div class="card">{render.empty(labels("proofread_none"), labels("proofread_none_help"))}</div>'
        )
    return "".join(card(item, state, labels) for item in view.items)


def card(item: Item, state: State, labels: Labels) -> str:
    """One clip: what it sounds like, what is said in it, and what can be done with it."""
    row = item.row
    gone = row.standing == DELETED
    name = PureWindowsPath(row.path).name or labels("proofread_unnamed")
    number = f"{item.place:,}" if item.place else "–"
    kind = " gone" if gone else " checked" if row.checked else ""
    title = labels("proofread_clip", n=number, name=name)
    locked = "disabled" if gone else ""
    return (
        f'<article class="card clip{kind}" data-id="{row.id}" data-standing="{row.standing}" '
        f'data-revision="{state.touched.get(row.id, 0)}" aria-label="{escape(title)}" tabindex="-1">'
        f'<div class="top"><span class="number">{number}</span>'
        f'<span class="name" title="{escape(row.path)}">{escape(name)}</span>'
        f'<span class="facts">{_facts(item, labels)}</span><span class="kept" role="status"></span></div>'
        f"{_sound(title, labels)}"
        f'<textarea rows="2" data-field="text" aria-label="{escape(labels("proofread_text"))}" {locked} '
        f'lang="{escape(row.language)}" spellcheck="true">{escape(row.text)}</textarea>'
        f"{_words(item.heard, labels)}"
        f'<div class="below">{_language(row.language, locked, labels)}'
        f'<input type="text" data-field="speaker" list="proofread-speakers" value="{escape(row.speaker)}" '
        f'aria-label="{escape(labels("proofread_speaker"))}" {locked}>'
        f'<span class="acts">{_acts(item, state, labels)}</span></div>'
        '<div class="more"></div></article>'
    )


def _facts(item: Item, labels: Labels) -> str:
    """How sure the recogniser is, and what is wrong with the row."""
    row, pills = item.row, []
    if row.standing == DELETED:
        pills.append(("failed", labels("proofread_is_deleted"), ""))
    if row.checked:
        pills.append(("done", labels("proofread_is_checked"), ""))
    sure = item.heard.confidence if item.heard is not None else None
    if sure is not None:
        kind = "failed" if sure < DOUBTFUL else "cancelled" if sure < SURE else "done"
        pills.append((kind, f"{100 * sure:.0f} %", labels("proofread_sure")))
    fault_words = [labels(f"fault_{name}") for name in row.faults]
    pills += [("failed", words, "") for words in fault_words]
    if item.heard is not None and item.heard.language not in ("", row.language) and not row.checked:
        other = language_name(item.heard.language, labels)
        pills.append(("cancelled", labels("proofread_heard_as", language=other), ""))
    return " ".join(
        f'<span class="pill {kind}" title="{escape(title)}">{escape(words)}</span>'
        for kind, words, title in pills
    )


def _sound(title: str, labels: Labels) -> str:
    play = escape(labels("proofread_play"))
    return (
        f'<div class="sound"><button type="button" class="play" data-do="play" aria-label="{play}" '
        f'title="{play} · {escape(dict(KEYS)["play"])}" disabled><i></i></button>'
        f'<canvas tabindex="0" role="slider" aria-label="{escape(labels("proofread_place", name=title))}" '
        'aria-valuemin="0" aria-valuemax="0" aria-valuenow="0"></canvas><span class="time"></span></div>'
    )


def _words(heard: Heard | None, labels: Labels) -> str:
    """What the recogniser heard word by word, the doubtful words marked."""
    if heard is None or not heard.words or all(word.confidence >= DOUBTFUL_WORD for word in heard.words):
        return ""
    # Recognisers give words with their leading space, where there is one.
    spans = "".join(
        f'<span class="word{" low" if word.confidence < DOUBTFUL_WORD else ""}" data-at="{word.start:.3f}" '
        f'title="{word.confidence:.0%}">{escape(word.text.strip())}</span> '
        for word in heard.words
    )
    return f'<div class="words"><b>{escape(labels("proofread_heard"))}</b> {spans}</div>'


def _language(code: str, locked: str, labels: Labels) -> str:
    known = code.lower() if code.lower() in LANGUAGES else code
    choices = [*LANGUAGES, *([known] if known not in LANGUAGES else [])]
    rows = "".join(
        f'<option value="{escape(name)}"{" selected" if name == known else ""}>'
        f"{escape(language_name(name, labels))}</option>"
        for name in choices
    )
    label = escape(labels("proofread_language"))
    return f'<select data-field="language" aria-label="{label}" {locked}>{rows}</select>'


def _acts(item: Item, state: State, labels: Labels) -> str:
    row = item.row
    if row.standing == DELETED:
        return _button("restore", labels("proofread_restore"))
    following = state.neighbour(row.id)
    behind = following.text[:120] if following is not None else ""
    check = labels("proofread_is_checked" if row.checked else "proofread_check")
    mark = f'aria-pressed="{str(row.checked).lower()}"'
    return "".join(
        (
            _button("check", check, mark, labels("proofread_check_help")),
            _button("splitting", labels("proofread_split"), "", labels("proofread_split_help")),
            _button(
                "merge",
                labels("proofread_merge"),
                "" if following is not None else "disabled",
                labels("proofread_merge_help", text=behind),
            ),
            _button("delete", labels("proofread_delete"), "", labels("proofread_delete_help")),
        )
    )


def split_form(number: int, seconds: float, texts: tuple[str, str], labels: Labels) -> str:
    """Where a clip is cut, and which text stands on either side."""
    fields = "".join(
        f'<label class="field wide">{escape(labels(f"split_{side}"))}'
        f'<input type="text" data-side="{side}" value="{escape(text)}"></label>'
        for side, text in zip(("left", "right"), texts, strict=True)
    )
    return (
        f'<div class="splitting" role="group" aria-label="{escape(labels("proofread_split"))}">'
        f'<label class="field">{escape(labels("split_at"))}<input type="number" data-side="at" min="0" step="0.01" '
        f'value="{seconds:.2f}"></label>{fields}{_button("split", labels("split_do"))}'
        f"{_button('keep', labels('split_cancel'))}</div>"
    )
