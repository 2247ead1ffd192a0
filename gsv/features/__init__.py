"""Features of one clip or a batch: content, codes, speaker vector."""
