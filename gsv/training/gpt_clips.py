"""Where the semantic decoder's training takes its clips from: an experiment's tables, or prepared arrays.

Knows: how to give one clip's phones, codes, BERT features and the phone of each code. Does not know: random
choices, batches, losses.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from gsv import files
from gsv.errors import DataError
from gsv.gpt_families import GptConfig
from gsv.training.arrays import ALIGNED_FILE
from gsv.training.gpt_recipes import GptItemConfig
from gsv.training.variants import Variant, read_variants

if TYPE_CHECKING:
    from gsv.corpus.experiment import Experiment
    from gsv.training.arrays import PreparedArrays


@dataclass
class Rejections:
    """Clips that were left out, with the reason; `kinds` counts what stands before a reason's colon."""

    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def kinds(self) -> dict[str, int]:
        """How many clips each kind of reason took, the commonest first."""
        return dict(Counter(reason.split(":")[0] for reason in self.reasons.values()).most_common())

    def demand_some(self, left: int, source: str) -> None:
        """Raises DataError, with the commonest reason, where nothing is left."""
        if not left:
            worst = next(iter(self.kinds.items()), ("nothing was prepared", 0))
            why = f"{worst[0]} ({worst[1]} of {len(self.reasons)} clips)" if worst[1] else worst[0]
            raise DataError(f"{source} has no clip to train the GPT on", why, "Prepare it again.")


class GptClips(Protocol):
    """A set of clips. Methods may be called from any thread."""

    @property
    def names(self) -> Sequence[str]:
        """Item names, all different."""

    @property
    def speakers(self) -> Sequence[str]:
        """Who speaks, by item; empty where it is not known."""

    @property
    def languages(self) -> Sequence[str]:
        """Language code of each item; empty where it is not known."""

    def phones(self, index: int) -> np.ndarray:
        """Phone ids, int64 `[N]`."""

    def codes(self, index: int) -> np.ndarray:
        """Semantic codes, int64 `[M]`."""

    def bert(self, index: int) -> np.ndarray | None:
        """BERT features, float32 `[D, N]`; None stands for zeros."""

    def phone_of_code(self, index: int) -> np.ndarray | None:
        """Place of the phone that each code says, int64 `[M]`; None where it is not known."""

    def identity(self) -> dict[str, str]:
        """What has to be the same for a checkpoint to fit this data."""


class ArrayGptClips:
    """Clips of prepared arrays."""

    def __init__(self, arrays: PreparedArrays, part: str, config: GptConfig, settings: GptItemConfig) -> None:
        """`part`: `train` or `held`. What the filters leave out is in `rejections`.

        Variants of clips to learn from follow them as clips of other speakers.

        Raises:
            DataError: the arrays hold no codes, those of variants are outdated, or nothing is left.
        """
        self.version, codes = arrays.codes()
        self.rejections = Rejections()
        self._items = []
        for item in arrays.part(part):
            fault = settings.fault(len(item.phones), len(codes.get(item.name, ())), config.code_rate)
            if fault:
                self.rejections.reasons[item.name] = fault
            else:
                self._items.append(item)
        self.rejections.demand_some(len(self._items), str(arrays.folder))
        self._codes = [np.asarray(codes[item.name], dtype=np.int64) for item in self._items]
        path = arrays.folder / ALIGNED_FILE
        self._starts: dict[str, list[int]] = json.loads(files.read_text(path)) if path.is_file() else {}
        if part == "train":
            self._add_variants(read_variants(arrays.folder, self.version), config, settings)
        self.names: Sequence[str] = [item.name for item in self._items]
        self.speakers: Sequence[str] = [item.speaker for item in self._items]
        self.languages: Sequence[str] = [item.language for item in self._items]

    def _add_variants(
        self, variants: Mapping[str, Sequence[Variant]], config: GptConfig, settings: GptItemConfig
    ) -> None:
        """Every variant as a clip of its own: what is said, and where, is that of the original."""
        for item in list(self._items):
            for number, variant in enumerate(variants.get(item.name, ()), 1):
                if settings.fault(len(item.phones), len(variant.codes), config.code_rate):
                    continue
                other = replace(item, name=f"{item.name}~{number}", speaker=f"{item.speaker}~{number}")
                self._items.append(other)
                self._codes.append(np.asarray(variant.codes, dtype=np.int64))
                if item.name in self._starts:
                    starts = self._starts[item.name]
                    self._starts[other.name] = [round(start / variant.ratio) for start in starts]

    @property
    def aligned(self) -> bool:
        """Whether the places of the phones are known."""
        return bool(self._starts)

    def phones(self, index: int) -> np.ndarray:
        return np.asarray(self._items[index].phones, dtype=np.int64)

    def codes(self, index: int) -> np.ndarray:
        return self._codes[index]

    def bert(self, index: int) -> np.ndarray | None:
        return None

    def phone_of_code(self, index: int) -> np.ndarray | None:
        starts = self._starts.get(self.names[index])
        return None if not starts else phone_places(starts, len(self._codes[index]))

    def identity(self) -> dict[str, str]:
        return {"codes": self.version}


