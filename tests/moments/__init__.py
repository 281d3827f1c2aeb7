"""Going back to any moment of a run."""
