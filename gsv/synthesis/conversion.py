"""Voice conversion: what a source says, in the voice of a reference, at any length in constant memory.

Knows the order: content, codes, phones, latent, decoder. Does not know how a page or a script asks for it.
Every request brings its own seed; the same seed, files and settings give the same output.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional

from gsv.audio import Writer, blocks, probe, resample
from gsv.errors import DataError, WeightsError
from gsv.events import Events
from gsv.listening.recognition import Recogniser
from gsv.models.content import SAMPLE_RATE, ContentEncoder
from gsv.models.phone_language import PhoneLanguage
from gsv.models.sovits.synthesizer import Synthesizer
from gsv.synthesis.joining import DecoderStream, LatentJoiner, NoiseTape, Window, windows
from gsv.synthesis.phones import PhoneSource, Stretch, choose_phones
from gsv.synthesis.references import SpeakerEmbedder, speaker_of

TAGS = {"comment": "synthetic", "software": "gsv voice conversion"}
"""Marks every file as made by a machine."""

_BLOCK_SECONDS = 5.0
_FRAME_SPAN = 400
"""Samples that the first frame of the content encoder hears; its frames begin every 320."""


class ConversionOptions(BaseModel):
    """What a person may set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = Field(default="", description="what the source says; empty: it is listened to")
    language: str = Field(default="", description="language of the text, or of the source for a recogniser")
    noise_scale: float | None = Field(
        default=None, ge=0, le=2, description="randomness of the voice; 0 is flat; none: the family's own"
    )
    speed: float = Field(default=1.0, ge=0.25, le=4, description="above 1 is faster; the pitch stays")
    seed: int = Field(default=0, ge=0, lt=1 << 63, description="the same seed gives the same file")
    window_seconds: float = Field(
        default=20.0, ge=4, le=50, description="length of what is converted at a time"
    )
    overlap_seconds: float = Field(default=2.0, ge=0.5, le=2, description="shared by neighbouring windows")


@dataclass(frozen=True)
class ConversionReport:
    """What was done: seconds of source and output, windows, and where the phones came from."""

    source_seconds: float
    output_seconds: float
    windows: int
    phones: str
    seed: int


class Converter:
    """Loaded networks; safe to share between requests, which carry all their own state."""

    def __init__(
        self,
        synthesizer: Synthesizer,
        encoder: ContentEncoder,
        *,
        device: torch.device | str = "cpu",
        recogniser: Recogniser | None = None,
        embedder: SpeakerEmbedder | None = None,
        phone_language: PhoneLanguage | None = None,
    ) -> None:
        """`phone_language` helps the encoder's phone head to read.

        Raises WeightsError where encoder and voice do not belong together.
        """
        config = synthesizer.config
        if encoder.dimension != config.content_dimension:
            raise WeightsError(
                "The content encoder does not fit the voice",
                f"its features have {encoder.dimension} channels, {config.name} was trained on "
                f"{config.content_dimension}",
                "Name the encoder of this family with --content.",
            )
        self.config = config
        self.device = torch.device(device)
        self.synthesizer = synthesizer.eval().to(self.device)
        self.encoder = encoder.eval().to(self.device)
        self.recogniser = recogniser
        self.embedder = embedder
        self.phone_language = phone_language

    @property
    def samples_per_code(self) -> int:
        """16 kHz samples of source for one code."""
        return round(SAMPLE_RATE / self.config.code_rate)

    def phone_source(self, options: ConversionOptions) -> PhoneSource:
        """Where this request's phones come from; raises as `choose_phones`."""
        # The head speaks in ids of table v2, which the other tables do not share.
        hears = self.encoder.has_ctc and self.config.symbols == "v2"
        return choose_phones(
            text=options.text,
            language=options.language,
            version=self.config.symbols,
            hears=hears,
            recogniser=self.recogniser,
            phone_language=self.phone_language,
        )

    @torch.inference_mode()
    def speaker(self, references: Sequence[Path]) -> Tensor:
        """Speaker vector `[1, G, 1]` of reference files; raises as `speaker_of`."""
        return speaker_of(self.synthesizer, references, self.embedder, self.device)

    def convert(
        self, samples: np.ndarray, rate: int, speaker: Tensor, options: ConversionOptions | None = None
    ) -> np.ndarray:
        """A clip `[T]` at `rate` Hz as `[T / speed]` at the family's rate, in the voice of `speaker`."""
        wave = resample(samples, rate, SAMPLE_RATE)
        pieces = Conversion(self, speaker, options or ConversionOptions(), len(wave)).run([wave])
        return np.concatenate([np.zeros(0, dtype=np.float32), *pieces])

    @torch.inference_mode()
    def listen(self, samples: np.ndarray) -> tuple[Tensor, Tensor | None]:
        """Content `[1, C, F]` of a 16 kHz window, F whole codes' worth, and the phone head's logits."""
        unit = self.samples_per_code
        # Whole codes, and as much behind them as the last frame hears.
        padded = -len(samples) % unit + _FRAME_SPAN - SAMPLE_RATE // self.config.content_rate
        wave = functional.pad(torch.from_numpy(np.ascontiguousarray(samples)), (0, padded))[None].to(
            self.device
        )
        layers, _ = self.encoder.layers(wave)
        content = self.encoder.select(layers).transpose(1, 2)
        if not torch.isfinite(content).all():
            raise DataError(
                "The content encoder gave values that are not numbers", "", "Use --precision float32."
            )
        return content.float(), self.encoder.read(layers) if self.encoder.has_ctc else None


