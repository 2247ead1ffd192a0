"""Our own weight files: one `.safetensors` file whose metadata says what the weights are.

Knows the metadata, the storage types and how to read and write a bundle safely. Does not know networks:
whether the tensors fit one is checked where it is built (`networks.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import safetensors
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors.torch import save_file

from gsv.errors import InputError, WeightsError
from gsv.files import writing
from gsv.weights.references import plain_line

FORMAT = 1
METADATA_NAME = "gsv"
# The codes of a voice must be the same on every machine, so what makes them is never rounded.
EXACT_PREFIXES = ("ssl_proj.", "quantizer.")
LARGEST_HALF = 65504.0

Role = Literal["sovits", "discriminator", "gpt", "content", "ctc", "speaker", "vocoder"]
Line = Annotated[str, Field(max_length=4000)]


class BundleInfo(BaseModel):
    """What a bundle holds and where it comes from. All fields are written; empty means "does not apply"."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    role: Role
    family: str = Field(default="", max_length=100, description="v1, v2, v2Pro, v2ProPlus or tiny")
    configuration: dict[str, Any] = Field(
        default_factory=dict, description="the network's configuration as JSON"
    )
    symbols: str = Field(default="", max_length=20, description="symbol table, v1 or v2")
    symbols_sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    sample_rate: int = Field(default=0, ge=0, description="Hz of the audio made or read; 0 does not apply")
    base: Line = Field(default="", description="the weights that training started from")
    code_version: str = Field(
        default="", max_length=200, description="names the quantizer that makes its codes"
    )
    licence: Line = ""
    provenance: Line = Field(default="", description="data, people and programs behind the weights")
    info: Line = Field(default="", description="length of training, such as 8 epochs, 1234 steps")
    has_posterior: bool = Field(default=False, description="a SoVITS model that can be trained further")


def save_bundle(path: Path, state: Mapping[str, torch.Tensor], info: BundleInfo, half: bool = True) -> None:
    """Write `state` with `info` as one file that appears complete or not at all.

    Floating tensors are stored as float16 if `half`, except the quantizer with its projection, and tensors
    whose numbers float16 cannot hold. Raises WeightsError for an empty state and for numbers that are not
    finite.
    """
    if not state:
        raise WeightsError(f"nothing to write to {path}", "the state holds no tensors")
    stored = {key: _stored(key, tensor, half) for key, tensor in state.items()}
    metadata = {METADATA_NAME: info.model_dump_json(), "format": "pt"}
    with writing(Path(path)) as temporary:
        save_file(stored, temporary, metadata=metadata)


def read_info(path: Path) -> BundleInfo:
    """What the bundle at `path` says about itself; no tensor is read.

    Raises InputError for a missing file, WeightsError for a damaged or foreign one.
    """
    with _open(Path(path)) as file:
        return _info(file, Path(path))


def load_bundle(path: Path, role: Role | None = None) -> tuple[dict[str, torch.Tensor], BundleInfo]:
    """The tensors of a bundle, floating ones as float32, and what it says about itself.

    Raises InputError for a missing file; WeightsError for a damaged or foreign file, and for another role
    than `role` where one is given.
    """
    path = Path(path)
    with _open(path) as file:
        info = _info(file, path)
        if role is not None and info.role != role:
            what = f"{path.name} holds {info.role} weights, but {role} weights are needed here"
            raise WeightsError(what, "", f"Choose a file of {role} weights.")
        try:
            state = {key: _loaded(file.get_tensor(key)) for key in file.keys()}  # noqa: SIM118 (no mapping)
        except (safetensors.SafetensorError, OSError, RuntimeError) as error:
            raise _damaged(path, str(error)) from error
    for key, tensor in state.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise _damaged(path, f"{key} holds numbers that are infinite or not numbers")
    return state, info


