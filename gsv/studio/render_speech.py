"""Sentences, phones and the history of the Speak tab as HTML. Everything that comes from outside is escaped here.

Knows labels and what was spoken. Does not know Gradio.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from gsv.jobs import JobState
from gsv.studio import render
from gsv.studio.labels import Labels
from gsv.studio.phone_lines import ReadText
from gsv.studio.speeches import Said, Speech

CHECKS = (
    "finite",
    "audible",
    "unclipped",
    "ended",
    "no endless repeat",
    "not too short",
    "not too long",
    "no long silence",
    "no silent edge",
    "nothing missing",
    "nothing added",
    "every phone heard",
    "recognised",
)
"""Checks whose failure has words of its own; others are shown under their names."""
SHORT = 70


@dataclass(frozen=True)
class Standing:
    """What is known of a speech's job: whether it works on it, and which state it is in."""

    active: bool = False
    state: str = "done"
    redone: tuple[int, ...] = ()
    """Sentences that are said again right now."""


def address(path: Path, changed: int = 0) -> str:
    """Where the page finds a file of the output folder."""
    newer = f"?v={changed}" if changed else ""
    return f"gradio_api/file={quote(path.as_posix())}{newer}"


def sentences(speech: Speech | None, said: Sequence[Said], standing: Standing, labels: Labels) -> str:
    """Every sentence with its player, what passed, what was flagged, and a button to have it said again."""
    if speech is None:
        return f'<div class="card">{render.empty(labels("no_speech"), labels("no_speech_help"))}</div>'
    if not said:
        words = (
            ("speech_waits", "speech_waits_help") if standing.active else ("speech_none", "speech_none_help")
        )
        rows = render.empty(*(labels(word) for word in words))
    else:
        rows = "".join(_sentence(item, standing, labels) for item in said)
    unfinished = not standing.active and any(item.passed is None for item in said)
    rest = ""
    if not standing.active and (unfinished or not said):
        rest = f'<button type="button" class="again rest" data-redo="0">{escape(labels("say_rest"))}</button>'
    return (
        f'<div class="card said" data-speech="{escape(speech.name)}" data-active="{str(standing.active).lower()}">'
        f"{_total(said, labels)}{rows}{rest}</div>"
    )


def _total(said: Sequence[Said], labels: Labels) -> str:
    done = [item for item in said if item.passed is not None]
    flagged = sum(not item.passed for item in done)
    if not said:
        return ""
    parts = [labels("said_of", n=len(done), total=len(said))]
    if done:
        good = "said_passed" if all(item.checked for item in done) else "said_unchecked"
        parts.append(labels("said_flags", n=flagged) if flagged else labels(good))
    return f'<div class="total">{escape(" · ".join(parts))}</div>'


def _sentence(item: Said, standing: Standing, labels: Labels) -> str:
    if item.passed is None or item.number in standing.redone:
        name = "said_waits" if standing.active else "said_not"
        return (
            f'<div class="sentence" data-number="{item.number}" data-state="waiting">'
            f'<span class="number">{item.number}</span><div class="body">'
            f'<div class="words">{escape(item.text)}</div>'
            f'<div class="line"><span class="pill queued">{escape(labels(name))}</span></div></div></div>'
        )
    state = "flagged" if not item.passed else "passed" if item.checked else "unchecked"
    kind = {"passed": "done", "flagged": "cancelled"}.get(state, "queued")
    line = [
        f"{item.seconds:.1f} s",
        *([labels("attempts", n=item.attempts)] if item.attempts > 1 else []),
    ]
    again = "disabled" if standing.active else ""
    return (
        f'<div class="sentence" data-number="{item.number}" data-state="{state}" data-version="{item.changed}">'
        f'<span class="number">{item.number}</span><div class="body">'
        f'<div class="words">{escape(item.text.strip())}</div>'
        f'<div class="line"><span class="pill {kind}">{escape(labels("said_" + state))}</span> '
        f"{escape(' · '.join(line))}</div>{_why(item, labels)}</div>"
        f'<div class="acts">{_player(item, labels)}<button type="button" class="again" {again} '
        f'data-redo="{item.number}" title="{escape(labels("say_again_help"))}">{escape(labels("say_again"))}'
        "</button></div></div>"
    )


