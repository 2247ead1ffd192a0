"""From the fields of the Speak tab to a job, and from a speech to one with a sentence said another way.

Knows the command line of `tools/speak.py` and the folder of a request. Lays out no page.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gsv import files
from gsv.errors import GsvError, InputError
from gsv.jobs import JobState, JobView
from gsv.studio import commands, outputs, phone_lines, speak_options, speaking_voices, speeches
from gsv.studio.phone_lines import Manner, ReadText
from gsv.studio.render_speech import Standing
from gsv.studio.speaking_voices import Chosen
from gsv.studio.speeches import Speech, SpeechRequest
from gsv.studio.studio import Studio
from gsv.synthesis.voice_folder import find_voice

TEXT_FILE, PHONES_FILE = "text.txt", "phones.json"
LONGEST_TEXT = 200_000
"""Characters of one request; whoever has more takes the script."""
KEPT = ("voice", "sovits", "gpt", "reference_text", "reference_language", "text", "language")
"""Fields, besides the settings, that a request can be filled in again from."""
TITLE = 40


def chosen_of(given: Mapping[str, Any]) -> Chosen:
    """The voice that the fields name."""
    return Chosen(*(str(given.get(name) or "") for name in ("voice", "sovits", "gpt")))


def manner_of(studio: Studio, given: Mapping[str, Any]) -> Manner:
    """How the text will be read with these fields."""
    chosen = chosen_of(given)
    before = speaking_voices.defaults(studio.workspace, chosen)
    return Manner(
        language=str(given.get("language") or "auto"),
        version=speaking_voices.symbols_of(studio.workspace, chosen),
        cut=str(given.get("cut") or before["cut"]),
        longest=int(before["longest"]),
        breath=int(given["breath"] if given.get("breath") is not None else before["breath"]),
        places=speaking_voices.places_of(studio.workspace, chosen),
    )


def start_speech(studio: Studio, given: Mapping[str, Any], read: ReadText | None) -> tuple[str, str]:
    """Hand a speech in; returns the ids of its job and its folder. Raises GsvError before anything is kept."""
    text, chosen = str(given.get("text") or "").strip(), chosen_of(given)
    _check(studio, text, chosen)
    voice = _voice(studio, chosen)
    clip = None
    if given.get("reference") or not speaking_voices.has_clips(studio.workspace, chosen):
        clip = outputs.check_upload(studio, studio.labels("speak_reference"), given.get("reference"))
    before = speaking_voices.defaults(studio.workspace, chosen)
    settings = speak_options.changed({name: given.get(name) for name in speak_options.NAMES}, before)
    edits = _edits(studio, text, given, read)
    folder = outputs.new_folder(studio)
    named = {"text-file": folder / TEXT_FILE, **voice}
    files.write_text(folder / TEXT_FILE, text + "\n")
    if clip is not None:
        named["reference"] = outputs.keep(studio, clip, folder, "reference")
    if edits:
        named["phones"] = folder / PHONES_FILE
        files.write_json(folder / PHONES_FILE, edits)
    call = _call(studio, folder, named, given, settings)
    form = {name: given.get(name) for name in (*KEPT, *speak_options.NAMES)}
    request = SpeechRequest(
        text=text,
        language=str(given.get("language") or "auto"),
        voice=_shown(studio, chosen),
        line=call.line,
        arguments=call.arguments,
        output=call.outputs[0].name,
        created=time.time(),
        form=form,
    )
    speeches.write(folder, request)
    return studio.start(call, _title(studio, text)), folder.name


def _check(studio: Studio, text: str, chosen: Chosen) -> None:
    what, remedy = speaking_voices.lacking(studio, chosen)
    if what:
        raise InputError(what, remedy=remedy)
    if not text:
        raise studio.labels.error("no_text")
    if len(text) > LONGEST_TEXT:
        raise studio.labels.error("text_too_long", n=LONGEST_TEXT)


def _voice(studio: Studio, chosen: Chosen) -> dict[str, Path]:
    """The options that name what speaks. Raises InputError for what is gone."""
    if chosen.saved:
        try:
            return {"voice": find_voice(studio.workspace, chosen.saved)}
        except InputError as error:
            raise studio.labels.error("voice_gone", name=chosen.saved) from error
    if chosen.voice == speaking_voices.PAIR:
        given = {"sovits": chosen.sovits, "gpt": chosen.gpt}
        return {
            name: studio.access.existing(path, studio.labels(f"speak_{name}")) for name, path in given.items()
        }
    return {}


def _edits(
    studio: Studio, text: str, given: Mapping[str, Any], read: ReadText | None
) -> list[dict[str, object]]:
    """The person's corrections of phones, for the sentences that the text still has."""
    lines = str(given.get("phones") or "")
    changes = phone_lines.corrected(read, lines, studio.labels) if read is not None and lines.strip() else {}
    now = studio.reader.read(
        text, manner_of(studio, given)
    )  # refuses what cannot be read before a job is made
    return phone_lines.edits(now, changes)


