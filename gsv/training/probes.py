"""Linear probes of a content encoder's layers: how well phones, and how well speakers, can be read from each.

Knows ridge regression on frames and on clip means. The labels of frames are the encoder's own reading, so a
phone probe compares layers and is no error rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from gsv.events import Events
from gsv.models.content import SAMPLE_RATE, ContentEncoder
from gsv.training.arrays import ArrayItem, PreparedArrays

RIDGE = 10.0


@dataclass(frozen=True)
class LayerProbe:
    """Shares of right answers on clips that the probes did not see."""

    layer: int
    phones: float
    speakers: float


@dataclass
class _Sample:
    frames: list[list[Tensor]]
    labels: list[Tensor]
    means: list[list[Tensor]]
    speakers: list[int]


@torch.inference_mode()
def _collect(
    encoder: ContentEncoder, arrays: PreparedArrays, items: list[ArrayItem], names: list[str], events: Events
) -> _Sample:
    sample = _Sample([], [], [], [])
    for done, item in enumerate(items):
        events.check_stop()
        layers, _ = encoder.layers(torch.from_numpy(arrays.wave(item, SAMPLE_RATE))[None])
        scores = encoder.read(layers)[0]
        heard = scores[:, :-1].argmax(-1)
        certain = scores[:, :-1].amax(-1) > scores[:, -1] - 2
        normed = [functional.layer_norm(layer[0], (layer.shape[-1],)) for layer in layers]
        sample.frames.append([layer[certain] for layer in normed])
        sample.labels.append(heard[certain])
        sample.means.append([layer.mean(0) for layer in normed])
        sample.speakers.append(names.index(item.speaker))
        if done % 20 == 0:
            events.progress(done, len(items), "probes")
    return sample


def _accuracy(features: Tensor, labels: Tensor, test: Tensor, wanted: Tensor, classes: int) -> float:
    """Ridge regression onto one-hot labels, then the share of right highest answers."""
    ones = torch.ones(len(features), 1)
    x = torch.cat([features, ones], 1)
    y = functional.one_hot(labels, classes).float()
    weights = torch.linalg.solve(x.T @ x + RIDGE * torch.eye(x.shape[1]), x.T @ y)
    answers = (torch.cat([test, torch.ones(len(test), 1)], 1) @ weights).argmax(1)
    return float((answers == wanted).float().mean())


def probe_layers(
    encoder: ContentEncoder, arrays: PreparedArrays, clips: int, events: Events
) -> list[LayerProbe]:
    """Probe every layer with `clips` training clips of the speakers that have most; a fifth is kept for testing."""
    by_speaker: dict[str, list[ArrayItem]] = {}
    for item in arrays.part("train"):
        by_speaker.setdefault(item.speaker, []).append(item)
    names = sorted(by_speaker, key=lambda name: (-len(by_speaker[name]), name))[: max(4, clips // 12)]
    items = [item for name in names for item in by_speaker[name][:12]][:clips]
    sample = _collect(encoder, arrays, items, names, events)
    test = [index for index in range(len(items)) if index % 5 == 4]
    rest = [index for index in range(len(items)) if index % 5 != 4]

    def stacked(rows: list[list[Tensor]], layer: int, chosen: list[int]) -> Tensor:
        return torch.cat([rows[i][layer].reshape(-1, encoder.dimension) for i in chosen]).clone()

    def picked(chosen: list[int]) -> tuple[Tensor, Tensor]:
        return torch.cat([sample.labels[i] for i in chosen]), torch.tensor(
            [sample.speakers[i] for i in chosen]
        )

    labels, speakers = picked(rest)
    wanted, wanted_speakers = picked(test)
    return [
        LayerProbe(
            layer,
            _accuracy(stacked(sample.frames, layer, rest), labels, stacked(sample.frames, layer, test), wanted, 732),
            _accuracy(
                stacked(sample.means, layer, rest), speakers, stacked(sample.means, layer, test), wanted_speakers,
                len(names),
            ),
        )
        for layer in range(len(sample.means[0]))
    ]  # fmt: skip
