"""Expressions of workflows: jq, evaluated in a process that may be killed.

jq holds the interpreter's lock, has no limit of time or memory, and knows the environment. So it runs in `child`: a process with an empty environment and
limits of its own, which is killed when an expression takes too long, and started anew with the next one.

- `errors`: what can go wrong
- `limits`: how much an expression may use
- `program`: an expression with its variables as a program of jq
- `plain`: computes the simple ones itself, as jq would
- `child`: the process; imports nothing of Stigmer
- `client`: asks it, synchronously: a workflow's code waits for the answer
- `shared`: the one of this process

Evaluation is a function of what is given: `now`, `uuid` and `random` come from whoever asks.
"""
