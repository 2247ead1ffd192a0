"""A small stand-in for a script of tools/: does what its first argument names.

Uses the real event sink and the real exit codes; knows nothing of jobs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from gsv.errors import DataError
from gsv.events import Events, run_stage


def work(events: Events, deed: str, values: list[str]) -> None:
    """One of the deeds below."""
    if deed == "steps":
        for number in range(int(values[0])):
            events.check_stop()
            events.progress(number + 1, int(values[0]), "steps")
            time.sleep(float(values[1]))
    elif deed == "refuse":
        raise DataError("the list is empty", "no row was read", "Choose another list.")
    elif deed == "echo":
        print(json.dumps(values, ensure_ascii=False))
    elif deed == "spam":
        for number in range(int(values[0])):
            sys.stdout.write(f"line {number} " + "x" * 200 + "\n")
    elif deed == "deaf":
        until(Path(values[0]))
    elif deed == "parent":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(values[0]).write_text(str(child.pid), encoding="utf-8")
        if values[1] == "crash":
            os._exit(9)
        time.sleep(600)


def until(ready: Path) -> None:
    """Ignore every polite request until the process is killed."""
    import signal

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ready.write_text("ready", encoding="utf-8")
    while True:
        time.sleep(0.05)


def main() -> None:
    """Parse the command line; some deeds end the process without a word."""
    parser = argparse.ArgumentParser()
    parser.add_argument("deed")
    parser.add_argument("values", nargs="*")
    parser.add_argument("--events", type=Path)
    arguments = parser.parse_args()
    if arguments.deed == "crash":
        print("about to fall over: 出错了 💥")
        raise ValueError("something nobody thought of")
    if arguments.deed == "vanish":
        os.abort()
    if arguments.deed == "babble":
        arguments.events.write_bytes(
            b'not json\n{"kind": 5}\n[1]\n{"kind": "progress", "done": "x", "total": null}\n\xff\xfe\n'
        )
        return
    run_stage(lambda events: work(events, arguments.deed, arguments.values), arguments.events)


if __name__ == "__main__":
    main()
