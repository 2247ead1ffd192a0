"""BERT features of Mandarin text: one vector a character, from a folder in the layout of transformers.

Knows characters, tokens and the layer that published semantic decoders were trained with. Does not know
phones' symbols, rows of an experiment, or sentences of a request.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gsv.corpus.experiment import ModelIdentity
from gsv.corpus.journal import item_key
from gsv.errors import GsvError, WeightsError, import_optional
from gsv.features.content import exact_matrices
from gsv.files import sha256
from gsv.weights.bundle import is_bundle
from gsv.weights.recognition import state_of
from gsv.weights.torchfile import TorchFile

logger = logging.getLogger(__name__)

UNUSED_LAYERS = 2
"""Layers above the one that is used: features are the third last of the hidden states."""
BATCH_TOKENS = 2048
MOST_TEXTS = 32

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_WORDS = ("tokenizer.json", "vocab.txt")
_REMEDY = "python tools/models.py download roberta"


def missing_from(folder: Path) -> str:
    """What a folder lacks to be a BERT folder; empty where it has everything."""
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        return "config.json is missing"
    for names in (_WEIGHTS, _WORDS):
        if not any((folder / name).is_file() for name in names):
            return f"neither {names[0]} nor {names[1]} is there"
    return ""


def bert_identity(folder: Path) -> ModelIdentity:
    """Which text encoder a folder holds, by the hashes of its files. WeightsError where it holds none."""
    folder = Path(folder)
    _demand(folder)
    names = ("config.json", *_WEIGHTS, *_WORDS)
    fingerprint = item_key(files=[sha256(folder / name) for name in names if (folder / name).is_file()])
    return ModelIdentity(name=folder.name, version=f"bert-{fingerprint[:12]}", sha256=fingerprint)


def spread(characters: Tensor, counts: Sequence[int]) -> Tensor:
    """Vectors of characters `[D, T]` to phones `[D, sum(counts)]`: each as often as its character has phones.

    Raises ValueError where there are not as many counts as characters.
    """
    if len(counts) != characters.shape[1]:
        raise ValueError(f"{len(counts)} counts for {characters.shape[1]} characters")
    return characters.repeat_interleave(torch.tensor(counts, device=characters.device), dim=1)


class BertEncoder:
    """A text encoder on a device, in float32; calls may come from any thread."""

    def __init__(self, network: Any, tokenizer: Any, device: torch.device | str = "cpu") -> None:
        """`network`: transformers' BertModel without the layers that are not used; `tokenizer`: of tokenizers."""
        self.device = torch.device(device)
        self._network = network.float().eval().to(self.device)
        self._tokenizer = tokenizer
        self._longest = int(network.config.max_position_embeddings) - 2
        self._marks = [tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]")]

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return int(self._network.config.hidden_size)

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu") -> BertEncoder:
        """The encoder of a folder, such as chinese-roberta-wwm-ext-large.

        Raises WeightsError for a folder that is none, or whose weights do not fit its configuration.
        """
        folder = Path(folder)
        _demand(folder)
        tokenizer = _tokenizer(folder)
        if None in (tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")):
            raise WeightsError(f"{folder} holds no BERT encoder", "its words lack [CLS] and [SEP]", _REMEDY)
        return cls(_network(folder), tokenizer, device)

    def features(self, texts: Sequence[str]) -> list[Tensor]:
        """Vectors `[D, T]` float32 on the CPU of each text's T characters; zeros where a character is no token.

        Texts share batches by length, and each gets what it would get alone within 1e-4. Longer ones than the
        encoder has positions for are read in parts.
        """
        found = [torch.zeros(self.dimension, len(text)) for text in texts]
        jobs = [job for place, text in enumerate(texts) for job in self._windows(place, text)]
        jobs.sort(key=lambda job: (len(job[1]), job[0]))
        start = 0
        while start < len(jobs):
            end = start + 1
            while (
                end < len(jobs)
                and end - start < MOST_TEXTS
                and (end - start + 1) * (len(jobs[end][1]) + 2) <= BATCH_TOKENS
            ):
                end += 1
            vectors = self._together([ids for _, ids, _ in jobs[start:end]])
            for (place, _, owners), row in zip(jobs[start:end], vectors, strict=True):
                for token, (first, last) in enumerate(owners):
                    found[place][:, first:last] = row[token][:, None]
            start = end
        return found

    def _windows(self, place: int, text: str) -> list[tuple[int, list[int], list[tuple[int, int]]]]:
        """Parts of a text: its place, token ids, and the characters that each token stands for."""
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        ids, owners = list(encoded.ids), list(encoded.offsets)
        step = self._longest
        return [(place, ids[at : at + step], owners[at : at + step]) for at in range(0, len(ids), step)]

    @torch.inference_mode()
    def _together(self, rows: Sequence[list[int]]) -> list[Tensor]:
        """Hidden states `[T, D]` of each row of ids, without those of the two marks."""
        first, last = self._marks
        longest = max(map(len, rows)) + 2
        ids = torch.zeros(len(rows), longest, dtype=torch.long)
        mask = torch.zeros(len(rows), longest, dtype=torch.long)
        for number, row in enumerate(rows):
            ids[number, : len(row) + 2] = torch.tensor([first, *row, last])
            mask[number, : len(row) + 2] = 1
        with exact_matrices():
            hidden = self._network(
                input_ids=ids.to(self.device), attention_mask=mask.to(self.device)
            ).last_hidden_state
        hidden = hidden.float().cpu()
        return [hidden[number, 1 : len(row) + 1].clone() for number, row in enumerate(rows)]


def _demand(folder: Path) -> None:
    why = missing_from(folder)
    if why:
        raise WeightsError(f"{folder} holds no BERT encoder", why, f"Check the path, or {_REMEDY}")


def _tokenizer(folder: Path) -> Any:
    tokenizers = import_optional("tokenizers", "pip install tokenizers")
    try:
        if (folder / "tokenizer.json").is_file():
            tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        else:
            lower = json.loads((folder / "config.json").read_text(encoding="utf-8")).get(
                "do_lower_case", True
            )
            words = import_optional("tokenizers.implementations", "pip install tokenizers")
            tokenizer = words.BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=bool(lower))
    except GsvError:
        raise
    except Exception as error:  # the library raises bare exceptions
        raise WeightsError(f"the words of {folder} cannot be read", str(error), _REMEDY) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _network(folder: Path) -> Any:
    from transformers import BertConfig, BertModel

    config = BertConfig.from_pretrained(str(folder), local_files_only=True)
    if config.num_hidden_layers <= UNUSED_LAYERS:
        raise WeightsError(
            f"{folder} holds no usable BERT encoder", f"it has {config.num_hidden_layers} layers"
        )
    config.num_hidden_layers -= UNUSED_LAYERS
    with torch.device("meta"):  # no time is spent on numbers that are replaced
        layout = {
            key: value.shape for key, value in BertModel(config, add_pooling_layer=False).state_dict().items()
        }
    state = _state(folder, set(layout))
    for key, shape in layout.items():
        if key not in state or state[key].shape != shape:
            why = f"{key} is missing" if key not in state else f"{key} is {list(state[key].shape)}"
            raise WeightsError(f"the weights of {folder} do not fit their configuration", why, _REMEDY)
    network = BertModel(config, add_pooling_layer=False)
    network.load_state_dict(state)
    return network


def _state(folder: Path, wanted: set[str]) -> dict[str, Tensor]:
    """The tensors that are used, under the names of this release of transformers."""
    file = folder / _WEIGHTS[0]
    if not file.is_file():
        file = folder / _WEIGHTS[1]
    if is_bundle(file):
        from safetensors.torch import load_file

        return {
            _name(key): value.float() for key, value in load_file(str(file)).items() if _name(key) in wanted
        }
    with TorchFile(file) as opened:
        references = {_name(key): value for key, value in state_of(opened).items() if _name(key) in wanted}
        return opened.state(references)


def _name(key: str) -> str:
    """A published name without the prefix of a whole model; old files call the parts of a norm otherwise."""
    key = key.removeprefix("bert.")
    if "LayerNorm" in key:
        key = key.replace(".gamma", ".weight").replace(".beta", ".bias")
    return key
