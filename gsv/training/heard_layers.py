"""What every layer of a frozen content encoder hears in prepared clips, kept in memory maps for its reader.

Knows the encoder, prepared arrays and changed voices. Does not know the reader or how it is trained. Clips are
heard once as recorded and, as often as asked, with the speaker changed; the network that learns from it then costs
a hundredth of hearing them again.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.errors import DataError
from gsv.events import Events
from gsv.files import write_json, writing
from gsv.models.content import SAMPLE_RATE, ContentEncoder
from gsv.training.arrays import ArrayItem, PreparedArrays
from gsv.training.perturbation import PerturbationRange, perturb

BATCH = 8
"""Clips of like length in one pass."""


class HeardLayers:
    """One memory map of float16: for each clip `[F, L * C]`, its first L layers side by side at unit scale."""

    def __init__(self, folder: Path, copy: int) -> None:
        note = json.loads((folder / f"heard-{copy}.json").read_text(encoding="utf-8"))
        self.identity: dict[str, object] = note["identity"]
        self._places: dict[str, list[int]] = note["items"]
        raw = np.memmap(folder / f"heard-{copy}.f16", dtype=np.float16, mode="r")
        self._values = raw.reshape(-1, int(note["width"]))

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def of(self, name: str) -> Tensor:
        """What was heard in one clip `[F, L * C]`, float32."""
        start, count = self._places[name]
        return torch.from_numpy(self._values[start : start + count].astype(np.float32))


def hear_layers(
    encoder: ContentEncoder, arrays: PreparedArrays, layers: int, copy: int, folder: Path, events: Events
) -> HeardLayers:
    """Outputs of the first `layers` layers for copy number `copy`: 0 is every clip as recorded, the others are
    clips to learn from in changed voices. What is in `folder` already is used again.

    Raises DataError if the encoder has no version, by which what it heard is known again, or if `folder` holds
    what another one heard.
    """
    if not encoder.version:
        why = "what it hears could not be told from another's"
        raise DataError("the encoder has no version", why, "name one in gsv.json")
    identity: dict[str, object] = {"version": encoder.version, "layers": layers, "copy": copy}
    if (folder / f"heard-{copy}.json").is_file():
        known = HeardLayers(folder, copy)
        if known.identity != identity:
            why = f"{known.identity} is there, {identity} is asked for"
            raise DataError(f"{folder} holds what another encoder heard", why, "name another folder")
        return known
    folder.mkdir(parents=True, exist_ok=True)
    items = sorted(arrays.part("train") if copy else arrays.items, key=lambda item: item.length16)
    generator = torch.Generator().manual_seed(copy)
    places: dict[str, tuple[int, int]] = {}
    total = 0
    with writing(folder / f"heard-{copy}.f16") as temporary, temporary.open("wb") as out:
        for start in range(0, len(items), BATCH):
            events.check_stop()
            group = items[start : start + BATCH]
            for item, heard in zip(
                group, _heard(encoder, arrays, group, layers, copy, generator), strict=True
            ):
                out.write(heard.to(torch.float16).numpy().tobytes())
                places[item.name] = (total, len(heard))
                total += len(heard)
            events.progress(start, len(items), f"layers heard, copy {copy}")
    width = layers * encoder.dimension
    write_json(folder / f"heard-{copy}.json", {"identity": identity, "width": width, "items": places})
    return HeardLayers(folder, copy)


@torch.inference_mode()
def _heard(
    encoder: ContentEncoder,
    arrays: PreparedArrays,
    group: list[ArrayItem],
    layers: int,
    copy: int,
    generator: torch.Generator,
) -> list[Tensor]:
    waves = [torch.from_numpy(arrays.wave(item, SAMPLE_RATE)) for item in group]
    if copy:
        limits = PerturbationRange()
        waves = [perturb(wave, SAMPLE_RATE, limits, generator)[0] for wave in waves]
    lengths = torch.tensor([len(wave) for wave in waves])
    outputs, counts = encoder.layers(nn.utils.rnn.pad_sequence(waves, batch_first=True), lengths)
    joined = torch.cat([functional.layer_norm(one, one.shape[-1:]) for one in outputs[:layers]], dim=-1)
    return [one[: int(count)] for one, count in zip(joined, counts, strict=True)]
