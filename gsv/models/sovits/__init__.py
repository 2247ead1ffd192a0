"""The SoVITS synthesizer and its parts: networks only, no files, no text, no choice of device."""
