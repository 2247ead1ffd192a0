"""What each start button hands in: a script of ``tools/`` and its arguments.

Knows the command lines of the scripts. Does not know the page, and starts nothing.
Every option is one argument (``--name=value``), so that a value may begin with a dash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ALL = "all"
ALL_STAGES = "prepare.py"
STAGES = {
    "text": "extract_text.py",
    "content": "extract_content.py",
    "semantic": "extract_semantic.py",
    "speaker": "extract_speaker.py",
}
TAKEN = {
    ALL: ("list", "audio-folder", "family", "device", "bert"),
    "text": ("list", "audio-folder", "family", "bert"),
    "content": ("list", "audio-folder", "family", "device"),
    "semantic": ("family", "device"),
    "speaker": ("device",),
}
"""Which of the form's options each stage takes, besides the experiment."""
TRAIN = "train_sovits.py"
TRAIN_GPT = "train_gpt.py"
CONVERT = "convert.py"
SPEAK = "speak.py"
MAKE_VOICE = "make_voice.py"
MODELS = "models.py"
CPU = "cpu"
NETWORK = "network"
"""The line of downloads: they need no device, and one at a time is kind to the server."""


@dataclass(frozen=True)
class Call:
    """A script with its arguments, ready to be handed in."""

    script: str
    arguments: tuple[str, ...]
    line: str
    experiment: str = ""
    outputs: tuple[Path, ...] = ()


def options(values: Mapping[str, object]) -> tuple[str, ...]:
    """``--name=value`` for each value that is set; True stands for a bare flag."""
    made = []
    for name, value in values.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            made.append(flag)
        elif value is not None and value is not False and value != "":
            made.append(f"{flag}={_plain(value)}")
    return tuple(made)


def _plain(value: object) -> str:
    """Numbers of the page are floats; whole ones are written without a fraction."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def value_of(arguments: tuple[str, ...], name: str) -> str:
    """The value of an option in the arguments of an earlier job; empty when it was not given."""
    start = f"--{name}="
    return next((argument[len(start) :] for argument in arguments if argument.startswith(start)), "")


def prepare(
    stage: str,
    *,
    workspace: Path,
    experiment: str,
    list_path: Path,
    audio_folder: Path | None,
    family: str,
    device: str,
    bert: Path | None = None,
) -> Call:
    """One stage of the preparation, or all of them in order (``stage`` is `ALL`)."""
    form: dict[str, object] = {
        "list": list_path,
        "audio-folder": audio_folder,
        "family": family,
        "device": device,
        "bert": bert,
    }
    taken = {name: form[name] for name in TAKEN[stage]}
    script = ALL_STAGES if stage == ALL else STAGES[stage]
    arguments = options({"workspace": workspace, "experiment": experiment, **taken})
    return Call(script, arguments, device, experiment)


def step(
    script: str, *, source: Path, output: Path, settings: Mapping[str, object], device: str = CPU
) -> Call:
    """A step from raw recordings towards a list; ``settings`` are further options by name."""
    values = {"input": source, "output": output, **settings}
    return Call(script, options(values), device, outputs=(output,))


def dataset(action: str, values: Mapping[str, object], output: Path) -> Call:
    """Import of a data set of another program, or export of a list."""
    return Call("dataset.py", (action, *options(values)), CPU, outputs=(output,))


def train(
    *, workspace: Path, experiment: str, device: str, settings: Mapping[str, object], script: str = TRAIN
) -> Call:
    """Training of SoVITS, or of the GPT where ``script`` says so; ``settings`` are further options by name."""
    values = {"workspace": workspace, "experiment": experiment, "device": device, **settings}
    return Call(script, options(values), device, experiment)


def make_voice(
    *, workspace: Path, experiment: str, device: str, settings: Mapping[str, object], trials: bool = True
) -> Call:
    """A voice of a trained experiment; ``settings`` are further options by name."""
    values = {"workspace": workspace, "experiment": experiment, "device": device, **settings}
    arguments = options(values) if trials else (*options(values), "--no-trials")
    return Call(MAKE_VOICE, arguments, device, experiment)


def speak(
    *,
    workspace: Path,
    output: Path,
    device: str,
    files: Mapping[str, Path],
    subtitles: Sequence[Path],
    values: Mapping[str, object],
    settings: Mapping[str, object],
) -> Call:
    """Speech; ``files`` and ``values`` are options by name, ``settings`` those of the engine."""
    given = {"workspace": workspace, "output": output, "device": device, **files, **values}
    repeated = [("subtitles", str(path)) for path in subtitles]
    repeated += [("set", f"{name}={_setting(value)}") for name, value in settings.items()]
    arguments = (*options(given), *(f"--{name}={value}" for name, value in repeated))
    return Call(SPEAK, arguments, device, outputs=(output,))


def again(arguments: Sequence[str], *, output: Path, device: str, redo: int = 0) -> Call:
    """The same speech once more, with one sentence (from 1) said another way; what is there stays."""
    more = (f"--redo={redo}",) if redo else ()
    return Call(SPEAK, (*arguments, *more), device, outputs=(output,))


def _setting(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else _plain(value)


def convert(
    *,
    workspace: Path,
    source: Path,
    reference: Path,
    output: Path,
    device: str,
    settings: Mapping[str, object],
) -> Call:
    """Conversion of one recording."""
    values = {
        "workspace": workspace,
        "source": source,
        "reference": reference,
        "output": output,
        "device": device,
        **settings,
    }
    return Call(CONVERT, options(values), device, outputs=(output,))


def models(action: str, names: tuple[str, ...], *, workspace: Path) -> Call:
    """Download or verify models of the catalogue."""
    return Call(MODELS, (action, *names, *options({"workspace": workspace})), NETWORK)