class Conversion:
    """One request: its own randomness, windows and counters. `run` once."""

    def __init__(
        self,
        converter: Converter,
        speaker: Tensor,
        options: ConversionOptions,
        total: int | None = None,
        events: Events | None = None,
    ) -> None:
        """`total` is the length of the source in 16 kHz samples where it is known. Raises as `phone_source`."""
        self.phones = converter.phone_source(options)
        self.heard = 0
        """16 kHz samples of source so far."""
        self.given = 0
        """Samples of output so far."""
        self.windows = 0
        self._converter, self._speaker, self._options = converter, speaker, options
        self._total, self._events = total, events or Events()
        config = converter.config
        self._frames_per_code = config.quantizer.frames_per_code
        self._scale = config.sample_rate / SAMPLE_RATE / options.speed
        self._noise_scale = config.noise_scale if options.noise_scale is None else options.noise_scale
        self._noise = NoiseTape(config.latent, torch.Generator().manual_seed(options.seed))

    def run(self, source: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Waves `[t]` float32 at the family's rate for 16 kHz blocks of the source.

        Together they last exactly as long as the source, over the speed. Raises the typed errors of its
        parts, and Cancelled on request.
        """
        decoder = DecoderStream(
            self._converter.synthesizer.dec, self._speaker, self._converter.config.hop_length
        )
        for latent in self._latents(source):
            yield from self._exactly(decoder.push(latent))
        yield from self._exactly(decoder.finish())
        missing = self._due() - self.given
        if missing > 0:
            self.given += missing
            yield np.zeros(missing, dtype=np.float32)

    def _latents(self, source: Iterable[np.ndarray]) -> Iterator[Tensor]:
        """Settled latents `[1, C, T]` of the source, window by window."""
        unit, options = self._converter.samples_per_code, self._options
        overlap = max(1, round(options.overlap_seconds * SAMPLE_RATE / unit))
        size = max(round(options.window_seconds * SAMPLE_RATE / unit), 2 * overlap)
        # A third of the overlap is faded; the rest gives both windows something to hear around it.
        joiner = LatentJoiner(max(1, overlap // 3) * self._frames_per_code)
        for window in windows(self._counted(source), size * unit, (size - overlap) * unit):
            self._events.check_stop()
            start = round(window.start / unit * self._frames_per_code / options.speed)
            settled = joiner.push(self._latent(window, start), start)
            self.windows += 1
            end = window.start + len(window.samples)
            self._events.progress(end, max(end, self._total or end), "samples")
            if settled is not None:
                yield settled
        rest = joiner.finish()
        if rest is not None:
            yield rest

    @torch.inference_mode()
    def _latent(self, window: Window, start: int) -> Tensor:
        """Latent `[1, C, T]` of one window, which begins at frame `start` of the output."""
        network, options = self._converter.synthesizer, self._options
        content, logits = self._converter.listen(window.samples)
        said = self.phones.phones(self._stretch(window, logits))
        ids = said.ids or [network.config.blank_phone]
        features = network.features_of(network.extract_latent(content)[:, 0])
        lengths, phone_lengths = (
            torch.tensor([n], device=content.device) for n in (features.shape[2], len(ids))
        )
        phones = torch.tensor([ids], device=content.device)
        places = None
        if any(said.trusted):
            places = network.text_places(features, lengths, phones, phone_lengths)
        if places is not None:
            trusted = torch.tensor(said.trusted, device=places.device)
            places = torch.where((places >= 0) & trusted[places.clamp(min=0)], places, -1)
        prior = network.prior(
            features, lengths, phones, phone_lengths, self._speaker, options.speed, places=places
        )
        z_p = prior.mean
        if self._noise_scale > 0:
            noise = self._noise.take(start, z_p.shape[2]).to(z_p)
            z_p = z_p + noise * prior.log_std.exp() * self._noise_scale
        latent: Tensor = network.flow(z_p, prior.mask, self._speaker, reverse=True) * prior.mask
        return latent

    def _stretch(self, window: Window, logits: Tensor | None) -> Stretch:
        """Where the window lies in the source; what is not known to be longer ends here."""
        end = window.start + len(window.samples)
        whole = end if window.last or self._total is None else max(end, self._total)
        return Stretch(window.samples, logits, window.start / whole, end / whole)

    def _counted(self, source: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in source:
            self.heard += len(block)
            yield block

    def _due(self) -> int:
        """Samples of output that the source so far is worth."""
        return round(self.heard * self._scale)

    def _exactly(self, pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The pieces, without the padding behind the end of the source."""
        for piece in pieces:
            piece = piece[: max(0, self._due() - self.given)]
            self.given += len(piece)
            if len(piece):
                yield piece


def convert_file(
    converter: Converter,
    source: Path,
    references: Sequence[Path],
    output: Path,
    options: ConversionOptions,
    events: Events,
) -> ConversionReport:
    """Convert the file `source` into the voice of `references`, into `output` (.wav or .flac, 16 bits).

    The output appears only when it is complete, and its tags say that it is synthetic. Raises InputError and
    DataError for the files, and what `Converter` raises.
    """
    seconds = probe(source).seconds
    total = None if seconds is None else round(seconds * SAMPLE_RATE)
    speaker = converter.speaker(references)
    conversion = Conversion(converter, speaker, options, total, events)
    rate = converter.config.sample_rate
    with Writer(output, rate, tags=TAGS | {"title": f"seed {options.seed}"}) as writer:
        for piece in conversion.run(blocks(source, SAMPLE_RATE, _BLOCK_SECONDS)):
            writer.append(piece)
    return ConversionReport(
        source_seconds=conversion.heard / SAMPLE_RATE,
        output_seconds=writer.samples / rate,
        windows=conversion.windows,
        phones=type(conversion.phones).__name__,
        seed=options.seed,
    )
