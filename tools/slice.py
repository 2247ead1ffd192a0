"""Long recordings to clips of a few seconds, cut at their silences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gsv.events import Events, run_stage


def main(
    source: Annotated[Path, typer.Option("--input", help="a recording or video, or a folder of them")],
    output: Annotated[Path, typer.Option("--output", help="folder of the clips, 32 kHz WAV")],
    threshold: Annotated[float, typer.Option(help="level of silence, dB of full scale")] = -34.0,
    min_length: Annotated[float, typer.Option(help="shortest clip before a cut, ms")] = 4000.0,
    min_interval: Annotated[float, typer.Option(help="shortest silence that cuts, ms")] = 300.0,
    hop: Annotated[float, typer.Option(help="distance of level measurements, ms")] = 10.0,
    max_silence: Annotated[
        float | None,
        typer.Option(help="silence kept at a clip's border, ms; default 500, with --speech 220"),
    ] = None,
    max_clip: Annotated[float, typer.Option(min=0, help="longest clip, s; 0: no limit")] = 12.0,
    maximum: Annotated[float, typer.Option("--max", help="peak of the levelled part, 0 to 1")] = 0.9,
    alpha: Annotated[
        float, typer.Option(help="share of the levelled part, 0 to 1; 0: level as it is")
    ] = 0.25,
    as_float: Annotated[bool, typer.Option("--float", help="write float samples instead of 16-bit")] = False,
    speech: Annotated[bool, typer.Option("--speech", help="cut where nobody speaks (silero-vad)")] = False,
    workers: Annotated[int, typer.Option(min=0, help="processes; 0 chooses, the result is the same")] = 0,
    workspace: Annotated[Path | None, typer.Option(help="has no effect here")] = None,
    events: Annotated[
        Path | None, typer.Option(help="write events to this file, one JSON object a line")
    ] = None,
) -> None:
    """Cut recordings into clips; names carry the source and the first and last sample at 32 kHz."""

    def work(sink: Events) -> None:
        from gsv.audio.slicing import SliceSettings
        from gsv.stages.slice import SPEECH_SILENCE, SliceOptions, slice_recordings

        silence = SPEECH_SILENCE if speech else SliceSettings.max_silence
        kept = silence if max_silence is None else max_silence
        cutting = SliceSettings(threshold, min_length, min_interval, hop, kept, 1000 * max_clip)
        options = SliceOptions(cutting, maximum, alpha, as_float, speech)
        slice_recordings(source, output, options, workers=workers, events=sink)

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
