"""The whole backend against a dictionary: whatever is asked of it, in whatever order, whenever it is stopped or killed."""
