"""Checks this machine and installation, and prints the command that mends each problem."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

try:
    import typer

    from gsv.events import Events, run_stage
except ImportError as error:  # the very thing that this script is asked about
    sys.exit(f"failed: {error}. Run: python -m pip install -r requirements.txt")

MARKS = {"ok": "ok      ", "note": "note    ", "missing": "MISSING "}


def main(
    workspace: Annotated[Path | None, typer.Option(help="folder of webui.py by default")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="the port that the studio will use")] = 9874,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON list instead of lines")] = False,
    events: Annotated[Path | None, typer.Option(help="write events to this file")] = None,
) -> None:
    """Check imports, device, precision, free disk, port and models.

    The exit code is 1 if something that the studio needs is missing.
    """

    def work(sink: Events) -> None:
        from gsv.settings import workspace_of
        from gsv.workflows.doctor import examine, require_nothing_missing

        findings = examine(workspace_of(workspace), port, sink if events else None)
        if as_json:
            print(json.dumps([finding.as_dict() for finding in findings], ensure_ascii=False, indent=2))
        else:
            for finding in findings:
                print(f"{MARKS[finding.state]}{finding.name}: {finding.detail}")
                if finding.remedy:
                    print(f"        -> {finding.remedy}")
        require_nothing_missing(findings)

    run_stage(work, events)


if __name__ == "__main__":
    typer.run(main)
