"""One file or two for each language: its sounds, its numbers, its rules."""
