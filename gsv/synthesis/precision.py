"""In which arithmetic the GPT of a voice speaks on this machine: found out once, and remembered.

Knows how the packed arrangements are tried beside the plain one: on what the network itself says, they must
give the same codes, and sooner. Does not know texts, voices or requests.
"""

from __future__ import annotations

import json
import logging
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

import gsv
from gsv.corpus.journal import item_key
from gsv.errors import GsvError, InputError, ResourceError
from gsv.files import read_text, sha256, write_json
from gsv.gpt_families import GptConfig
from gsv.models.gpt.decoder import GptBatch, SemanticDecoder
from gsv.models.gpt.generation import Request, generate
from gsv.models.gpt.packed import Agreement, Kind, agreement, available, pack
from gsv.models.gpt.sampling import SamplingConfig

logger = logging.getLogger(__name__)

KINDS = ("auto", "float32", "bfloat16", "int8")
_PACKED: tuple[Kind, ...] = ("bfloat16", "int8")

LARGE_DECODER = 5_000_000
"""Parameters from which it is worth asking: what is smaller is quick enough, or a test's."""
LEAST_GAIN = 1.1
_TEXTS, _PHONES, _PROMPT, _CODES, _TIMED = 4, 30, 12, 40, 24
_REMEMBERED = 64


@dataclass(frozen=True)
class Trial:
    """One reduced arithmetic beside float32: how near it is, and how many times as fast."""

    kind: Kind
    difference: float
    equal: float
    gain: float

    @property
    def passed(self) -> bool:
        """Whether it says the same (within the bounds of `Agreement`) and is worth it."""
        return Agreement(self.difference, self.equal).enough and self.gain >= LEAST_GAIN

    def __str__(self) -> str:
        near = f"logits {self.difference:.3f} apart, {self.equal:.1%} equal codes"
        return f"{self.kind}: {near}, {self.gain:.1f} times as fast"


@dataclass(frozen=True)
class Arranged:
    """A decoder as it will speak, the name of its arithmetic, and what a person should know about that."""

    network: SemanticDecoder
    kind: str
    note: str = ""


def check_kind(name: str) -> str:
    """The name itself. Raises InputError for one that is not in `KINDS`."""
    if name not in KINDS:
        raise InputError(f"{name!r} is no precision of the GPT", "", f"Use one of: {', '.join(KINDS)}.")
    return name


def arranged(
    network: SemanticDecoder, weights: Path, precision: str = "auto", memory: Path | None = None
) -> Arranged:
    """`network`, whose weights lie in the file `weights`, in the arithmetic that was asked for.

    `auto` tries what this machine can compute with and keeps the answer in the file `memory`, by machine,
    program and weights. Raises InputError for an unknown name, ResourceError for what cannot be computed here.
    """
    check_kind(precision)
    processor = network.device.type == "cpu"
    asked = next((kind for kind in _PACKED if kind == precision), None)
    if asked is not None:
        if not processor or not available(asked):
            where = "this build of torch cannot" if processor else f"it runs on {network.device}"
            raise ResourceError(f"the GPT cannot speak in {precision}", where, "Use auto or float32.")
        return Arranged(pack(network, asked), asked)
    small = sum(value.numel() for value in network.parameters()) < LARGE_DECODER
    if precision == "float32" or not processor or small:
        return Arranged(network, "float32")
    key = item_key(
        machine=_machine(), program=gsv.__version__, torch=torch.__version__, weights=sha256(weights), rule=1
    )
    trials = _recalled(memory, key)
    if trials is None:
        trials = tried(network)
        _remember(memory, key, trials)
    return _decided(network, trials)


def tried(network: SemanticDecoder, clock: Callable[[], float] = time.perf_counter) -> list[Trial]:
    """Every reduced arithmetic that this machine has, beside float32; takes seconds at the published size."""
    kinds = [kind for kind in _PACKED if available(kind)]
    if not kinds:
        return []
    batch = _said(network)
    slow = _seconds(network, clock)
    found = []
    for kind in kinds:
        packed = pack(network, kind)
        near = agreement(network, packed, batch)
        found.append(Trial(kind, near.difference, near.equal, slow / max(_seconds(packed, clock), 1e-9)))
        logger.info("%s", found[-1])
    return found