class ExperimentGptClips:
    """Clips of an experiment's folder in the published layout: its two tables and `3-bert`."""

    def __init__(
        self,
        experiment: Experiment,
        config: GptConfig,
        settings: GptItemConfig,
        places: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        """What the filters leave out is in `rejections`, also what stands in one of the tables alone.

        `places`: first 50 Hz frame of each phone by clip name, where they are known.

        Raises:
            DataError: a table is missing or damaged, or nothing is left.
        """
        from gsv.corpus.tables import names_in, read_semantic_table, read_text_table
        from gsv.text.symbols import table

        for path, command in (
            (experiment.text_table, "extract_text"),
            (experiment.semantic_table, "extract_semantic"),
        ):
            if not path.is_file():
                remedy = f"run: python tools/{command}.py --experiment {experiment.record.name}"
                raise DataError(f"{experiment.record.name} has no {path.name}", "", remedy)
        texts, codes = read_text_table(experiment.text_table), read_semantic_table(experiment.semantic_table)
        symbols, outdated = table(config.symbols), _outdated(experiment)
        self.rejections = Rejections()
        self._phones: list[np.ndarray] = []
        self._codes: list[np.ndarray] = []
        names: list[str] = []
        for name in sorted({*texts, *codes}):
            phones = texts[name].phones if name in texts else ()
            unknown = sorted({phone for phone in phones if phone not in symbols})
            fault = _table_fault(name in texts, name in codes, unknown, name in outdated)
            fault = fault or settings.fault(len(phones), len(codes.get(name, ())), config.code_rate)
            if not fault and not 0 <= min(codes[name]) <= max(codes[name]) < config.codes:
                fault = f"foreign codes: they go to {max(codes[name])}, the network has {config.codes}"
            if fault:
                self.rejections.reasons[name] = fault
                continue
            names.append(name)
            self._phones.append(np.asarray(symbols.ids(phones), dtype=np.int64))
            self._codes.append(np.asarray(codes[name], dtype=np.int64))
        self.rejections.demand_some(len(names), experiment.record.name)
        bert = set(names_in(experiment.bert_folder, ".pt")) if config.bert_dimension else set()
        self._bert = [experiment.bert_folder / f"{name}.pt" if name in bert else None for name in names]
        self._dimension = config.bert_dimension
        records = [experiment.record.items.get(name) for name in names]
        self.names: Sequence[str] = names
        self.speakers: Sequence[str] = [record.speaker if record else "" for record in records]
        self.languages: Sequence[str] = [record.language if record else "" for record in records]
        self._version = experiment.record.base.version if experiment.record.base else ""
        self._places = dict(places or {})

    @property
    def plain_mandarin(self) -> int:
        """Mandarin clips that a network which hears BERT features is given zeros for."""
        rows = zip(self.languages, self._bert, strict=True)
        return sum(language == "zh" and path is None for language, path in rows) if self._dimension else 0

    def phones(self, index: int) -> np.ndarray:
        return self._phones[index]

    def codes(self, index: int) -> np.ndarray:
        return self._codes[index]

    def bert(self, index: int) -> np.ndarray | None:
        path: Path | None = self._bert[index]
        if path is None:
            return None
        from gsv.corpus.tables import load_tensor

        return load_tensor(path, (self._dimension, len(self._phones[index]))).numpy()

    def phone_of_code(self, index: int) -> np.ndarray | None:
        starts = self._places.get(self.names[index])
        # Phones that were edited since have no places until they are looked for again.
        if starts is None or len(starts) != len(self._phones[index]):
            return None
        return phone_places(starts, len(self._codes[index]))

    def identity(self) -> dict[str, str]:
        return {"codes": self._version}


def phone_places(starts: Sequence[int], codes: int) -> np.ndarray:
    """The phone under way in each code, int64 `[codes]`, from the first 50 Hz frame of each phone.

    A code stands for two frames and belongs to the phone that has begun by the second. Of phones with one
    start (punctuation takes the start of what follows) the last is meant.
    """
    ends = 2 * np.arange(codes) + 1
    return np.maximum(np.searchsorted(np.asarray(starts), ends, side="right") - 1, 0).astype(np.int64)


def _table_fault(has_text: bool, has_codes: bool, unknown: Sequence[str], outdated: bool) -> str:
    if not (has_text and has_codes):
        return "no text" if not has_text else "no semantic codes"
    if outdated:
        return "outdated: the codes were made from earlier content"
    return f"unknown phone: {' '.join(unknown)}" if unknown else ""


def _outdated(experiment: Experiment) -> set[str]:
    """Names whose codes were made from content that was made again since; brought folders have no journals."""
    content: Mapping[str, Mapping[str, object]] = experiment.journal("content").entries
    semantic: Mapping[str, Mapping[str, object]] = experiment.journal("semantic").entries
    key = "content_sha256"
    return {
        name for name in content.keys() & semantic.keys() if content[name].get(key) != semantic[name].get(key)
    }
