"""The tables and tensors of an experiment folder: published text forms, restricted loading.

Knows `2-name2text.txt`, `6-name2semantic.tsv` and feature tensors. Does not know which items are fit
for training.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gsv.errors import DataError
from gsv.files import read_text, write_text

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

SEMANTIC_HEADER = "item_name\tsemantic_audio"


@dataclass(frozen=True)
class TextRow:
    """What is said in a clip; `word2ph` counts phones per character of `normalized`, or is None."""

    phones: tuple[str, ...]
    word2ph: tuple[int, ...] | None
    normalized: str


def read_text_table(path: Path) -> dict[str, TextRow]:
    """Item name to its text. Lines without four columns are left out with a warning."""
    rows: dict[str, TextRow] = {}
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        columns = line.split("\t")
        if len(columns) == 4:
            name, phones, word2ph, normalized = columns
            rows[name] = TextRow(tuple(phones.split()), _counts(word2ph), normalized)
        elif line.strip():
            logger.warning("%s: line %d is ignored: %d columns instead of 4", path, number, len(columns))
    return rows


def _counts(text: str) -> tuple[int, ...] | None:
    try:
        values = json.loads(text)
    except ValueError:
        return None  # the published table says None
    return tuple(int(value) for value in values) if isinstance(values, list) else None


def write_text_table(path: Path, rows: Mapping[str, TextRow]) -> None:
    """Write the published form, in the order of `rows`."""
    lines = []
    for name, row in rows.items():
        word2ph = None if row.word2ph is None else list(row.word2ph)
        lines.append(f"{name}\t{' '.join(row.phones)}\t{word2ph}\t{' '.join(row.normalized.split())}\n")
    write_text(path, "".join(lines))


def read_semantic_table(path: Path) -> dict[str, tuple[int, ...]]:
    """Item name to its codes, 25 a second. Raises DataError for a cell that is no number."""
    codes: dict[str, tuple[int, ...]] = {}
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.rstrip() == SEMANTIC_HEADER or not line.strip():
            continue
        name, _, cells = line.partition("\t")
        try:
            codes[name] = tuple(int(cell) for cell in cells.split())
        except ValueError as error:
            why = f"line {number}: {error}"
            raise DataError(f"{path} is damaged", why, "Run extract_semantic again.") from error
    return codes


def write_semantic_table(path: Path, codes: Mapping[str, Sequence[int]]) -> None:
    """Write the published form with its header, in the order of `codes`."""
    lines = [f"{name}\t{' '.join(map(str, row))}\n" for name, row in codes.items()]
    write_text(path, SEMANTIC_HEADER + "\n" + "".join(lines))


def tensor_bytes(tensor: Tensor) -> bytes:
    """A plain tensor as a torch file; the same tensor gives the same bytes."""
    import torch

    buffer = io.BytesIO()
    # A copy, or a view would drag the storage of its whole batch along.
    torch.save(tensor.detach().cpu().clone(memory_format=torch.contiguous_format), buffer)
    return buffer.getvalue()


def load_tensor(path: Path, shape: Sequence[int | None]) -> Tensor:
    """A feature tensor as float32 on the CPU; None in `shape` stands for any size.

    Loading is restricted to plain tensors. Raises DataError for anything else and for another shape.
    """
    import torch

    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing", "", "Run the preparation again.") from error
    except Exception as error:  # torch reports damage by many types
        why, remedy = str(error).split("\n")[0], "Delete it and run the preparation again."
        raise DataError(f"{path} cannot be read as a plain tensor", why, remedy) from error
    fits = isinstance(value, torch.Tensor) and value.dim() == len(shape)
    if not fits or any(want not in (None, have) for want, have in zip(shape, value.shape, strict=True)):
        found = list(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
        wanted = [size if size is not None else "any" for size in shape]
        raise DataError(f"{path} holds {found}", f"{wanted} was expected", "Prepare this clip again.")
    return value.detach().float()


def load_content(path: Path) -> Tensor:
    """Content features `[1, C, T]`, float32. Raises DataError as `load_tensor`."""
    return load_tensor(path, (1, None, None))


def names_in(folder: Path, suffix: str = "") -> Iterable[str]:
    """Item names that have a file in a folder of the experiment; temporary files are left out."""
    if not folder.is_dir():
        return []
    files = (path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith(".tmp-"))
    return [name.removesuffix(suffix) for name in files if name.endswith(suffix)]