def fastest(trials: list[Trial]) -> Trial | None:
    """The fastest of those that passed."""
    return max((trial for trial in trials if trial.passed), key=lambda trial: trial.gain, default=None)


def _decided(network: SemanticDecoder, trials: list[Trial]) -> Arranged:
    best = fastest(trials)
    if best is not None:
        return Arranged(pack(network, best.kind), best.kind)
    why = "; ".join(map(str, trials)) or "this build of torch has no faster arithmetic for a processor"
    return Arranged(network, "float32", f"the GPT speaks in plain float32: {why}")


def _phones(config: GptConfig) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(1, config.phone_count, (_TEXTS, _PHONES), generator=generator)


def _prompts(config: GptConfig) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(0, config.codes, (_TEXTS, _PROMPT), generator=generator)


def _said(network: SemanticDecoder) -> GptBatch:
    """What the network says of its own accord, as a batch to be heard again."""
    config = network.config
    phones, prompts = _phones(config), _prompts(config)
    requests = [
        Request(
            one, prompt, sampling=SamplingConfig(top_k=5), generator=torch.Generator().manual_seed(3 + row),
            limit=_CODES, minimum=_CODES + 1,
        )
        for row, (one, prompt) in enumerate(zip(phones, prompts, strict=True))
    ]  # fmt: skip
    said = torch.stack([one.codes for one in generate(network, requests)])
    codes = torch.cat((prompts, said), dim=1)
    return GptBatch(phones, torch.full((_TEXTS,), _PHONES), codes, torch.full((_TEXTS,), codes.shape[1]))


def _seconds(network: SemanticDecoder, clock: Callable[[], float]) -> float:
    """Time of some codes of one sentence, the better of two after a first one."""
    request = Request(
        _phones(network.config)[0], _prompts(network.config)[0], sampling=SamplingConfig(top_k=1),
        limit=_TIMED, minimum=_TIMED + 1,
    )  # fmt: skip
    taken = []
    for _ in range(3):
        begin = clock()
        generate(network, [request])
        taken.append(clock() - begin)
    return min(taken[1:])


def _machine() -> list[str]:
    """What decides which arithmetic is fast: the processor, its instructions, the threads."""
    name = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((line for line in lines if line.startswith("model name")), name)
    except OSError:
        pass  # only Linux has that file
    capability = torch.backends.cpu.get_cpu_capability()
    return [platform.system(), platform.machine(), name, capability, str(torch.get_num_threads())]


def _known(memory: Path | None) -> dict[str, Any]:
    try:
        known = json.loads(read_text(memory)) if memory is not None and memory.is_file() else {}
    except (GsvError, OSError, ValueError) as error:
        logger.info("%s cannot be read and is made anew: %s", memory, error)
        return {}
    return known if isinstance(known, dict) else {}


def _recalled(memory: Path | None, key: str) -> list[Trial] | None:
    entries = _known(memory).get(key)
    if not isinstance(entries, list) or not all(_is_trial(entry) for entry in entries):
        return None
    return [Trial(**entry) for entry in entries if available(entry["kind"])]


def _is_trial(entry: object) -> bool:
    numbers = ("difference", "equal", "gain")
    return (
        isinstance(entry, Mapping)
        and set(entry) == {"kind", *numbers}
        and entry["kind"] in _PACKED
        and all(isinstance(entry[name], int | float) for name in numbers)
    )


def _remember(memory: Path | None, key: str, trials: list[Trial]) -> None:
    if memory is None:
        return
    known = {**_known(memory), key: [asdict(trial) for trial in trials]}
    latest = dict(list(known.items())[-_REMEMBERED:])
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_json(memory, latest)
    except (GsvError, OSError) as error:
        logger.info("the choice of precision cannot be kept in %s: %s", memory, error)
