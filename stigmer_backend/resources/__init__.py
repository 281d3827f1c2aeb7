"""Resources as they are stored: agents, agent instances, sessions, agent executions.

Everything here is a step inside one transaction of the store (`StateRead`, `StateWrite`) or pure; nothing waits, nothing knows gRPC. A step
may run twice (the store repeats a change whose neighbours failed), so it has no effect but on the state.

Imports point down this list: `kinds`, `text`, `stamps` know nothing of the others; `lookup` finds; `rules` checks; `catalogue` writes one
kind; `agents`, `sessions` say what creating and deleting means for theirs; `builtin` is what is there from the first start;
`paging` and `pages` are page tokens and pages, `repeats` idempotency keys.
"""
