"""The line for `:` commands and what it can go on with."""
