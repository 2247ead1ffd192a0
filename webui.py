"""Opens the studio: a page in the browser for everything from recordings to a voice."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


@app.command()
def main(
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this computer need a login.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = 9874,
    share: Annotated[bool, typer.Option("--share", help="Also open a public link; needs a login.")] = False,
    auth: Annotated[list[str] | None, typer.Option(help="A login NAME:PASSWORD; may be repeated.")] = None,
    auth_file: Annotated[Path | None, typer.Option(help="A file with one NAME:PASSWORD a line.")] = None,
    allow: Annotated[
        list[Path] | None,
        typer.Option(help="Another folder that a page with a login may read; may be repeated."),
    ] = None,
    inbrowser: Annotated[bool, typer.Option("--inbrowser", help="Open the page in a browser.")] = False,
    language: Annotated[str, typer.Option(help="Language of the page: en or zh.")] = "en",
    workspace: Annotated[
        Path | None,
        typer.Option(help="Folder of experiments, jobs and models; default: the folder of this file."),
    ] = None,
) -> None:
    """Open the studio, on this computer only unless told otherwise."""
    from gsv.errors import GsvError, InputError
    from gsv.studio.launch import Options, run

    options = Options(
        host=host,
        port=port,
        share=share,
        auth=tuple(auth or ()),
        auth_file=auth_file,
        allow=tuple(allow or ()),
        inbrowser=inbrowser,
        language=language,
        workspace=workspace,
    )
    try:
        run(options, Path(__file__).resolve().parent / "tools", lambda line: print(line, flush=True))
    except GsvError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2 if isinstance(error, InputError) else 1) from error


if __name__ == "__main__":
    app()
