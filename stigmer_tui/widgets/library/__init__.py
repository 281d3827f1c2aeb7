"""Resources in a list, and one of them whole."""
