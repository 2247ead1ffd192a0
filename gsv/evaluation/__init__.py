"""Error rate, similarity and quality over a set."""
