"""Workflows as they are looked at: a document's tasks with what happened to each. Pure; no client, no screen.

- `values`: what a task took and gave, as text in folded rows.
- `visits`: one time that a task ran. `tree`: the tasks of a document, each with its visits.
- `state`: a run, folded from its events alone.
- `words`: all of it in words. `rows` and `detail`: the tree, and one task whole, as rows of pieces.
- `lines`: a run line by line, for the command line.

Imports point up this list.
"""
