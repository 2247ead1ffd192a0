"""Training the quantizer after the content encoder: 1024 codes that keep the words and lose the voice.

Knows a frozen encoder, prepared arrays and the codebook's learning. The features of the whole corpus are
computed once and read from a memory map; what is learned is the projection to 25 frames a second, the
codebook, and heads that only training needs. A quantizer that was trained before gives its codes anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn import functional

from gsv.errors import WeightsError
from gsv.events import Events
from gsv.families import QuantizerConfig
from gsv.files import write_json, writing
from gsv.models.content import ContentEncoder
from gsv.models.sovits.quantizer import Quantizer
from gsv.training.arrays import CODES_FILE, ArrayItem, PreparedArrays
from gsv.training.phone_error import phone_edits, plain_symbols
from gsv.training.survey import FeatureCache, survey

QUANTIZER_FILE = "quantizer.safetensors"


class QuantizerTraining(BaseModel):
    """Settings of a quantizer's training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = 3000
    batch_seconds: float = 120.0
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    reconstruction_weight: float = 0.5
    commitment_weight: float = 0.25
    continuous_steps: int = 300
    """Steps before the codebook is started: the projection first learns what the heads want."""
    head_width: int = 256
    phone_classes: int = 733
    seed: int = 1


class QuantizerLearner(nn.Module):
    """Projection and codebook under the names of a generator's weights, and the heads of training."""

    def __init__(self, dimension: int, settings: QuantizerTraining) -> None:
        super().__init__()
        self.settings = settings
        self.config = QuantizerConfig(frozen=False)
        self.ssl_proj = nn.Conv1d(
            dimension, dimension, self.config.frames_per_code, self.config.frames_per_code
        )
        self.quantizer = Quantizer(self.config, dimension)
        self.phone_head = nn.Sequential(
            nn.Conv1d(dimension, settings.head_width, 5, padding=2),
            nn.ReLU(),
            nn.Conv1d(settings.head_width, settings.phone_classes, 1),
        )
        self.feature_head = nn.Conv1d(dimension, dimension * self.config.frames_per_code, 3, padding=1)

    def losses(
        self, features: Tensor, counts: Tensor, items: list[ArrayItem], step: int, generator: torch.Generator
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Weighted losses of `features` `[B, C, F]` with `counts` `[B]` real frames; and the codes `[B, S]`."""
        projected = self.ssl_proj(features)
        code_counts = counts // self.config.frames_per_code
        mask = torch.arange(projected.shape[2])[None] < code_counts[:, None]
        codes = torch.zeros(projected.shape[0], projected.shape[2], dtype=torch.long)
        losses: dict[str, Tensor] = {}
        if step >= self.settings.continuous_steps:
            quantized = self.quantizer(projected, mask, generator)
            projected, codes = quantized.features, quantized.codes
            losses["commitment"] = self.settings.commitment_weight * quantized.commitment_loss
        scores = self.phone_head(projected).log_softmax(1).permute(2, 0, 1)
        phones = torch.tensor([phone for item in items for phone in item.spoken])
        lengths = torch.tensor([len(item.spoken) for item in items])
        losses["ctc"] = functional.ctc_loss(
            scores, phones, code_counts, lengths, blank=self.settings.phone_classes - 1, zero_infinity=True
        )
        restored = self.feature_head(projected)
        batch, _, steps = restored.shape
        restored = restored.view(batch, -1, self.config.frames_per_code, steps).transpose(2, 3).flatten(2)
        error = (restored - features[:, :, : restored.shape[2]]).square().mean(1)
        valid = mask.repeat_interleave(self.config.frames_per_code, 1)
        losses["reconstruction"] = self.settings.reconstruction_weight * error[valid].mean()
        return losses, codes

    @torch.inference_mode()
    def encode(self, features: Tensor) -> Tensor:
        """Codes `[S]` of one clip's features `[F, C]`."""
        return self.quantizer.encode(self.ssl_proj(features.T[None]))[0]

    def shipped_state(self) -> dict[str, Tensor]:
        """What goes into a generator: `ssl_proj.*` and `quantizer.*`, float32."""
        state = self.state_dict()
        return {
            k: v.float().contiguous() for k, v in state.items() if k.startswith(("ssl_proj.", "quantizer."))
        }


@dataclass(frozen=True)
class QuantizerReport:
    """What a trained quantizer keeps, on held-out items."""

    codes_in_use: float
    """Share of the 1024 codes that occur."""
    perplexity: float
    phone_error: dict[str, float]
    """By language, read from the codes by the training head, without tone and stress."""


@torch.inference_mode()
def report(learner: QuantizerLearner, cache: FeatureCache, items: list[ArrayItem]) -> QuantizerReport:
    """Measure a quantizer on `items`."""
    plain = plain_symbols()
    uses = torch.zeros(learner.config.codes)
    errors: dict[str, list[int]] = {}
    for item in items:
        codes = learner.encode(cache.features(item.name))
        uses += torch.bincount(codes, minlength=learner.config.codes)
        logits = learner.phone_head(learner.quantizer.decode(codes[None]))[0].T
        counted = errors.setdefault(item.language, [0, 0])
        counted[0] += phone_edits(logits, item.spoken, plain)
        counted[1] += len(item.spoken)
    shares = uses / uses.sum()
    entropy = -(shares[shares > 0] * shares[shares > 0].log()).sum()
    rates = {language: wrong / max(1, total) for language, (wrong, total) in sorted(errors.items())}
    return QuantizerReport(float((uses > 0).float().mean()), float(entropy.exp()), rates)


def train_quantizer(
    encoder: ContentEncoder,
    arrays: PreparedArrays,
    output: Path,
    settings: QuantizerTraining,
    events: Events,
) -> QuantizerReport:
    """Train on the `train` part, write `quantizer.safetensors` into `output` and the codes of every item into
    the arrays' folder, under the encoder's version.

    Raises DataError if the encoder has no version: codes without one cannot be told apart later.
    """
    cache = survey(encoder, arrays, output / "features", events)
    items = sorted((i for i in arrays.part("train") if i.spoken), key=lambda item: item.length16)
    torch.manual_seed(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    learner = QuantizerLearner(encoder.dimension, settings)
    optimizer = torch.optim.AdamW(learner.parameters(), lr=settings.learning_rate, betas=(0.9, 0.98))
    learner.train()
    for step in range(settings.steps):
        events.check_stop()
        group = _group(items, settings.batch_seconds, generator)
        features = [cache.features(item.name) for item in group]
        counts = torch.tensor([len(f) for f in features])
        padded = nn.utils.rnn.pad_sequence(features, batch_first=True).transpose(1, 2)
        rate = min(1.0, (step + 1) / settings.warmup_steps) * (1 - step / settings.steps) ** 0.5
        for parameters in optimizer.param_groups:
            parameters["lr"] = settings.learning_rate * max(rate, 0.02)
        losses, codes = learner.losses(padded, counts, group, step, generator)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % 50 == 0:
            events.metric(
                step + 1, {k: float(v.detach()) for k, v in losses.items()}, codes=int(codes.unique().numel())
            )
            events.progress(step + 1, settings.steps, "quantizer")
    learner.eval()
    result = report(learner, cache, arrays.part("held"))
    _write(learner, cache, arrays, encoder, output)
    return result


def _group(items: list[ArrayItem], seconds: float, generator: torch.Generator) -> list[ArrayItem]:
    """Neighbours in length from a random place, about `seconds` together."""
    start = int(torch.randint(len(items), (), generator=generator))
    group: list[ArrayItem] = []
    while start < len(items) and sum(i.seconds for i in group) < seconds:
        group.append(items[start])
        start += 1
    return group


def _write(
    learner: QuantizerLearner,
    cache: FeatureCache,
    arrays: PreparedArrays,
    encoder: ContentEncoder,
    output: Path,
) -> None:
    from safetensors.torch import save_file

    with writing(output / QUANTIZER_FILE) as temporary:
        save_file(
            learner.shipped_state(), str(temporary), metadata={"format": "pt", "version": encoder.version}
        )
    _write_codes(learner, cache, arrays, encoder.version)


def codes_again(
    encoder: ContentEncoder, arrays: PreparedArrays, weights: Path, features: Path, events: Events
) -> int:
    """Write the codes of every item with a quantizer that is there, alone or inside of a generator's file.

    So training goes on where only the shipped weights are left. `features` is the folder of the features'
    cache. Returns the number of clips.

    Raises:
        WeightsError: the file holds no quantizer that fits the encoder.
        DataError: the encoder has no version.
    """
    learner = frozen_quantizer(weights, encoder.dimension)
    _write_codes(learner, survey(encoder, arrays, features, events), arrays, encoder.version)
    return len(arrays.items)


def frozen_quantizer(weights: Path, dimension: int) -> QuantizerLearner:
    """A quantizer that was trained before, for features of `dimension` channels; its heads are untrained.

    Raises WeightsError: the file holds no quantizer that fits.
    """
    learner = QuantizerLearner(dimension, QuantizerTraining()).eval()
    learner.load_state_dict(_quantizer_state(weights, learner), strict=False)
    return learner


def _quantizer_state(weights: Path, learner: QuantizerLearner) -> dict[str, Tensor]:
    """The float32 tensors of a quantizer in a safetensors file. Raises WeightsError where they do not fit."""
    from safetensors import SafetensorError, safe_open

    wanted = learner.shipped_state()
    remedy = "name a file of tools/pretrain_content.py quantizer, or the generator that was made with it"
    try:
        with safe_open(str(weights), framework="pt") as file:
            names = set(file.keys())
            state = {name: file.get_tensor(name).float() for name in wanted if name in names}
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{weights} cannot be read", str(error), remedy) from error
    odd = [name for name in wanted if name not in state or state[name].shape != wanted[name].shape]
    if odd:
        raise WeightsError(f"{weights} holds no quantizer for this encoder", f"{odd[0]} does not fit", remedy)
    return state


def _write_codes(
    learner: QuantizerLearner, cache: FeatureCache, arrays: PreparedArrays, version: str
) -> None:
    codes = {item.name: learner.encode(cache.features(item.name)).tolist() for item in arrays.items}
    write_json(arrays.folder / CODES_FILE, {"version": version, "codes": codes})
