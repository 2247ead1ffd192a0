"""Previews of a semantic decoder in training: how well it knows clips that it did not learn, and how it speaks.

Knows: teacher-forced measures, free-running speech with another clip as prompt, and, where SoVITS weights (and
a content encoder) are named, its audio and phone error. Does not know: the loop.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from gsv import audio, files
from gsv.errors import DataError, GsvError
from gsv.listening.similarity import DIMENSION, SpeakerEncoder
from gsv.models.gpt.decoder import SemanticDecoder
from gsv.models.gpt.generation import Generated, Request, generate
from gsv.models.gpt.sampling import SamplingConfig
from gsv.models.sovits.synthesizer import Synthesizer
from gsv.training.gpt_batch import GptItem, collate
from gsv.training.gpt_clips import GptClips
from gsv.training.gpt_losses import targets_of, token_losses, top_hits

logger = logging.getLogger(__name__)

SEED = 20
TOGETHER = 8
"""Clips in one pass of the teacher-forced measures, and sentences spoken at once."""
PROMPT_SECONDS = 5.0
SOUND_RATE = 32_000
SAMPLING = SamplingConfig(top_k=8, temperature=0.8, repetition_penalty=1.05)


class Sounds(Protocol):
    """The recordings of the clips."""

    def wave(self, name: str) -> np.ndarray:
        """Samples `[T]` of a clip, float32 within ±1, at 32 kHz."""

    def spoken(self, name: str) -> list[int]:
        """Ids of the phones that are heard in a clip; empty where that is not known."""


@dataclass(frozen=True)
class PreviewOptions:
    """What previews are made with."""

    spoken: int = 8
    """Sentences spoken freely."""
    measured: int = 64
    """Clips of the teacher-forced measures."""
    sovits: Path | None = None
    """Weights that turn codes into sound."""
    content: Path | None = None
    """Folder of a content encoder with a phone head, for the phone error."""


class GptPreviews:
    """Makes previews of a few clips; the same ones every time."""

    def __init__(
        self, clips: GptClips, sounds: Sounds, options: PreviewOptions, device: torch.device
    ) -> None:
        """`clips`: where the previews come from, best such that training does not see."""
        self.clips, self.sounds, self.options, self.device = clips, sounds, options, device
        order = np.random.default_rng(SEED).permutation(len(clips.names)).tolist()
        self.measured: list[int] = order[: options.measured]
        self.spoken = _spread(clips, order, options.spoken)
        self._encoder: SpeakerEncoder | None = None

    @torch.inference_mode()
    def __call__(self, network: SemanticDecoder, folder: Path, step: int) -> dict[str, float]:
        """Write `NAME-speech.wav` where there are SoVITS weights; returns measures by name."""
        values = self._known(network)
        if not self.spoken:
            return values
        pairs = [(index, prompt_for(self.clips, index)) for index in self.spoken]
        made: list[Generated] = []
        for start in range(0, len(pairs), TOGETHER):
            requests = [self._request(network, *pair) for pair in pairs[start : start + TOGETHER]]
            made += generate(network, requests)
        values |= self._free(pairs, made)
        if self.options.sovits is not None:
            try:
                values |= self._audible(pairs, made, folder, step)
            except GsvError as error:  # what can be measured without sound still counts
                logger.warning("the previews of step %d cannot be heard: %s", step, error)
        return values

    def _known(self, network: SemanticDecoder) -> dict[str, float]:
        """Loss a code and top-3 accuracy, given all earlier codes."""
        end, total, counted, hits, codes = network.config.end, 0.0, 0, 0, 0
        for start in range(0, len(self.measured), TOGETHER):
            items = [self._item(index) for index in self.measured[start : start + TOGETHER]]
            data = collate(items, network.config).to(self.device)
            logits = network(data.inputs()).logits
            targets, valid = targets_of(data.codes, data.code_lengths, end)
            total += float((token_losses(logits, targets) * valid).sum())
            counted += int(valid.sum())
            hit, of = top_hits(logits, targets, valid, end)
            hits, codes = hits + int(hit), codes + int(of)
        return {"held_loss": total / max(1, counted), "held_top3": hits / max(1, codes)}

    def _item(self, index: int) -> GptItem:
        codes = self.clips.codes(index)
        places = np.full(len(codes), -1)
        return GptItem(self.clips.phones(index), codes, codes, places, self._bert(index), None)

    def _bert(self, index: int) -> np.ndarray | None:
        """BERT features of a clip; None where they cannot be read, which training tells by itself."""
        try:
            return self.clips.bert(index)
        except DataError:
            logger.warning("a preview of %s goes without its BERT features", self.clips.names[index])
            return None

    def _request(self, network: SemanticDecoder, index: int, prompt: int | None) -> Request:
        indices = [index] if prompt is None else [prompt, index]
        phones = [self.clips.phones(i) for i in indices]
        features = [self._bert(i) for i in indices]
        bert = None
        if any(part is not None for part in features):
            empty = [np.zeros((network.config.bert_dimension, len(ids)), np.float32) for ids in phones]
            parts = [zeros if part is None else part for part, zeros in zip(features, empty, strict=True)]
            bert = torch.from_numpy(np.concatenate(parts, axis=1))
        return Request(
            phones=torch.from_numpy(np.concatenate(phones)),
            prompt=None if prompt is None else torch.from_numpy(self.clips.codes(prompt)),
            bert=bert,
            sampling=SAMPLING,
            generator=torch.Generator().manual_seed(SEED + index),
            limit=3 * len(self.clips.codes(index)) + 25,
        )

    def _free(self, pairs: Sequence[tuple[int, int | None]], made: Sequence[Generated]) -> dict[str, float]:
        """How many sentences came to their end, how long they are, and how many phones were looked at."""
        lengths, covered = [], []
        for (index, prompt), one in zip(pairs, made, strict=True):
            lengths.append(len(one.codes) / len(self.clips.codes(index)))
            before = 0 if prompt is None else len(self.clips.phones(prompt))
            places = {at - before + reach for at in one.phones if at is not None for reach in (-1, 0, 1)}
            count = len(self.clips.phones(index))
            if any(at is not None for at in one.phones):
                covered.append(sum(place in places for place in range(count)) / count)
        values = {
            "ended": sum(one.reason == "end" for one in made) / len(made),
            "length": float(np.mean(lengths)),
        }
        return values | ({"covered": float(np.mean(covered))} if covered else {})

    def _audible(
        self, pairs: Sequence[tuple[int, int | None]], made: Sequence[Generated], folder: Path, step: int
    ) -> dict[str, float]:
        """Write the speech; the phone error of it and, as the bound, of the clips' own codes."""
        from gsv.weights.networks import load_synthesizer

        assert self.options.sovits is not None
        synthesizer, _ = load_synthesizer(self.options.sovits, self.device, posterior=False)
        reader = _PhoneReader(self.options.content, self.device) if self.options.content else None
        edits: dict[str, list[int]] = {"speech": [], "codes": []}
        said, taken = 0, list[str]()
        for (index, prompt), one in zip(pairs, made, strict=True):
            name = self.clips.names[index]
            stem = files.safe_name(Path(name).stem, taken)
            taken.append(stem)
            reference = self.sounds.wave(self.clips.names[index if prompt is None else prompt])
            wave = self._decoded(synthesizer, one.codes, index, reference)
            tags = {"comment": f"synthetic speech, preview of training step {step}"}
            audio.write(folder / f"{stem}-speech.wav", wave, synthesizer.config.sample_rate, tags=tags)
            spoken = self.sounds.spoken(name)
            if reader is None or not spoken:
                continue
            own = self._decoded(synthesizer, torch.from_numpy(self.clips.codes(index)), index, reference)
            edits["speech"].append(reader.edits(wave, synthesizer.config.sample_rate, spoken))
            edits["codes"].append(reader.edits(own, synthesizer.config.sample_rate, spoken))
            said += len(spoken)
        return {f"phone_error_{kind}": sum(counts) / said for kind, counts in edits.items() if said}

    def _decoded(
        self, synthesizer: Synthesizer, codes: Tensor, index: int, reference: np.ndarray
    ) -> np.ndarray:
        from gsv.audio.spectrogram import linear

        if not len(codes):
            return np.zeros(synthesizer.config.sample_rate // 10, dtype=np.float32)
        framing = synthesizer.config.spectrogram
        rows = torch.from_numpy(np.ascontiguousarray(reference))[None].to(self.device)
        spectrum = linear(rows, framing.n_fft, framing.hop_length, framing.win_length)
        phones = torch.from_numpy(self.clips.phones(index))[None].to(self.device)
        generator = torch.Generator().manual_seed(SEED)
        wave = synthesizer.decode(
            codes[None, None].to(self.device),
            phones,
            [spectrum],
            speaker_embedding=self._speaker(synthesizer, reference),
            generator=generator,
        )
        return wave.reshape(-1).float().cpu().numpy()

    def _speaker(self, synthesizer: Synthesizer, reference: np.ndarray) -> list[Tensor] | None:
        """The vector of the shipped speaker network for a family that is fed with it."""
        wanted = synthesizer.config.speaker_input
        if wanted is None or wanted.dimension != DIMENSION:
            return None
        if self._encoder is None:
            self._encoder = SpeakerEncoder.load().to(self.device)
        return [torch.from_numpy(self._encoder.embed(reference, SOUND_RATE))[None].to(self.device)]


class _PhoneReader:
    """Counts phones that a content encoder does not find in a wave."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        from gsv.models.content import ContentEncoder
        from gsv.training.phone_error import plain_symbols

        self.encoder = ContentEncoder.load(folder).to(device).eval()
        self.plain, self.device = plain_symbols(), device

    def edits(self, wave: np.ndarray, rate: int, spoken: list[int]) -> int:
        from gsv.models.content import SAMPLE_RATE
        from gsv.training.phone_error import phone_edits

        samples = audio.resample(wave, rate, SAMPLE_RATE)
        logits = self.encoder.phone_logits(torch.from_numpy(samples)[None].to(self.device))[0]
        return phone_edits(logits.cpu(), spoken, self.plain)


def prompt_for(clips: GptClips, index: int) -> int | None:
    """Another clip of the same speaker, near the usual length of a prompt; None where there is none."""
    speaker = clips.speakers[index]
    others = [i for i, other in enumerate(clips.speakers) if speaker and other == speaker and i != index]
    wanted = 25 * PROMPT_SECONDS
    return min(others, key=lambda i: (abs(len(clips.codes(i)) - wanted), clips.names[i]), default=None)


def _spread(clips: GptClips, order: Sequence[int], count: int) -> list[int]:
    """`count` clips of `order`, of each language and speaker in turn."""
    queues: dict[str, dict[str, list[int]]] = {}
    for index in order:
        queues.setdefault(clips.languages[index], {}).setdefault(clips.speakers[index], []).append(index)
    turns: list[tuple[int, int, int]] = []
    for speakers in queues.values():
        for place, indices in enumerate(speakers.values()):
            turns += [(depth * len(speakers) + place, order.index(i), i) for depth, i in enumerate(indices)]
    return [index for _, _, index in sorted(turns)[:count]]
