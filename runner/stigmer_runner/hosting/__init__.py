"""Runs executions in this process: what a lease grants becomes a run of the engine with its tools.

- `sandboxes`: sandboxes for the environments of clients
- `scratch`: the /tmp of each session
- `hosted`: one execution
- `host`: all of them
- `engine_run`: brings the engine in, once the runner is linked
- `process`: what the process does to itself
"""
