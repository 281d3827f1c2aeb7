"""Runs a document of the workflow language inside of a durable workflow: deterministic, with every effect an activity.

- `failing`: errors of the language, as exceptions
- `durations`: lengths of time
- `texts`: parts of documents as plain data; templates of URIs
- `evaluating`: expressions, with the variables that are there
- `telling`: events
- `mailbox`: signals and events that have come
- `carrying`: where a run stops that goes on as a new one
- `visit`: one visit of a task, and what it needs of its run
- `set_and_flow`, `loops`, `forking`, `trying`, `listening`, `calling`: what tasks do, one module a kind or some
- `tasks`: what every task has (condition, shaping, time), and lists of tasks
- `run`: a whole document

Imports point up this list. Nothing here imports the engine but for the names of the workflow library.
"""
