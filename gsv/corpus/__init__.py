"""Annotation lists, the experiment folder, training items, batching."""
