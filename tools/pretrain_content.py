"""Train a content encoder (phones by CTC), its quantizer and its language of phones, on prepared arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage

app = typer.Typer(add_completion=False)


@app.command()
def encoder(
    arrays: Annotated[Path, typer.Option(help="folder made by prepare_arrays.py")],
    output: Annotated[
        Path, typer.Option(help="folder of generations and of the result, outside the work tree")
    ],
    steps: Annotated[int, typer.Option(min=1, help="updates in all")] = 4000,
    batch_seconds: Annotated[float, typer.Option(min=1, help="recorded speech a batch, in seconds")] = 20.0,
    paired: Annotated[
        bool, typer.Option(help="each clip also in a changed voice, their features drawn together")
    ] = True,
    learning_rate: Annotated[float, typer.Option(min=0, help="highest rate; it falls to the end")] = 1e-3,
    dropout: Annotated[
        float, typer.Option(min=0, max=0.9, help="of hidden units; 0 where training is short")
    ] = 0.1,
    teacher: Annotated[
        bool, typer.Option(help="learn also from the features that the command teacher wrote")
    ] = False,
    initial: Annotated[
        Path | None,
        typer.Option(help="saved encoder to start from; with it the warm-up targets are left out"),
    ] = None,
    still_convolutions: Annotated[
        int, typer.Option(min=0, max=7, help="of a saved encoder: how many stay, from the first on")
    ] = 7,
    anchor: Annotated[
        Path | None,
        typer.Option(help="generator or quantizer whose codes of the arrays are to stay what they are"),
    ] = None,
    anchor_weight: Annotated[float, typer.Option(min=0, help="of staying with them")] = 0.3,
    placed: Annotated[
        bool, typer.Option(help="teach the middle layer the phone of each frame, by the arrays' places")
    ] = False,
    share: Annotated[
        list[str] | None,
        typer.Option(help="part of a language's clips in an epoch, as ja=0.5; may be repeated"),
    ] = None,
    save_minutes: Annotated[float, typer.Option(min=0.1, help="minutes between generations")] = 10.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda")] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="processes that prepare batches")] = 1,
    events: Annotated[Path | None, typer.Option(help="file for the event stream")] = None,
) -> None:
    """Train the encoder; a second call goes on from the last generation."""

    def work(sink: Events) -> object:
        from gsv.settings import choose_device
        from gsv.training.arrays import PreparedArrays
        from gsv.training.content import train_content
        from gsv.training.content_batches import GOING_ON, ContentTraining

        settings = ContentTraining(
            steps=steps,
            batch_seconds=batch_seconds,
            paired=paired,
            learning_rate=learning_rate,
            teacher=teacher,
            dropout=dropout,
            save_minutes=save_minutes,
            placed=placed,
            anchor_weight=anchor_weight if anchor else 0.0,
            shares=_shares(share or []),
        )
        if initial is not None:
            settings = settings.model_copy(update=GOING_ON | {"still_convolutions": still_convolutions})
        return train_content(
            PreparedArrays.open(arrays),
            output,
            settings,
            sink,
            choose_device(device),
            workers,
            initial,
            anchor,
        )

    run_stage(work, events)


def _shares(words: list[str]) -> dict[str, float]:
    from gsv.errors import InputError

    shares = {}
    for word in words:
        language, _, part = word.partition("=")
        try:
            shares[language] = float(part)
        except ValueError as error:
            raise InputError(f"--share {word} is not understood", str(error), "write it as ja=0.5") from error
    return shares


@app.command()
def teacher(
    arrays: Annotated[Path, typer.Option(help="folder made by prepare_arrays.py; the features go into it")],
    whisper: Annotated[Path, typer.Option(help="folder of a Whisper model for faster-whisper")],
    threads: Annotated[int, typer.Option(min=1, help="threads of the recogniser")] = 1,
    language: Annotated[list[str] | None, typer.Option(help="only clips of it; may be repeated")] = None,
    events: Annotated[Path | None, typer.Option(help="file for the event stream")] = None,
) -> None:
    """Write what a Whisper encoder hears in every training clip; a second call goes on where the first ended."""

    def work(sink: Events) -> object:
        from gsv.training.arrays import PreparedArrays
        from gsv.training.teacher import make_teacher_features

        result = make_teacher_features(
            PreparedArrays.open(arrays), whisper, sink, threads, tuple(language or ())
        )
        sink.message(f"{len(result.places)} clips, {result.channels} channels, from the {result.name}")
        return len(result.places)

    run_stage(work, events)


@app.command()
def freeze(
    content: Annotated[Path, typer.Option(help="folder of the trained encoder")],
    output: Annotated[Path, typer.Option(help="new folder of the encoder as it ships")],
    version: Annotated[str, typer.Option(help="name that everything trained on it records")],
    layer: Annotated[int, typer.Option(min=-1, help="layer whose output is the content; see probe")],
    events: Annotated[Path | None, typer.Option(help="file for the event stream")] = None,
) -> None:
    """Round the encoder to float16 and give it a version; the quantizer is then trained on it."""

    def work(sink: Events) -> object:
        from gsv.training.content import freeze_content

        return freeze_content(content, output, version, layer).version

    run_stage(work, events)


@app.command()
def quantizer(
    arrays: Annotated[Path, typer.Option(help="folder made by prepare_arrays.py")],
    content: Annotated[Path, typer.Option(help="folder of the trained encoder")],
    output: Annotated[Path, typer.Option(help="folder of the result and of cached features")],
    steps: Annotated[int, typer.Option(min=1, help="updates in all")] = 3000,
    events: Annotated[Path | None, typer.Option(help="file for the event stream")] = None,
) -> None:
    """Train the quantizer on the frozen encoder, write the codes of all clips, and report what they keep."""

    def work(sink: Events) -> object:
        from dataclasses import asdict

        from gsv.models.content import ContentEncoder
        from gsv.training.arrays import PreparedArrays
        from gsv.training.quantizer import QuantizerTraining, train_quantizer

        result = train_quantizer(
            ContentEncoder.load(content),
            PreparedArrays.open(arrays),
            output,
            QuantizerTraining(steps=steps),
            sink,
        )
        sink.message(str(asdict(result)))
        return result

    run_stage(work, events)


@app.command()
def codes(
    arrays: Annotated[Path, typer.Option(help="folder made by prepare_arrays.py; the codes go into it")],
    content: Annotated[Path, typer.Option(help="folder of the frozen encoder")],
    quantizer: Annotated[
        Path, typer.Option(help="safetensors of its quantizer, or of a generator that holds it")
    ],
    features: Annotated[Path, typer.Option(help="folder of cached features")],
    events: Annotated[Path | None, typer.Option(help="file for the event stream")] = None,
) -> None:
    """Write the codes and phone places of all clips with what was trained before, to train others from it."""

    def work(sink: Events) -> object:
        from gsv.models.content import ContentEncoder
        from gsv.training.arrays import PreparedArrays
        from gsv.training.quantizer import codes_again

        encoder, opened = ContentEncoder.load(content), PreparedArrays.open(arrays)
        count = codes_again(encoder, opened, quantizer, features, sink)
        sink.message(f"codes of {count} clips")
        return count

    run_stage(work, events)


@app.command()
def probe(
    arrays: Annotated[Path, typer.Option(help="folder made by prepare_arrays.py")],
    content: Annotated[Path, typer.Option(help="folder of the trained encoder")],
    clips: Annotated[int, typer.Option(min=20, help="training clips that the probes learn from")] = 600,
    events: Annotated[Path | None, typer.Option(help="file for the event stream")] = None,
) -> None:
    """What each layer says of phones and of speakers: the content layer has much of one and little of the other."""

    def work(sink: Events) -> object:
        from gsv.models.content import ContentEncoder
        from gsv.training.arrays import PreparedArrays
        from gsv.training.probes import probe_layers

        results = probe_layers(ContentEncoder.load(content), PreparedArrays.open(arrays), clips, sink)
        for result in results:
            sink.message(str(result))
        return results

    run_stage(work, events)


@app.command()
def texts(
    arrays: Annotated[Path, typer.Option(help="folder made by prepare_arrays.py; the phones go into it")],
    wordnet: Annotated[Path | None, typer.Option(help="folder of WordNet's data files")] = None,
    prose: Annotated[
        list[Path] | None, typer.Option(help="English text, plain or .gz; give it as often as you like")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes that turn text into phones")] = 1,
    events: Annotated[Path | None, typer.Option(help="file for the event stream")] = None,
) -> None:
    """Write the phones of English sentences beside the arrays, for the command language to learn from."""

    def work(sink: Events) -> object:
        from gsv.corpus import sentences
        from gsv.training.arrays import PreparedArrays
        from gsv.workflows.prepare_texts import prepare_texts

        found = [sentence for path in prose or [] for sentence in sentences.prose(path)]
        if wordnet is not None:
            found = [*sentences.glosses(wordnet), *found]
        plain = sentences.plain_sentences(found)
        counts = prepare_texts(PreparedArrays.open(arrays), plain, "en", sink, workers)
        sink.message(f"{counts.done} sentences, {counts.failed} that cannot be spoken")
        return counts.done

    run_stage(work, events)


@app.command()
def language(
    arrays: Annotated[Path, typer.Option(help="folder made by prepare_arrays.py")],
    output: Annotated[Path, typer.Option(help="folder of generations and of the result")],
    steps: Annotated[int, typer.Option(min=1, help="updates in all")] = 2000,
    events: Annotated[Path | None, typer.Option(help="file for the event stream")] = None,
) -> None:
    """Train what says which phone follows which; its file goes into the folder of the content encoder."""

    def work(sink: Events) -> object:
        from gsv.models.phone_language import LANGUAGE_FILE
        from gsv.training.arrays import PreparedArrays
        from gsv.training.phone_language import PhoneLanguageTraining, train_phone_language

        result = train_phone_language(
            PreparedArrays.open(arrays),
            output,
            PhoneLanguageTraining(steps=steps),
            sink,
            output / LANGUAGE_FILE,
        )
        sink.message(", ".join(f"{name} {value:.2f}" for name, value in result.items()))
        return result

    run_stage(work, events)


@app.command()
def hear(
    content: Annotated[Path, typer.Option(help="folder of the content encoder")],
    arrays: Annotated[
        Path | None, typer.Option(help="prepared arrays: their held-out clips are read")
    ] = None,
    recordings: Annotated[Path | None, typer.Option(help="annotation list of clips to read")] = None,
    each: Annotated[int, typer.Option(min=1, help="clips a language")] = 120,
    speaker: Annotated[str, typer.Option(help="of the held-out clips, those of one speaker alone")] = "",
    events: Annotated[Path | None, typer.Option(help="file for the event stream")] = None,
) -> None:
    """Phone error rates: as the encoder hears by itself, and with the language of phones beside it."""

    def work(sink: Events) -> object:
        from gsv.evaluation.hearing import clips_of_arrays, clips_of_list, hearing_rates, table

        clips = [*(clips_of_arrays(arrays, each, speaker) if arrays else [])]
        clips += clips_of_list(recordings)[:each] if recordings else []
        rates = hearing_rates(content, clips, sink)
        typer.echo(table(rates))
        return rates

    run_stage(work, events)


if __name__ == "__main__":
    app()
