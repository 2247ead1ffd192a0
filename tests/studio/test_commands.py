"""Buttons hand in arguments that the scripts of tools/ really take, and nothing is lost on the way."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from gsv.studio import commands

TOOLS = Path(__file__).parents[2] / "tools"
HERE = Path("/somewhere")


def every_call() -> list[commands.Call]:
    """A call of each kind, with every option set."""
    stages = [
        commands.prepare(
            stage,
            workspace=HERE,
            experiment="voice",
            list_path=HERE / "a.list",
            audio_folder=HERE,
            family="tiny",
            device="cpu",
            bert=HERE,
        )
        for stage in commands.TAKEN
    ]
    settings = {
        "epochs": 2,
        "batch-seconds": 8,
        "save-every": 1,
        "keep": 2,
        "precision": "auto",
        "base": HERE,
        "seed": 1,
        "fresh": True,
        "learning-rate": 0.1,
    }
    train = commands.train(workspace=HERE, experiment="voice", device="cpu", settings=settings)
    speaking = {**settings, "batch-tokens": 8, "preference": True, "sovits": HERE, "content": HERE}
    del speaking["batch-seconds"]
    train_gpt = commands.train(
        workspace=HERE, experiment="voice", device="cpu", settings=speaking, script=commands.TRAIN_GPT
    )
    named = {"name": "a", "sovits": HERE, "gpt": HERE, "licence": "x", "consent": "y", "references": 4.0}
    made = commands.make_voice(workspace=HERE, experiment="voice", device="cpu", settings=named, trials=False)
    places = ("text-file", "voice", "sovits", "gpt", "reference", "phones", "parts", "report")
    values = {"language": "auto", "reference-text": "-hi", "reference-language": "en"}
    speech = commands.speak(
        workspace=HERE,
        output=HERE / "a.wav",
        device="cpu",
        files=dict.fromkeys(places, HERE),
        subtitles=[HERE / "a.srt"],
        values=values,
        settings={"top_k": 5, "verify": False},
    )
    again = commands.again(speech.arguments, output=HERE / "a.wav", device="cpu", redo=2)
    options = {"weights": HERE, "text": "-hi", "language": "en", "speed": 1.5, "noise-scale": 0.5, "seed": 1}
    convert = commands.convert(
        workspace=HERE, source=HERE, reference=HERE, output=HERE, device="cpu", settings=options
    )
    slicing = {"speech": True, "threshold": -34, "max_clip": 12}
    separating = {"workspace": HERE, "model": "built-in", "keep_rest": True}
    cleaning = {"workspace": HERE, "model": "rnnoise", "strength": 0.5}
    hearing = {"workspace": HERE, "language": "en", "model": "base", "speaker": "me", "device": "cpu"}
    each = {
        "separate.py": separating,
        "slice.py": slicing,
        "denoise.py": cleaning,
        "transcribe.py": hearing,
    }
    steps = [commands.step(name, source=HERE, output=HERE, settings=given) for name, given in each.items()]
    downloads = [commands.models(action, ("tiny",), workspace=HERE) for action in ("download", "verify")]
    given = {"input": HERE, "output": HERE, "format": "list", "language": "en", "audio": HERE}
    taken = {"input": HERE, "output": HERE, "format": "srt", "audio-folder": HERE}
    exchanged = [commands.dataset("import", given, HERE), commands.dataset("export", taken, HERE)]
    return [*stages, train, train_gpt, made, speech, again, convert, *steps, *exchanged, *downloads]


@cache
def options_of(script: str, sub_command: str) -> set[str]:
    """Names of all options of a script, read from its own declaration."""
    spec = importlib.util.spec_from_file_location(f"tool_{script[:-3]}", TOOLS / script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    application = getattr(module, "app", None)
    if application is None:  # scripts of one command may be run without an application object
        application = typer.Typer()
        application.command()(module.main)
    command = typer.main.get_command(application)
    if sub_command:
        command = command.commands[sub_command]  # type: ignore[attr-defined]
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("call", every_call(), ids=lambda call: f"{call.script}-{call.arguments[0]}")
def test_scripts_take_the_options(call: commands.Call) -> None:
    sub_command = call.arguments[0] if not call.arguments[0].startswith("-") else ""
    handed_in = {argument.partition("=")[0] for argument in call.arguments if argument.startswith("--")}
    assert {*handed_in, "--events"} <= options_of(call.script, sub_command)


@given(value=st.text(st.characters(exclude_characters="\0"), min_size=1))
def test_values_come_back_as_they_were(value: str) -> None:
    made = commands.options({"list": value, "fresh": True, "base": None, "text": ""})
    assert made == (f"--list={value}", "--fresh")
    assert commands.value_of(made, "list") == value
    assert commands.value_of(made, "base") == ""


def test_numbers_of_the_page_are_written_plainly() -> None:
    assert commands.options({"epochs": 8.0, "speed": 1.05, "seed": 0}) == (
        "--epochs=8",
        "--speed=1.05",
        "--seed=0",
    )


def test_settings_are_written_as_the_engine_reads_them() -> None:
    call = next(call for call in every_call() if call.script == commands.SPEAK)
    assert {"--set=top_k=5", "--set=verify=false", "--subtitles=/somewhere/a.srt"} <= set(call.arguments)
