"""The trainer core, losses, optimisers, generations, metrics."""
