"""Training the language of phones: what follows what, from the texts of prepared arrays and from further ones.

Knows prepared arrays, sequences of phone ids and the network. Knows no text and no audio: texts become phones
in `gsv/workflows/prepare_texts.py`.

No sentence of a held-out clip is learnt, and no further text that quotes one. Sentences of the arrays themselves
may share words with held-out ones: those that were made from templates do.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from gsv.errors import DataError
from gsv.events import Events
from gsv.files import writing
from gsv.models.phone_language import PhoneLanguage
from gsv.training.arrays import PreparedArrays
from gsv.training.generations import Generations

SENTENCES_FILE = "sentences.npz"
"""Phones of further texts, in the folder of the arrays."""
QUOTATION = 15
"""A further text that says so many phones in a row of a held-out clip (four words or so) quotes it."""


class PhoneLanguageTraining(BaseModel):
    """Settings of the training of a language of phones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(default=2000, ge=1)
    rows: int = Field(default=64, ge=1)
    length: int = Field(default=96, ge=2)
    """Phones in each of a batch's rows; sentences follow each other in them."""
    learning_rate: float = Field(default=2e-3, gt=0)
    warmup_steps: int = 50
    clip_norm: float = 1.0
    dropout: float = Field(default=0.1, ge=0, lt=1)
    corpus_share: float = Field(default=0.2, gt=0, le=1)
    """Of what is drawn, from the texts of the arrays, the same from each language; the rest is further texts."""
    embedding: int = 128
    hidden: int = 512
    symbols: int = 732
    seed: int = 1
    save_minutes: float = 5.0


