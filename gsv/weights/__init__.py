"""Files of weights: our own bundle, the published formats, the catalogue and its downloads.

This room knows files and networks; it knows nothing of training, synthesis or audio.
"""
