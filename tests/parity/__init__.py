"""Our networks against recorded outputs of the published ones."""