def _call(
    studio: Studio,
    folder: Path,
    named: Mapping[str, Path],
    given: Mapping[str, Any],
    settings: Mapping[str, object],
) -> commands.Call:
    text = str(given.get("reference_text") or "").strip()
    output = folder / f"speech-{folder.name}.wav"
    values = {
        "language": given.get("language") or "auto",
        "reference-text": text if "reference" in named else None,
        "reference-language": (given.get("reference_language") or "auto") if text else None,
    }
    return commands.speak(
        workspace=studio.workspace.root,
        output=output,
        device=studio.devices.resolve(str(given.get("device") or "auto")),
        files={
            **named,
            "parts": folder / speeches.PARTS_FOLDER,
            "report": folder / speeches.REPORT_FILE,
        },
        subtitles=[output.with_suffix(f".{ending}") for ending in speeches.SUBTITLES],
        values=values,
        settings=settings,
    )


def _shown(studio: Studio, chosen: Chosen) -> str:
    if chosen.voice == speaking_voices.PAIR:
        return f"{Path(chosen.gpt).stem} + {Path(chosen.sovits).stem}"
    return chosen.saved or studio.labels("speak_base")


def _title(studio: Studio, text: str) -> str:
    words = " ".join(text.split())
    return f"{studio.labels('speaking')} · {words[:TITLE]}{'…' if len(words) > TITLE else ''}"


def say_again(studio: Studio, name: str, sentence: int) -> str:
    """Say one sentence (from 1) another way, or with 0 the rest of what was stopped; returns the job's id."""
    speech = speeches.speech_named(studio.outputs(), name)
    if standing(studio.jobs.views(), speech).active:
        raise studio.labels.error("speech_busy")
    call = commands.again(
        speech.request.arguments, output=speech.output, device=speech.request.line, redo=sentence
    )
    return studio.start(call, _title(studio, speech.request.text))


def standing(views: Sequence[JobView], speech: Speech) -> Standing:
    """What the newest job of a speech is doing."""
    output = str(speech.output)
    view = next((view for view in views if output in view.command.outputs), None)
    if view is None:
        ended = JobState.DONE if speech.output.is_file() else JobState.CANCELLED
        return Standing(False, ended.value)
    redone = commands.value_of(view.command.arguments, "redo")
    numbers = (int(redone),) if redone.isdigit() and not view.status.final else ()
    return Standing(not view.status.final, view.status.value, numbers)


def states(views: Sequence[JobView], found: Sequence[Speech]) -> dict[str, str]:
    """The state of each speech, by its folder."""
    return {speech.name: standing(views, speech).state for speech in found}


def forget(studio: Studio, name: str) -> None:
    """Remove a speech with all its files. Raises GsvError while it is being made."""
    speech = speeches.speech_named(studio.outputs(), name)
    if standing(studio.jobs.views(), speech).active:
        raise studio.labels.error("speech_busy")
    shutil.rmtree(speech.folder, ignore_errors=True)


def look(
    studio: Studio, given: Mapping[str, Any], read: ReadText | None, afresh: bool = False
) -> tuple[ReadText | None, str, GsvError | None]:
    """The text as it would be read now, with its lines of phones, or what keeps it from being read.

    Corrections stay with the sentences that are still there, unless ``afresh``.
    """
    text = str(given.get("text") or "").strip()
    if not text:
        return None, "", None
    lines = str(given.get("phones") or "")
    try:
        now = studio.reader.read(text[:LONGEST_TEXT], manner_of(studio, given))
    except GsvError as error:
        return None, "", error
    try:
        changes = phone_lines.corrected(read, lines, studio.labels) if read is not None and lines else {}
    except GsvError:  # half a correction cannot be carried over to another text
        changes = {}
    return now, phone_lines.taken_over(now, {} if afresh else changes), None
