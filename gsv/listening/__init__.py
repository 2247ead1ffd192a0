"""What was said, by whom and how well: recognition, alignment, similarity, quality."""