def code_version(state: Mapping[str, torch.Tensor]) -> str:
    """A short name of the quantizer in a SoVITS state: equal where the same content gives the same codes.

    Computed from the projection and codebook as float16, so that a half precision export keeps its name.
    Empty if the state has no quantizer.
    """
    keys = sorted(key for key in state if key.startswith("ssl_proj.") or key.endswith("_codebook.embed"))
    if not keys:
        return ""
    digest = hashlib.sha256()
    for key in keys:
        numbers = state[key].detach().to("cpu", torch.float16).contiguous()
        digest.update(f"{key} {list(numbers.shape)}\n".encode())
        digest.update(numbers.view(torch.int16).numpy().astype("<i2").tobytes())
    return f"codes-{digest.hexdigest()[:12]}"


def check_fit(first: BundleInfo, second: BundleInfo) -> None:
    """Refuse two parts of one voice that number phones or codes differently (WeightsError with both names).

    What a part does not say, is not compared.
    """
    names = [f"{info.role} {info.base or info.family}".strip() for info in (first, second)]
    for field, thing in (("code_version", "codes"), ("symbols_sha256", "symbols")):
        one, other = getattr(first, field), getattr(second, field)
        if one and other and one != other:
            why = f"they were made with different {thing} ({one[:18]} and {other[:18]})"
            what = f"{names[0]} and {names[1]} do not fit together"
            raise WeightsError(what, why, "Choose parts that come from the same base.")


def is_bundle(path: Path) -> bool:
    """Whether the file begins as a safetensors file does; says nothing about its content."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(9)
    except OSError:
        return False
    return len(head) == 9 and head[8:] == b"{" and int.from_bytes(head[:8], "little") < 2**28


def _stored(key: str, tensor: torch.Tensor, half: bool) -> torch.Tensor:
    tensor = tensor.detach().to("cpu")
    if tensor.is_floating_point():
        if not bool(torch.isfinite(tensor).all()):
            why = f"{key} holds numbers that are infinite or not numbers"
            raise WeightsError("these weights cannot be saved", why, "Go back to an earlier checkpoint.")
        exact = not half or key.startswith(EXACT_PREFIXES)
        fits = not tensor.numel() or float(tensor.abs().max()) <= LARGEST_HALF
        tensor = tensor.to(torch.float16 if fits and not exact else torch.float32)
    # A copy, because two names for one memory cannot be stored.
    return tensor.clone(memory_format=torch.contiguous_format)


def _loaded(tensor: torch.Tensor) -> torch.Tensor:
    # A copy, because the tensors of an open file are views of it: Windows could not replace the file then.
    return tensor.to(torch.float32 if tensor.is_floating_point() else tensor.dtype, copy=True)


def _open(path: Path) -> Any:
    if not path.is_file():
        why = "it is a folder" if path.is_dir() else "there is no such file"
        raise InputError(f"cannot read weights from {path}", why, "Give the path of a weight file.")
    try:
        return safetensors.safe_open(str(path), framework="pt", device="cpu")
    except (safetensors.SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise _damaged(path, str(error)) from error


def _info(file: Any, path: Path) -> BundleInfo:
    text = (file.metadata() or {}).get(METADATA_NAME)
    if text is None:
        why = "its metadata has no entry of ours"
        raise WeightsError(
            f"{path.name} is no bundle of this program", why, "Choose a file that gsv exported."
        )
    try:
        fields = json.loads(text)
        if isinstance(fields, dict) and isinstance(fields.get("format"), int) and fields["format"] > FORMAT:
            why = f"it has format {fields['format']}, and this program knows format {FORMAT}"
            raise WeightsError(f"{path.name} is too new", why, "Update this program.")
        return BundleInfo.model_validate(fields)
    except (ValidationError, json.JSONDecodeError, RecursionError) as error:
        raise _damaged(path, f"its description cannot be read ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return plain_line(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
    return plain_line(str(error))


def _damaged(path: Path, why: str) -> WeightsError:
    return WeightsError(f"{path.name} is damaged", why, "Download, copy or export it again.")
