"""Both engines keep the same promises: one suite, run by the embedded engine and by a real Temporal server."""