def _player(item: Said, labels: Labels) -> str:
    if item.sound is None:
        return ""
    title = escape(labels("play_sentence", n=item.number))
    return (
        f'<button type="button" class="play" data-src="{escape(address(item.sound, item.changed))}" '
        f'aria-label="{title}" title="{title}"><i></i></button>'
    )


def _why(item: Said, labels: Labels) -> str:
    if not item.failures:
        return ""
    notes = {name: note for name, _, note in item.checks}
    rows = "".join(
        f"<li>{escape(check_words(name, labels))}"
        f"{f' <small>{escape(notes[name])}</small>' if notes.get(name) else ''}</li>"
        for name in item.failures
    )
    return f'<ul class="flags">{rows}</ul>'


def check_words(name: str, labels: Labels) -> str:
    """What a failed check means, in words."""
    return labels(f"check_{name.replace(' ', '_')}") if name in CHECKS else name


def downloads(speech: Speech | None, labels: Labels) -> str:
    """Links to the recording and to its subtitles, as far as they are there."""
    if speech is None:
        return ""
    files = [(labels("download_audio"), speech.output)]
    files += [(path.suffix[1:].upper(), path) for path in speech.subtitles()]
    links = "".join(
        f'<a class="file" href="{escape(address(path, path.stat().st_mtime_ns))}" download="{escape(path.name)}">'
        f"{escape(name)}</a>"
        for name, path in files
        if path.is_file()
    )
    return f'<div class="files"><span>{escape(labels("downloads"))}</span>{links}</div>' if links else ""


def history(found: Sequence[Speech], chosen: str, states: dict[str, str], labels: Labels) -> str:
    """What was spoken before, one of it chosen."""
    if not found:
        return f'<div class="card">{render.empty(labels("no_history"), labels("no_history_help"))}</div>'
    return f'<div class="jobs">{"".join(_entry(item, chosen, states, labels) for item in found)}</div>'


def _entry(speech: Speech, chosen: str, states: dict[str, str], labels: Labels) -> str:
    state = states.get(speech.name, "done")
    mark = render.ICONS[JobState(state)]
    words = " ".join(speech.request.text.split())
    shown = words if len(words) <= SHORT else words[:SHORT] + "…"
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(speech.request.created))
    kind = " chosen" if speech.name == chosen else ""
    return (
        f'<button type="button" class="row{kind}" data-speech="{escape(speech.name)}" '
        f'aria-pressed="{str(bool(kind)).lower()}">'
        f'<span class="pill {state}">{mark} {escape(labels("state_" + state))}</span>'
        f'<span class="title" title="{escape(words[:400])}">{escape(shown)}</span>'
        f'<span class="when">{when}</span><span class="line">{escape(speech.request.voice)}</span></button>'
    )


def languages(read: ReadText | None, labels: Labels) -> str:
    """The sentences cut into parts, each marked with the language it is read in; then what could not be read."""
    if read is None:
        return f'<div class="card">{render.empty(labels("no_phones"), labels("no_phones_help"))}</div>'
    rows = "".join(
        f'<div class="parts"><span class="number">{number}</span><span>'
        + "".join(
            f'<span class="part {escape(code)}" title="{escape(_language(code, labels))}">'
            f"{escape(text.strip())} <small>{escape(_language(code, labels))}</small></span>"
            for text, code in sentence.parts
        )
        + "</span></div>"
        for number, sentence in enumerate(read.sentences, start=1)
    )
    warnings = "".join(f'<div class="warning">{escape(text)}</div>' for text in read.warnings)
    return f'<div class="card segments">{rows}{warnings}</div>'


def _language(code: str, labels: Labels) -> str:
    return labels(f"language_{code}") if code in ("zh", "en", "ja", "ko", "yue") else code


def lacking(what: str, help_text: str, labels: Labels) -> str:
    """What keeps a voice from speaking, and what helps; nothing where nothing does."""
    if not what:
        return ""
    remedy = f'<div class="remedy"><b>{escape(labels("remedy"))}</b> {escape(help_text)}</div>'
    return f'<div class="reason lacking"><b class="what">{escape(what)}</b>{remedy}</div>'
