"""Runs executions in this process: what a lease grants becomes a run of the engine with its tools.

- `sandboxes`: sandboxes for the environments of clients
- `scratch`: the /tmp of each session
- `hosted`: one execution
- `host`: all of them
- `engines`: which engine drives a run; `engine_run`: runs of command lines
- `process`: what the process does to itself
"""
