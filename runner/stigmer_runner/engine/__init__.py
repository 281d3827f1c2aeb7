"""The embedded engine: runs a workflow class of the workflow library without a server, from a journal of our own.

A workflow is driven by activations. Each is written down as a `JournalRecord` before anything that it asks for is done,
in one append with the events that it caused; a killed run is replayed from its records and goes on.

Modules, each importing only those above it:

- `temporalio_names`: every name of the workflow library in use; nothing else imports the library
- `errors`: what can go wrong
- `extern`: what a workflow may call outside of itself
- `retry`: whether and when an activity is tried again
- `commands`: what a workflow asks for, as values of our own
- `payloads`, `failures`, `translation`: our records to and from the library's messages
- `journal`: where records and events go
- `chronicle`: what a run's own steps look like as events
- `activities`: what an activity is
- `plan`: what a run runs, and what its child workflows are
- `instance`: one workflow object, driven
- `standing`: what a run waits for, the same for a replay and for a live run
- `recovery`: what becomes of what was under way when a runner died
- `attempts`, `lives`: an activity from its schedule to its resolution, and all of a run
- `timers`, `questions`, `updates`, `inbox`, `drafts`, `callbacks`: parts of a live run
- `children`: its child workflows
- `embedded`: the run itself
"""
