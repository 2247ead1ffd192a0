"""What phone follows which: a small recurrent network over symbol ids, trained on texts alone.

Knows phone ids and its own file. Knows no audio: the beam that hears with it is in `gsv/listening/beam.py`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.errors import WeightsError
from gsv.files import write_bytes

LANGUAGE_FILE = "language.safetensors"
"""Its name in the folder of a content encoder."""


class PhoneLanguage(nn.Module):
    """Log-probabilities of the next phone, given those before it.

    A sequence begins with the id `symbols`, which is no phone. There is no end: what is read may stop anywhere.
    """

    def __init__(self, symbols: int, embedding: int = 128, hidden: int = 512, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols + 1, embedding)
        self.recurrent = nn.GRU(embedding, hidden, batch_first=True)
        self.output = nn.Linear(hidden, embedding)
        self.bias = nn.Parameter(torch.zeros(symbols))
        self.dropout = dropout

    @property
    def symbols(self) -> int:
        """Number of phone ids; also the id that a sequence begins with."""
        return len(self.bias)

    def forward(self, ids: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits `[B, T, V]` of what follows each of `ids` `[B, T]`, and the state `[1, B, H]` after the last."""
        hidden, state = self.recurrent(self._dropped(self.embedding(ids)), state)
        spoken = self.embedding.weight[: self.symbols]
        return self.output(self._dropped(hidden)) @ spoken.T + self.bias, state

    def _dropped(self, values: Tensor) -> Tensor:
        return functional.dropout(values, self.dropout, self.training)

    @torch.inference_mode()
    def follow(self, ids: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """One step of `B` sequences: log-probabilities `[B, V]` after `ids` `[B]`, and the states `[1, B, H]`."""
        logits, state = self(ids[:, None], state)
        return logits[:, 0].float().log_softmax(-1), state

    def save(self, path: Path) -> None:
        """Write the weights in float16."""
        from safetensors.torch import save

        state = {key: value.half().contiguous() for key, value in self.state_dict().items()}
        write_bytes(path, save(state, metadata={"format": "pt"}))

    @classmethod
    def load(cls, path: Path, symbols: int) -> PhoneLanguage:
        """The network of a file, in evaluation mode and float32.

        Raises WeightsError for a file that is none, or that speaks of another number of symbols.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        remedy = "python tools/models.py verify"
        try:
            state = {key: value.float() for key, value in load_file(str(path)).items()}
            rows, width = state["embedding.weight"].shape
            network = cls(rows - 1, width, state["output.weight"].shape[1])
            network.load_state_dict(state)
        except (SafetensorError, KeyError, ValueError, RuntimeError, OSError) as error:
            raise WeightsError(f"{path} cannot be used", str(error), remedy) from error
        if network.symbols != symbols:
            raise WeightsError(
                f"{path} cannot be used",
                f"it knows {network.symbols} phones, the encoder beside it {symbols}",
                remedy,
            )
        return network.eval()
