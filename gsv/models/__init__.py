"""Networks only: no file, no text, no device choice."""
