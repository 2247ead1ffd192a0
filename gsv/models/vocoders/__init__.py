"""Networks that turn features into waves."""