@dataclass(frozen=True)
class Sentences:
    """Sequences of phone ids, one after the other in one array."""

    ids: np.ndarray
    """[sum of lengths] int16."""
    ends: np.ndarray
    """[N] where each ends."""

    @classmethod
    def of(cls, sequences: list[list[int]]) -> Sentences:
        """The sequences that are not empty."""
        kept = [sequence for sequence in sequences if sequence]
        flat = [i for sequence in kept for i in sequence]
        lengths = [len(sequence) for sequence in kept]
        return cls(np.array(flat, dtype=np.int16), np.cumsum(lengths, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.ids[int(self.ends[index - 1]) if index else 0 : int(self.ends[index])]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))

    def without(self, unwanted: set[tuple[int, ...]]) -> Sentences:
        """Those that neither are nor quote any of `unwanted`; see QUOTATION."""
        quoted = {part for sequence in unwanted for part in _parts(sequence)}
        kept = []
        for sentence in self:
            sequence = tuple(sentence.tolist())
            if sequence not in unwanted and quoted.isdisjoint(_parts(sequence)):
                kept.append(list(sequence))
        return Sentences.of(kept)

    def save(self, path: Path) -> None:
        """Write them as one file of arrays."""
        with writing(path) as temporary, open(temporary, "wb") as file:
            np.savez_compressed(file, ids=self.ids, ends=self.ends)

    @classmethod
    def load(cls, path: Path) -> Sentences:
        """Raises DataError for a file that is none."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls(arrays["ids"], arrays["ends"])
        except (OSError, ValueError, KeyError) as error:
            remedy = "make it again with tools/pretrain_content.py texts"
            raise DataError(f"{path} cannot be read", str(error), remedy) from error


def _parts(sequence: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    return (sequence[start : start + QUOTATION] for start in range(len(sequence) - QUOTATION + 1))


class Drawn:
    """Batches by step number: the n-th is the same whoever asks for it and whenever."""

    def __init__(self, arrays: PreparedArrays, settings: PhoneLanguageTraining) -> None:
        """Raises DataError where no text is left to learn from."""
        self.settings = settings
        held = {tuple(i.spoken) for part in ("held", "unused") for i in arrays.part(part)}
        self.pools: list[Sentences] = []
        for language in sorted({item.language for item in arrays.items}):
            different = {tuple(i.spoken) for i in arrays.part("train", (language,))} - held
            self.pools.append(Sentences.of([list(sequence) for sequence in sorted(different)]))
        self.pools = [pool for pool in self.pools if len(pool)]
        if not self.pools:
            raise DataError(
                f"{arrays.folder} holds no text to learn", "no clip of its training part has phones"
            )
        share = settings.corpus_share
        path = arrays.folder / SENTENCES_FILE
        further = Sentences.load(path).without(held) if path.is_file() else Sentences.of([])
        if len(further):
            self.weights = [share / len(self.pools)] * len(self.pools) + [1 - share]
            self.pools.append(further)
        else:
            self.weights = [1 / len(self.pools)] * len(self.pools)
        # Long sentences fill more of a row: what is drawn is sentences, what is meant is phones.
        lengths = [len(pool.ids) / len(pool) for pool in self.pools]
        chances = np.array([w / n for w, n in zip(self.weights, lengths, strict=True)])
        self.chances = chances / chances.sum()

    def batch(self, step: int) -> Tensor:
        """[rows, length + 1] ids; each row begins where a sentence does."""
        settings = self.settings
        draw = np.random.default_rng((settings.seed, step))
        rows = np.empty((settings.rows, settings.length + 1), dtype=np.int64)
        for row in rows:
            filled = 0
            while filled < len(row):
                pool = self.pools[draw.choice(len(self.pools), p=self.chances)]
                sentence = pool[int(draw.integers(len(pool)))][: len(row) - filled - 1]
                row[filled] = settings.symbols
                row[filled + 1 : filled + 1 + len(sentence)] = sentence
                filled += 1 + len(sentence)
        return torch.from_numpy(rows)


def loss_of(network: PhoneLanguage, rows: Tensor) -> Tensor:
    """Mean negative log-probability of each phone of `rows` `[B, T + 1]`; where a sentence begins is not asked."""
    logits, _ = network(rows[:, :-1])
    target = rows[:, 1:]
    wanted = target.masked_fill(target == network.symbols, -100)
    return functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=-100)


@torch.inference_mode()
def perplexities(network: PhoneLanguage, arrays: PreparedArrays) -> dict[str, float]:
    """How many phones it hesitates between, on average, by language, in the sentences of held-out clips."""
    network.eval()
    found = {}
    for language in sorted({item.language for item in arrays.items}):
        total = count = 0.0
        for sequence in sorted({tuple(i.spoken) for i in arrays.part("held", (language,)) if i.spoken}):
            row = torch.tensor([[network.symbols, *sequence]])
            total += float(loss_of(network, row)) * len(sequence)
            count += len(sequence)
        if count:
            found[f"perplexity_{language}"] = math.exp(total / count)
    return found


class PhoneLanguageTrainer:
    """One training run: network, optimiser, generations."""

    def __init__(
        self, arrays: PreparedArrays, output: Path, settings: PhoneLanguageTraining, events: Events
    ) -> None:
        torch.manual_seed(settings.seed)
        self.arrays, self.settings, self.events = arrays, settings, events
        self.network = PhoneLanguage(settings.symbols, settings.embedding, settings.hidden, settings.dropout)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), settings.learning_rate, (0.9, 0.99), weight_decay=0.0
        )
        self.drawn = Drawn(arrays, settings)
        self.generations = Generations(output / "generations", keep=2, events=events)
        self.step = 0
        self._losses = 0.0

    def resume(self) -> None:
        """Go on from the newest generation, if there is one."""
        loaded = self.generations.load()
        if loaded is None:
            return
        self.step = loaded.step
        self.network.load_state_dict(loaded.parts["network"])
        self.optimizer.load_state_dict(loaded.parts["optimizer"])
        torch.set_rng_state(loaded.parts["random"])
        self.events.message(f"going on from step {self.step}")

    def save(self) -> None:
        """Write a generation."""
        parts = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
        }
        self.generations.save(self.step, parts, {"settings": self.settings.model_dump(mode="json")})

    def train_step(self, every: int = 20) -> None:
        """One update; every so many the mean loss is sent as a metric."""
        self.network.train()
        _set_rate(self.optimizer, self.step, self.settings)
        loss = loss_of(self.network, self.drawn.batch(self.step))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip_norm)
        self.optimizer.step()
        self.step += 1
        self._losses += float(loss.detach()) / every
        if self.step % every == 0:
            self.events.metric(self.step, {"loss": self._losses})
            self.events.progress(self.step, self.settings.steps, "language of phones")
            self._losses = 0.0


def train_phone_language(
    arrays: PreparedArrays, output: Path, settings: PhoneLanguageTraining, events: Events, target: Path
) -> dict[str, float]:
    """Train on the texts of `arrays` and on those in its `sentences.npz`, and write the weights to `target`.

    Generations are kept in `output/generations` and the newest is gone on from; a stop request saves and raises
    Cancelled. Returns the perplexity on held-out sentences by language. Raises DataError where there is no text.
    """
    trainer = PhoneLanguageTrainer(arrays, output, settings, events)
    trainer.resume()
    saved_at = time.monotonic()
    while trainer.step < settings.steps:
        trainer.train_step()
        if events.stop_requested():
            trainer.save()
            events.check_stop()
        if time.monotonic() - saved_at > settings.save_minutes * 60:
            trainer.save()
            events.metric(trainer.step, perplexities(trainer.network, arrays))
            saved_at = time.monotonic()
    trainer.save()
    trainer.network.save(target)
    result = perplexities(PhoneLanguage.load(target, settings.symbols), arrays)
    events.metric(trainer.step, result)
    return result


def _set_rate(optimizer: torch.optim.Optimizer, step: int, settings: PhoneLanguageTraining) -> None:
    """Linear warm-up, then a cosine down to a fiftieth."""
    warm = min(1.0, (step + 1) / max(1, settings.warmup_steps))
    fall = 0.5 * (1 + math.cos(math.pi * step / settings.steps))
    for group in optimizer.param_groups:
        group["lr"] = settings.learning_rate * warm * max(0.02, fall)
