"""Which devices there are, found out by a short-lived child.

Asking a GPU keeps some of its memory busy as long as the asker lives, and the studio
lives long; so ``python -m gsv.studio.devices`` asks and leaves. Knows nothing of jobs.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from dataclasses import dataclass

logger = logging.getLogger(__name__)

PATIENCE = 120.0
"""Seconds after which the CPU is taken for granted; importing torch is slow on a cold disk."""


@dataclass(frozen=True)
class Devices:
    """Names that can be chosen, and the one that "auto" means."""

    best: str = "cpu"
    names: tuple[str, ...] = ("cpu",)


class DeviceSearch:
    """Looks once, in the background; `get` waits for the answer."""

    def __init__(self) -> None:
        self._found = Devices()
        self._thread = threading.Thread(target=self._look, name="devices", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def get(self, patience: float = PATIENCE) -> Devices:
        """The devices; the CPU alone while (or if) nothing else is known."""
        if self._thread.is_alive():
            self._thread.join(timeout=patience)
        return self._found

    def resolve(self, name: str) -> str:
        """The device that a choice on the page means."""
        return self.get().best if name == "auto" else name

    def _look(self) -> None:
        try:
            answer = subprocess.run(
                [sys.executable, "-X", "utf8", "-m", "gsv.studio.devices"],
                capture_output=True,
                timeout=PATIENCE,
                check=True,
                stdin=subprocess.DEVNULL,
            )
            found = json.loads(answer.stdout.decode("utf-8").splitlines()[-1])
            self._found = Devices(best=found["best"], names=tuple(found["names"]))
        except (OSError, subprocess.SubprocessError, ValueError, LookupError) as error:
            logger.warning("the devices could not be found out, so the CPU is used: %s", error)


def main() -> None:
    """Write the devices of this machine as one line of JSON."""
    import torch

    from gsv.settings import choose_device

    names = (
        [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    )
    best = str(choose_device("auto"))
    names.extend(name for name in (best, "cpu") if name not in names)
    sys.stdout.write(json.dumps({"best": best, "names": names}) + "\n")


if __name__ == "__main__":
    main()
