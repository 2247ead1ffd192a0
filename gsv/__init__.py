"""Speech cloning and conversion: the package behind the studio. Knows only its own version."""

__version__ = "0.1.0"
