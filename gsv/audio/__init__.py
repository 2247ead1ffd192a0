"""Waveforms: files to float32 mono and back, rates, levels, spectrograms.

`gsv.audio.spectrogram` needs torch and is imported by name; everything here is numpy only.
"""

from gsv.audio.reading import CLIP_LIMITS, LONG_LIMITS, Audio, Info, Limits, blocks, probe, read
from gsv.audio.resampling import resample, resample_stream
from gsv.audio.writing import Writer, read_tags, write

__all__ = [
    "CLIP_LIMITS",
    "LONG_LIMITS",
    "Audio",
    "Info",
    "Limits",
    "Writer",
    "blocks",
    "probe",
    "read",
    "read_tags",
    "resample",
    "resample_stream",
    "write",
]
