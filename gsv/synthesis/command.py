"""What `tools/speak.py` asks for, as one value, and its execution.

Knows how words of a command line become a voice, a text and options. Does not know how speech is made.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gsv.errors import InputError
from gsv.events import Events
from gsv.files import read_text, write_json
from gsv.listening.recognition import WhisperRecogniser
from gsv.settings import Workspace
from gsv.synthesis.edits import edited, read_edits
from gsv.synthesis.engine import Synthesizer
from gsv.synthesis.long_text import FileReport, speak_to_file
from gsv.synthesis.options import SpeakOptions, options_from
from gsv.synthesis.voice import Reference, Voice, base_voice
from gsv.synthesis.voice_folder import find_voice, load_voice
from gsv.text import symbols
from gsv.text.plan import Plan


@dataclass(frozen=True)
class SpeakCommand:
    """The command line of `tools/speak.py`; the meaning of each field is in its help."""

    output: Path
    text: str = ""
    text_file: Path | None = None
    language: str = "auto"
    voice: Path | None = None
    sovits: Path | None = None
    gpt: Path | None = None
    content: Path | None = None
    references: tuple[Path, ...] = ()
    reference_text: str = ""
    reference_language: str = "auto"
    seed: int = -1
    subtitles: tuple[Path, ...] = ()
    report: Path | None = None
    parts: Path | None = None
    redo: tuple[int, ...] = ()
    phones: Path | None = None
    settings: tuple[str, ...] = ()
    whisper: Path | None = None
    device: str = "auto"
    precision: str = "auto"
    bert: Path | None = None


def run_command(command: SpeakCommand, workspace: Workspace, events: Events) -> FileReport:
    """Say the text into the file. Raises InputError for what does not go together, and what `speak_to_file` raises."""
    if command.redo and command.parts is None:
        raise InputError("nothing can be redone", "no parts were kept", "Name their folder with --parts.")
    options = command_options(command)
    voice = command_voice(command, workspace)
    text = _text(command)
    recogniser = WhisperRecogniser(command.whisper) if command.whisper is not None else None
    engine = Synthesizer(
        workspace, command.device, recogniser=recogniser, precision=command.precision, bert=command.bert
    )
    report = speak_to_file(
        engine,
        text if command.phones is None else _edited(engine, text, voice, options, command.phones),
        voice,
        command.output,
        options,
        subtitles=command.subtitles,
        parts=command.parts,
        redo=command.redo,
        events=events,
    )
    if command.report is not None:
        fields = {name: getattr(report, name) for name in ("seed", "seconds", "precision", "warnings")}
        fields |= {"reference": asdict(report.reference) if report.reference else None}
        write_json(command.report, fields | {"sentences": [asdict(item) for item in report.sentences]})
    flagged = f", {len(report.failed)} of {len(report.sentences)} sentences flagged" if report.failed else ""
    events.message(f"{report.seconds:.1f} s in {command.output}, seed {report.seed}{flagged}")
    return report


def _edited(engine: Synthesizer, text: str, voice: Voice, options: SpeakOptions, path: Path) -> Plan:
    """The text as it would be said, with the phones that a person corrected."""
    read_as = engine.read(text, voice, options)
    return edited(read_as, read_edits(path), symbols.table(engine.networks(voice).config.symbols))


def command_options(command: SpeakCommand) -> SpeakOptions:
    """The settings that the command names. Raises InputError for an unknown name or a wrong value."""
    values: dict[str, object] = {"language": command.language}
    if command.seed >= 0:
        values["seed"] = command.seed
    for setting in command.settings:
        name, sign, value = setting.partition("=")
        if not sign:
            raise InputError(f"{setting!r} is no setting", "it has no value", "Write for example top_k=10.")
        values[name.strip()] = _value(value.strip())
    return options_from(values)


def _value(text: str) -> object:
    try:
        return json.loads(text.lower() if text.lower() in ("true", "false") else text)
    except ValueError:
        return None if text.lower() in ("none", "off") else text


def command_voice(command: SpeakCommand, workspace: Workspace) -> Voice:
    """The voice that the command names, with its references. Raises InputError."""
    references = _references(command)
    if command.voice is not None:
        if command.sovits or command.gpt:
            raise InputError("both a voice and weights are named", "", "Name one or the other.")
        found = load_voice(find_voice(workspace, command.voice))
        voice = found.with_references(*references) if references else found
    else:
        if (command.sovits is None) != (command.gpt is None):
            raise InputError("a voice has two weight files", "one was named", "Name --sovits and --gpt.")
        voice = base_voice(workspace, *references, sovits=command.sovits, gpt=command.gpt)
    if not voice.references:
        raise InputError("No reference was given", "", "Name a recording of the voice with --reference.")
    return voice.model_copy(update={"content": command.content}) if command.content else voice


def _references(command: SpeakCommand) -> Sequence[Reference]:
    return [
        Reference(path=path, text=command.reference_text, language=command.reference_language)
        if number == 0
        else Reference(path=path)
        for number, path in enumerate(command.references)
    ]


def _text(command: SpeakCommand) -> str:
    if bool(command.text.strip()) == (command.text_file is not None):
        raise InputError("there must be one text", "", "Give --text or --text-file.")
    return read_text(command.text_file) if command.text_file is not None else command.text
