"""One module a subject; each function measures some figures that belong together."""
