"""What is particular to workflows: their documents, their executions, the executions that those start, schedules, callbacks.

- `documents`: what is run, read and checked once. `beginning`: how an execution of a workflow begins.
- `children`: executions that a workflow starts. `signals`: what reaches one from outside, and events that reach many.
- `callbacks`: tasks that somebody outside completes. `cron`, `times`, `schedules`: workflows that start by themselves.
"""
