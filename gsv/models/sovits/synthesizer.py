"""The synthesizer: one network for training, synthesis and conversion, in every family.

Knows the order of its parts and the shapes between them. It draws all randomness from the generator it is
given. Codes are `[B, 1, S]`, phones `[B, N]`, spectrograms `[B, bins, T]`, waves `[B, 1, samples]`; a latent
frame is `config.hop_length` samples, a code `config.quantizer.frames_per_code` latent frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from gsv.errors import InputError
from gsv.families import FamilyConfig
from gsv.models.layers import length_mask, normal_like
from gsv.models.sovits.decoder import build_decoder
from gsv.models.sovits.flow import CouplingFlow
from gsv.models.sovits.posterior import PosteriorEncoder
from gsv.models.sovits.prior import PriorEncoder, PriorStatistics
from gsv.models.sovits.quantizer import Quantizer
from gsv.models.sovits.reference import ReferenceEncoder
from gsv.models.sovits.segments import cut_segments, draw_segments
from gsv.models.sovits.text_path import text_path
from gsv.models.sovits.training_pass import PriorPass, TrainingBatch, TrainingPass


class Synthesizer(nn.Module):
    """Content codes, phones and a speaker to a wave.

    Without the posterior (files made for synthesis only have none) it cannot be trained or reconstruct.
    """

    def __init__(self, config: FamilyConfig, with_posterior: bool = True) -> None:
        super().__init__()
        self.config = config
        width, per_code = config.content_dimension, config.quantizer.frames_per_code
        self.enc_p = PriorEncoder(config)
        self.dec = build_decoder(config)
        if with_posterior:
            self.enc_q = PosteriorEncoder(config)
        self.flow = CouplingFlow(config)
        self.ref_enc = ReferenceEncoder(config)
        self.ssl_proj = nn.Conv1d(width, width, per_code, stride=per_code)
        self.quantizer = Quantizer(config.quantizer, width)
        if config.speaker_input is not None:
            self.sv_emb = nn.Linear(config.speaker_input.dimension, config.speaker_dimension)
            if config.speaker_dimension != config.prior.cross_attention:
                self.ge_to512 = nn.Linear(config.speaker_dimension, config.prior.cross_attention)
            self.prelu = nn.PReLU(config.speaker_dimension)

    @property
    def has_posterior(self) -> bool:
        """Whether the encoder of recordings is there."""
        return hasattr(self, "enc_q")

    # --- parts

    def speaker_of(
        self,
        spectrogram: Tensor,
        lengths: Tensor | None = None,
        embedding: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Speaker vector `[B, G, 1]` of references `[B, bins, T]` and their speaker embeddings `[B, D]`.

        `lengths` `[B]` are the valid frames; `generator` is for dropout in training. Raises `InputError`
        where the family needs an embedding and none came, or takes none and one came.
        """
        frames = spectrogram.shape[2]
        if lengths is None:
            lengths = torch.full((len(spectrogram),), frames, device=spectrogram.device)
        vector: Tensor = self.ref_enc(spectrogram, length_mask(lengths, frames), generator)
        wanted = self.config.speaker_input
        if wanted is None and embedding is not None:
            raise InputError(f"family {self.config.name} takes no speaker embedding", "one was given")
        if wanted is None:
            return vector
        if embedding is None and wanted.required:
            raise InputError(
                f"family {self.config.name} needs speaker embeddings",
                "none was given",
                "compute them for every reference first",
            )
        if embedding is not None:
            vector = vector + self.sv_emb(embedding.to(vector.dtype)).unsqueeze(2)
        activated: Tensor = self.prelu(vector)
        return activated

    def speaker_vector(
        self, references: Sequence[Tensor], embeddings: Sequence[Tensor] | None = None
    ) -> Tensor:
        """Mean speaker vector `[B, G, 1]` over references `[B, bins, T]` with their embeddings `[B, D]`."""
        if not references:
            raise InputError("no reference was given", "", "give at least one reference recording")
        if embeddings is not None and len(embeddings) != len(references):
            raise InputError(
                "references and speaker embeddings do not match", f"{len(references)} and {len(embeddings)}"
            )
        vectors: Sequence[Tensor | None] = embeddings or [None] * len(references)
        pairs = zip(references, vectors, strict=True)
        return torch.stack([self.speaker_of(clip, embedding=vector) for clip, vector in pairs]).mean(dim=0)

    def prior(
        self,
        features: Tensor,
        lengths: Tensor,
        phones: Tensor,
        phone_lengths: Tensor,
        speaker: Tensor,
        speed: float = 1.0,
        generator: torch.Generator | None = None,
        places: Tensor | None = None,
        watched: list[Tensor] | None = None,
    ) -> PriorStatistics:
        """Prior of quantized `features` `[B, C, T]` at the latent's rate, for `speaker` `[B, G, 1]`.

        `places` `[B, T]`: which phone each frame says, negative where that is not known. Where frames look at
        the phones, `[B, T, N]`, is added to `watched`.
        """
        if hasattr(self, "ge_to512"):
            speaker = self.ge_to512(speaker.squeeze(2)).unsqueeze(2)
        statistics: PriorStatistics = self.enc_p(
            features, lengths, phones, phone_lengths, speaker, speed, generator, places, watched
        )
        return statistics

    def text_places(
        self, features: Tensor, lengths: Tensor, phones: Tensor, phone_lengths: Tensor
    ) -> Tensor | None:
        """Which phone each frame of `features` `[B, C, T]` says, `[B, T]`, by where the frames look.

        None in a family that does not follow the text; negative beyond an item's end, and without a text.
        """
        if not self.config.prior.follows_text or int(phone_lengths.max()) < 2:
            return None
        looked = self.enc_p.looks(features, lengths, phones, phone_lengths)
        places = torch.full(looked.shape[:2], -1, device=features.device)
        for row, frames, count in zip(
            range(len(looked)), lengths.tolist(), phone_lengths.tolist(), strict=True
        ):
            if count > 1:
                places[row, :frames] = text_path(looked[row, :frames, :count])
        return places

    def features_of(self, codes: Tensor) -> Tensor:
        """Codes `[B, S]` to features `[B, C, S * frames_per_code]` at the latent's rate."""
        return self._spread(self.quantizer.decode(codes))

    def _spread(self, features: Tensor) -> Tensor:
        """Repeat each code's features for the frames it stands for."""
        return features.repeat_interleave(self.config.quantizer.frames_per_code, dim=2)

    # --- synthesis

    @torch.no_grad()
    def extract_latent(self, content: Tensor) -> Tensor:
        """Content features `[B, C, T]` to codes `[B, 1, T // frames_per_code]`, always in float32."""
        with torch.autocast(content.device.type, enabled=False):
            return self.quantizer.encode(self.ssl_proj(content)).unsqueeze(1)

    def latent(
        self,
        codes: Tensor,
        phones: Tensor,
        speaker: Tensor,
        *,
        noise_scale: float = 0.5,
        speed: float = 1.0,
        code_lengths: Tensor | None = None,
        phone_lengths: Tensor | None = None,
        phone_places: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Codes `[B, 1, S]` and phones `[B, N]` to the latent `[B, latent, T]` and its mask `[B, 1, T]`.

        `T` is `S * frames_per_code` at speed 1, else `int(that / speed) + 1`. A `noise_scale` above zero
        needs a generator. `phone_places` `[B, S * frames_per_code]`: as in `prior`; without it, `text_places`.
        """
        if speed <= 0:
            raise InputError(f"speed {speed} is not possible", "it must be above zero")
        features = self.features_of(codes[:, 0])
        per_code = self.config.quantizer.frames_per_code
        everything = torch.full((len(codes),), codes.shape[2], device=codes.device)
        lengths = (everything if code_lengths is None else code_lengths) * per_code
        if phone_lengths is None:
            phone_lengths = torch.full((len(phones),), phones.shape[1], device=phones.device)
        if phone_places is None:
            phone_places = self.text_places(features, lengths, phones, phone_lengths)
        prior = self.prior(features, lengths, phones, phone_lengths, speaker, speed, places=phone_places)
        z_p = prior.mean
        if noise_scale > 0:
            z_p = z_p + normal_like(z_p, generator) * prior.log_std.exp() * noise_scale
        return self.flow(z_p, prior.mask, speaker, reverse=True), prior.mask

    @torch.inference_mode()
    def decode(
        self,
        codes: Tensor,
        phones: Tensor,
        references: Sequence[Tensor] | None = None,
        *,
        noise_scale: float = 0.5,
        speed: float = 1.0,
        speaker_embedding: Sequence[Tensor] | None = None,
        speaker: Tensor | None = None,
        phone_places: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Codes `[B, 1, S]` and phones `[B, N]` to a wave `[B, 1, T * hop_length]`.

        The speaker comes from `references` (with one `speaker_embedding` each, for families that have them)
        or is a vector `[B, G, 1]` that `speaker_vector` made before.
        """
        if speaker is None:
            speaker = self.speaker_vector(references or (), speaker_embedding)
        z, mask = self.latent(
            codes,
            phones,
            speaker,
            noise_scale=noise_scale,
            speed=speed,
            phone_places=phone_places,
            generator=generator,
        )
        wave: Tensor = self.dec(z * mask, speaker)
        return wave

    @torch.inference_mode()
    def reconstruct(self, spectrogram: Tensor, speaker: Tensor) -> Tensor:
        """A spectrogram `[B, bins, T]` through the posterior's mean to a wave `[B, 1, T * hop_length]`."""
        mask = torch.ones_like(spectrogram[:, :1])
        mean, _ = self._posterior()(spectrogram, mask, speaker)
        wave: Tensor = self.dec(mean, speaker)
        return wave

    # --- training

    def forward(self, batch: TrainingBatch, generator: torch.Generator | None = None) -> TrainingPass:
        """The training pass; this name is for wrappers that split a batch over devices."""
        return self.training_pass(batch, generator)

    def training_pass(self, batch: TrainingBatch, generator: torch.Generator | None = None) -> TrainingPass:
        """Everything the losses need for one batch.

        `generator` gives what the batch leaves open (noise, slices) and dropout. Raises `InputError` for a
        target shorter than a slice, or missing randomness.
        """
        mask = length_mask(batch.lengths, batch.spectrogram.shape[2])
        speaker = self._training_speaker(batch, mask, generator)
        m_q, logs_q, z, z_p = self._latents(batch, mask, speaker, generator)
        prior, commitment, watched = self._training_prior(batch, speaker, generator)
        starts = batch.segment_starts
        if starts is None:
            starts = draw_segments(batch.lengths, self.config.segment_frames, generator)
        audio, prior_audio = self._decode_slices(z, prior, speaker, starts, batch.decode_prior)
        return TrainingPass(
            audio,
            prior_audio,
            starts,
            mask,
            z,
            z_p,
            prior.mean,
            prior.log_std,
            m_q,
            logs_q,
            commitment,
            watched,
        )

    def prior_pass(self, batch: TrainingBatch, generator: torch.Generator | None = None) -> PriorPass:
        """What the prior's own losses need; nothing is decoded, and no gradient reaches anything but the prior.

        Raises `InputError` as `training_pass`.
        """
        mask = length_mask(batch.lengths, batch.spectrogram.shape[2])
        with torch.no_grad():
            speaker = self._training_speaker(batch, mask, generator)
            _, logs_q, _, z_p = self._latents(batch, mask, speaker, generator)
        prior, _, watched = self._training_prior(batch, speaker, generator)
        return PriorPass(mask, z_p, logs_q, prior.mean, prior.log_std, watched)

    def _latents(
        self, batch: TrainingBatch, mask: Tensor, speaker: Tensor, generator: torch.Generator | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Mean and log-std of the posterior, a sample of it, and that sample in the prior's space."""
        m_q, logs_q = self._posterior()(batch.spectrogram, mask, speaker)
        noise = batch.posterior_noise
        if noise is None:
            noise = normal_like(m_q, generator)
        z = (m_q + noise * logs_q.exp()) * mask
        return m_q, logs_q, z, self.flow(z, mask, speaker)

    def _training_prior(
        self, batch: TrainingBatch, speaker: Tensor, generator: torch.Generator | None
    ) -> tuple[PriorStatistics, Tensor, Tensor | None]:
        """The prior of a batch, the commitment loss, and where the frames look at the phones, if asked for."""
        features, commitment = self._training_features(batch, batch.spectrogram.shape[2], generator)
        watched: list[Tensor] | None = [] if batch.watch_text else None
        prior = self.prior(
            features,
            batch.lengths,
            batch.phones,
            batch.phone_lengths,
            speaker,
            generator=generator,
            places=batch.phone_places,
            watched=watched,
        )
        return prior, commitment, watched[0] if watched else None

    def text_attention(self, batch: TrainingBatch) -> Tensor:
        """Where the frames of a batch look at the phones, `[B, T, N]`: a small part of a training pass.

        Only the text's side learns from it. Raises `InputError` without content features or codes.
        """
        features, _ = self._training_features(batch, batch.spectrogram.shape[2], None)
        looked: Tensor = self.enc_p.looks(features, batch.lengths, batch.phones, batch.phone_lengths)
        return looked

    def _posterior(self) -> PosteriorEncoder:
        """The encoder of recordings, or the reason why there is none."""
        if not self.has_posterior:
            raise InputError(
                "these weights cannot be trained",
                "they hold no posterior encoder (made for synthesis only)",
                "start from the base weights of the family",
            )
        return self.enc_q

    def _training_speaker(
        self, batch: TrainingBatch, mask: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        """Speaker vector of the batch: of the given references, else of the targets themselves."""
        clip, lengths = batch.reference, batch.reference_lengths
        if clip is None:
            clip, lengths = batch.spectrogram, batch.lengths
        return self.speaker_of(clip, lengths, batch.speaker_embedding, generator)

    def _training_features(
        self, batch: TrainingBatch, frames: int, generator: torch.Generator | None
    ) -> tuple[Tensor, Tensor]:
        """Quantized features `[B, C, frames]` and the commitment loss; in float32 whatever the precision."""
        nothing = batch.spectrogram.new_zeros(())
        if batch.codes is not None:
            return _fit(self.features_of(batch.codes), frames), nothing
        if batch.content is None:
            raise InputError("the batch has neither content features nor codes")
        with torch.autocast(batch.content.device.type, enabled=False):
            content = _fit(batch.content.float(), frames)
            if self.config.quantizer.frozen:
                codes = self.extract_latent(content)[:, 0]
                return _fit(self.features_of(codes), frames), nothing
            projected = self.ssl_proj(content)
            per_code = self.config.quantizer.frames_per_code
            valid = length_mask(batch.lengths // per_code, projected.shape[2])[:, 0]
            result = self.quantizer(projected, valid, generator)
            return _fit(self._spread(result.features), frames), result.commitment_loss

    def _decode_slices(
        self, z: Tensor, prior: PriorStatistics, speaker: Tensor, starts: Tensor, decode_prior: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Waves of the slices of the posterior's latent and, if asked for, of the prior's, in one call."""
        size = self.config.segment_frames
        slices = cut_segments(z, starts, size)
        if not decode_prior:
            return self.dec(slices, speaker), None
        likely = self.flow(prior.mean, prior.mask, speaker, reverse=True)
        both = torch.cat((slices, cut_segments(likely, starts, size)))
        audio, prior_audio = self.dec(both, torch.cat((speaker, speaker))).chunk(2)
        return audio, prior_audio


def new_synthesizer(config: FamilyConfig, seed: int) -> Synthesizer:
    """A synthesizer with fresh weights that depend on `seed` alone; global random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Synthesizer(config)


def _fit(features: Tensor, frames: int) -> Tensor:
    """`[B, C, T]` cut to `frames`, or its last frame repeated up to there."""
    missing = frames - features.shape[2]
    return (
        functional.pad(features, (0, missing), mode="replicate") if missing > 0 else features[:, :, :frames]
    )
