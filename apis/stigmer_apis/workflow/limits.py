"""How much a workflow document may be."""

TASKS = 10_000
"""Tasks of one document, branches counted."""
LEVELS = 100
"""Lists of tasks inside each other."""
BRANCHES = 1_000
"""Of one fork."""
DEPTH = 512
"""YAML lists and mappings inside each other: a level of tasks is three to five of these."""
EXPRESSION = 64 * 1024
"""Characters of one expression."""
